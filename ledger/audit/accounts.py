"""What accounts, units and closings say, against the sums of the transfers."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from ledger.audit.discrepancy import LOOKED_UP_TOGETHER, NAMED_ENTRIES, Discrepancy, named, rows
from pointsbank.database import Session

_WRONG_TOTALS = """
WITH moved AS MATERIALIZED (
    SELECT unit, debit, credit, sum(amount) AS amount, count(*) AS transfers,
           coalesce(sum(amount) FILTER (WHERE earning > 0), 0) AS earned,
           coalesce(sum(amount) FILTER (WHERE earning < 0), 0) AS lost
      FROM transfers WHERE company_id = %(company)s GROUP BY unit, debit, credit
), found AS (
    SELECT unit, id, sum(debits) AS debits, sum(credits) AS credits, sum(earned) AS earned,
           sum(transfers) AS transfers
      FROM (SELECT unit, debit AS id, amount AS debits, 0 AS credits, -lost AS earned, transfers FROM moved
            UNION ALL
            SELECT unit, credit, 0, amount, earned, transfers FROM moved) AS sides
     GROUP BY unit, id
), compared AS (
    SELECT coalesce(a.id, f.id) AS id, coalesce(a.unit, f.unit) AS unit, a.id IS NULL AS missing, a.code,
           coalesce(a.debits, 0) AS debits, coalesce(f.debits, 0) AS debits_found,
           coalesce(a.credits, 0) AS credits, coalesce(f.credits, 0) AS credits_found,
           coalesce(a.earned, 0) AS earned, coalesce(f.earned, 0) AS earned_found,
           coalesce(a.transfers, 0) AS transfers, coalesce(f.transfers, 0) AS transfers_found
      FROM (SELECT * FROM accounts WHERE company_id = %(company)s) AS a
      FULL JOIN found AS f ON f.id = a.id AND f.unit = a.unit
)
SELECT c.*, coalesce(c.code, 'account ' || c.id) || ' (' || coalesce(u.code, 'unit ' || c.unit) || ')' AS name
  FROM compared AS c
  LEFT JOIN units AS u ON u.company_id = %(company)s AND u.no = c.unit
 WHERE missing OR debits <> debits_found OR credits <> credits_found OR earned <> earned_found
    OR transfers <> transfers_found
 ORDER BY c.id, c.unit
"""

# The newest entries of each of these accounts; only those between two of them, if there are any.
_SUSPECTS = """
WITH wrong AS MATERIALIZED (
    SELECT * FROM unnest(%(ids)s::bigint[], %(units)s::integer[]) AS w (id, unit)
), touching AS (
    SELECT t.number, t.unit, t.debit, t.credit,
           d.id IS NOT NULL AS debit_wrong, c.id IS NOT NULL AS credit_wrong
      FROM transfers AS t
      LEFT JOIN wrong AS d ON d.id = t.debit AND d.unit = t.unit
      LEFT JOIN wrong AS c ON c.id = t.credit AND c.unit = t.unit
     WHERE t.company_id = %(company)s AND (d.id IS NOT NULL OR c.id IS NOT NULL)
), sides AS (
    SELECT debit AS id, unit, number, credit_wrong AS between_two FROM touching WHERE debit_wrong
    UNION
    SELECT credit, unit, number, debit_wrong FROM touching WHERE credit_wrong
), ranked AS (
    SELECT *, bool_or(between_two) OVER (PARTITION BY id, unit) AS some_between_two,
           row_number() OVER (PARTITION BY id, unit ORDER BY between_two DESC, number DESC) AS place
      FROM sides
)
SELECT id, unit, number FROM ranked
 WHERE place <= %(limit)s AND (between_two OR NOT some_between_two)
 ORDER BY id, unit, number
