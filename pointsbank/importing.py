"""Files of learners and events, CSV or NDJSON, into the bank: in constant memory, and safe to run again.

Lines are taken in chunks, each its own transaction, so an interrupted import goes on where it stopped: what
is booked is recognised. Bad lines go to `FILE.rejected`, one a line: line number, reason, the line itself.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple, TextIO

from pointsbank.database import Database, Session
from pointsbank.directory import enrolments, learners, programmes
from pointsbank.directory.learners import Learner, Status
from pointsbank.errors import Invalid, PointsBankError
from pointsbank.import_lines import Kind, Line, lines
from rules.cloudevent import parse_event
from rules.recording import Recorded, record

CHUNK_LINES = 5_000
CHUNK_BYTES = 8 * 2**20  # whichever is reached first
STATUSES = {
    "learners": ("created", "updated", "unchanged", "rejected"),
    "events": ("booked", "duplicate", "ignored", "rejected"),
}


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
    """Imports the file; returns how many lines had each of the kind's STATUSES.

    `programme` is put into events that name none; learners are enrolled in it. `progress` is told the bytes
    read since it was called before. Raises Invalid for a file that is neither form, NotFound for the programme.
    """
    if programme is not None:
        with database.snapshot(company_id) as session:
            programmes.get(session, programme)
    take = _take_events if kind == "events" else _take_learners
    counts = Counter(dict.fromkeys(STATUSES[kind], 0))
    with _RejectedLines(path) as rejected:
        done = 0
        for chunk in _chunks(lines(path, kind)):
            statuses, rejections = take(database, company_id, chunk, programme)
            counts.update(statuses)
            counts["rejected"] += len(rejections)
            rejected.write(rejections)
            progress(chunk[-1].bytes_read - done)
            done = chunk[-1].bytes_read
    return counts


class _RejectedLines(ExitStack):
    """`FILE.rejected`, made at the first bad line; that of an import before is removed."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path.with_name(path.name + ".rejected")
        self._file: TextIO | None = None
        self._path.unlink(missing_ok=True)

    def write(self, rejections: list[Rejection]) -> None:
        """Raises Invalid if the file cannot be written."""
        try:
            for line, error in sorted(rejections, key=lambda rejection: rejection.line.number):
                if self._file is None:
                    opened = open(self._path, "w", encoding="utf-8", errors="backslashreplace")  # noqa: SIM115
                    self._file = self.enter_context(opened)
                self._file.write(f"{line.number}\t{_reason(error)}\t{line.text}\n")
            if self._file is not None:
                self._file.flush()
        except OSError as error:
            raise Invalid(f"The rejected lines cannot be written to {self._path}: {error.strerror}") from error


def _reason(error: PointsBankError) -> str:
    """On one line, with every field."""
    told = [error.detail, *(f"{path}: {message}" for path, message in error.errors if message not in error.detail)]
    return " ".join(" ".join(told).split())


def _chunks(found: Iterator[Line]) -> Iterator[list[Line]]:
    chunk: list[Line] = []
    began = 0
    for line in found:
        chunk.append(line)
        if len(chunk) == CHUNK_LINES or line.bytes_read - began >= CHUNK_BYTES:
            began = line.bytes_read
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _take_events(
    database: Database, company_id: int, chunk: list[Line], programme: str | None
) -> tuple[list[str], list[Rejection]]:
    rejections: list[Rejection] = []
    events, good = [], []
    for index, line in enumerate(chunk):
        try:
            events.append(parse_event(_in_programme(_parsed(line), programme), index))
            good.append(line)
        except PointsBankError as error:
            rejections.append(Rejection(line, error))
    statuses: list[str] = []
    for line, result in zip(good, record(database, company_id, events), strict=True):
        if isinstance(result, Recorded):
            statuses.append(result.status)
        else:
            rejections.append(Rejection(line, result))
    return statuses, rejections


def _take_learners(
    database: Database, company_id: int, chunk: list[Line], programme: str | None
) -> tuple[list[str], list[Rejection]]:
    rejections: list[Rejection] = []
    found: dict[str, tuple[Learner, Line]] = {}
    statuses: list[str] = []
    for line in chunk:
        try:
            learner = learners.parse(_parsed(line))
            first, first_line = found.setdefault(learner.key, (learner, line))
            if first_line is line:
                continue
            if first != learner:
                raise Invalid(f"{learner.key} stands in line {first_line.number} already, with other content.")
            statuses.append("unchanged")
        except PointsBankError as error:
            rejections.append(Rejection(line, error))

    def put(session: Session) -> list[Status | Invalid]:
        outcomes = learners.put_batch(session, [learner for learner, _ in found.values()])
        stored = [key for key, outcome in zip(found, outcomes, strict=True) if not isinstance(outcome, Invalid)]
        if programme is not None and stored:
            enrolments.enrol(session, programme, stored)
        return outcomes

    for (_, line), outcome in zip(found.values(), database.run(company_id, put), strict=True):
        if isinstance(outcome, Invalid):
            rejections.append(Rejection(line, outcome))
        else:
            statuses.append(outcome)
    return statuses, rejections


def _parsed(line: Line) -> object:
    if isinstance(line.item, Invalid):
        raise line.item
    return line.item


def _in_programme(item: object, programme: str | None) -> object:
    if programme is not None and isinstance(item, dict) and isinstance(item.get("data", {}), dict):
        return {**item, "data": {"programme": programme, **item.get("data", {})}}
    return item
