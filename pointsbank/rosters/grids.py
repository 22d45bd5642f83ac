"""A file as tables of rows, whatever it is: which there are, how each begins, and its rows."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from pointsbank.rosters import delimited, kinds, workbooks, worksheets
from pointsbank.rosters.cells import Merge, Row
from pointsbank.rosters.refusals import Unreadable
from pointsbank.rosters.worksheets import Marks
from pointsbank.saying import say

HEAD_ROWS = 30
"""Among which the header is looked for."""
HEAD_BYTES = 4 * 2**20
"""Of a sheet, in which they stand: it may have a million rows without content."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A sheet, or the one table of a CSV file, whose name is then empty. `head` are its first rows."""

    name: str
    is_hidden: bool
    head: list[Row]


@dataclass(slots=True)
class Reading:
    """A table that is being read. `encoding` and `separator` are of a CSV file; `size` is what `done` of its rows ends
    at."""

    size: int
    rows: Iterator[tuple[Row, int]]
    merges: list[Merge] = field(default_factory=list)
    hidden_rows: int = 0
    hides_columns: bool = False
    encoding: str = ""
    is_encoding_sure: bool = True


def grids(content: bytes) -> list[Grid]:
    """Those of the file, in its order. Raises Unreadable."""
    if kinds.kind(content) == "text":
        text = delimited.decoded(content).text
        return [Grid("", False, _head(delimited.rows(text, delimited.separator(text))))]
    with workbooks.opened(content) as workbook:
        return [Grid(sheet.name, sheet.is_hidden, _head(worksheets.rows(workbook, sheet))) for sheet in workbook.sheets]


def _head(rows: Iterator[tuple[Row, int]]) -> list[Row]:
    return [row for row, _ in islice(rows, HEAD_ROWS)]


def read(content: bytes, name: str) -> Iterator[Reading]:
    """One table, as the only one that is yielded: it stands open until it is asked for the next. Raises Unreadable,
    also while rows are taken."""
    if kinds.kind(content) == "text":
        found = delimited.decoded(content)
        rows = delimited.rows(found.text, delimited.separator(found.text))
        yield Reading(len(found.text), rows, encoding=found.encoding, is_encoding_sure=found.is_sure)
        return
    with workbooks.opened(content) as workbook:
        sheet = next((each for each in workbook.sheets if each.name == name), None)
        if sheet is None:
            raise Unreadable(say("The workbook has no sheet %(sheet)s.", sheet=name))
        marks: Marks = worksheets.marks(workbook, sheet)
        rows = worksheets.rows(workbook, sheet)
        yield Reading(marks.size, rows, marks.merges, marks.hidden_rows, marks.hides_columns)
