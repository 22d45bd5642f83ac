"""What badges look like: a red flower (小红花) for points, a seal for a qualification, in the colours of its level."""

from dataclasses import dataclass
from functools import lru_cache
from html import escape
from math import cos, pi, sin
from zlib import crc32

from credentials.badge.lettering import line
from credentials.content import Content
from credentials.paper.curves import number, smooth
from credentials.paper.fonts import SANS, SERIF

_SIDE, _MIDDLE, _HIGH = 512, 256.0, 228.0
"""Of the picture; where the middle of the flower or seal is."""


@dataclass(frozen=True, slots=True)
class Colours:
    """From the light to the dark of the form, the ribbon, and the metal of the rings."""

    light: str
    deep: str
    dark: str
    metal: tuple[str, str, str] = ("#fbeebd", "#d9a941", "#9a6b16")


_RED = Colours("#f0575a", "#b3151f", "#7c0d16")
_KNOWN = {
    ("初级", "junior", "1"): (1, Colours("#4aa8a4", "#11605f", "#0a4145", ("#f7dfc4", "#c98f57", "#8a562a"))),
    ("中级", "intermediate", "2"): (2, Colours("#4f86cf", "#173f7d", "#0f2a56", ("#ffffff", "#c3ccd8", "#7c8896"))),
    ("高级", "senior", "3"): (3, Colours("#8a5bc4", "#472079", "#2f1453")),
}
_OTHERS = (
    Colours("#5b9a5d", "#1d5a2f", "#123d20"),
    Colours("#d07a3f", "#8a3d10", "#5f2807"),
    Colours("#6b7f95", "#2d3e50", "#1b2734", ("#ffffff", "#c3ccd8", "#7c8896")),
    Colours("#b5568f", "#6d1f50", "#4a1236"),
    Colours("#3d9cc0", "#0f5674", "#093c52"),
)


def drawn(content: Content) -> str:
    """The SVG, without the credential. Raises MissingGlyphs."""
    told = content.level if content.kind == "qualification" else content.credits
    return _drawn(content.kind, told, content.name["zh"], content.name["en"], content.company_name)


@lru_cache(maxsize=64)
def _drawn(kind: str, told: str | None, zh: str, en: str, company: str) -> str:
    stars, colours = (0, _RED) if kind == "points" else _of_level(told)
    title = " · ".join(each for each in (zh, en, told, company) if each)
    body = _flower(told or "", company, colours) if kind == "points" else _seal(told, stars, company, colours)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_SIDE} {_SIDE}" role="img" aria-labelledby="title">'
        f'<title id="title">{escape(title)}</title>{_definitions(colours)}{body}{_ribbon(zh, en, colours)}</svg>'
    )


def _of_level(level: str | None) -> tuple[int, Colours]:
    """Known levels have their colours and stars; any other has always the same of the other colours."""
    for names, look in _KNOWN.items():
        if level is not None and any(name == level.lower() for name in names):
            return look
    return 0, _OTHERS[crc32((level or "").encode()) % len(_OTHERS)]


def _definitions(colours: Colours) -> str:
    bright, metal, shade = colours.metal
    return (
        f'<defs><radialGradient id="form" cx=".5" cy=".35" r=".75"><stop offset="0" stop-color="{colours.light}"/>'
        f'<stop offset="1" stop-color="{colours.deep}"/></radialGradient>'
        f'<linearGradient id="metal" x2="1" y2="1"><stop offset="0" stop-color="{bright}"/>'
        f'<stop offset=".5" stop-color="{metal}"/><stop offset="1" stop-color="{shade}"/></linearGradient>'
        f'<linearGradient id="band" x2="0" y2="1"><stop offset="0" stop-color="{colours.deep}"/>'
        f'<stop offset="1" stop-color="{colours.dark}"/></linearGradient>'
        '<linearGradient id="leaf" x2="0" y2="1"><stop offset="0" stop-color="#2f7d4a"/>'
        '<stop offset="1" stop-color="#17502c"/></linearGradient></defs>'
    )


# --- the two forms ---


def _flower(told: str, company: str, colours: Colours) -> str:
    petals = "".join(
        f'<path d="{_petal(212, 62)}" transform="translate({_MIDDLE} {_HIGH}) rotate({angle})" fill="url(#form)" '
        f'stroke="{colours.dark}" stroke-opacity=".35" stroke-width="1.5"/>'
        for angle in range(0, 360, 45)
    )
    upper = "".join(
        f'<path d="{_petal(168, 44)}" transform="translate({_MIDDLE} {_HIGH}) rotate({angle + 22.5})" '
        f'fill="{colours.light}" fill-opacity=".5"/>'
        for angle in range(0, 360, 45)
    )
    leaves = "".join(
        f'<path d="M{_MIDDLE} 410 C{_MIDDLE + sign * 30} 430 {_MIDDLE + sign * 96} 438 {_MIDDLE + sign * 118} 500 '
        f'C{_MIDDLE + sign * 60} 512 {_MIDDLE + sign * 16} 480 {_MIDDLE} 410 Z" fill="url(#leaf)"/>'
        for sign in (-1, 1)
    )
    return "".join(
        [
            leaves, petals, upper, _ring(116, "url(#metal)"), _ring(107, "#fffaf0"),
            _lines(98, 7, 36, 3, colours.metal[1], 0.9), _ring(86, "#fffdf8"),
            _lettering(line(told, SERIF, _MIDDLE, _HIGH + 24, 72, 140), colours.deep, 1.4),
            _lettering(line("积分 CREDITS", SANS, _MIDDLE, _HIGH + 52, 15, 110), "#6a6457"),
            _lettering(line(company, SANS, _MIDDLE, _HIGH - 46, 16, 112), "#6a6457"),
        ]
    )  # fmt: skip


