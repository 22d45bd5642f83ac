"""Entries as clients see them: found by what is asked for, newest first, and shown whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from ledger.identity import entry_id, transfer_id
from pointsbank.database import Session


@dataclass(frozen=True, slots=True)
class Filters:
    """What entries are looked for by; None: by anything. Names are HR's keys and the clients' terms.

    A course, a team and an awarder are those of `programme` if that is given, else any of the key.
    `occurred_from` is inclusive, `occurred_to` exclusive.
    """

    source: str | None = None
    key: str | None = None
    kind: str | None = None
    learner: str | None = None
    programme: str | None = None
    course: str | None = None
    team: str | None = None
    awarder: str | None = None
    occurred_from: datetime | None = None
    occurred_to: datetime | None = None
    has_transfers: bool | None = None


def load(session: Session, numbers: Sequence[int]) -> list[dict[str, Any]]:
    """The entries of these numbers, in their order, in the API's shape; a number of no entry is left out.

    Two statements, however many entries. Times are aware, in UTC; `data` is what the client sent.
    """
    if not numbers:
        return []
    found: dict[int, dict[str, Any]] = {}
    holders: list[int] = []
    holders_number: list[int] = []
    for row in session.sql(_ENTRIES, {"numbers": list(numbers)}):
        found[row.number] = _entry(session.company_id, row)
        if row.transfers:
            own = row.holders if row.holders is not None else [row.learner_no or 0]
            holders += own
            holders_number += [row.number] * len(own)
    for row in session.sql(_TRANSFERS, {"holders": holders, "numbers": holders_number}):
        found[row.number]["transfers"].append(
            {
                "id": transfer_id(session.company_id, row.number, row.line),
                "unit": row.unit,
                "amount": row.amount,
                "debit": row.debit,
                "credit": row.credit,
                "rule": row.rule,
            }
        )
    return [found[number] for number in numbers if number in found]


# Names are looked up by subselects, not joined: the planner takes longer to put ten joins in order than the
# whole statement takes.
_ENTRIES = """
SELECT e.number, e.key, e.occurred_at, e.recorded_at, e.reason, e.note, e.reverses, e.rulebook_version,
       e.data::text AS data, e.transfers, e.holders, e.learner AS learner_no,
       (SELECT term FROM terms WHERE company_id = %(company)s AND no = e.source) AS source,
       (SELECT term FROM terms WHERE company_id = %(company)s AND no = e.kind) AS kind,
       (SELECT key FROM programmes WHERE company_id = %(company)s AND no = e.programme) AS programme,
       (SELECT key FROM courses WHERE company_id = %(company)s AND no = e.course) AS course,
       (SELECT key FROM learners WHERE company_id = %(company)s AND no = e.learner) AS learner,
       (SELECT key FROM teams WHERE company_id = %(company)s AND no = e.team) AS team,
       (SELECT key FROM awarders WHERE company_id = %(company)s AND no = e.awarder) AS awarder,
       (SELECT number FROM entries WHERE company_id = %(company)s AND reverses = e.number) AS reversed_by
  FROM unnest(%(numbers)s::bigint[]) AS wanted (number)
  JOIN entries AS e ON e.company_id = %(company)s AND e.number = wanted.number
"""

_TRANSFERS = """
SELECT t.number, t.line, t.amount,
       (SELECT code FROM units WHERE company_id = %(company)s AND no = t.unit) AS unit,
       (SELECT code FROM accounts WHERE company_id = %(company)s AND id = t.debit AND unit = t.unit) AS debit,
       (SELECT code FROM accounts WHERE company_id = %(company)s AND id = t.credit AND unit = t.unit)
       AS credit,
       (SELECT term FROM terms WHERE company_id = %(company)s AND no = t.rule) AS rule
  FROM unnest(%(holders)s::integer[], %(numbers)s::bigint[]) AS wanted (learner, number)
  JOIN transfers AS t ON t.company_id = %(company)s
   AND t.learner = wanted.learner AND t.number = wanted.number
 ORDER BY t.number, t.line
