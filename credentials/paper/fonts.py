"""The fonts of paper and badges, all under the SIL Open Font License, and which of them shows a character.

A page gets subsets: HarfBuzz cuts what a document needs out of a font of 10 MB in one or two milliseconds, and out of
a variable one at the chosen weight. The files are mapped into memory, not read.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import groupby
from operator import itemgetter

import uharfbuzz as hb

from credentials.content import as_written


@dataclass(frozen=True, slots=True)
class FontFile:
    """`index` is the place in a collection; `axes` fix a variable font."""

    key: str
    package: str
    path: str
    index: int = 0
    axes: tuple[tuple[str, float], ...] = ()


_UPRIGHT = (("wght", 400.0), ("wdth", 100.0))

SERIF = FontFile("serif", "pylopdf_fonts_zh_cn", "NotoSerifSC-Regular.otf")
SANS = FontFile("sans", "pylopdf_fonts_zh_cn", "NotoSansSC-Regular.otf")
FALLBACKS = (
    FontFile("latin", "justmytype_western_core", "fonts/ofl/notoserif/NotoSerif[wdth,wght].ttf", axes=_UPRIGHT),
    FontFile("cjk", "noto_cjk_sans_otc", "NotoSansCJK-Regular.ttc", index=2),  # Simplified Chinese
    FontFile("arabic", "justmytype_intl_rtl", "fonts/ofl/notosansarabic/NotoSansArabic[wdth,wght].ttf", axes=_UPRIGHT),
    FontFile("hebrew", "justmytype_intl_rtl", "fonts/ofl/notosanshebrew/NotoSansHebrew[wdth,wght].ttf", axes=_UPRIGHT),
    FontFile("symbols", "justmytype_western_core", "fonts/ofl/notosanssymbols2/NotoSansSymbols2-Regular.ttf"),
)
"""Asked in this order for what SERIF or SANS does not have."""
_PLACING_MARKS = tuple(font for font in FALLBACKS if font.key in ("latin", "arabic", "hebrew"))
"""Those that know where a mark stands over a letter; Chinese fonts have some of the marks, and put them beside it."""

_NO_WIDTH = "\u00ad\u200b\u2060\ufeff"
"""Said to programs that break lines, and to no reader; spaced letters would have a gap there."""
_INVISIBLE = "\u00ad\u034f\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\ufeff" + "".join(
    map(chr, range(0xFE00, 0xFE10))
)


@cache
def face(font: FontFile) -> hb.Face:
    return hb.Face(hb.Blob.from_file_path(str(files(font.package).joinpath(font.path))), font.index)


@cache
def covered(font: FontFile) -> frozenset[int]:
    """The code points that it has glyphs for."""
    return frozenset(face(font).unicodes)


def covers(font: FontFile, text: Iterable[str]) -> bool:
    return covered(font).issuperset(map(ord, text))


def printable(text: str) -> str:
    """The text as it is set: as it is written, with combined letters composed."""
    text = "".join(" " if character.isspace() else character for character in as_written(text))
    text = text.translate(dict.fromkeys(map(ord, _NO_WIDTH)))
    return unicodedata.normalize("NFC", text) if any(map(unicodedata.combining, text)) else text


def needs_shaping(text: str) -> bool:
    """Whether glyphs depend on their neighbours: right-to-left scripts, combining marks."""
    return any(map(_depends, text))


def _depends(character: str) -> bool:
    if character in "\u200d\ufe0f" or unicodedata.combining(character):
        return True
    return unicodedata.bidirectional(character) in ("R", "AL")


def missing(text: str) -> list[str]:
    """Those of its characters that no font has, each once: "U+1B000 𛀀"."""
    characters = dict.fromkeys(printable(text))
    return [f"U+{ord(each):04X} {each}" for each in characters if font_of(each, SERIF) is None]


def font_of(character: str, wanted: FontFile) -> FontFile | None:
    """The font that shows it where `wanted` is asked for; `wanted` itself for what is never visible."""
    if character in _INVISIBLE:
        return wanted
    return next((font for font in (wanted, *FALLBACKS) if ord(character) in covered(font)), None)


def runs(text: str, wanted: FontFile) -> Iterator[tuple[FontFile, str]]:
    """The text cut where the font changes. A letter is in one font with the marks on it, if there is one with all:
    the marks of one font find no place over the letters of another."""
    for font, pieces in groupby(_in_fonts(text, wanted), key=itemgetter(0)):
        yield font, "".join(piece for _, piece in pieces)


def _in_fonts(text: str, wanted: FontFile) -> Iterator[tuple[FontFile, str]]:
    """Letter by letter, each with its marks."""
    start = 0
    for end in range(1, len(text) + 1):
        if end < len(text) and (unicodedata.category(text[end]) in ("Mn", "Me") or text[end] in _INVISIBLE):
            continue
        letter, start = text[start:end], end
        seen = [each for each in letter if each not in _INVISIBLE]
        able = (wanted, *FALLBACKS) if len(seen) < 2 else _PLACING_MARKS
        whole = next((font for font in able if covers(font, seen)), None)
        for each in [letter] if whole else letter:
            yield whole or font_of(each, wanted) or wanted, each


def subset(font: FontFile, characters: Iterable[str]) -> bytes:
    """A font file with these characters only, and with the rules that join them."""
    wanted = hb.SubsetInput()
    for axis, value in font.axes:
        wanted.pin_axis_location(face(font), axis, value)
    wanted.unicode_set.update({ord(character) for character in characters})
    data: bytes = wanted.subset(face(font)).blob.data
    assert data, "HarfBuzz subsets every font that it could open"
    return data