"""


def totals(session: Session) -> Iterator[Discrepancy]:
    wrong = rows(session, _WRONG_TOTALS)
    while together := list(islice(wrong, LOOKED_UP_TOGETHER)):
        suspects = _suspects(session, together)
        for row in together:
            yield _wrong_totals(session, row, suspects.get((row.id, row.unit), []))


def _wrong_totals(session: Session, row: Any, numbers: Sequence[int]) -> Discrepancy:
    if row.missing:
        detail = f"{row.transfers_found} transfers move an account that is not there."
        return Discrepancy("account-missing", detail, (row.name,), named(session, numbers))
    faults = [
        f"{total} are stored as {getattr(row, total)}, its transfers come to {getattr(row, total + '_found')}"
        for total in ("debits", "credits", "earned", "transfers")
        if getattr(row, total) != getattr(row, total + "_found")
    ]
    detail = f"An account's {'; '.join(faults)}."
    return Discrepancy("account-totals", detail, (row.name,), named(session, numbers))


def _suspects(session: Session, wrong: Sequence[Any]) -> dict[tuple[int, int], list[int]]:
    suspects: dict[tuple[int, int], list[int]] = {}
    accounts = {"ids": [row.id for row in wrong], "units": [row.unit for row in wrong]}
    for account, unit, number in session.sql(_SUSPECTS, {**accounts, "limit": NAMED_ENTRIES}):
        suspects.setdefault((account, unit), []).append(number)
    return suspects


# The codes as account_code() (bank.sql) makes them, for all accounts at once.
_WRONG_ACCOUNTS = """
SELECT *
  FROM (SELECT a.id, a.unit, a.code, a.credits - a.debits AS balance, coalesce(u.code, 'unit ' || a.unit) AS unit_code,
               CASE a.class WHEN 0 THEN 'issuance'
                            WHEN 1 THEN 'pool:programme:' || p.key
                            WHEN 2 THEN 'pool:course:' || substr(u.code, length('flowers:') + 1)
                            WHEN 3 THEN 'allowance:' || w.key || ':' || substr(u.code, length('flowers:') + 1)
                            WHEN 4 THEN 'holding:' || l.key
                            WHEN 5 THEN 'escrow:' || a.owner
                            WHEN 6 THEN CASE a.owner WHEN 1 THEN 'retired:converted' WHEN 2 THEN 'retired:expired' END
               END AS code_of_owner
          FROM (SELECT *, id >> 32 AS class, (id & 4294967295)::integer AS owner
                  FROM accounts WHERE company_id = %(company)s) AS a
          LEFT JOIN units AS u ON u.company_id = %(company)s AND u.no = a.unit
          LEFT JOIN programmes AS p ON p.company_id = %(company)s AND p.no = a.owner
          LEFT JOIN awarders AS w ON w.company_id = %(company)s AND w.no = a.owner
          LEFT JOIN learners AS l ON l.company_id = %(company)s AND l.no = a.owner) AS a
 WHERE balance < 0 AND id >> 32 <> 0 OR code IS DISTINCT FROM code_of_owner
 ORDER BY id, unit
"""


def balances(session: Session) -> Iterator[Discrepancy]:
    for row in rows(session, _WRONG_ACCOUNTS):
        accounts = (f"{row.code} ({row.unit_code})",)
        if row.balance < 0 and row.id >> 32:
            detail = f"An account's balance is {row.balance}; only issuance may go below zero."
            yield Discrepancy("account-below-zero", detail, accounts)
        if row.code != row.code_of_owner:
            detail = f"An account's code should be {row.code_of_owner or 'that of an owner, who is not there'}."
            yield Discrepancy("account-code", detail, accounts)


_WRONG_UNITS = """
SELECT a.unit, u.code, a.total
  FROM (SELECT unit, sum(credits) - sum(debits) AS total
          FROM accounts WHERE company_id = %(company)s GROUP BY unit) AS a
  LEFT JOIN units AS u ON u.company_id = %(company)s AND u.no = a.unit
 WHERE a.total <> 0 OR u.no IS NULL
 ORDER BY a.unit
"""


def units(session: Session) -> Iterator[Discrepancy]:
    for row in rows(session, _WRONG_UNITS):
        if row.code is None:
            yield Discrepancy("unit-missing", f"There are accounts in unit number {row.unit}, which is not there.")
        if row.total != 0:
            detail = f"The balances in {row.code or row.unit} sum to {row.total}, not to zero."
            yield Discrepancy("unit-sum", detail)


# A closing covers what comes after the one before it, up to its own entry.
_WRONG_CLOSINGS = """
SELECT c.number, c.debits, c.credits, c.earned, f.debits AS debits_found, f.credits AS credits_found,
       f.earned AS earned_found, coalesce(a.code, 'account ' || c.account) AS code,
       coalesce(u.code, 'unit ' || c.unit) AS unit_code
  FROM (SELECT *, lag(number, 1, 0::bigint) OVER (PARTITION BY account, unit ORDER BY number) AS before
          FROM closings WHERE company_id = %(company)s) AS c
 CROSS JOIN LATERAL (
       SELECT coalesce(sum(amount) FILTER (WHERE debit = c.account), 0) AS debits,
              coalesce(sum(amount) FILTER (WHERE credit = c.account), 0) AS credits,
              coalesce(sum(amount * earning), 0) AS earned,
              min(occurred_at) AS first_occurred, max(occurred_at) AS last_occurred, max(number) AS last
         FROM transfers
        WHERE company_id = %(company)s AND learner = (c.account & 4294967295)::integer
          AND unit = c.unit AND number > c.before AND number <= c.number) AS f
  LEFT JOIN entries AS e ON e.company_id = %(company)s AND e.number = c.number
  LEFT JOIN accounts AS a ON a.company_id = %(company)s AND a.id = c.account AND a.unit = c.unit
  LEFT JOIN units AS u ON u.company_id = %(company)s AND u.no = c.unit
 WHERE (c.debits, c.credits, c.earned, c.first_occurred, c.last_occurred, c.number)
       IS DISTINCT FROM (f.debits, f.credits, f.earned, f.first_occurred, f.last_occurred, f.last)
    OR c.recorded_at < e.recorded_at
 ORDER BY c.account, c.unit, c.number
"""


def closings(session: Session) -> Iterator[Discrepancy]:
    for row in rows(session, _WRONG_CLOSINGS):
        yield Discrepancy(
            "closing",
            f"A closing has debits {row.debits}, credits {row.credits}, earned {row.earned}; what it covers "
            f"comes to {row.debits_found}, {row.credits_found}, {row.earned_found}, or has other times.",
            (f"{row.code} ({row.unit_code})",),
            named(session, (row.number,)),
        )
