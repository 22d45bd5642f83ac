"""Puts the fonts into the PDF. fpdf2 would have fontTools read and write every outline, which takes most of the time a
document takes; HarfBuzz cuts the glyphs that were used out of the font in a millisecond, and the rest is kept as it is.

A code in the page's text is the number of a glyph in the font file (`Identity-H`), which every reader understands.
"""

from collections.abc import Iterator, Sequence
from io import BytesIO
from struct import pack
from typing import Any

import uharfbuzz as hb
from fontTools.ttLib import TTFont as FontTables
from fpdf.fonts import Glyph, SubsetMap, TTFFont
from fpdf.output import CIDSystemInfo, OutputProducer, PDFFont, PDFFontStream
from fpdf.syntax import Name, PDFArray, PDFContentStream, PDFString

_PREFIX = "CERTIF+"
_NOT_IN_PDF = ("BASE", "GDEF", "GPOS", "GSUB", "STAT", "VORG", "cmap", "gasp", "name", "post", "vhea", "vmtx")
_BLOCK = 100
"""Entries of one block of a CMap, at most."""


class ByGlyph(SubsetMap):
    """A glyph's code is its number."""

    def __init__(self, font: TTFFont) -> None:
        super().__init__(font)
        self._char_id_per_glyph = {}

    def pick_glyph(self, glyph: Glyph | None) -> int | None:
        if glyph is None:
            return None
        return self._char_id_per_glyph.setdefault(glyph, glyph.glyph_id)


class Embedding(OutputProducer):
    """For documents whose fonts are all `fonts.subset`'s, with `ByGlyph` codes."""

    def _add_fonts(self, *_: Any) -> dict[int, Any]:
        return {font.i: self._add_font(font) for font in self.fpdf.fonts.values() if isinstance(font, TTFFont)}

    def _add_font(self, font: TTFFont) -> PDFFont:
        glyphs = [glyph for glyph, _ in font.subset.items() if glyph is not None]
        name, cut = _PREFIX + font.name, _cut(font, [glyph.glyph_id for glyph in glyphs])
        info = CIDSystemInfo()
        info.ordering = PDFString("Identity", encrypt=True)
        descriptor: Any = font.desc
        descriptor.font_name = Name(name)
        file = PDFFontStream(contents=_numbered(cut, font) if font.is_cff else cut)
        if font.is_cff:
            file.subtype = Name("CIDFontType0C")  # type: ignore[attr-defined]  # fpdf2 writes out what it finds
            descriptor.font_file3 = file
        else:
            descriptor.font_file2 = file
        widths = sorted({glyph.glyph_id: glyph.glyph_width for glyph in glyphs}.items())
        inner: Any = PDFFont(
            subtype="CIDFontType0" if font.is_cff else "CIDFontType2",
            base_font=name,
            d_w=font.desc.missing_width,
            w="[" + " ".join(f"{number} [{width}]" for number, width in widths) + "]",
        )
        inner.font_descriptor, inner.c_i_d_system_info = descriptor, info
        if not font.is_cff:
            inner.c_i_d_to_g_i_d_map = Name("Identity")
        outer = PDFFont(subtype="Type0", base_font=name, encoding="Identity-H")
        outer.descendant_fonts, outer.to_unicode = PDFArray([inner]), _to_unicode(glyphs)
        for made in (info, file, descriptor, inner, outer.to_unicode, outer):
            self._add_pdf_obj(made, "fonts")
        font.subset.pick.cache_clear()
        font.subset.get_glyph.cache_clear()
        font.close()
        return outer


def _to_unicode(glyphs: Sequence[Glyph]) -> PDFContentStream:
    """Which text a code stands for: what readers search, copy and speak."""
    entries = sorted(_unicodes(glyphs))
    parts = [
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap",
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def",
        "/CMapName /Adobe-Identity-UCS def /CMapType 2 def",
        "1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange",
    ]
    for start in range(0, len(entries), _BLOCK):
        block = entries[start : start + _BLOCK]
        parts += [f"{len(block)} beginbfchar", *block, "endbfchar"]
    parts.append("endcmap CMapName currentdict /CMap defineresource pop end end")
    return PDFContentStream("\n".join(parts).encode(), compress=True)


def _unicodes(glyphs: Sequence[Glyph]) -> Iterator[str]:
    for glyph in glyphs:
        if isinstance(glyph.unicode, tuple) and glyph.unicode:
            text = "".join(map(chr, glyph.unicode)).encode("utf-16-be").hex().upper()
            yield f"<{glyph.glyph_id:04X}> <{text}>"


def _cut(font: TTFFont, glyphs: Sequence[int]) -> bytes:
    """The font file with these glyphs alone, each under its number, without what a PDF has no use for."""
    face = hb.Face(hb.Blob.from_file_path(str(font.ttffile)))
    wanted = hb.SubsetInput()
    wanted.glyph_set.update(set(glyphs))
    wanted.drop_table_tag_set.update({int.from_bytes(tag.encode(), "big") for tag in _NOT_IN_PDF})
    wanted.flags = hb.SubsetFlags.NO_HINTING | hb.SubsetFlags.RETAIN_GIDS
    data: bytes = wanted.subset(face).blob.data
    assert data, "HarfBuzz made this font"
    return data


def _numbered(cut: bytes, font: TTFFont) -> bytes:
    """The outlines of a CFF font, with the glyphs' numbers as their CIDs, which are else those of the whole font."""
    tables = FontTables(BytesIO(cut), lazy=True)
    outlines = bytearray(tables.reader["CFF "])
    place, glyphs = tables["CFF "].cff.topDictIndex[0].rawDict["charset"], tables["maxp"].numGlyphs
    # One range, CID 1 and those that follow, in the shortest form: HarfBuzz's own takes no less room.
    if glyphs == 2:
        charset = pack(">BH", 0, 1)
    else:
        charset = pack(">BHB", 1, 1, glyphs - 2) if glyphs < 258 else pack(">BHH", 2, 1, glyphs - 2)
    assert font.is_cid_keyed
    assert place > 2, "the CIDs are in a table of their own"
    outlines[place : place + len(charset)] = charset
    return bytes(outlines)
