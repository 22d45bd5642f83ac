"""Subtotals of busy holdings.

`book()` closes a holding whenever its number of transfers passes a multiple of `CLOSING_EVERY`: one row with
what has moved since the closing before, and the first and last time at which it happened. A balance as of a
time then adds up whole closings and reads the transfers of only those few that the time cuts.
"""

from datetime import datetime
from typing import NamedTuple

from ledger.accounts import holding
from pointsbank.database import Session

CLOSING_EVERY = 500
"""Near the root of a million: as many closings to add up as transfers to read between two."""


class Subtotal(NamedTuple):
    """What a holding has moved of a unit (its number): `earned` is awards less deductions and reversals."""

    unit: int
    balance: int
    earned: int


def sum_up(
    session: Session, learner: int, number: int, occurred_by: datetime | None, unit: int | None = None
) -> list[Subtotal]:
    """Per unit, what entries up to `number` moved in the learner's holding and happened by `occurred_by`.

    A closing that ends by `number` and happened by then counts whole, one that happened later is left out;
    only of those that are cut, and after the last one, transfers are read. Units that nothing moved are
    not listed; `unit` asks for one only.
    """
    rows = session.sql(
        _SUMS_OF_BOOKED if occurred_by is None else _SUMS,
        {
            "account": holding(learner),
            "learner": learner,
            "number": number,
            "occurred_by": occurred_by,
            "unit": unit,
        },
    )
    return [Subtotal(row.unit, row.balance, row.earned) for row in rows]


# Whole closings are those up to `number`: a range of the key, and so are the transfers since the last of them.
# Both ends of that range are columns: a literal one lets PostgreSQL think that it holds most of the table.
_SUMS_OF_BOOKED = """
WITH whole AS MATERIALIZED (
    SELECT unit, max(number) AS number, total(credits - debits) AS balance, total(earned) AS earned
      FROM closings
     WHERE company_id = %(company)s AND account = %(account)s AND number <= %(number)s
       AND unit = coalesce(%(unit)s::integer, unit)
     GROUP BY unit
), spans AS MATERIALIZED (
    SELECT a.unit, coalesce(whole.number, 0) AS after, %(number)s::bigint AS number, whole.balance, whole.earned
      FROM accounts AS a
      LEFT JOIN whole ON whole.unit = a.unit
     WHERE a.company_id = %(company)s AND a.id = %(account)s AND a.unit = coalesce(%(unit)s::integer, a.unit)
)
SELECT spans.unit, coalesce(spans.balance, 0) + part.balance AS balance,
       coalesce(spans.earned, 0) + part.earned AS earned
  FROM spans
 CROSS JOIN LATERAL (SELECT total(CASE %(account)s WHEN t.credit THEN t.amount WHEN t.debit THEN -t.amount
                                  END) AS balance,
                            total(t.amount * t.earning) AS earned, count(*) AS transfers
                       FROM transfers AS t
                      WHERE t.company_id = %(company)s AND t.learner = %(learner)s
                        AND t.number > spans.after AND t.number <= spans.number AND t.unit = spans.unit) AS part
 WHERE spans.after > 0 OR part.transfers > 0
 ORDER BY spans.unit
"""

# A closing begins after the number of the one before it. Cut are those whose entries or times the question
# divides, and per unit, like one of them, whatever came since the last one.
_SUMS = """
WITH closed AS (
    SELECT c.unit, c.number, coalesce(lag(c.number) OVER (PARTITION BY c.unit ORDER BY c.number), 0) AS after,
           c.first_occurred, c.last_occurred, c.credits - c.debits AS balance, c.earned
      FROM closings AS c
     WHERE c.company_id = %(company)s AND c.account = %(account)s
       AND c.unit = coalesce(%(unit)s::integer, c.unit)
), whole AS (
    SELECT unit, balance, earned FROM closed
     WHERE number <= %(number)s AND last_occurred <= %(occurred_by)s::timestamptz
), cut AS (
    SELECT unit, after, least(number, %(number)s::bigint) AS number FROM closed
     WHERE after < %(number)s AND first_occurred <= %(occurred_by)s::timestamptz
       AND (number > %(number)s OR last_occurred > %(occurred_by)s::timestamptz)
    UNION ALL
    SELECT a.unit, coalesce(last.number, 0), %(number)s::bigint
      FROM accounts AS a
     CROSS JOIN LATERAL (SELECT max(c.number) AS number FROM closings AS c
                          WHERE c.company_id = %(company)s AND c.account = a.id AND c.unit = a.unit) AS last
     WHERE a.company_id = %(company)s AND a.id = %(account)s AND a.unit = coalesce(%(unit)s::integer, a.unit)
), parts AS (
    SELECT unit, balance, earned FROM whole
    UNION ALL
    SELECT cut.unit, part.balance, part.earned
      FROM cut
     CROSS JOIN LATERAL (SELECT sum(CASE %(account)s WHEN t.credit THEN t.amount WHEN t.debit THEN -t.amount
                                    END) AS balance,
                                sum(t.amount * t.earning) AS earned
                           FROM transfers AS t
                          WHERE t.company_id = %(company)s AND t.learner = %(learner)s
                            AND t.number > cut.after AND t.number <= cut.number AND t.unit = cut.unit
                            AND t.occurred_at <= %(occurred_by)s::timestamptz
                         HAVING count(*) > 0) AS part
)
SELECT unit, sum(balance)::bigint AS balance, sum(earned)::bigint AS earned
  FROM parts GROUP BY unit ORDER BY unit
"""
