"""The statement of credits: further pages with every line that the certificate rests on."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from credentials.content import Content, Line, Result
from credentials.paper import wording
from credentials.paper.design import Palette
from credentials.paper.fonts import SANS
from credentials.paper.sheet import LEADING, POINTS_PER_MM, Align, Sheet

_LEFT, _RIGHT, _TOP, _BOTTOM = 20.0, 190.0, 24.0, 276.0
_SIZE, _LABEL_SIZE = 8.0, 7.0
_STEP = _SIZE * LEADING / POINTS_PER_MM
_PAD = 1.1
_MAX_SUMS = 72
"""Of a page, in two columns."""

# Left edge and width of each column, and how its text stands.
_COLUMNS: tuple[tuple[float, float, Align], ...] = (
    (20, 22, "left"), (43, 68, "left"), (113, 41, "left"), (154, 17, "right"), (172, 18, "right"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Page:
    """`rows` have each column's lines of text."""

    sums: Sequence[Result]
    rows: list[list[list[str]]] = field(default_factory=list)


def draw(sheet: Sheet, content: Content, lines: Sequence[Line], palette: Palette) -> None:
    results = content.results
    pages = [_Page(results[start : start + _MAX_SUMS]) for start in range(0, len(results), _MAX_SUMS)] or [_Page(())]
    y = (_TOP + 27 if len(pages) == 1 else _TOP + 9) + _sums_height(pages[-1].sums)
    for line in lines:
        row = _cells(sheet, content, line)
        height = _height(row)
        if y + height > _BOTTOM:
            pages.append(_Page(()))
            y = _TOP + 9
        pages[-1].rows.append(row)
        y += height
    for number, page in enumerate(pages, 1):
        _draw(sheet, content, page, number, len(pages), palette)


def _cells(sheet: Sheet, content: Content, line: Line) -> list[list[str]]:
    """Each column's lines of text."""
    at = line.at.astimezone(content.timezone)
    what = wording.in_both(line.what["zh"], line.what["en"])
    values = (f"{at:%Y-%m-%d}", what, line.course or "", line.amount, line.balance)
    return [sheet.wrapped(value, width, _SIZE, SANS) for value, (_, width, _) in zip(values, _COLUMNS, strict=True)]


def _height(row: list[list[str]]) -> float:
    return max(map(len, row)) * _STEP + 2 * _PAD


def _draw(sheet: Sheet, content: Content, page: _Page, number: int, of: int, palette: Palette) -> None:
    sheet.add_page(orientation="portrait")
    y = _head(sheet, content, number, palette)
    y = _sums(sheet, page.sums, y, palette)
    if page.rows:
        y = _columns(sheet, y, palette)
    for row in page.rows:
        with sheet.tagged("P"):
            for cell, (left, width, align) in zip(row, _COLUMNS, strict=True):
                for index, text in enumerate(cell):
                    x = left if align == "left" else left + width
                    baseline = y + _PAD + _STEP * (index + 0.72)
                    sheet.say(text, x, baseline, _SIZE, palette.text, font=SANS, align=align, tag=None)
        y += _height(row)
        sheet.rule(_LEFT, y, _RIGHT, y, "#e6dfd0", 0.3)
    sheet.rule(_LEFT, 281, _RIGHT, 281, palette.line, 0.5)
    sheet.say(content.verify_url, _LEFT, 285.5, 6.5, palette.quiet, font=SANS)
    foot = wording.PAGE.format(page=number, of=of)
    sheet.say(foot, _RIGHT, 285.5, 6.5, palette.quiet, font=SANS, align="right")


def _head(sheet: Sheet, content: Content, number: int, palette: Palette) -> float:
    """What stands above the table, on the first page at more length. Returns where it ends."""
    if number > 1:
        name = f"{wording.STATEMENT[0]}  {content.number}"
        sheet.say(name, _LEFT, _TOP - 4, 9, palette.ink)
        sheet.block(content.learner_name, _RIGHT, _TOP - 5, 90, 6, 9, palette.text, align="right")
        return _TOP
    sheet.say(wording.STATEMENT[0], _LEFT, _TOP, 20, palette.ink, weight=0.4, spacing=2, tag="H1")
    sheet.say(wording.STATEMENT[1], _LEFT + 41, _TOP, 10, palette.quiet)
    sheet.say(content.number, _RIGHT, _TOP, 9, palette.quiet, font=SANS, align="right")
    sheet.rule(_LEFT, _TOP + 4, _RIGHT, _TOP + 4, palette.line, 0.8)
    sheet.block(content.learner_name, _LEFT, _TOP + 10, 76, 8, 12, palette.text, align="left")
    sheet.block(content.programme_name, _RIGHT, _TOP + 10, 86, 8, 9, palette.text, align="right")
    return _TOP + 18


def _sums_height(results: Sequence[Result]) -> float:
    return 0.0 if not results else 6 + (len(results) + 1) // 2 * 6.2 + 4


def _sums(sheet: Sheet, results: Sequence[Result], y: float, palette: Palette) -> float:
    """What each rule gave, in two columns."""
    if not results:
        return y
    sheet.say(wording.both(wording.SUMS), _LEFT, y + 2, _LABEL_SIZE, palette.quiet, font=SANS)
    width = (_RIGHT - _LEFT - 8) / 2
    rows = (len(results) + 1) // 2
    for index, result in enumerate(results):
        left = _LEFT + (index // rows) * (width + 8)
        top = y + 6 + (index % rows) * 6.2
        name = wording.in_both(result.name["zh"], result.name["en"])
        sheet.block(name, left, top, width - 18, 6, _SIZE, palette.text, font=SANS, align="left")
        sheet.say(result.value, left + width, top + 1, _SIZE, palette.text, font=SANS, align="right")
        sheet.rule(left, top + 3.1, left + width, top + 3.1, "#e6dfd0", 0.3)
    return y + _sums_height(results)


def _columns(sheet: Sheet, y: float, palette: Palette) -> float:
    """The table's head. Returns where it ends."""
    with sheet.tagged("P"):
        for label, (left, width, align) in zip(wording.COLUMNS, _COLUMNS, strict=True):
            x = left if align == "left" else left + width
            text = wording.both(label)
            sheet.say(text, x, y + 5, _LABEL_SIZE, palette.ink, font=SANS, align=align, tag=None)
    sheet.rule(_LEFT, y + 7.5, _RIGHT, y + 7.5, palette.ink, 0.8)
    return y + 8
