"""Text as outlines: an SVG looks the same wherever it is opened, whatever fonts are there."""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Literal

import uharfbuzz as hb
from fontTools.pens.svgPathPen import SVGPathPen
from fontTools.pens.transformPen import TransformPen

from credentials.paper import fonts
from credentials.paper.errors import MissingGlyphs
from credentials.paper.fonts import FontFile

Direction = Literal["ltr", "rtl"]

_UNITS = 1000
"""Of the em: all are scaled to it."""


def line(text: str, font: FontFile, x: float, y: float, size: float, width: float) -> str:
    """An SVG path with the text around x, its baseline at y, made smaller where it would be wider than `width`.

    Raises MissingGlyphs.
    """
    missing = fonts.missing(text)
    if missing:
        raise MissingGlyphs({text: missing})
    runs = list(_runs(fonts.printable(text), font))
    advance = sum(length for _, length in runs) / _UNITS
    size = min(size, width / advance) if advance else size
    left, scale = x - advance * size / 2, size / _UNITS
    pen = SVGPathPen(None, ntos=lambda value: f"{value:.1f}".removesuffix(".0"))
    for glyphs, length in runs:
        for drawn, number, at_x, at_y in glyphs:
            place = (scale, 0, 0, -scale, left + at_x * scale, y - at_y * scale)
            drawn.draw_glyph_with_pen(number, TransformPen(pen, place))
        left += length * scale
    return str(pen.getCommands())


def _runs(text: str, wanted: FontFile) -> Iterator[tuple[list[tuple[hb.Font, int, float, float]], float]]:
    """Text of one font after the other, from left to right: its glyphs with their places, and how far it goes."""
    for part, direction in _parts(text):
        runs = list(fonts.runs(part, wanted))
        for used, run in runs if direction == "ltr" else reversed(runs):
            drawn, buffer = _font(used), hb.Buffer()
            buffer.add_str(run)
            buffer.guess_segment_properties()
            buffer.direction = direction
            hb.shape(drawn, buffer)
            glyphs, x = [], 0.0
            for glyph, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
                glyphs.append((drawn, glyph.codepoint, x + position.x_offset, float(position.y_offset)))
                x += position.x_advance
            yield glyphs, x


def _parts(text: str) -> Iterable[tuple[str, Direction]]:
    """Parts of one direction each, as they stand from left to right."""
    if not fonts.needs_shaping(text):
        return [(text, "ltr")]
    # Here, and not above: most badges need no library for PDFs.
    from fpdf.bidi import BidiParagraph, auto_detect_base_direction
    from fpdf.enums import TextDirection

    whole = auto_detect_base_direction(text)
    found = BidiParagraph(text=text, base_direction=whole, preserve_bn_chars=True).get_bidi_fragments()
    parts: list[tuple[str, Direction]] = [(part, "rtl" if to is TextDirection.RTL else "ltr") for part, to in found]
    return parts if whole is TextDirection.LTR else reversed(parts)


@cache
def _font(file: FontFile) -> hb.Font:
    font = hb.Font(fonts.face(file))
    font.scale = (_UNITS, _UNITS)
    font.set_variations(dict(file.axes))
    return font
