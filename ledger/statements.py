"""A learner's statement: the transfers of the holding in one unit, newest first, with the balance after each.

The order is that of booking (the journal's number, then the line), so the balance after each line is what the
learner's balance was when it was booked. A page reads its own lines only: the balance that it starts from is
the account's, or comes with the position that the page before gave.
"""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from ledger import closings
from ledger.accounts import holding
from ledger.entries import last_recorded_by
from ledger.identity import entry_id
from pointsbank.database import Session
from pointsbank.errors import Invalid

_INSTANT = timedelta(microseconds=1)  # the resolution of times in PostgreSQL and in Python


class Position(NamedTuple):
    """The last line that was shown, and the balance before it."""

    number: int
    line: int
    balance: int


class Page(NamedTuple):
    items: list[dict[str, Any]]
    next: Position | None


def page(
    session: Session,
    learner: int,
    unit: str,
    limit: int,
    recorded_from: datetime | None = None,
    recorded_to: datetime | None = None,
    after: Position | None = None,
) -> Page:
    """At most `limit` lines of the statement; `recorded_from` is inclusive, `recorded_to` exclusive.

    Raises Invalid if the company has no such unit.
    """
    unit_no = _unit_no(session, unit)
    start = after or _start(session, learner, unit_no, recorded_to)
    first = 0 if recorded_from is None else last_recorded_by(session, recorded_from - _INSTANT)
    rows = session.sql(
        _LINES,
        {
            "learner": learner,
            "unit": unit_no,
            "account": holding(learner),
            "first": first,
            "number": start.number,
            "line": start.line,
            "limit": limit + 1,
        },
    ).fetchall()
    balance = start.balance
    items = []
    for row in rows[:limit]:
        items.append(_item(session.company_id, row, balance))
        balance -= row.amount
    last = Position(rows[limit - 1].number, rows[limit - 1].line, balance) if len(rows) > limit else None
    return Page(items, last)


def _unit_no(session: Session, code: str) -> int:
    row = session.sql(
        "SELECT no FROM units WHERE company_id = %(company)s AND code = %(code)s", {"code": code}
    ).fetchone()
    if row is None:
        raise Invalid.field("unit", f"There is no unit {code}; it is credits, or flowers:<course>.")
    return int(row.no)


def _start(session: Session, learner: int, unit: int, recorded_to: datetime | None) -> Position:
    """Before the first line of the first page: just past the last entry recorded before `recorded_to`."""
    if recorded_to is not None:
        number = last_recorded_by(session, recorded_to - _INSTANT)
        sums = closings.sum_up(session, learner, number, None, unit)
        return Position(number + 1, 0, sums[0].balance if sums else 0)
    row = session.sql(_NOW, {"account": holding(learner), "unit": unit}).fetchone()
    assert row is not None, "every company has a journal"
    return Position(row.number + 1, 0, row.balance) if row.balance is not None else Position(0, 0, 0)


# The balance and the number that it reflects, in one statement: nothing is booked between them. Without an
# account there are no lines to look for.
_NOW = """
SELECT j.last_number AS number, a.credits - a.debits AS balance
  FROM journals AS j
  LEFT JOIN accounts AS a ON a.company_id = %(company)s AND a.id = %(account)s AND a.unit = %(unit)s
 WHERE j.company_id = %(company)s
"""

# Names by subselects, as in ledger.entries.
_LINES = """
SELECT t.number, t.line, t.amount, e.occurred_at, e.recorded_at, e.reason,
       (SELECT term FROM terms WHERE company_id = %(company)s AND no = e.kind) AS kind,
       (SELECT term FROM terms WHERE company_id = %(company)s AND no = t.rule) AS rule,
       (SELECT key FROM awarders WHERE company_id = %(company)s AND no = e.awarder) AS awarder,
       (SELECT name FROM awarders WHERE company_id = %(company)s AND no = e.awarder) AS awarder_name,
       (SELECT key FROM programmes WHERE company_id = %(company)s AND no = e.programme) AS programme,
       (SELECT key FROM courses WHERE company_id = %(company)s AND no = e.course) AS course
  FROM (SELECT number, line, rule, CASE WHEN credit = %(account)s THEN amount ELSE -amount END AS amount
          FROM transfers
         WHERE company_id = %(company)s AND learner = %(learner)s AND unit = %(unit)s AND number > %(first)s
           AND (number, line) < (%(number)s::bigint, %(line)s::integer)
         ORDER BY number DESC, line DESC LIMIT %(limit)s) AS t
  JOIN entries AS e ON e.company_id = %(company)s AND e.number = t.number
 ORDER BY t.number DESC, t.line DESC
"""


def _item(company_id: int, row: Any, balance_after: int) -> dict[str, Any]:
    return {
        "entry_id": entry_id(company_id, row.number),
        "number": row.number,
        "occurred_at": row.occurred_at,
        "recorded_at": row.recorded_at,
        "kind": row.kind,
        "rule": row.rule,
        "reason": row.reason,
        "giver": None if row.awarder is None else {"id": row.awarder, "name": row.awarder_name},
        "programme": row.programme,
        "course": row.course,
        "amount": row.amount,
        "balance_after": balance_after,
    }
