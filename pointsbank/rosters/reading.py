"""The learners of a table, row by row, with what is wrong in each: of the file alone, without the directory."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pointsbank.rosters import values
from pointsbank.rosters.cells import MAX_COLUMNS, MAX_ROWS, Cell, Merge, Row, letters
from pointsbank.rosters.columns import FIELDS, NEEDED, Choice, Field
from pointsbank.rosters.grids import Reading
from pointsbank.rosters.problems import Grade, Problem, problem
from pointsbank.rosters.refusals import Unreadable
from pointsbank.saying import Said, say

SHARED: frozenset[Field] = frozenset(("department", "team", "joined_on", "left_on"))
"""What several learners may have in common, so that a merged cell is meant for each of its rows."""


@dataclass(slots=True)
class Line:
    """A row that means a learner. `values` are those that it has; `as_written` are its cells by the chosen columns."""

    row: int
    values: dict[Field, str]
    as_written: dict[Field, str]
    problems: list[Problem] = field(default_factory=list)

    @property
    def key(self) -> str:
        return self.values.get("id", "")

    @property
    def is_faulty(self) -> bool:
        return any(each.grade == "fault" for each in self.problems)

    @property
    def is_warned(self) -> bool:
        return any(each.grade == "warning" for each in self.problems)

    def tell(self, column: str, of: Field | None, grade: Grade, message: Said | str) -> None:
        value = self.as_written.get(of, "") if of is not None else ""
        self.problems.append(problem(self.row, column, of, value, grade, message))


def lines(reading: Reading, choice: Choice) -> Iterator[tuple[Line, int]]:
    """Each with how far the table is read. Raises Unreadable for a table that is none or too long."""
    merges = _Merges(reading.merges, choice)
    width, header = 0, dict[Field, str]()
    count = 0
    for row, done in reading.rows:
        if row.number <= choice.header:
            if row.number == choice.header:
                width = max(row.cells, default=-1) + 1
                header = {each: row.cells[at].text for each, at in choice.columns.items() if at in row.cells}
            merges.pass_by(row)
            continue
        count += 1
        if count > MAX_ROWS:
            raise Unreadable(say("The table has more than %(most)s rows. Split it into several files.", most=MAX_ROWS))
        line = _line(merges.filled(row), row, choice, merges)
        if reading.encoding and width and max(row.cells) >= width:
            message = say(
                "the row has more cells than the header: is a separator within a value without quotation marks?"
            )
            line.tell(letters(max(row.cells)), None, "fault", message)
        if header and line.as_written == header:
            line.problems.clear()
            line.tell("", None, "fault", say("is the header once more. Delete the row."))
        if line.as_written or line.problems:
            yield line, done


def _line(cells: Mapping[int, Cell], row: Row, choice: Choice, merges: "_Merges") -> Line:
    line = Line(row.number, {}, {})
    for each in FIELDS:
        column = choice.columns.get(each)
        if column is None:
            continue
        cell = cells.get(column)
        if cell is not None:
            line.as_written[each] = cell.text
    if not line.as_written and not any(column in cells for column in choice.columns.values()):
        return line
    for each, column in choice.columns.items():
        if (merged := merges.fault(row.number, column, each)) is not None:
            line.tell(letters(column), each, "fault", merged)
            continue
        cell = cells.get(column)
        value = values.read(each, cell) if cell is not None else values.Value(None)
        for grade, message in value.findings:
            line.tell(letters(column), each, grade, message)
        if value.text is not None:
            line.values[each] = value.text
        elif each in NEEDED and not value.is_faulty:
            line.tell(letters(column), each, "fault", say("is missing."))
    return line


class _Merges:
    """Merged cells as rows come by: filled down where that is sure, a fault where it is not."""

    def __init__(self, merges: list[Merge], choice: Choice) -> None:
        columns = set(choice.columns.values())
        self._by_row: dict[int, list[Merge]] = {}
        self._open: list[tuple[Merge, Cell | None]] = []
        self._shared = {at for each, at in choice.columns.items() if each in SHARED}
        for merge in merges:
            if merge.last_row > choice.header and columns & set(range(merge.first_column, merge.last_column + 1)):
                self._by_row.setdefault(merge.first_row, []).append(merge)
        self._starts = deque(sorted(self._by_row))

    def pass_by(self, row: Row) -> None:
        """Has it begin what begins there, and end what ended before."""
        self._open = [each for each in self._open if each[0].last_row >= row.number]
        while self._starts and self._starts[0] <= row.number:
            start = self._starts.popleft()
            for merge in self._by_row[start]:
                cell = row.cells.get(merge.first_column) if start == row.number else None
                if merge.last_row >= row.number:
                    self._open.append((merge, cell))
        if len(self._open) > MAX_COLUMNS:
            raise ValueError("merged cells that overlap")

    def filled(self, row: Row) -> Mapping[int, Cell]:
        """The row's cells, with those that are merged with cells above."""
        if not self._starts and not self._open:
            return row.cells
        self.pass_by(row)
        cells = dict(row.cells)
        for merge, cell in self._open:
            if cell is not None and merge.first_column == merge.last_column and merge.first_column in self._shared:
                cells.setdefault(merge.first_column, cell)
        return cells

    def fault(self, row: int, column: int, field: Field) -> Said | None:
        for merge, _ in self._open:
            if not merge.first_column <= column <= merge.last_column or not merge.first_row <= row <= merge.last_row:
                continue
            if merge.first_column != merge.last_column:
                return say(
                    "is merged over the columns %(first)s to %(last)s. Unmerge them, and put each value into its own.",
                    first=letters(merge.first_column),
                    last=letters(merge.last_column),
                )
            if field not in SHARED and row > merge.first_row:
                return say(
                    "is merged over the rows %(first)s to %(last)s. Unmerge them: each learner has an own one.",
                    first=merge.first_row,
                    last=merge.last_row,
                )
        return None
