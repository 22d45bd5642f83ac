"""The charts of reports. What they show is also in tables; names are data, never part of an expression."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from api.pages.admin.reports.drawing import NARROW, Chart, Spec, chart, labelled

LABEL = 16
"""Pixels from one direct label to the next, at least."""
_BAND = 30
_RIGHT = 16
"""Padding behind labels: the reader's font may be wider than the one that they were measured in."""
HEAT = "var(--heat)"
_LEAST_CELL_WITH_TEXT = 30
_WIDE_FROM = 0x1100
"""Characters from here on are about as wide as they are high: Hangul, kana, Chinese."""


class Line(NamedTuple):
    """`label` is what stands at its end or above it; `values` one for each step."""

    label: str
    hue: str
    values: Sequence[float]


class Bar(NamedTuple):
    name: str
    value: float
    label: str
    hue: str


class Box(NamedTuple):
    """Least, lower quartile, median, upper quartile, most."""

    name: str
    five: tuple[float, float, float, float, float]
    label: str


class Cell(NamedTuple):
    """In the row `name`; `depth` from 0 to 1 is how strong its colour is; `is_marked` draws a line around it."""

    name: str
    column: str
    depth: float
    label: str
    is_marked: bool = False


def distinct(names: Iterable[str]) -> list[str]:
    """In their order; one that was there before gets a number, so that two of the same name stay two."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return found


def lines(says: str, series: Sequence[Line], steps: list[str]) -> Chart:
    """One line each, with its label at its end."""
    return chart(says, lambda width: _lines(series, steps, width))


def _lines(series: Sequence[Line], steps: list[str], width: int) -> Spec:
    height = 420 if width > NARROW else 340
    most = max((max(each.values, default=0) for each in series), default=0) or 1
    least = min(0, *(min(each.values, default=0) for each in series))
    last = len(steps) - 1
    room = min(max((_pixels(each.label) for each in series), default=0) + 26, width * 2 // 5)
    x = _x(steps, width - room, last or 0.5)
    y = {"field": "y", "type": "quantitative", "scale": {"domain": [least, most]}}
    colour = _hues("s", [each.hue for each in series])
    points = [
        {"x": x, "y": value, "s": place} for place, each in enumerate(series) for x, value in enumerate(each.values)
    ]
    ends = [each.values[-1] if each.values else 0 for each in series]
    places = _apart(ends, LABEL * (most - least) / (height - 60))
    labels = [
        {"x": last, "y": at, "text": each.label, "s": place}
        for place, (each, at) in enumerate(zip(series, places, strict=True))
    ]
    return {
        "width": width,
        "height": height,
        "autosize": {"type": "fit", "contains": "padding"},
        "padding": {"left": 4, "top": 10, "bottom": 4, "right": _RIGHT},
        "layer": [
            {
                "data": {"values": points},
                "mark": {"type": "line", "strokeWidth": 2.5, "strokeJoin": "round"},
                "encoding": {"x": x, "y": y, "color": colour},
            },
            {
                "data": {"values": [each for each in points if each["x"] == last]},
                "mark": {"type": "circle", "size": 60, "opacity": 1},
                "encoding": {"x": x, "y": y, "color": colour},
            },
            {
                "data": {"values": labels},
                "mark": {"type": "text", "align": "left", "dx": 10, "fontWeight": 600, "limit": room - 12},
                "encoding": {"x": x, "y": y, "text": {"field": "text"}, "color": colour},
            },
        ],
    }


def _pixels(text: str) -> int:
    """About how wide it is drawn: the reader's fonts are not known here."""
    return sum(14 if ord(each) >= _WIDE_FROM else 8 for each in text)


def _apart(values: Sequence[float], gap: float) -> list[float]:
    """The values, moved as little as it takes for no two to be nearer than the gap."""
    order = sorted(range(len(values)), key=lambda place: values[place])
    groups: list[tuple[float, list[int]]] = []
    for place in order:
        centre, members = values[place], [place]
        while groups and centre - gap * (len(members) - 1) / 2 < groups[-1][0] + gap * (len(groups[-1][1]) + 1) / 2:
            below = groups.pop()[1]
            members = below + members
            centre = sum(values[each] for each in members) / len(members)
        groups.append((centre, members))
    found = [0.0] * len(values)
    for centre, members in groups:
        for nth, place in enumerate(members):
            found[place] = centre + gap * (nth - (len(members) - 1) / 2)
    return found


def columns(says: str, series: Sequence[Line], steps: list[str]) -> Chart:
    """Small columns over time, a panel each, all to one scale."""
    return chart(says, lambda width: _columns(series, steps, width))


