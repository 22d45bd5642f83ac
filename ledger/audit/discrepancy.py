"""What an audit reports, and how a check reads the ledger."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from psycopg.rows import namedtuple_row

from ledger.identity import entry_id
from pointsbank.database import Session

NAMED_ENTRIES = 50
"""Entries or accounts named for one discrepancy, the newest entries."""

LOOKED_UP_TOGETHER = 1000
"""Discrepancies whose accounts are looked up in one scan."""


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """`check` names what does not hold; `detail` is a sentence with what is stored and what was found."""

    check: str
    detail: str
    accounts: tuple[str, ...] = ()
    entries: tuple[str, ...] = ()

    def __str__(self) -> str:
        accounts = f" Accounts: {', '.join(self.accounts)}." if self.accounts else ""
        entries = f" Entries: {', '.join(self.entries)}." if self.entries else ""
        return f"{self.check}: {self.detail}{accounts}{entries}"


class Fault(NamedTuple):
    """A discrepancy of an entry, whose accounts are still to be found; `other` is named beside it."""

    check: str
    detail: str
    number: int
    other: int | None = None


def rows(session: Session, statement: str) -> Iterator[Any]:
    """The rows of a statement, through a cursor: there may be as many faults as entries."""
    with session.driver.cursor(name="audit", row_factory=namedtuple_row) as cursor:
        yield from cursor.execute(statement.encode(), {"company": session.company_id})


def named(session: Session, numbers: Iterable[int]) -> tuple[str, ...]:
    """The entries of these numbers as an auditor reads them."""
    return tuple(f"{entry_id(session.company_id, n)} (number {n})" for n in numbers)


_ACCOUNTS_OF_ENTRIES = """
SELECT DISTINCT t.number,
       coalesce(a.code, 'account ' || side.id) || ' (' || coalesce(u.code, 'unit ' || t.unit) || ')' AS code
  FROM transfers AS t
 CROSS JOIN LATERAL (VALUES (t.debit), (t.credit)) AS side (id)
  LEFT JOIN accounts AS a ON a.company_id = %(company)s AND a.id = side.id AND a.unit = t.unit
  LEFT JOIN units AS u ON u.company_id = %(company)s AND u.no = t.unit
 WHERE t.company_id = %(company)s AND t.number = ANY (%(numbers)s)
 ORDER BY t.number, code
"""


def with_accounts(session: Session, faults: Iterator[Fault]) -> Iterator[Discrepancy]:
    """The faults as discrepancies that name the accounts which their entries move."""
    while together := list(islice(faults, LOOKED_UP_TOGETHER)):
        codes: dict[int, list[str]] = {}
        for number, code in session.sql(_ACCOUNTS_OF_ENTRIES, {"numbers": [f.number for f in together]}):
            codes.setdefault(number, []).append(code)
        for fault in together:
            numbers = [fault.number] if fault.other is None else [fault.number, fault.other]
            accounts = tuple(codes.get(fault.number, [])[:NAMED_ENTRIES])
            yield Discrepancy(fault.check, fault.detail, accounts, named(session, numbers))
