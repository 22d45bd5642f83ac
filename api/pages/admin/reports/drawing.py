"""Vega-Lite specifications drawn as SVG, in this process: no script runs in the reader's browser.

Colours are variables of the style sheet (`reports.css`), so a drawing is light or dark as its page is, and prints dark
on white. It has no style attributes, which the Content-Security-Policy would not allow, and its texts are texts.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from markupsafe import Markup

VERSION = "6.4"
"""Of Vega-Lite, of those that the package brings along."""
WIDE, NARROW = 960, 340
"""Widths in which each chart is drawn, for a desk and for a phone; the page shows one of them."""
HUES = 8
"""Colours that can be told apart, also by who does not see some: `--hue-1` to `--hue-8`. `--hue-0` is for the rest."""

Spec = Mapping[str, Any]

_CONFIG: Spec = {
    "aria": False,
    "background": None,
    "font": "sans-serif",
    "text": {"fontSize": 13, "color": "var(--text)"},
    "view": {"stroke": None},
    "axis": {
        "domainColor": "var(--edge)",
        "gridColor": "var(--line)",
        "labelColor": "var(--quiet)",
        "labelFontSize": 12,
        "tickColor": "var(--edge)",
        "title": None,
    },
    "header": {
        "labelAnchor": "start",
        "labelColor": "var(--text)",
        "labelFontSize": 13,
        "labelFontWeight": 600,
        "labelLimit": 300,
        "title": None,
    },
    "legend": {"disable": True},
}
_OPENING = re.compile(r"^<svg [^>]*?width=\"([\d.]+)\" height=\"([\d.]+)\"[^>]*>")


class Chart(NamedTuple):
    """`says` is read in place of the picture."""

    says: str
    wide: Markup
    narrow: Markup


def hue(place: int) -> str:
    """Of the series with that place in an order that does not change with what is shown; the rest has 0."""
    return f"var(--hue-{place})"


def chart(says: str, specification: Callable[[int], Spec]) -> Chart:
    """`specification` is asked for each width."""
    return Chart(says, draw(specification(WIDE)), draw(specification(NARROW)))


def draw(specification: Spec) -> Markup:
    """What is in the data is text, whatever it says: Vega escapes it."""
    # Here, and not above: a worker that draws nothing is 8 MB smaller.
    import vl_convert

    svg = vl_convert.vegalite_to_svg(
        {**specification, "config": _CONFIG}, vl_version=VERSION, show_warnings=False, allowed_base_urls=[]
    )
    opening = _OPENING.match(svg)
    assert opening is not None, "this is how the renderer begins"
    width, height = opening.groups()
    return Markup(  # noqa: S704 - made by the renderer, which escapes texts
        f'<svg viewBox="0 0 {width} {height}" aria-hidden="true" focusable="false">{svg[opening.end() :]}'
    )


def labelled(texts: list[str]) -> str:
    """An expression that gives an axis the text for each whole number. The texts are this service's own."""
    return f"{_array(texts)}[datum.value]"


def _array(texts: list[str]) -> str:
    return "[" + ",".join("'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'" for text in texts) + "]"
