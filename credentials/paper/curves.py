"""Fine line-work as on banknotes (guilloche), as operators of a PDF page: coordinates in points, y upwards.

A border is one short tile, repeated: the same text again and again, which compresses to nearly nothing.
"""

from collections.abc import Callable
from math import cos, pi, sin

POINTS_PER_MM = 72 / 25.4

Curve = Callable[[float], tuple[float, float, float, float]]
"""A point and its derivative at t: x, y, dx/dt, dy/dt."""


def number(value: float) -> str:
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def smooth(curve: Curve, begin: float, end: float, segments: int) -> str:
    """The curve as Bézier segments, each with the curve's tangents at its ends."""
    step = (end - begin) / segments
    x, y, dx, dy = curve(begin)
    parts = [f"{number(x)} {number(y)} m"]
    for index in range(1, segments + 1):
        x2, y2, dx2, dy2 = curve(begin + step * index)
        third = step / 3
        points = (x + dx * third, y + dy * third, x2 - dx2 * third, y2 - dy2 * third, x2, y2)
        parts.append(" ".join(map(number, points)) + " c")
        x, y, dx, dy = x2, y2, dx2, dy2
    return "\n".join(parts)


def rosette(radius: float, depth: float, petals: int, strands: int) -> str:
    """Closed curves round the origin, r = radius + depth·cos(petals·angle + phase), one for each strand."""
    tile = 2 * pi / petals
    paths = []
    for strand in range(strands):
        phase = 2 * pi * strand / strands

        def curve(angle: float, phase: float = phase) -> tuple[float, float, float, float]:
            wave = petals * angle + phase
            r, slope = radius + depth * cos(wave), -depth * petals * sin(wave)
            c, s = cos(angle), sin(angle)
            return r * c, r * s, slope * c - r * s, slope * s + r * c

        paths.append(smooth(curve, 0, tile, 4))
    path = "\n".join(paths) + " S"
    c, s = cos(tile), sin(tile)
    return f"q\n{path}\n" + f"{c:.6f} {s:.6f} {-s:.6f} {c:.6f} 0 0 cm\n{path}\n" * (petals - 1) + "Q"


def waves(length: float, height: float, wavelength: float, strands: int) -> str:
    """A band of crossing waves along the x axis from 0 to `length`, around y = 0."""
    count = max(1, round(length / wavelength))
    tile = length / count
    paths = []
    for strand in range(strands):
        phase = 2 * pi * strand / strands

        def curve(t: float, phase: float = phase) -> tuple[float, float, float, float]:
            angle = 2 * pi * t / tile + phase
            return t, height / 2 * sin(angle), 1.0, height / 2 * cos(angle) * 2 * pi / tile

        paths.append(smooth(curve, 0, tile, 4))
    path = "\n".join(paths) + " S"
    return f"q\n{path}\n" + f"1 0 0 1 {tile:.4f} 0 cm\n{path}\n" * (count - 1) + "Q"


def placed(x: float, y: float, what: str, turned: bool = False) -> str:
    """`what` at a place, turned by a quarter to the left if asked for."""
    matrix = "0 1 -1 0" if turned else "1 0 0 1"
    return f"q {matrix} {number(x)} {number(y)} cm\n{what}\nQ"


def pen(colour: str, width: float) -> str:
    """`colour` as #rrggbb."""
    return f"{channels(colour)} RG {number(width)} w"


def brush(colour: str) -> str:
    return f"{channels(colour)} rg"


def channels(colour: str) -> str:
    return " ".join(f"{int(colour[at : at + 2], 16) / 255:.3f}" for at in (1, 3, 5))


def frame(x: float, y: float, width: float, height: float) -> str:
    return f"{number(x)} {number(y)} {number(width)} {number(height)} re S"


def ring(radius: float, paint: str) -> str:
    def curve(angle: float) -> tuple[float, float, float, float]:
        return radius * cos(angle), radius * sin(angle), -radius * sin(angle), radius * cos(angle)

    return smooth(curve, 0, 2 * pi, 8) + f" h {paint}"
