"""A learner's statement: the transfers of the holding in one unit, newest first, with the balance after each.

The order is that of booking (the journal's number, then the line), so the balance after each line is what the
learner's balance was when it was booked. A page reads its own lines only: the balance that it starts from is
the account's, or comes with the position that the page before gave.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

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
    unit_no, now = _now(session, learner, unit)
    start = after or (now if recorded_to is None else _start(session, learner, unit_no, recorded_to))
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
    names = _names(session, rows[:limit])
    balance = start.balance
    items = []
    for row in rows[:limit]:
        items.append(_item(session.company_id, row, names, balance))
        balance -= row.amount
    last = Position(rows[limit - 1].number, rows[limit - 1].line, balance) if len(rows) > limit else None
    return Page(items, last)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines; None: all. `occurred_from` is inclusive, `occurred_to` exclusive; `moves` is into the holding or out
    of it."""

    occurred_from: datetime | None = None
    occurred_to: datetime | None = None
    moves: Literal["in", "out"] | None = None


def search(
    session: Session, learner: int, unit: str, limit: int, wanted: Wanted, after: tuple[int, int] | None = None
) -> Page:
    """At most `limit` of the lines that are wanted, newest first, each with the balance after it.

    `after` is number and line of the last one that was shown. Goes through the whole statement in the unit. Raises
    Invalid if the company has no such unit.
    """
    unit_no, _ = _now(session, learner, unit)
    values: dict[str, Any] = {"learner": learner, "unit": unit_no, "account": holding(learner), "limit": limit + 1}
    values |= {"occurred_from": wanted.occurred_from, "occurred_to": wanted.occurred_to, "moves": wanted.moves}
    number, line = after or (None, None)
    rows = session.sql(_SEARCH, {**values, "number": number, "line": line}).fetchall()
    names = _names(session, rows[:limit])
    items = [_item(session.company_id, row, names, row.balance) for row in rows[:limit]]
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(items, None if last is None else Position(last.number, last.line, last.balance - last.amount))


def _now(session: Session, learner: int, unit: str) -> tuple[int, Position]:
    """The unit's number, and the position before the newest line."""
    row = session.sql(_NOW, {"account": holding(learner), "unit": unit}).fetchone()
    if row is None:
        raise Invalid.field("unit", f"There is no unit {unit}; it is credits, or flowers:<course>.")
    return row.unit, Position(row.number + 1, 0, row.balance) if row.balance is not None else Position(0, 0, 0)


def _start(session: Session, learner: int, unit: int, recorded_to: datetime) -> Position:
    """Before the first line of the first page: just past the last entry recorded before `recorded_to`."""
    number = last_recorded_by(session, recorded_to - _INSTANT)
    sums = closings.sum_up(session, learner, number, None, unit)
    return Position(number + 1, 0, sums[0].balance if sums else 0)


def _names(session: Session, rows: list[Any]) -> dict[tuple[str, int | None], tuple[str, str]]:
    """(what it is, its number) → key and name of all that the lines refer to."""
    wanted = {
        "terms": {row.kind for row in rows} | {row.rule for row in rows},
        "awarders": {row.awarder for row in rows},
        "programmes": {row.programme for row in rows},
        "courses": {row.course for row in rows},
    }
    numbers = {what: [no for no in found if no is not None] for what, found in wanted.items()}
    statement = " UNION ALL ".join([_NAMES[what] for what, some in numbers.items() if some])
    if not statement:
        return {}
    return {(row.what, row.no): (row.key, row.name) for row in session.sql(statement, numbers)}


# The balance and the number that it reflects, in one statement: nothing is booked between them. Without an
# account there are no lines to look for.
_NOW = """
SELECT u.no AS unit, j.last_number AS number, a.credits - a.debits AS balance
  FROM units AS u
  JOIN journals AS j ON j.company_id = %(company)s
  LEFT JOIN accounts AS a ON a.company_id = %(company)s AND a.id = %(account)s AND a.unit = u.no
 WHERE u.company_id = %(company)s AND u.code = %(unit)s
"""

_LINES = """
SELECT t.number, t.line, t.amount, t.rule, e.occurred_at, e.recorded_at, e.reason, e.kind, e.awarder, e.programme,
       e.course
  FROM (SELECT number, line, rule, CASE WHEN credit = %(account)s THEN amount ELSE -amount END AS amount
          FROM transfers
         WHERE company_id = %(company)s AND learner = %(learner)s AND unit = %(unit)s AND number > %(first)s
           AND (number, line) < (%(number)s::bigint, %(line)s::integer)
         ORDER BY number DESC, line DESC LIMIT %(limit)s) AS t
  JOIN entries AS e ON e.company_id = %(company)s AND e.number = t.number
 ORDER BY t.number DESC, t.line DESC
"""

_SEARCH = """
SELECT t.number, t.line, t.amount, t.rule, t.balance, e.occurred_at, e.recorded_at, e.reason, e.kind, e.awarder,
       e.programme, e.course
  FROM (SELECT number, line, rule, amount, (sum(amount) OVER (ORDER BY number, line))::bigint AS balance
          FROM (SELECT number, line, rule, CASE WHEN credit = %(account)s THEN amount ELSE -amount END AS amount
                  FROM transfers
                 WHERE company_id = %(company)s AND learner = %(learner)s AND unit = %(unit)s) AS own) AS t
  JOIN entries AS e ON e.company_id = %(company)s AND e.number = t.number
 WHERE (%(number)s::bigint IS NULL OR (t.number, t.line) < (%(number)s::bigint, %(line)s::integer))
   AND (%(occurred_from)s::timestamptz IS NULL OR e.occurred_at >= %(occurred_from)s::timestamptz)
   AND (%(occurred_to)s::timestamptz IS NULL OR e.occurred_at < %(occurred_to)s::timestamptz)
   AND (%(moves)s::text IS NULL OR (t.amount > 0) = (%(moves)s::text = 'in'))
 ORDER BY t.number DESC, t.line DESC LIMIT %(limit)s
"""

# Asked for once a page and not once a line: its lines have few kinds, rules and courses.
_NAMES = {
    what: f"SELECT '{what}' AS what, no, {columns} FROM {what} WHERE company_id = %(company)s AND no = ANY (%({what})s)"  # noqa: S608 - constants
    for what, columns in {
        "terms": "term AS key, term AS name",
        "awarders": "key, name",
        "programmes": "key, name",
        "courses": "key, name",
    }.items()
}


def _item(
    company_id: int, row: Any, names: dict[tuple[str, int | None], tuple[str, str]], after: int
) -> dict[str, Any]:
    giver = names.get(("awarders", row.awarder))
    return {
        "entry_id": entry_id(company_id, row.number),
        "number": row.number,
        "occurred_at": row.occurred_at,
        "recorded_at": row.recorded_at,
        "kind": names["terms", row.kind][0],
        "rule": None if row.rule is None else names["terms", row.rule][0],
        "reason": row.reason,
        "giver": None if giver is None else {"id": giver[0], "name": giver[1]},
        "programme": None if row.programme is None else names["programmes", row.programme][0],
        "course": None if row.course is None else names["courses", row.course][0],
        "amount": row.amount,
        "balance_after": after,
    }
