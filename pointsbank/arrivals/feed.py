"""What arrives, booked or not, as one list: the journal and the events that are not in it, the newest first."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from typing import Any, NamedTuple

from ledger import entries
from pointsbank.arrivals import reading
from pointsbank.arrivals.gathered import Status
from pointsbank.arrivals.reading import Unbooked
from pointsbank.database import Session

LOOKED_THROUGH = 100_000
"""Entries, from the newest on, that a list with filters goes through."""


class Position(NamedTuple):
    """In the journal, and among what is not in it."""

    entry: int
    unbooked: int


BEGINNING = Position(0, 0)


@dataclass(frozen=True, slots=True)
class Wanted:
    """None: any. A status other than `booked` and `ignored` is of what is not in the journal."""

    source: str | None = None
    kind: str | None = None
    status: Status | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """An entry, in the API's shape, or an event that is none."""

    at: datetime
    status: Status
    entry: dict[str, Any] | None = None
    unbooked: Unbooked | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """`next` is where an older page begins; None: there is none, as far as is looked."""

    items: list[Item]
    next: Position | None


def head(session: Session) -> Position:
    """The newest of both."""
    return Position(entries.last_recorded_by(session, None), reading.last_number(session))


def page(
    session: Session, wanted: Wanted, limit: int, before: Position | None = None, after: Position = BEGINNING
) -> Page:
    """The newest first: what is older than `before`, and newer than `after`."""
    numbers = _numbers(session, wanted, limit + 1, None if before is None else before.entry, after.entry)
    loaded = entries.load(session, numbers)
    unbooked = _unbooked(session, wanted, limit + 1, None if before is None else before.unbooked, after.unbooked)
    both = merge(_of_journal(loaded), _of_others(unbooked), key=lambda item: item.at, reverse=True)
    items = list(both)
    if len(items) <= limit:
        return Page(items, None)
    shown = items[:limit]
    newest = head(session) if before is None else before
    last_entry = min((item.entry["number"] for item in shown if item.entry), default=newest.entry + (before is None))
    last_other = min(
        (item.unbooked.number for item in shown if item.unbooked), default=newest.unbooked + (before is None)
    )
    return Page(shown, Position(last_entry, last_other))


def _numbers(session: Session, wanted: Wanted, limit: int, before: int | None, after: int) -> list[int]:
    if wanted.status in ("rejected", "duplicate"):
        return []
    has_transfers = None if wanted.status is None else wanted.status == "booked"
    filters = entries.Filters(source=wanted.source, kind=wanted.kind, has_transfers=has_transfers)
    newest = before or entries.last_recorded_by(session, None) + 1
    return entries.find(session, filters, before, limit, max(after, newest - 1 - LOOKED_THROUGH))


def _unbooked(session: Session, wanted: Wanted, limit: int, before: int | None, after: int) -> list[Unbooked]:
    if wanted.status in ("booked", "ignored"):
        return []
    return reading.find(
        session,
        limit,
        status=wanted.status,
        source=wanted.source,
        kind=wanted.kind,
        before=before,
        after=after,
    )


def _of_journal(loaded: list[dict[str, Any]]) -> Iterator[Item]:
    for entry in loaded:
        yield Item(entry["recorded_at"], "booked" if entry["transfers"] else "ignored", entry=entry)


def _of_others(unbooked: list[Unbooked]) -> Iterator[Item]:
    for each in unbooked:
        yield Item(each.arrived_at, "rejected" if each.status == "rejected" else "duplicate", unbooked=each)
