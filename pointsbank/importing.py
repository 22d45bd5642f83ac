"""Files of learners and events, CSV or NDJSON, into the bank: in constant memory, and safe to run again.

Lines are taken in chunks, each its own transaction, so an interrupted import goes on where it stopped: what
is booked is recognised. Bad lines go to `FILE.rejected`, one a line: line number, reason, the line itself.

In a CSV file of events the columns id, source, type, subject, time, programme and course are the envelope;
every other column is a fact under its name in `data`, a number or true/false where it looks like one (0123
does not: ids keep their zeros), and absent where the cell is empty.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal, NamedTuple, TextIO

import orjson

from pointsbank.database import Database
from pointsbank.directory import enrolments, learners, programmes
from pointsbank.errors import Invalid, PointsBankError
from rules.cloudevent import parse_event
from rules.recording import Recorded, record

CHUNK_LINES = 5_000
MAX_LINE_CHARACTERS = 256 * 1024
"""Of a line, and of a CSV cell."""

Kind = Literal["learners", "events"]
ENVELOPE = ("id", "source", "type", "subject", "time")
PLACES = ("programme", "course")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,15})?")


class Line(NamedTuple):
    """`item` is the parsed line, or why it could not be parsed; `bytes_read` is how far the file is read."""

    number: int
    text: str
    item: object | Invalid
    bytes_read: int


class Rejection(NamedTuple):
    line: Line
    error: PointsBankError


def import_file(
    database: Database,
    company_id: int,
    kind: Kind,
    path: Path,
    programme: str | None,
    progress: Callable[[int], None],
) -> Counter[str]:
    """Imports the file; returns counts (booked, duplicate, ignored, created, updated, unchanged, rejected).

    `programme` is put into events that name none; learners are enrolled in it. `progress` is told the bytes
    read since it was called before. Raises Invalid for a file that is neither form, NotFound for the programme.
    """
    if programme is not None:
        with database.snapshot(company_id) as session:
            programmes.get(session, programme)
    take = _take_events if kind == "events" else _take_learners
    counts: Counter[str] = Counter()
    rejected_path = path.with_name(path.name + ".rejected")
    rejected_path.unlink(missing_ok=True)
    with ExitStack() as stack:
        rejected: TextIO | None = None
        done = 0
        for chunk in _chunks(_lines(path, kind)):
            statuses, rejections = take(database, company_id, chunk, programme)
            counts.update(statuses)
            counts["rejected"] += len(rejections)
            if rejections and rejected is None:
                rejected = stack.enter_context(open(rejected_path, "w", encoding="utf-8", errors="backslashreplace"))
            for line, error in rejections:
                assert rejected is not None
                rejected.write(f"{line.number}\t{error.detail}\t{line.text}\n")
            progress(chunk[-1].bytes_read - done)
            done = chunk[-1].bytes_read
    return counts


def _chunks(lines: Iterator[Line]) -> Iterator[list[Line]]:
    chunk: list[Line] = []
    for line in lines:
        chunk.append(line)
        if len(chunk) == CHUNK_LINES:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _take_events(
    database: Database, company_id: int, chunk: list[Line], programme: str | None
) -> tuple[list[str], list[Rejection]]:
    rejections: list[Rejection] = []
    events, lines = [], []
    for index, line in enumerate(chunk):
        try:
            events.append(parse_event(_in_programme(_parsed(line), programme), index))
            lines.append(line)
        except PointsBankError as error:
            rejections.append(Rejection(line, error))
    statuses: list[str] = []
    for line, result in zip(lines, record(database, company_id, events), strict=True):
        if isinstance(result, Recorded):
            statuses.append(result.status)
        else:
            rejections.append(Rejection(line, result))
    return statuses, sorted(rejections, key=lambda rejection: rejection.line.number)


def _take_learners(
    database: Database, company_id: int, chunk: list[Line], programme: str | None
) -> tuple[list[str], list[Rejection]]:
    rejections: list[Rejection] = []
    found, lines = [], []
    for line in chunk:
        try:
            found.append(learners.parse(_parsed(line)))
            lines.append(line)
        except PointsBankError as error:
            rejections.append(Rejection(line, error))
    with database.transaction(company_id) as session:
        outcomes = learners.put_batch(session, found)
        stored = [one.key for one, outcome in zip(found, outcomes, strict=True) if not isinstance(outcome, Invalid)]
        if programme is not None and stored:
            enrolments.enrol(session, programme, stored, None)
    statuses: list[str] = []
    for line, outcome in zip(lines, outcomes, strict=True):
        if isinstance(outcome, Invalid):
            rejections.append(Rejection(line, outcome))
        else:
            statuses.append(outcome)
    return statuses, sorted(rejections, key=lambda rejection: rejection.line.number)


def _parsed(line: Line) -> object:
    if isinstance(line.item, Invalid):
        raise line.item
    return line.item


def _in_programme(item: object, programme: str | None) -> object:
    if programme is not None and isinstance(item, dict) and isinstance(item.get("data", {}), dict):
        return {**item, "data": {"programme": programme, **item.get("data", {})}}
    return item


def _lines(path: Path, kind: Kind) -> Iterator[Line]:
    with open(path, "rb") as file:
        first = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
        file.seek(0)
        yield from _lines_of_ndjson(file) if first == b"{" else _lines_of_csv(file, kind)


def _lines_of_ndjson(file: io.BufferedReader) -> Iterator[Line]:
    number = done = 0
    while raw := file.readline(MAX_LINE_CHARACTERS):
        number += 1
        done += len(raw)
        if not raw.endswith(b"\n") and len(raw) == MAX_LINE_CHARACTERS:
            while (rest := file.readline(MAX_LINE_CHARACTERS)) and not rest.endswith(b"\n"):
                done += len(rest)
            done += len(rest)
            yield Line(number, "", Invalid(f"The line is longer than {MAX_LINE_CHARACTERS} bytes."), done)
            continue
        text = raw.removeprefix(b"\xef\xbb\xbf" if number == 1 else b"").strip()
        if text:
            yield Line(number, text.decode("utf-8", "backslashreplace"), _json(text), done)


def _json(text: bytes) -> object | Invalid:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return Invalid(f"This is not JSON: {error.msg} at column {error.colno}.")


def _lines_of_csv(file: io.BufferedReader, kind: Kind) -> Iterator[Line]:
    csv.field_size_limit(MAX_LINE_CHARACTERS)
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    reader = csv.reader(_without_nul(text), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        raise Invalid(f"The file is neither NDJSON nor CSV: {error}.") from error
    needed = ("id", "type", "subject") if kind == "events" else ("id", "name")
    if missing := [name for name in needed if name not in header]:
        raise Invalid(f"The file is neither NDJSON nor CSV with the columns {', '.join(missing)}.")
    if len(set(header)) < len(header):
        raise Invalid("The file's header names a column twice.")
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Line(number, "", Invalid(f"This is not CSV: {error}."), file.tell())
            continue
        if cells:
            shown = ",".join(cells).replace("\n", "\\n").replace("\t", "\\t")
            yield Line(number, shown, _of_cells(header, cells, kind), file.tell())


def _without_nul(text: io.TextIOWrapper) -> Iterator[str]:
    """NUL stops the reader; another control character reaches the check that names the field."""
    for line in text:
        yield line.replace("\x00", "\x01")


def _of_cells(header: list[str], cells: list[str], kind: Kind) -> object | Invalid:
    if len(cells) != len(header):
        return Invalid(f"The line has {len(cells)} cells, the header {len(header)}.")
    row = {name: cell for name, cell in zip(header, cells, strict=True) if cell != ""}
    if kind == "learners":
        return row
    event: dict[str, Any] = {"specversion": "1.0", "source": "urn:pointsbank:import"}
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
