"""The lines of a CSV or NDJSON file, each parsed or with the reason why it is none; in constant memory.

In a CSV file of events the columns id, source, type, subject, time, programme and course are the envelope;
every other column is a fact under its name in `data`, a number or true/false where it looks like one (0123
does not: ids keep their zeros; nor do more digits than a number holds exactly), and absent where the cell is
empty.
"""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

import orjson

from pointsbank.errors import Invalid

MAX_LINE_CHARACTERS = 256 * 1024
"""Of a line, and of a CSV cell."""

Kind = Literal["learners", "events"]
NEEDED = {"learners": ("id", "name"), "events": ("id", "type", "subject")}
ENVELOPE = ("id", "source", "type", "subject", "time")
PLACES = ("programme", "course")
DEFAULT_SOURCE = "urn:pointsbank:import"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
SNIFFED_BYTES = 4096
_NUMBER = re.compile(r"-?(?=[0-9.]{1,16}$)(0|[1-9][0-9]{0,14})(\.[0-9]+)?")


class Line(NamedTuple):
    """`item` is the parsed line, or why it could not be parsed; `bytes_read` is how far the file is read."""

    number: int
    text: str
    item: object | Invalid
    bytes_read: int


def lines(path: Path, kind: Kind) -> Iterator[Line]:
    """Every line that is not blank. Raises Invalid for a file that is neither form."""
    with open(path, "rb") as file:
        start = file.read(SNIFFED_BYTES).removeprefix(BYTE_ORDER_MARK).lstrip()
        file.seek(0)
        if start:
            yield from _lines_of_ndjson(file) if start.startswith(b"{") else _lines_of_csv(file, kind)


def _lines_of_ndjson(file: io.BufferedReader) -> Iterator[Line]:
    number = done = 0
    while raw := file.readline(MAX_LINE_CHARACTERS):
        number += 1
        done += len(raw)
        if not raw.endswith(b"\n") and len(raw) == MAX_LINE_CHARACTERS:
            while (rest := file.readline(MAX_LINE_CHARACTERS)) and not rest.endswith(b"\n"):
                done += len(rest)
            done += len(rest)
            yield Line(number, "", _too_long(), done)
            continue
        text = raw.removeprefix(BYTE_ORDER_MARK if number == 1 else b"").strip()
        if text:
            yield Line(number, text.decode("utf-8", "backslashreplace"), _json(text), done)


def _too_long() -> Invalid:
    return Invalid(f"The line is longer than {MAX_LINE_CHARACTERS} characters.")


def _json(text: bytes) -> object | Invalid:
    try:
        item: object = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return Invalid(f"This is not JSON: {error.msg} at column {error.colno}.")
    return item


def _lines_of_csv(file: io.BufferedReader, kind: Kind) -> Iterator[Line]:
    csv.field_size_limit(MAX_LINE_CHARACTERS)
    with io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
        feed = _Feed(text)
        reader = csv.reader(feed, strict=True)
        header = _header(reader, kind)
        while True:
            number = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Line(number, "", Invalid(f"This is not CSV: {error}."), file.tell())
                continue
            if feed.take_cut():
                yield Line(number, "", _too_long(), file.tell())
            elif cells:
                yield Line(number, _on_one_line(cells), _of_cells(header, cells, kind), file.tell())


def _on_one_line(cells: list[str]) -> str:
    return ",".join(cells).replace("\r", "\\r").replace("\n", "\\n").replace("\t", "\\t")


def _header(reader: Iterator[list[str]], kind: Kind) -> list[str]:
    try:
        header = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        raise Invalid(f"The file is neither NDJSON nor CSV: {error}.") from error
    if missing := [name for name in NEEDED[kind] if name not in header]:
        raise Invalid(f"The file is neither NDJSON nor CSV with a header that names {', '.join(missing)}.")
    if len(set(header)) < len(header):
        raise Invalid("The file's header names a column twice.")
    return header


class _Feed:
    """The lines of a text for the CSV reader, never more of one in memory than the limit."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._cut = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = self._text.readline(MAX_LINE_CHARACTERS)
        if not line:
            raise StopIteration
        if len(line) == MAX_LINE_CHARACTERS and line[-1] not in "\r\n":
            while (rest := self._text.readline(MAX_LINE_CHARACTERS)) and rest[-1] not in "\r\n":
                pass
            self._cut = True
            return "\n"
        return line

    def take_cut(self) -> bool:
        """Whether a line was too long, and left out, since this was asked before."""
        cut, self._cut = self._cut, False
        return cut


def _of_cells(header: list[str], cells: list[str], kind: Kind) -> object | Invalid:
    if len(cells) != len(header):
        return Invalid(f"The line has {len(cells)} cells, the header {len(header)}.")
    row = {name: cell for name, cell in zip(header, cells, strict=True) if cell != ""}
    if kind == "learners":
        return row
    event: dict[str, Any] = {"specversion": "1.0", "source": DEFAULT_SOURCE}
    event |= {name: row.pop(name) for name in ENVELOPE if name in row}
    data: dict[str, Any] = {name: row.pop(name) for name in PLACES if name in row}
    event["data"] = data | {name: _fact(cell) for name, cell in row.items() if name != "specversion"}
    return event


def _fact(cell: str) -> object:
    if cell in ("true", "false"):
        return cell == "true"
    if not _NUMBER.fullmatch(cell):
        return cell
    return float(cell) if "." in cell else int(cell)
