"""The rows of a worksheet, one after the other, in constant memory.

Merged cells and hidden rows are said at a worksheet's end, or row by row, and have to be known before: a first pass
looks for them in the bytes. Cells that have borders and no content, of which there may be millions, are cut out of
the bytes, too, which is five times as quick as to parse them.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO

from pointsbank.rosters import numbers
from pointsbank.rosters.cells import MAX_CELL_CHARACTERS, MAX_COLUMNS, Cell, Merge, Row, column_of
from pointsbank.rosters.numbers import GENERAL
from pointsbank.rosters.refusals import Unreadable
from pointsbank.rosters.workbooks import Attributes, Sheet, Workbook, xml_parser
from pointsbank.saying import say

MAX_MERGES = 100_000
_CHUNK_BYTES = 2**17
_LONGEST_TAG_BYTES = 2**20
"""Between two `<`; more is no worksheet."""
_MERGE = re.compile(rb"""<(?:\w+:)?mergeCell\s[^<>]*?ref\s*=\s*["']([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})["']""")
_HIDDEN_ROW = re.compile(rb"""<(?:\w+:)?row\s[^<>]*?r="(\d{1,7})"[^<>]*?\bhidden=["'](?:1|true)["']""")
_HIDDEN_COLUMN = re.compile(rb"""<(?:\w+:)?col\s[^<>]*?\bhidden=["'](?:1|true)["']""")
_EMPTY_CELL = re.compile(rb"""<c r="[A-Z]{1,3}\d{1,7}"[^<>]*/>""")
_EMPTY_ROW = re.compile(rb"""<row r="\d{1,7}"[^<>]*(?:/>|></row>)""")


@dataclass(slots=True)
class Marks:
    """What the first pass finds. `size` is of the worksheet's bytes."""

    size: int = 0
    merges: list[Merge] = field(default_factory=list)
    hidden_rows: int = 0
    hides_columns: bool = False


def marks(workbook: Workbook, sheet: Sheet) -> Marks:
    found = Marks(workbook.package.getinfo(sheet.part).file_size)
    with workbook.package.open(sheet.part) as file:
        for chunk in _chunks(file):
            for first, first_row, last, last_row in _MERGE.findall(chunk):
                if len(found.merges) == MAX_MERGES:
                    raise Unreadable(
                        say("The sheet has more merged cells than a roster. Unmerge them, and choose it again.")
                    )
                columns = column_of(first.decode()), column_of(last.decode())
                found.merges.append(Merge(int(first_row), columns[0], int(last_row), columns[1]))
            found.hidden_rows += len(_HIDDEN_ROW.findall(chunk))
            found.hides_columns = found.hides_columns or _HIDDEN_COLUMN.search(chunk) is not None
    return found


def rows(workbook: Workbook, sheet: Sheet, most_bytes: int | None = None) -> Iterator[tuple[Row, int]]:
    """Those that hold anything, each with the bytes read so far; with `most_bytes` those of so many."""
    reader = _Reader(workbook)
    parser = xml_parser(reader.start, reader.end, reader.add)
    done = 0
    with workbook.package.open(sheet.part) as file:
        for chunk in _chunks(file):
            done += len(chunk)
            parser.Parse(_without_empty(chunk), False)
            for row in reader.take():
                yield row, done
            if most_bytes is not None and done > most_bytes:
                return
    parser.Parse(b"", True)
    for row in reader.take():
        yield row, done


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    """The whole file in pieces, none of which ends within a tag, or between the tags of a row that is empty."""
    rest = b""
    while piece := file.read(_CHUNK_BYTES):
        rest += piece
        cut = rest.rfind(b"<row ")
        if cut <= 0:
            cut = rest.rfind(b"<")
        if cut > 0:
            yield rest[:cut]
            rest = rest[cut:]
        if len(rest) > _LONGEST_TAG_BYTES + _CHUNK_BYTES:
            raise ValueError("a tag or text without end")
    yield rest


def _without_empty(chunk: bytes) -> bytes:
    if b'"/></row>' not in chunk or b"<![CDATA[" in chunk:
        return chunk
    return _EMPTY_ROW.sub(b"", _EMPTY_CELL.sub(b"", chunk))


class _Reader:
    """What the parser tells, as rows."""

    def __init__(self, workbook: Workbook) -> None:
        self._workbook = workbook
        self._rows: list[Row] = []
        self._cells: dict[int, Cell] = {}
        self._number = 0
        self._column = -1
        self._kind = "n"
        self._style = 0
        self._has_formula = self._is_text = self._is_sound = False
        self._pieces: list[str] = []

    def take(self) -> list[Row]:
        taken, self._rows = self._rows, []
        return taken

    def start(self, tag: str, given: Attributes) -> None:
        if tag == "c":
            reference = given.get("r")
            self._column = self._column + 1 if reference is None else column_of(reference)
            self._kind = given.get("t", "n")
            self._style = int(given.get("s", "0"))
            self._has_formula = False
        elif tag in ("v", "t"):
            self._is_text = not self._is_sound
        elif tag == "f":
            self._has_formula = True
        elif tag == "rPh":
            self._is_sound = True
        elif tag == "row":
            self._number = int(given.get("r", self._number + 1))
            self._column = -1

    def add(self, data: str) -> None:
        if self._is_text:
            self._pieces.append(data)

    def end(self, tag: str) -> None:
        if tag == "c":
            self._end_cell()
        elif tag in ("v", "t"):
            self._is_text = False
        elif tag == "rPh":
            self._is_sound = False
        elif tag == "row" and self._cells:
            self._rows.append(Row(self._number, self._cells))
            self._cells = {}

    def _end_cell(self) -> None:
        text = "".join(self._pieces)
        self._pieces.clear()
        if not 0 <= self._column < MAX_COLUMNS:
            return
        cell = _KINDS.get(self._kind, _as_text)(self, text)
        if self._has_formula and not text and self._kind != "str":
            cell = Cell("", "uncomputed")
        if cell.text or cell.kind == "uncomputed":
            self._cells[self._column] = cell if len(cell.text) <= MAX_CELL_CHARACTERS else _cut(cell)

    def _shared(self, text: str) -> Cell:
        index = int(text) if text else -1
        return Cell(self._workbook.texts[index] if 0 <= index < len(self._workbook.texts) else "")

    def _number_of(self, text: str) -> Cell:
        formats = self._workbook.formats
        shown = formats[self._style] if 0 <= self._style < len(formats) else GENERAL
        return numbers.cell(text, shown, self._workbook.epoch) if text else Cell("")


def _cut(cell: Cell) -> Cell:
    return cell._replace(text=cell.text[: MAX_CELL_CHARACTERS + 1])


def _as_text(_reader: _Reader, text: str) -> Cell:
    return Cell(text)


_KINDS: dict[str, Callable[[_Reader, str], Cell]] = {
    "s": _Reader._shared,
    "n": _Reader._number_of,
    "b": lambda _, text: Cell("TRUE" if text == "1" else "FALSE", "truth"),
    "e": lambda _, text: Cell(text, "error"),
    "d": lambda _, text: Cell(text[:10], "date"),
}
"""By the type that a cell names; `str` and `inlineStr` are text as they are."""
