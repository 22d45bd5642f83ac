"""The whole journal as text, for auditors with tools of their own.

Three formats: `beancount` (passes bean-check), `ledger` (for ledger 3 and hledger alike) and `csv` (a row for
each transfer). In all of them balances have the API's sign: an account's credits less its debits, so what
learners hold is positive and what was issued is negative. Entries stand in the order of the journal, dated by
when they were recorded, in the company's time zone; an entry without transfers is a transaction without
postings. Whatever a format's names cannot hold is escaped so that no two names become one.
"""

from collections.abc import Callable, Iterator

from ledger.export.beancount import beancount
from ledger.export.comma_separated import comma_separated
from ledger.export.journal import Journal
from ledger.export.plain_text import plain_text
from pointsbank.database import Session

__all__ = ["FORMATS", "export"]

FORMATS: dict[str, Callable[[Journal], Iterator[str]]] = {
    "beancount": beancount,
    "ledger": plain_text,
    "csv": comma_separated,
}


def export(session: Session, export_format: str) -> Iterator[str]:
    """The company's journal in pieces of text, one for each entry, in constant memory. Give it a snapshot.

    `export_format` is a key of `FORMATS`.
    """
    return FORMATS[export_format](Journal(session))
