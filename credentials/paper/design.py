"""What the two kinds of certificates look like: colours, the frame of fine lines, the medallion, the code to scan."""

from dataclasses import dataclass
from functools import cache

import segno

from credentials.paper import curves
from credentials.paper.curves import POINTS_PER_MM, brush, frame, pen, placed, ring, rosette, waves


@dataclass(frozen=True, slots=True)
class Palette:
    """`ink` is the title's; `line` and `pale` draw the ornaments; `text` and `quiet` are for reading."""

    ink: str
    line: str
    pale: str
    accent: str
    paper: str
    text: str = "#24262b"
    quiet: str = "#6a6457"


POINTS = Palette(ink="#9b1c22", line="#c49a4a", pale="#f3e6cc", accent="#b5323a", paper="#fffdf8")
QUALIFICATION = Palette(ink="#17324f", line="#b08d4c", pale="#e9ecf0", accent="#1f4e79", paper="#fdfefe")

_OUTER, _BAND_IN, _BAND, _INNER = 8.0, 9.4, 8.0, 18.8  # millimetres from the edge of the paper


@cache
def background(width_mm: float, height_mm: float, palette: Palette) -> str:
    """The frame, and a large pale rosette in the middle of the page."""
    width, height = width_mm * POINTS_PER_MM, height_mm * POINTS_PER_MM
    outer, inner = _OUTER * POINTS_PER_MM, _INNER * POINTS_PER_MM
    parts = [f"{brush(palette.paper)} 0 0 {width:.2f} {height:.2f} re f", "1 J 1 j"]
    parts += [pen(palette.pale, 0.3), placed(width / 2, height / 2 + 8, rosette(128, 46, 36, 3))]
    parts += [placed(width / 2, height / 2 + 8, rosette(64, 22, 24, 2))]
    parts += [pen(palette.line, 1.2), frame(outer, outer, width - 2 * outer, height - 2 * outer)]
    parts += [pen(palette.line, 0.5), frame(inner, inner, width - 2 * inner, height - 2 * inner)]
    inner += 2.4
    parts += [pen(palette.ink, 0.8), frame(inner, inner, width - 2 * inner, height - 2 * inner)]
    parts.append(_band(width, height, palette))
    return "\n".join(parts)


def _band(width: float, height: float, palette: Palette) -> str:
    """Crossing waves between the frame's lines, and a rosette in each corner."""
    middle = (_BAND_IN + _BAND / 2) * POINTS_PER_MM
    thick, half = _BAND * POINTS_PER_MM, (_BAND / 2 + 1.2) * POINTS_PER_MM
    across, along = width - 2 * (middle + half), height - 2 * (middle + half)
    parts = []
    for colour, breadth, wavelength, strands in ((palette.line, 0.8, 34.0, 6), (palette.ink, 0.45, 17.0, 4)):
        parts.append(pen(colour, 0.32))
        for y in (middle, height - middle):
            parts.append(placed(middle + half, y, waves(across, thick * breadth, wavelength, strands)))
        for x in (middle, width - middle):
            parts.append(placed(x, middle + half, waves(along, thick * breadth, wavelength, strands), turned=True))
    corner = "\n".join(
        [
            pen(palette.line, 0.32), rosette(half * 0.60, half * 0.34, 12, 4),
            pen(palette.ink, 0.35), rosette(half * 0.34, half * 0.16, 9, 3),
            brush(palette.ink), ring(half * 0.09, "f"),
        ]
    )  # fmt: skip
    for x in (middle, width - middle):
        parts += [placed(x, y, corner) for y in (middle, height - middle)]
    return "\n".join(parts)


@cache
def medallion(radius: float, palette: Palette) -> str:
    """A round ornament of so many points, with room for a word in its middle."""
    return "\n".join(
        [
            "1 J 1 j", brush(palette.paper), ring(radius * 1.01, "f"),
            pen(palette.line, 0.35), rosette(radius * 0.86, radius * 0.13, 40, 5),
            pen(palette.accent, 0.35), rosette(radius * 0.73, radius * 0.075, 30, 4),
            pen(palette.line, 0.8), ring(radius * 0.62, "S"), ring(radius, "S"),
            pen(palette.accent, 0.4), ring(radius * 0.59, "S"),
        ]
    )  # fmt: skip


def code(text: str, left: float, bottom: float, side: float, colour: str) -> str:
    """A QR code with `text` in a square of `side` points."""
    matrix = [[bool(module) for module in row] for row in segno.make(text, error="m", micro=False).matrix]
    module = side / len(matrix)
    parts = [brush(colour)]
    for row, modules in enumerate(matrix):
        y = bottom + side - (row + 1) * module
        start = 0
        while start < len(modules):
            end = start + 1
            while end < len(modules) and modules[end] == modules[start]:
                end += 1
            if modules[start]:
                # A little higher than a module: no hairlines between rows.
                parts.append(f"{left + start * module:.3f} {y:.3f} {(end - start) * module:.3f} {module * 1.02:.3f} re")
            start = end
    return "\n".join(parts) + " f"


def divider(width: float, colour: str) -> str:
    """A line that thins out to both sides of a small rhomb, around the origin."""
    half, r = width / 2, 3.2
    parts = [brush(colour), f"0 {r} m {r} 0 l 0 {-r} l {-r} 0 l h f"]
    for sign in (1, -1):
        parts.append(f"{sign * 9} 0.45 m {curves.number(sign * half)} 0 l {sign * 9} -0.45 l h f")
        parts.append(f"{sign * 6.2} 0 m {sign * 7.4} 1.2 l {sign * 8.6} 0 l {sign * 7.4} -1.2 l h f")
    return "\n".join(parts)