"""


def _entry(company_id: int, row: Any) -> dict[str, Any]:
    return {
        "id": entry_id(company_id, row.number),
        "number": row.number,
        "source": row.source,
        "key": row.key,
        "kind": row.kind,
        "occurred_at": row.occurred_at,
        "recorded_at": row.recorded_at,
        "programme": row.programme,
        "course": row.course,
        "learner": row.learner,
        "team": row.team,
        "awarder": row.awarder,
        "reason": row.reason,
        "note": row.note,
        "reverses": None if row.reverses is None else entry_id(company_id, row.reverses),
        "reversed_by": None if row.reversed_by is None else entry_id(company_id, row.reversed_by),
        "rulebook_version": row.rulebook_version,
        # jsonb writes 1e300 out in full; orjson reads that back as the float that it was.
        "data": None if row.data is None else orjson.loads(row.data),
        "transfers": [],
    }


def find(session: Session, filters: Filters, after: int | None, limit: int, down_to: int | None = None) -> list[int]:
    """Numbers of at most `limit` entries that pass, newest first; those below `after` and above `down_to` if those are
    given.

    By source and key together, and by learner, entries are found by index, however many there are; by
    anything else by going through the journal backwards from `after`.
    """
    known = session.sql(_NUMBERS, {name: getattr(filters, name) for name in _NAMED}).fetchone()
    assert known is not None
    asked = [name for name in _NAMED if getattr(filters, name) is not None]
    if any(getattr(known, name) in (None, []) for name in asked):
        return []  # nothing has that name
    statement = _OF_JOURNAL
    if filters.learner is not None and (filters.source is None or filters.key is None):
        statement = _OF_LEARNER
        asked.remove("learner")
    bounds = {
        "key": filters.key,
        "occurred_from": filters.occurred_from,
        "occurred_to": filters.occurred_to,
        "has_transfers": filters.has_transfers,
        "after": after,
        "down_to": down_to,
    }
    asked += [name for name, value in bounds.items() if value is not None]
    where = " AND ".join(["e.company_id = %(company)s", *[_CONDITIONS[name] for name in asked]])
    from_there = "" if after is None else "AND t.number < %(after)s"
    rows = session.sql(
        statement.format(where=where, from_there=from_there), {**known._asdict(), **bounds, "limit": limit}
    )
    return [row.number for row in rows]


_CONDITIONS = {
    "source": "e.source = %(source)s",
    "kind": "e.kind = %(kind)s",
    "learner": "(e.learner = %(learner)s OR %(learner)s = ANY (e.holders))",
    "programme": "e.programme = %(programme)s",
    "course": "e.course = ANY (%(course)s)",
    "team": "e.team = ANY (%(team)s)",
    "awarder": "e.awarder = ANY (%(awarder)s)",
    "key": "e.key = %(key)s",
    "occurred_from": "e.occurred_at >= %(occurred_from)s",
    "occurred_to": "e.occurred_at < %(occurred_to)s",
    "has_transfers": "(e.transfers > 0) = %(has_transfers)s",
    "after": "e.number < %(after)s",
    "down_to": "e.number > %(down_to)s",
}

_NAMED = ("source", "kind", "learner", "programme", "course", "team", "awarder")

_NUMBERS = """
SELECT (SELECT no FROM terms WHERE company_id = %(company)s AND term = %(source)s) AS source,
       (SELECT no FROM terms WHERE company_id = %(company)s AND term = %(kind)s) AS kind,
       (SELECT no FROM learners WHERE company_id = %(company)s AND key = %(learner)s) AS learner,
       (SELECT no FROM programmes WHERE company_id = %(company)s AND key = %(programme)s) AS programme,
       ARRAY(SELECT no FROM courses WHERE company_id = %(company)s AND key = %(course)s) AS course,
       ARRAY(SELECT no FROM teams WHERE company_id = %(company)s AND key = %(team)s) AS team,
       ARRAY(SELECT no FROM awarders WHERE company_id = %(company)s AND key = %(awarder)s) AS awarder
"""

_OF_JOURNAL = """
SELECT e.number FROM entries AS e WHERE {where} ORDER BY e.number DESC LIMIT %(limit)s
"""

# An entry either has transfers, and is then found by those of the learner's holding, or stands in the index
# of entries without any.
_OF_LEARNER = """
SELECT number
  FROM ((SELECT DISTINCT t.number
           FROM transfers AS t
           JOIN entries AS e ON e.number = t.number
          WHERE t.company_id = %(company)s AND t.learner = %(learner)s {from_there} AND {where}
          ORDER BY t.number DESC LIMIT %(limit)s)
        UNION ALL
        (SELECT e.number
           FROM entries AS e
          WHERE e.learner = %(learner)s AND e.transfers = 0 AND {where}
          ORDER BY e.number DESC LIMIT %(limit)s)) AS found
 ORDER BY number DESC LIMIT %(limit)s
"""


LOOKED_THROUGH = 1_000_000
"""Entries that one search goes through at most, if it has no index to go by."""


class Page(NamedTuple):
    """`next`: below which number the search goes on, None if there is no further; `is_cut` if it stopped there because
    it had gone through so many, and not because it had found enough."""

    numbers: list[int]
    next: int | None
    is_cut: bool


def search(session: Session, filters: Filters, after: int | None, limit: int) -> Page:
    """As `find`, in a time that has a bound: whoever wants what is rare and long ago asks again from `next` on."""
    if filters.learner is not None or filters.key is not None:
        down_to = 0
    else:
        down_to = max(0, (after or last_recorded_by(session, None) + 1) - 1 - LOOKED_THROUGH)
    found = find(session, filters, after, limit + 1, down_to)
    if len(found) > limit:
        return Page(found[:limit], found[limit - 1], False)
    return Page(found, down_to + 1 if down_to else None, bool(down_to))


def last_recorded_by(session: Session, recorded_by: datetime | None) -> int:
    """The number of the last entry recorded by then, inclusive; of the last one at all if no time is given.

    Numbers have no gaps and follow the time of recording, so halving finds it without an index on the time.
    """
    statement = "SELECT last_number AS number FROM journals WHERE company_id = %(company)s"
    if recorded_by is not None:
        statement = _HALVING
    row = session.sql(statement, {"recorded_by": recorded_by}).fetchone()
    assert row is not None, "every company has a journal"
    return int(row.number)


# `middle` is a column because an index is not used with what may fail, such as a division, where rows are
# secured by company.
_HALVING = """
WITH RECURSIVE span (low, high, middle) AS (
    SELECT 0::bigint, last_number, (last_number + 1) / 2 FROM journals WHERE company_id = %(company)s
    UNION ALL
    SELECT half.low, half.high, (half.low + half.high + 1) / 2
      FROM span
      JOIN entries AS e ON e.company_id = %(company)s AND e.number = span.middle
     CROSS JOIN LATERAL (SELECT e.recorded_at <= %(recorded_by)s AS yes) AS early
     CROSS JOIN LATERAL (SELECT CASE WHEN early.yes THEN e.number ELSE span.low END AS low,
                                CASE WHEN early.yes THEN span.high ELSE e.number - 1 END AS high) AS half
     WHERE span.low < span.high
)
SELECT low AS number FROM span WHERE low = high
"""
