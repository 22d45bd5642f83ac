"""What a worker remembers of the companies whose boards are read, so that a read need not ask PostgreSQL."""

import time
from threading import Lock
from typing import NamedTuple
from zoneinfo import ZoneInfo

import psycopg
import sqlalchemy

from pointsbank.database import Database, Session
from pointsbank.leaderboards.boards import Board, Members, Scope, Unit
from pointsbank.leaderboards.earnings import recorded_at
from pointsbank.leaderboards.frame import Frame, of_scope

REMEMBERED_SECONDS = 1.0
RECENT_SECONDS = 0.25
MAX_PLACES = 10_000

LEDGER_AWAY = (psycopg.OperationalError, sqlalchemy.exc.OperationalError)

_Key = tuple[int, Scope, Unit, Members]


class Place(NamedTuple):
    """Where a board belongs: its frame (of all time), the company's time zone, the decimals of its unit."""

    frame: Frame
    zone: ZoneInfo
    scale: int


class Latest(NamedTuple):
    """What the ledger holds: the last entry's number and when it was booked, and the directory's version."""

    number: int
    recorded_at: int
    version: int


class Places:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = Lock()
        self._known: dict[_Key, tuple[float, Place]] = {}
        self._latest: dict[int, tuple[float, Latest]] = {}

    def of(self, company_id: int, board: Board) -> Place:
        """Of at most a second ago, or older while the database is away. Raises NotFound."""
        key = (company_id, board.scope, board.unit, board.members)
        known = self._known.get(key)
        now = time.monotonic()
        if known is not None and now < known[0]:
            return known[1]
        try:
            with self._database.snapshot(company_id) as session:
                place = _read(session, board)
        except LEDGER_AWAY:
            if known is None:
                raise
            place = known[1]
        with self._lock:
            if len(self._known) >= MAX_PLACES:
                self._known.clear()
            self._known[key] = (now + REMEMBERED_SECONDS, place)
        return place

    def latest(self, company_id: int) -> Latest:
        with self._database.snapshot(company_id) as session:
            return latest(session)

    def has(self, company_id: int, reflected: Latest) -> bool:
        """Whether the ledger has come as far, by the same entries."""
        with self._database.snapshot(company_id) as session:
            if recorded_at(session, [reflected.number]).get(reflected.number) != reflected.recorded_at:
                return False
            return reflected.version <= latest(session).version

    def recent(self, company_id: int) -> Latest:
        """As `latest`, but asked of the database at most `RECENT_SECONDS` ago."""
        known = self._latest.get(company_id)
        now = time.monotonic()
        if known is None or now >= known[0]:
            known = self._latest[company_id] = (now + RECENT_SECONDS, self.latest(company_id))
        return known[1]


def latest(session: Session) -> Latest:
    row = session.sql(
        """SELECT last_number, directory_version FROM journals WHERE company_id = %(company)s"""
    ).fetchone()
    assert row is not None, "every company has a journal"
    return Latest(row.last_number, recorded_at(session, [row.last_number])[row.last_number], row.directory_version)


def _read(session: Session, board: Board) -> Place:
    row = session.sql("SELECT timezone, credits_scale FROM companies WHERE company_id = %(company)s").fetchone()
    assert row is not None, "a key's company is never deleted"
    frame = of_scope(session, board.scope, board.unit, board.members)
    return Place(frame, ZoneInfo(row.timezone), row.credits_scale if board.unit == "credits" else 0)
