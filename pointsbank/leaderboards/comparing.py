"""Boards in Redis held against the ledger, row by row: what `pointsbank verify` does."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from zoneinfo import ZoneInfo

from pointsbank.database import Database, Session
from pointsbank.errors import Unavailable
from pointsbank.leaderboards import people, pins
from pointsbank.leaderboards.frame import Frame, instant
from pointsbank.leaderboards.places import latest
from pointsbank.leaderboards.projection import project
from pointsbank.leaderboards.standings import Row, everybody
from pointsbank.leaderboards.store import Found, State, Store

ROWS_A_PAGE = 1_000
LOCK_SECONDS = 30.0
ATTEMPTS = 20
PAUSE_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Difference:
    """What Redis and the ledger say of one place of a board; None where one has no such place. At place 0 it is not
    the rows that differ but how many people the teams have."""

    board: str
    place: int
    redis: Row | None
    ledger: Row | None

    def __str__(self) -> str:
        if self.redis is self.ledger:
            return f"{self.board}: Redis has another number of people in its teams than the directory"
        return f"{self.board}, place {self.place}: Redis has {_told(self.redis)}, the ledger {_told(self.ledger)}"


def _told(row: Row | None) -> str:
    if row is None:
        return "nobody"
    reached = "" if row.reached_at is None else f", reached {row.reached_at.isoformat()}"
    return f"{row.member} ({row.name}) with {row.score} at rank {row.rank}, moved {row.moved}{reached}"


def frames(database: Database, store: Store, company_id: int) -> list[Frame]:
    """The boards of the company that Redis has; those that are pinned are made, where they are missing."""
    if pinned := pins.frames(database, company_id, datetime.now(UTC)):
        project(database, store, company_id, pinned=pinned)
    looked_at = [Frame.of_id(text) for text in store.wanted(company_id)]
    states = store.states(company_id, looked_at)
    return [frame for frame, state in zip(looked_at, states, strict=True) if isinstance(state, State)]


def differences(database: Database, store: Store, company_id: int, frame: Frame) -> Iterator[Difference]:
    """Every place of the board that is not as the ledger has it. Nothing is projected meanwhile.

    Raises Unavailable if the directory is changed all the time, or somebody else is at the boards all the time.
    """
    for _ in range(ATTEMPTS):
        project(database, store, company_id)
        token = store.lock(company_id, LOCK_SECONDS)
        if token is None:
            time.sleep(PAUSE_SECONDS)
            continue
        try:
            with database.snapshot(company_id) as session:
                (state,) = store.states(company_id, [frame])
                if state is None:
                    return  # it is no longer looked at
                if isinstance(state, State) and state.version == latest(session).version:
                    yield from _compared(session, store, frame, state, token)
                    return
        finally:
            store.unlock(company_id, token)
    raise Unavailable(f"Board {frame.id} could not be compared: it, or the directory, is changed all the time.")


def _compared(session: Session, store: Store, frame: Frame, state: State, token: str) -> Iterator[Difference]:
    session.sql("SET LOCAL statement_timeout = 0")
    name = _name(session, frame)
    row = session.sql("SELECT timezone FROM companies WHERE company_id = %(company)s").fetchone()
    assert row is not None, "a company is never deleted"
    now = instant(state.before)  # any time at which `before` is this
    if now == frame.window.until_at:
        now += timedelta(days=1)
    truth = everybody(session, frame, ZoneInfo(row.timezone), now, state.number)
    cached = _rows(store, session.company_id, frame, state, token)
    for place, (ours, theirs) in enumerate(zip_longest(cached, truth), 1):
        if ours != theirs:
            yield Difference(name, place, ours, theirs)
    if frame.members == "teams":
        assert frame.programme is not None, "teams belong to a programme"
        found = store.page(session.company_id, frame, state.before, 0)
        counted = people.parse(people.load(session, frame.programme))
        if isinstance(found, Found) and people.parse(found.people) != counted:
            yield Difference(name, 0, None, None)


def _rows(store: Store, company_id: int, frame: Frame, state: State, token: str) -> Iterator[Row]:
    offset = 0
    while isinstance(found := store.page(company_id, frame, state.before, ROWS_A_PAGE, offset), Found):
        store.hold(company_id, token, LOCK_SECONDS)
        rows = found.rows
        yield from rows
        offset += len(rows)
        if not rows:
            return


def _name(session: Session, frame: Frame) -> str:
    """As a client would ask for it."""
    row = session.sql(
        """SELECT (SELECT key FROM programmes WHERE company_id = %(company)s AND no = %(programme)s) AS programme,
                  (SELECT key FROM courses WHERE company_id = %(company)s AND no = %(course)s) AS course""",
        {"programme": frame.programme, "course": frame.course},
    ).fetchone()
    assert row is not None, "a SELECT without FROM has one row"
    scope = "company" if row.programme is None else f"programme:{row.programme}"
    if row.course is not None:
        scope = f"course:{row.programme}/{row.course}"
    window = frame.window
    period = "all time" if window.from_at is None else f"{window.from_at.isoformat()}..{window.until_at}"
    return f"board of {frame.unit} of {frame.members} in {scope}, {period}"
