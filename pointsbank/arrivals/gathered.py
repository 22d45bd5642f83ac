"""What became of the events of one request, gathered by its own thread."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import orjson

from pointsbank.errors import PointsBankError
from pointsbank.saying import Said

Status = Literal["booked", "duplicate", "ignored", "rejected"]

MAX_REJECTED = 200
"""Kept of what arrives within half a second; those beyond are counted."""
MAX_SOURCES = 50
"""Told apart among what arrives within half a second; what is of others is counted as of none."""
MAX_PAYLOAD_CHARACTERS = 4_000
MAX_TEXT_CHARACTERS = 512
MAX_FAULTS = 20

_NONE = ""


class Sent(NamedTuple):
    """An event as sent, as far as it could be read."""

    source: str | None
    kind: str | None
    event_id: str | None
    learner: str | None


@dataclass(slots=True)
class Refused:
    """`times` counts it, and those beside it that are not kept."""

    sent: Sent
    problem: bytes
    payload: str | None
    times: int = 1


@dataclass(slots=True)
class Again:
    """Duplicates of one source and kind: the last of them, the number of its entry, and how many they are."""

    sent: Sent
    entry: int
    times: int = 0


@dataclass(slots=True)
class Gathered:
    counts: Counter[tuple[str, Status]] = field(default_factory=Counter)
    rejected: list[Refused] = field(default_factory=list)
    again: dict[tuple[str | None, str | None], Again] = field(default_factory=dict)

    def note(self, source: str, status: Status) -> None:
        """An event that was booked, with transfers or without."""
        self.counts[source, status] += 1

    def note_again(self, sent: Sent, entry: int) -> None:
        self.counts[sent.source or _NONE, "duplicate"] += 1
        key = sent.source, sent.kind
        found = self.again.get(key)
        if found is None:
            if len(self.again) >= MAX_SOURCES:
                return
            found = self.again[key] = Again(sent, entry)
        found.sent, found.entry = sent, entry
        found.times += 1

    def refuse(self, sent: object, error: PointsBankError) -> None:
        """`sent` is the event as JSON, or the text that is none."""
        known = read(sent)
        self.counts[known.source or _NONE, "rejected"] += 1
        if len(self.rejected) < MAX_REJECTED:
            self.rejected.append(Refused(known, _problem(error), _payload(sent)))
        else:
            self.rejected[-1].times += 1

    def add(self, other: "Gathered") -> None:
        """What another request gathered, within the same bounds."""
        self.counts.update(other.counts)
        if len({source for source, _status in self.counts}) > MAX_SOURCES:
            self.counts = _merged(self.counts)
        room = MAX_REJECTED - len(self.rejected)
        self.rejected += other.rejected[:room]
        for beyond in other.rejected[room:]:
            self.rejected[-1].times += beyond.times
        for key, each in other.again.items():
            found = self.again.get(key)
            if found is not None:
                each.times += found.times
            elif len(self.again) >= MAX_SOURCES:
                continue
            self.again[key] = each


def read(sent: object) -> Sent:
    """What can be read of what was sent."""
    if not isinstance(sent, dict):
        return Sent(None, None, None, None)
    texts = (sent.get(name) for name in ("source", "type", "id", "subject"))
    return Sent(*(storable(text, MAX_TEXT_CHARACTERS) if isinstance(text, str) and text else None for text in texts))


def storable(text: str, most: int) -> str:
    """As PostgreSQL takes it: without NUL and halves of surrogate pairs; and cut."""
    return text[:most].replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _merged(counts: Counter[tuple[str, Status]]) -> Counter[tuple[str, Status]]:
    """The sources with the most events by name, the others together."""
    totals: Counter[str] = Counter()
    for (source, _status), count in counts.items():
        totals[source] += count
    kept = {source for source, _count in totals.most_common(MAX_SOURCES - 1)}
    merged: Counter[tuple[str, Status]] = Counter()
    for (source, status), count in counts.items():
        merged[source if source in kept else _NONE, status] += count
    return merged


def _problem(error: PointsBankError) -> bytes:
    """The problem, with what a page needs to say it in its language."""
    errors = [{"path": storable(path, MAX_TEXT_CHARACTERS), **_said(said)} for path, said in error.errors[:MAX_FAULTS]]
    return orjson.dumps({"slug": error.slug, "title": error.title, **_said(error.detail), "errors": errors})


def _said(message: str) -> dict[str, Any]:
    said: dict[str, Any] = {"message": storable(str(message), MAX_PAYLOAD_CHARACTERS)}
    if isinstance(message, Said) and message.values:
        values = {name: storable(str(value), MAX_TEXT_CHARACTERS) for name, value in message.values.items()}
        said["said"] = {"form": message.form, "values": values}
    elif isinstance(message, Said):
        said["said"] = {"form": message.form, "values": {}}
    return said


def _payload(sent: object) -> str | None:
    if sent is None:
        return None
    if isinstance(sent, bytes):
        return storable(sent[: 4 * MAX_PAYLOAD_CHARACTERS].decode("utf-8", "replace"), MAX_PAYLOAD_CHARACTERS)
    try:
        text = orjson.dumps(sent, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode()
    except (TypeError, ValueError):  # halves of surrogate pairs, integers of hundreds of digits, too deep
        return storable(repr(sent), MAX_PAYLOAD_CHARACTERS)
    return storable(text, MAX_PAYLOAD_CHARACTERS)
