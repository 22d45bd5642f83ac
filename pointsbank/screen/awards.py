"""The newest awards of a programme by people. They are read once; from then on what the journal has beyond a number."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pointsbank.database import Session
from pointsbank.directory.programmes import Programme
from pointsbank.leaderboards.boards import Unit
from rules.awards import KIND

KEPT = 24
LOOKED_BACK = 50_000
"""Entries of the company, among which the first reading looks for awards."""
NAMED = 3
"""Receivers who are named, where an award has several and is no team's."""
MAX_PROGRAMMES = 1_000
"""Remembered by a worker."""


@dataclass(frozen=True, slots=True)
class Award:
    """`giver` is None for HR. `receivers` are numbers of learners, the first of `count`; `is_of_team`: all who were
    in it. `amount` is for each of them; `team` is that of the award, or of its one receiver."""

    number: int
    at: datetime
    giver: str | None
    role: str | None
    reason: str
    unit: Unit
    amount: int
    receivers: tuple[int, ...]
    count: int
    team: int | None
    is_of_team: bool


@dataclass(frozen=True, slots=True)
class _Known:
    number: int
    awards: tuple[Award, ...]


class Awards:
    """Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[int, int], _Known] = OrderedDict()

    def newest(self, session: Session, programme: Programme) -> tuple[Award, ...]:
        """At most `KEPT`, newest first, without those that were reversed. The session has to be a snapshot."""
        key = (session.company_id, programme.no)
        row = session.sql("SELECT last_number FROM journals WHERE company_id = %(company)s").fetchone()
        assert row is not None, "every company has a journal"
        last = int(row.last_number)
        with self._lock:
            known = self._known.get(key)
        if known is None or known.number > last:
            found = _first(session, programme, last)
        elif known.number == last:
            return known.awards
        else:
            found = _later(session, programme, known, last)
        with self._lock:
            self._known[key] = _Known(last, found)
            self._known.move_to_end(key)
            while len(self._known) > MAX_PROGRAMMES:
                self._known.popitem(last=False)
        return found


def _first(session: Session, programme: Programme, last: int) -> tuple[Award, ...]:
    return _read(session, programme, max(0, last - LOOKED_BACK))


def _later(session: Session, programme: Programme, known: _Known, last: int) -> tuple[Award, ...]:
    reversed_since = session.sql(
        """SELECT reverses FROM entries
            WHERE company_id = %(company)s AND number > %(after)s AND coalesce(reverses, 0) > 0""",
        {"after": known.number},
    ).fetchall()
    gone = {each.reverses for each in reversed_since}
    if gone.intersection(each.number for each in known.awards):
        return _first(session, programme, last)
    return (*_read(session, programme, known.number), *known.awards)[:KEPT]


def _read(session: Session, programme: Programme, after: int) -> tuple[Award, ...]:
    parameters = {"programme": programme.no, "after": after, "kind": KIND, "limit": KEPT}
    return tuple(map(_award, session.sql(_AWARDS, parameters).fetchall()))


def _award(row: Any) -> Award:
    receivers: Sequence[int] = row.holders if row.holders is not None else [row.learner]
    return Award(
        row.number,
        row.recorded_at,
        row.giver,
        row.role,
        row.reason or "",
        "flowers" if row.unit else "credits",
        row.amount,
        tuple(receivers[:NAMED]),
        len(receivers),
        row.team,
        row.learner is None and row.team is not None,
    )


_AWARDS = """
SELECT e.number, e.recorded_at, e.reason, e.learner, e.holders, e.team, w.name AS giver, w.role, t.unit, t.amount
  FROM entries AS e
  LEFT JOIN awarders AS w ON w.company_id = %(company)s AND w.no = e.awarder
  JOIN LATERAL (SELECT unit, amount FROM transfers
                 WHERE company_id = %(company)s AND learner = coalesce(e.holders[1], e.learner) AND number = e.number
                 ORDER BY line LIMIT 1) AS t ON true
 WHERE e.company_id = %(company)s AND e.number > %(after)s AND e.programme = %(programme)s
   AND e.kind = (SELECT no FROM terms WHERE company_id = %(company)s AND term = %(kind)s)
   AND NOT EXISTS (SELECT FROM entries AS r WHERE r.company_id = %(company)s AND r.reverses = e.number)
 ORDER BY e.number DESC LIMIT %(limit)s
"""
