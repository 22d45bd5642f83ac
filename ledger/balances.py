"""What accounts hold: now, as of a time, and summed up over the company's whole chart of accounts."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from ledger import closings
from ledger.accounts import CREDITS, AccountClass, class_of, holding
from ledger.entries import last_recorded_by
from pointsbank.database import Session
from pointsbank.errors import Invalid, NotFound

_CLASS_NAMES = {
    AccountClass.ISSUANCE: "issuance",
    AccountClass.POOL_OF_PROGRAMME: "pool",
    AccountClass.POOL_OF_COURSE: "pool",
    AccountClass.ALLOWANCE: "allowance",
    AccountClass.HOLDING: "holding",
    AccountClass.ESCROW: "escrow",
    AccountClass.RETIRED: "retired",
}


@dataclass(frozen=True, slots=True)
class Balance:
    """Of a learner's holding. `course` is the key of the course whose flowers are the unit."""

    unit: str
    course: str | None
    balance: int
    earned: int

    @property
    def otherwise(self) -> int:
        """What came, or went if it is negative, without being earned: credits for flowers, say."""
        return self.balance - self.earned


def learner_no(session: Session, key: str) -> int:
    """The number of the learner with HR's id `key`. Raises NotFound."""
    row = None
    if "\0" not in key:  # which PostgreSQL does not take in a text
        row = session.sql(
            "SELECT no FROM learners WHERE company_id = %(company)s AND key = %(key)s", {"key": key}
        ).fetchone()
    if row is None:
        raise NotFound(f"There is no learner {key}.")
    return int(row.no)


def of_learner(
    session: Session, learner: int, occurred_by: datetime | None = None, recorded_by: datetime | None = None
) -> list[Balance]:
    """The learner's balances in credits, which are always listed, and in each unit that ever moved by then.

    `occurred_by` counts what had happened, `recorded_by` what had been booked, both inclusive.
    """
    if occurred_by is None and recorded_by is None:
        rows = session.sql(_NOW, {"account": holding(learner)})
        sums = [closings.Subtotal(row.unit, row.balance, row.earned) for row in rows]
    else:
        number = last_recorded_by(session, recorded_by)
        sums = closings.sum_up(session, learner, number, occurred_by)
    if not any(subtotal.unit == CREDITS for subtotal in sums):
        sums.insert(0, closings.Subtotal(CREDITS, 0, 0))
    named = session.sql(_UNITS, {"units": [subtotal.unit for subtotal in sums]})
    names = {row.no: (row.code, row.course) for row in named}
    return [Balance(*names[subtotal.unit], subtotal.balance, subtotal.earned) for subtotal in sums]


_NOW = """
SELECT unit, credits - debits AS balance, earned FROM accounts
 WHERE company_id = %(company)s AND id = %(account)s ORDER BY unit
"""

_UNITS = """
SELECT u.no, u.code, c.key AS course
  FROM units AS u
  LEFT JOIN courses AS c ON c.company_id = %(company)s AND c.unit = u.no
 WHERE u.company_id = %(company)s AND u.no = ANY (%(units)s)
"""


def account(session: Session, code: str, unit: str | None = None) -> dict[str, Any]:
    """The account of that code, such as `pool:course:service`, in the API's shape.

    Without a unit it is that of credits, else the account's only one. Raises NotFound if nothing was ever
    booked on it, Invalid if the unit has to be named.
    """
    rows = []
    if "\0" not in code:
        rows = session.sql(_ACCOUNTS, {"code": code}).fetchall()
    if not rows:
        raise NotFound(f"There is no account {code}, or nothing has been booked on it.")
    wanted = [row for row in rows if row.unit == unit or (unit is None and row.unit_no == CREDITS)]
    if unit is None and len(rows) == 1:
        wanted = rows
    units = ", ".join(row.unit for row in rows)
    if not wanted and unit is None:
        raise Invalid.field("unit", f"has to be named; this account has {units}")
    if not wanted:
        raise NotFound(f"The account {code} has no unit {unit}; it has {units}.")
    row = wanted[0]
    return {
        "account": code,
        "class": _CLASS_NAMES[class_of(row.id)],
        "unit": row.unit,
        "debits": row.debits,
        "credits": row.credits,
        "balance": row.credits - row.debits,
        "transfers": row.transfers,
    }


_ACCOUNTS = """
SELECT a.id, a.unit AS unit_no, u.code AS unit, a.debits, a.credits, a.transfers
  FROM accounts AS a
  JOIN units AS u ON u.company_id = %(company)s AND u.no = a.unit
 WHERE a.company_id = %(company)s AND a.code = %(code)s
 ORDER BY a.unit
"""


@dataclass(slots=True)
class ClassTotal:
    """All accounts of a class in one unit."""

    accounts: int = 0
    debits: int = 0
    credits: int = 0
    balance: int = 0


def trial_balance(session: Session) -> dict[str, Any]:
    """Per unit, every class of account with its totals; `sum`, of all its balances, is 0 or a fault."""
    units: dict[str, dict[str, ClassTotal]] = {}
    for row in session.sql(_TOTALS):
        classes = units.setdefault(row.unit, {name: ClassTotal() for name in _CLASS_NAMES.values()})
        if row.class_no is None:
            continue
        total = classes[_CLASS_NAMES[AccountClass(row.class_no)]]
        total.accounts += row.accounts
        total.debits += row.debits
        total.credits += row.credits
        total.balance += row.credits - row.debits
    return {
        "units": [
            {
                "unit": unit,
                "classes": [{"class": name, **asdict(total)} for name, total in classes.items()],
                "debits": sum(total.debits for total in classes.values()),
                "credits": sum(total.credits for total in classes.values()),
                "sum": sum(total.balance for total in classes.values()),
            }
            for unit, classes in units.items()
        ]
    }


_TOTALS = """
SELECT u.code AS unit, totals.class_no, totals.accounts, totals.debits, totals.credits
  FROM units AS u
  LEFT JOIN (SELECT unit, id >> 32 AS class_no, count(*) AS accounts,
                    sum(debits)::bigint AS debits, sum(credits)::bigint AS credits
               FROM accounts WHERE company_id = %(company)s GROUP BY unit, id >> 32) AS totals
    ON totals.unit = u.no
 WHERE u.company_id = %(company)s
 ORDER BY u.no, totals.class_no
"""
