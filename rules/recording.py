"""Events into the ledger: judged in memory, booked as one set.

`record` takes a batch; `Turnstile.record` takes one event and books it together with those of other threads
that wait at the same moment, so that a commit is shared by all of them and a company's journal is locked as
rarely as can be. Both end with one named result for each event.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Literal

import psycopg

from ledger import journal, terms
from ledger.errors import InsufficientFunds, LedgerError, StaleDirectory
from ledger.journal import Booked, Duplicate, Outcome
from pointsbank.database import Database, Session
from pointsbank.errors import Invalid, PointsBankError, Unavailable
from rules import booking_limits
from rules import known as company_memory
from rules.cloudevent import Event
from rules.judging import Judged, judge

MAX_ROUNDS = 20
"""Times that a batch is judged anew because HR changes the directory under it, before the client is told to wait."""
MAX_TOGETHER = 500
"""Single events booked in one transaction."""
MAX_SHORT_ROUNDS = 8
"""Times that a batch is booked anew without those that an account could not pay, before it is booked in halves."""


@dataclass(slots=True)
class Recorded:
    """`judged` is there for an event booked just now. `ignored`: booked as an entry to which no rule gave anything."""

    status: Literal["booked", "ignored", "duplicate"]
    number: int
    recorded_at: datetime | None = None
    judged: Judged | None = None


Result = Recorded | PointsBankError


def record(database: Database, company_id: int, events: Sequence[Event]) -> list[Result]:
    """Books each event or says why not, in the order of the events. Safe to repeat, whole or in part."""
    if not events:
        return []
    known = company_memory.of_company(database, company_id)
    for _ in range(MAX_ROUNDS):
        judged = judge(database, known, list(events))
        if any(isinstance(one, PointsBankError) for one in judged):
            current = company_memory.refresh(database, company_id)
            if current is not known:
                known = current  # they may only have been refused by what was true a moment ago
                continue
        try:
            return _book(database, known, events, judged)
        except StaleDirectory:
            known = company_memory.refresh(database, company_id)
    raise Unavailable("The directory is being changed all the time at the moment. Nothing is booked; try again.")


def _book(
    database: Database,
    known: company_memory.Known,
    events: Sequence[Event],
    judged: list[Judged | PointsBankError],
) -> list[Result]:
    good = [one for one in judged if isinstance(one, Judged)]
    results: list[Result | None] = [one if isinstance(one, PointsBankError) else None for one in judged]
    if len(good) < len(judged):
        _recognise_retries(database, known, events, results)
    booked = iter(_book_good(database, known, good) if good else ())
    return [next(booked) if result is None else result for result in results]


def _book_good(database: Database, known: company_memory.Known, judged: list[Judged]) -> list[Result]:
    """Books what was judged; if the set cannot be booked as a whole, its halves, down to single events."""
    short: Mapping[int, Judged] = {}
    for _ in range(MAX_SHORT_ROUNDS):
        try:
            book = partial(_book_together, known=known, judged=judged, short=short)
            return database.run(known.company_id, book, writes=True)
        except StaleDirectory:
            raise
        except _Short as error:
            # One that can be paid after all, because the accounts have changed meanwhile, is to be counted again.
            short = error.judged if error.judged.keys() >= short.keys() else {}
        except (LedgerError, psycopg.DataError) as error:
            if len(judged) == 1:
                return [error if isinstance(error, LedgerError) else _unstorable(error)]
            break
    if len(judged) == 1:
        raise Unavailable("What this event draws on is changed all the time at the moment. Send it again.")
    middle = len(judged) // 2
    return _book_good(database, known, judged[:middle]) + _book_good(database, known, judged[middle:])


class _Short(Exception):
    """Drafts that an account cannot pay were counted towards caps and places, or are not any more.

    `judged` are all that it cannot pay, by index, with what the limits would have left of them.
    """

    def __init__(self, judged: Mapping[int, Judged]) -> None:
        super().__init__()
        self.judged = judged


def _book_together(
    session: Session, known: company_memory.Known, judged: list[Judged], short: Mapping[int, Judged]
) -> list[Result]:
    journal.lock(session, known.directory.version)
    if any(booking_limits.has_limits(one) for one in judged):
        judged = [short.get(index) or booking_limits.uncut(one) for index, one in enumerate(judged)]
        outcomes = _book_limited(session, judged, short)
    else:
        outcomes = journal.post(session, [one.draft for one in judged])
    recorded_at = next((outcome.recorded_at for outcome in outcomes if isinstance(outcome, Booked)), None)
    if recorded_at is not None:
        known.check_time(recorded_at)
    return [_result(one, outcome) for one, outcome in zip(judged, outcomes, strict=True)]


def _book_limited(session: Session, judged: list[Judged], short: Mapping[int, Judged]) -> list[Outcome]:
    """Raises _Short unless `short` is what was refused because an account is short.

    So caps and places count what is booked, and in one transaction more however much is refused.
    """
    uncounted = {id(one) for one in short.values()}
    cut = booking_limits.apply(session, [one for one in _new(session, judged) if id(one) not in uncounted])
    booking_limits.displace(session, cut)
    outcomes = journal.post(session, [one.draft for one in judged])
    refused = {index: judged[index] for index, each in enumerate(outcomes) if isinstance(each, InsufficientFunds)}
    nothing_counted = len(judged) == 1 and not cut.losses
    if refused.keys() != short.keys() and not nothing_counted:
        raise _Short(refused)
    booking_limits.take_places(session, cut, judged, outcomes)
    return outcomes


def _new(session: Session, judged: list[Judged]) -> list[Judged]:
    """Without those booked before, and without repeats inside the batch."""
    booked = journal.find_booked(session, [(one.draft.source, one.draft.key) for one in judged])
    first: dict[tuple[int, str], Judged] = {}
    for index, one in enumerate(judged):
        if index not in booked:
            first.setdefault((one.draft.source, one.draft.key), one)
    return list(first.values())


def _result(judged: Judged, outcome: Outcome) -> Result:
    if isinstance(outcome, Booked):
        status: Literal["booked", "ignored"] = "booked" if judged.draft.transfers else "ignored"
        return Recorded(status, outcome.number, outcome.recorded_at, judged)
    return _duplicate(outcome) if isinstance(outcome, Duplicate) else outcome


def _duplicate(outcome: Duplicate) -> Recorded:
    return Recorded("duplicate", outcome.number)


def _recognise_retries(
    database: Database, known: company_memory.Known, events: Sequence[Event], results: list[Result | None]
) -> None:
    """An event booked before is a duplicate even if it would be refused by now (who left, what closed)."""
    refused = [index for index, result in enumerate(results) if result is not None]
    with database.snapshot(known.company_id) as session:
        sources = terms.find(session, list({events[index].source for index in refused}))
        keys = [(sources.get(events[index].source, 0), events[index].id) for index in refused]
        for place, booked in journal.find_booked(session, keys).items():
            event = events[refused[place]]
            outcome = journal.outcome_of_booked(session, event.id, event.fingerprint, booked)
            results[refused[place]] = (
                Recorded("duplicate", outcome.number) if isinstance(outcome, Duplicate) else outcome
            )


def _unstorable(error: Exception) -> Invalid:
    return Invalid(f"The database cannot store this event: {str(error).splitlines()[0]}")


@dataclass(slots=True)
class _Ticket:
    event: Event
    woken: threading.Event = field(default_factory=threading.Event)
    result: Result | None = None
    error: BaseException | None = None
    leads: bool = False


@dataclass(slots=True)
class _Queue:
    lock: threading.Lock = field(default_factory=threading.Lock)
    waiting: list[_Ticket] = field(default_factory=list)
    led: bool = False


class Turnstile:
    """Books single events of many threads together: whoever finds nobody at it leads, the others wait."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queues: dict[int, _Queue] = {}

    def record(self, company_id: int, event: Event) -> Result:
        queue = self._queues.setdefault(company_id, _Queue())
        ticket = _Ticket(event)
        with queue.lock:
            queue.waiting.append(ticket)
            ticket.leads = not queue.led
            queue.led = True
        if not ticket.leads:
            ticket.woken.wait()
        if ticket.leads:
            self._lead(company_id, queue)
        if ticket.error is not None:
            raise ticket.error
        assert ticket.result is not None
        return ticket.result

    def _lead(self, company_id: int, queue: _Queue) -> None:
        """Books what waits, this thread's own event among it; then the first that came meanwhile leads."""
        with queue.lock:
            batch, queue.waiting = queue.waiting[:MAX_TOGETHER], queue.waiting[MAX_TOGETHER:]
        try:
            results = record(self._database, company_id, [ticket.event for ticket in batch])
            for ticket, result in zip(batch, results, strict=True):
                ticket.result = result
        except BaseException as error:
            for ticket in batch:
                ticket.error = error
            if not isinstance(error, Exception):
                raise
        finally:
            with queue.lock:
                queue.led = bool(queue.waiting)
                if queue.led:
                    queue.waiting[0].leads = True
                    queue.waiting[0].woken.set()
            for ticket in batch:
                ticket.woken.set()