def _seal(level: str | None, stars: int, company: str, colours: Colours) -> str:
    bright = colours.metal[0]
    tails = "".join(
        f'<path d="M{_MIDDLE} 330 L{_MIDDLE + sign * 34} 330 L{_MIDDLE + sign * 104} 494 L{_MIDDLE + sign * 66} 484 '
        f'L{_MIDDLE + sign * 44} 510 Z" fill="url(#band)"/>'
        for sign in (-1, 1)
    )
    parts = [
        tails, f'<path d="{_scallops(206, 7, 28)}" fill="url(#metal)"/>',
        f'<path d="{_scallops(197, 7, 28)}" fill="url(#form)"/>',
        _lines(168, 12, 44, 4, bright, 0.9), _ring(148, "url(#metal)"), _ring(142, "url(#band)"),
        _lines(131, 6, 60, 2, colours.metal[1], 0.7),
    ]  # fmt: skip
    for index in range(stars):
        x = _MIDDLE + (index - (stars - 1) / 2) * 40
        parts.append(f'<path d="{_star(x, _HIGH - 74, 15)}" fill="url(#metal)"/>')
    if level is not None:
        parts.append(_lettering(line(level, SERIF, _MIDDLE, _HIGH + 26, 84, 214), "#ffffff", 2.2))
    parts.append(_lettering(line(company, SANS, _MIDDLE, _HIGH + 68, 21, 168), bright))
    return "".join(parts)


def _ribbon(zh: str, en: str, colours: Colours) -> str:
    """Across, a little bent, with the certificate's name."""
    left, right, top, high = 46, _SIDE - 46, 352, 78
    folds = "".join(
        f'<path d="M{x} {top + 22} L{x - sign * 40} {top + 30} L{x - sign * 22} {top + 66} L{x - sign * 40} '
        f'{top + 102} L{x + sign * 46} {top + high + 14} Z" fill="{colours.dark}"/>'
        for x, sign in ((left, 1), (right, -1))
    )
    low = top + high
    band = f"M{left} {top} Q{_MIDDLE} {top + 30} {right} {top} L{right} {low} Q{_MIDDLE} {low + 30} {left} {low} Z"
    return "".join(
        [
            folds,
            f'<path d="{band}" fill="url(#band)" stroke="url(#metal)" stroke-width="3"/>',
            _lettering(line(zh, SERIF, _MIDDLE, top + 54, 34, 372), "#ffffff", 0.9),
            _lettering(line(en, SANS, _MIDDLE, top + 81, 17, 350), colours.metal[0]),
        ]
    )


# --- shapes ---


def _lettering(outlines: str, colour: str, weight: float = 0) -> str:
    """`weight`: how much bolder."""
    bold = f' stroke="{colour}" stroke-width="{weight}" stroke-linejoin="round"' if weight else ""
    return f'<path fill="{colour}"{bold} d="{outlines}"/>'


def _ring(radius: float, fill: str) -> str:
    return f'<circle cx="{_MIDDLE}" cy="{_HIGH}" r="{radius}" fill="{fill}"/>'


def _petal(length: float, half: float) -> str:
    """From the origin upwards, round at its end."""
    return (
        f"M0 0 C{-half * 1.1} {-length * 0.35} {-half * 1.5} {-length * 0.98} 0 {-length} "
        f"C{half * 1.5} {-length * 0.98} {half * 1.1} {-length * 0.35} 0 0 Z"
    )


def _scallops(radius: float, depth: float, count: int) -> str:
    return _round(radius, depth, count, 0.0) + "Z"


def _lines(radius: float, depth: float, waves: int, strands: int, colour: str, width: float) -> str:
    """Fine crossing lines round the middle, as on banknotes."""
    paths = "".join(_round(radius, depth, waves, 2 * pi * strand / strands) + "Z" for strand in range(strands))
    return f'<path d="{paths}" fill="none" stroke="{colour}" stroke-opacity=".75" stroke-width="{width}"/>'


def _round(radius: float, depth: float, waves: int, phase: float) -> str:
    def curve(angle: float) -> tuple[float, float, float, float]:
        r, slope = radius + depth * cos(waves * angle + phase), -depth * waves * sin(waves * angle + phase)
        c, s = cos(angle), sin(angle)
        return _MIDDLE + r * c, _HIGH + r * s, slope * c - r * s, slope * s + r * c

    return _as_svg(smooth(curve, 0, 2 * pi, waves * 3))


def _as_svg(operators: str) -> str:
    """Operators of a PDF page have the letter after the numbers, SVG has it before them."""
    return "".join(f"{step[-1].upper()}{step[:-2]}" for step in operators.split("\n"))


def _star(x: float, y: float, radius: float) -> str:
    corners = []
    for corner in range(10):
        r, angle = radius * (1 if corner % 2 == 0 else 0.42), pi * corner / 5
        corners.append(f"{number(x + r * sin(angle))} {number(y - r * cos(angle))}")
    return f"M{' L'.join(corners)}Z"