def _columns(series: Sequence[Line], steps: list[str], width: int) -> Spec:
    across = min(len(series), 3) if width > NARROW else 1
    names = distinct(each.label for each in series)
    values = [
        {"x": x, "y": value, "name": name, "s": place}
        for place, (name, each) in enumerate(zip(names, series, strict=True))
        for x, value in enumerate(each.values)
    ]
    panel = (width - 50 - 20 * (across - 1)) / across
    x = _x(steps, int(panel), len(steps) - 0.5)
    return {
        "data": {"values": values},
        "facet": {"field": "name", "type": "nominal", "sort": names},
        "columns": across,
        "resolve": {"axis": {"x": "independent"}},  # else only the foot of each column has one, also below no panel
        "spacing": 20,
        "spec": {
            "width": panel,
            "height": 110,
            "mark": {"type": "bar", "width": max(1.0, 0.8 * panel / len(steps))},
            "encoding": {
                "x": x,
                "y": {"field": "y", "type": "quantitative", "axis": {"tickCount": 4}},
                "color": _hues("s", [each.hue for each in series]),
            },
        },
    }


def _x(steps: list[str], width: int, end: float) -> dict[str, Any]:
    """Steps by their numbers, with as many labels as there is room for."""
    every = max(1, -(-len(steps) * 64 // width))
    return {
        "field": "x",
        "type": "quantitative",
        "scale": {"domain": [-0.5, end], "nice": False},
        "axis": {
            "values": list(range(0, len(steps), every)),
            "labelExpr": labelled(steps),
            "labelOverlap": "greedy",
            "labelFlush": end > len(steps) - 1,  # behind a domain that ends at the last step there is room
            "grid": False,
        },
    }


def _hues(field: str, hues: Sequence[str]) -> dict[str, Any]:
    return {"field": field, "type": "nominal", "scale": {"domain": list(range(len(hues))), "range": list(hues)}}


def histogram(says: str, edges: Sequence[tuple[float, float, int]], middle: float, middle_label: str) -> Chart:
    """(from, to, how many); a line at the middle."""
    return chart(says, lambda width: _histogram(edges, middle, middle_label, width))


def _histogram(edges: Sequence[tuple[float, float, int]], middle: float, label: str, width: int) -> Spec:
    values = [{"from": start, "to": end, "n": count} for start, end, count in edges]
    most = max(count for _, _, count in edges) * 1.15  # the label of the middle stands above them all
    x = {
        "field": "from",
        "type": "quantitative",
        "axis": {"grid": False, "tickCount": 12 if width > NARROW else 5},
        "scale": {"nice": False, "zero": False},
    }
    return {
        "width": width,
        "height": 300,
        "autosize": {"type": "fit", "contains": "padding"},
        "padding": {"left": 4, "top": 26, "bottom": 4, "right": 8},
        "data": {"values": values},
        "layer": [
            {
                "mark": {"type": "rect", "fill": "var(--hue-1)", "stroke": "var(--card)", "strokeWidth": 2},
                "encoding": {
                    "x": x,
                    "x2": {"field": "to"},
                    "y": {"field": "n", "type": "quantitative", "axis": None, "scale": {"domain": [0, most]}},
                    "y2": {"datum": 0},
                },
            },
            {
                "transform": [{"calculate": "(datum.from + datum.to) / 2", "as": "mid"}, {"filter": "datum.n > 0"}],
                "mark": {"type": "text", "dy": -8, "fontSize": 12},
                "encoding": {
                    "x": {"field": "mid", "type": "quantitative"},
                    "y": {"field": "n", "type": "quantitative"},
                    "text": {"field": "n"},
                },
            },
            {
                "data": {"values": [{"at": middle, "text": label}]},
                "layer": [
                    {
                        "mark": {"type": "rule", "color": "var(--text)", "strokeDash": [4, 3]},
                        "encoding": {"x": {"field": "at", "type": "quantitative"}},
                    },
                    {
                        "mark": {"type": "text", "y": -14, "fontWeight": 600},
                        "encoding": {"x": {"field": "at", "type": "quantitative"}, "text": {"field": "text"}},
                    },
                ],
            },
        ],
    }


def bars(says: str, rows: Sequence[Bar], most: float | None = None) -> Chart:
    """Lying bars with their names before them and their labels behind them."""
    return chart(says, lambda width: _bars(rows, most, width))


def _bars(rows: Sequence[Bar], most: float | None, width: int) -> Spec:
    names = distinct(each.name for each in rows)
    values = [
        {"name": name, "value": each.value, "label": each.label, "s": place}
        for place, (name, each) in enumerate(zip(names, rows, strict=True))
    ]
    y = _names(names, width)
    largest = most or max((each.value for each in rows), default=0) or 1
    x = {"field": "value", "type": "quantitative", "axis": None, "scale": {"domain": [0, largest], "nice": False}}
    return {
        **_frame(len(rows), width),
        "data": {"values": values},
        "layer": [
            {
                "mark": {"type": "bar", "height": {"band": 0.6}, "cornerRadiusEnd": 3},
                "encoding": {"x": x, "y": y, "color": _hues("s", [each.hue for each in rows])},
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 6},
                "encoding": {"x": x, "y": y, "text": {"field": "label"}},
            },
        ],
    }


def boxes(says: str, rows: Sequence[Box]) -> Chart:
    """From least to most as a line, the middle half as a bar, the median as a stroke across it."""
    return chart(says, lambda width: _boxes(rows, width))


def _boxes(rows: Sequence[Box], width: int) -> Spec:
    names = distinct(each.name for each in rows)
    fields = ("least", "lower", "median", "upper", "most")
    values = [
        {"name": name, "label": each.label, **dict(zip(fields, each.five, strict=True))}
        for name, each in zip(names, rows, strict=True)
    ]
    y = _names(names, width)
    axis = {"grid": True, "tickCount": 8 if width > NARROW else 4}

    def x(field: str) -> dict[str, Any]:
        return {"field": field, "type": "quantitative", "axis": axis, "scale": {"zero": False, "nice": True}}

    return {
        **_frame(len(rows), width, extra=30),
        "data": {"values": values},
        "layer": [
            {
                "mark": {"type": "rule", "color": "var(--edge)"},
                "encoding": {"x": x("least"), "x2": {"field": "most"}, "y": y},
            },
            {
                "mark": {"type": "bar", "height": {"band": 0.5}, "color": "var(--hue-1)", "opacity": 0.85},
                "encoding": {"x": x("lower"), "x2": {"field": "upper"}, "y": y},
            },
            {
                "mark": {"type": "tick", "color": "var(--text)", "thickness": 3, "band": 0.7},
                "encoding": {"x": x("median"), "y": y},
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 8, "fontWeight": 600},
                "encoding": {"x": x("most"), "y": y, "text": {"field": "label"}},
            },
        ],
    }


