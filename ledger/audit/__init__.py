"""Recomputes what must stay true of one company's ledger, and reports whatever does not.

The journal is the truth: transfers are facts, and everything else in the ledger is a sum of them or a
statement about them. So the audit believes the transfers, adds them up again, and compares:

- the journal: numbers from 1 to the last without gaps, recorded in that order, each key once;
- entries and their transfers: each knows how many it has and whose they are, and none stands alone;
- accounts: the stored totals are those of the transfers, only issuance is below zero, a unit sums to zero;
- closings: each is the sum of what it covers;
- reversals: each mirrors what it reverses, which is reversed once;
- the directory: what entries and accounts refer to is there.

Nothing stops at the first fault. A discrepancy says what is stored and what was found, and names the
accounts and entries that show it. If a transfer was changed, the totals of both its accounts are off: the
transfers between two such accounts are the suspects, and their entries are named.

Each check is one statement over the whole company (a scan with hash aggregates), read through a cursor.
"""

from collections.abc import Iterator
from typing import NamedTuple

from ledger.audit import accounts, journal, references
from ledger.audit.discrepancy import Discrepancy
from pointsbank.database import Session

__all__ = ["Discrepancy", "Extent", "audit", "extent"]

WORK_MEMORY = "64MB"
"""For each hash aggregate, before it goes to disk."""

CHECKS = (
    journal.numbers,
    journal.end,
    journal.keys,
    journal.entries,
    journal.holders,
    journal.transfers,
    accounts.totals,
    accounts.balances,
    accounts.units,
    accounts.closings,
    references.reversals,
    references.directory,
)


class Extent(NamedTuple):
    """How much an audit goes over."""

    entries: int
    transfers: int
    accounts: int
    units: int


def audit(session: Session) -> Iterator[Discrepancy]:
    """Everything in the company's ledger that does not hold; nothing if all does. Give it a snapshot."""
    # After a large import the statistics may still be those of empty tables: a loop would never end.
    session.driver.execute(
        f"SET LOCAL statement_timeout = 0; SET LOCAL work_mem = '{WORK_MEMORY}'; SET LOCAL enable_nestloop = off;"
        "SET LOCAL jit = off; SET LOCAL cursor_tuple_fraction = 1".encode()
    )
    for check in CHECKS:
        yield from check(session)


def extent(session: Session) -> Extent:
    """Counts the company's entries, transfers, accounts and units: for the line that says all is well."""
    session.driver.execute(b"SET LOCAL statement_timeout = 0")
    row = session.sql(
        """SELECT (SELECT count(*) FROM entries WHERE company_id = %(company)s) AS entries,
                  (SELECT count(*) FROM transfers WHERE company_id = %(company)s) AS transfers,
                  (SELECT count(*) FROM accounts WHERE company_id = %(company)s) AS accounts,
                  (SELECT count(*) FROM units WHERE company_id = %(company)s) AS units"""
    ).fetchone()
    assert row is not None
    return Extent(*row)
