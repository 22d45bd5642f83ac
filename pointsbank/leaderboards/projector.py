"""The thread of a worker that keeps boards in Redis up: told of each commit of its own process, and by readers who
find a board behind. What one worker's thread does, others need not, and none has to."""

import logging
import threading
import time
from typing import Any

import psycopg
import sqlalchemy
from redis.exceptions import RedisError

from pointsbank.database import Database
from pointsbank.errors import Unavailable
from pointsbank.leaderboards.pins import Pins
from pointsbank.leaderboards.projection import project
from pointsbank.leaderboards.store import Store

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.01
"""Commits of so long are taken up together."""
PASS_SECONDS = 0.05
"""So long after a pass has begun commits alone begin no other: who reads a board that is behind does."""
AWAY_SECONDS = 0.5
"""Between two tries while Redis or the database is away."""


class Projector:
    """Starts its thread when it is first told something, so that a fork may come before."""

    def __init__(self, database: Database, store: Store) -> None:
        self._database = database
        self._store = store
        self.pins = Pins(database)
        self._told = threading.Condition()
        self._due: dict[int, float] = {}
        self._begun: dict[int, float] = {}
        self._thread: threading.Thread | None = None
        self._closed = False
        self._away = False

    def nudge(self, company_id: int, after: float = GATHER_SECONDS) -> None:
        """Something has changed, or seems to have. Never waits, never fails."""
        due = time.monotonic() + after
        if after:
            due = max(due, self._begun.get(company_id, 0.0) + PASS_SECONDS)
        with self._told:
            if self._closed:
                return
            if self._due.get(company_id, due + 1) <= due:
                return
            self._due[company_id] = due
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="projector", daemon=True)
                self._thread.start()
            self._told.notify()

    def close(self) -> None:
        with self._told:
            self._closed = True
            self._due.clear()
            self._told.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while (company_id := self._next()) is not None:
            try:
                pinned = self.pins.of(company_id)
                if not project(self._database, self._store, company_id, pinned=pinned):
                    self.nudge(company_id)  # another worker's pass may not have taken up what this one was told of
                self._works(True)
            except (RedisError, OSError, psycopg.Error, sqlalchemy.exc.SQLAlchemyError, Unavailable) as error:
                self._works(False, error)
                self.nudge(company_id)
            except Exception:
                log.exception("boards of company %d are not brought up", company_id)

    def _works(self, works: bool, error: Exception | None = None) -> None:
        """Says once that boards are no longer brought up, and once that they are again; waits meanwhile."""
        if not works:
            if not self._away:
                log.warning("boards are not brought up at the moment, the ledger answers for them: %s", error)
            with self._told:
                self._told.wait_for(lambda: self._closed, AWAY_SECONDS)
        elif self._away:
            log.warning("boards are brought up again")
        self._away = not works

    def _next(self) -> int | None:
        """The company that is due first, once it is; None at the end."""
        with self._told:
            while not self._closed:
                now = time.monotonic()
                company_id, due = min(self._due.items(), key=_second, default=(0, now + 3600))
                if due <= now:
                    del self._due[company_id]
                    self._begun[company_id] = now
                    return company_id
                self._told.wait(due - now)
            return None


def _second(pair: tuple[Any, float]) -> float:
    return pair[1]