def heat(says: str, rows: Sequence[str], across: Sequence[str], cells: Sequence[Cell], hue: str = HEAT) -> Chart:
    """Cells the stronger, the more; with what they hold where there is room. `rows` and `across` are distinct."""
    return chart(says, lambda width: _heat(rows, across, cells, hue, width))


def _heat(rows: Sequence[str], across: Sequence[str], cells: Sequence[Cell], hue: str, width: int) -> Spec:
    values = [each._asdict() for each in cells]
    y = _names(rows, width)
    names = _names_room(width) + 10
    one = (width - names) / max(1, len(across))
    x = {
        "field": "column",
        "type": "nominal",
        "sort": list(across),
        "scale": {"domain": list(across), "paddingInner": 0.06},
        "axis": {
            "orient": "top",
            "domain": False,
            "ticks": False,
            "grid": False,
            "labelAngle": 0 if one > 60 else -90,
            "labelLimit": one if one > 60 else 90,
        },
    }
    rectangle = {"type": "rect", "cornerRadius": 3, "fill": hue}
    layers: list[Spec] = [
        {
            "mark": rectangle,
            "encoding": {
                "x": x,
                "y": y,
                "fillOpacity": {
                    "field": "depth",
                    "type": "quantitative",
                    "scale": {"domain": [0, 1], "range": [0.03, 0.5]},
                },
                "stroke": {"condition": {"test": "datum.is_marked", "value": "var(--text)"}, "value": None},
                "strokeWidth": {"value": 2},
            },
        }
    ]
    if one > _LEAST_CELL_WITH_TEXT:
        text = {"type": "text", "fontSize": 12}
        layers.append({"mark": text, "encoding": {"x": x, "y": y, "text": {"field": "label"}}})
    return {**_frame(len(rows), width, extra=100), "data": {"values": values}, "layer": layers}


def _names_room(width: int) -> int:
    return 200 if width > NARROW else 125


def _names(names: Sequence[str], width: int) -> dict[str, Any]:
    room = _names_room(width)
    return {
        "field": "name",
        "type": "nominal",
        "sort": list(names),
        "scale": {"domain": list(names), "paddingInner": 0.08},
        "axis": {
            "domain": False,
            "ticks": False,
            "grid": False,
            "labelColor": "var(--text)",
            "labelFontSize": 13,
            "labelLimit": room * 6 // 7,  # the reader's font may be wider than the one that they are measured in
            "labelPadding": 8,
            "minExtent": min(room, max((_pixels(each) for each in names), default=0)) + 8,
        },
    }


def _frame(rows: int, width: int, extra: int = 0) -> dict[str, Any]:
    return {
        "width": width,
        "height": rows * _BAND + 20 + extra,
        "autosize": {"type": "fit", "contains": "padding"},
        "padding": {"left": 4, "top": 4, "bottom": 4, "right": _RIGHT},
    }
