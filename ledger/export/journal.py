"""The journal as it is read for an export: entry by entry with its transfers, through cursors.

Entries come by their index and transfers sorted by number, and the two are merged here: a join would drag
the entries' text through the sort.
"""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from ledger.accounts import CREDITS
from ledger.identity import entry_id
from pointsbank.database import Session

ROWS_AT_ONCE = 2000
"""Read from a cursor in one round trip."""

WORK_MEMORY = "64MB"
"""For the sort of the transfers, before it goes to disk."""


class Unit(NamedTuple):
    no: int
    code: str
    name: str | None
    scale: int


class Account(NamedTuple):
    """A holder of units: the accounts of one code, one for each unit (`unit` is the first one's)."""

    code: str
    unit: str
    name: str | None


class Transfer(NamedTuple):
    """`debit` and `credit` are codes of accounts; `amount` counts smallest parts of the unit."""

    number: int
    line: int
    unit: int
    debit: str
    credit: str
    amount: int
    earning: int
    rule: str | None


class Entry(NamedTuple):
    """`facts` are what else the entry says, by name, as text; what it does not say is left out."""

    number: int
    id: str
    recorded_on: date
    kind: str
    facts: dict[str, str]
    transfers: list[Transfer]


class Journal:
    """A company's journal in the session's snapshot, with what names it: `name`, `time_zone`, `units`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        # A reader may stop to think, and cursors are read to their end.
        session.driver.execute(
            f"SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;"
            f"SET LOCAL cursor_tuple_fraction = 1; SET LOCAL enable_nestloop = off;"
            f"SET LOCAL work_mem = '{WORK_MEMORY}'".encode()
        )
        company = session.sql(
            "SELECT name, timezone, credits_scale FROM companies WHERE company_id = %(company)s"
        ).fetchone()
        assert company is not None, "the session's company exists"
        self.name: str = company.name
        self.time_zone = ZoneInfo(company.timezone)
        self.units = {
            row.no: Unit(row.no, row.code, row.name, company.credits_scale if row.no == CREDITS else 0)
            for row in session.sql(
                """SELECT u.no, u.code, c.name FROM units AS u
                     LEFT JOIN courses AS c ON c.company_id = %(company)s AND c.unit = u.no
                    WHERE u.company_id = %(company)s ORDER BY u.no"""
            )
        }
        self._terms = self._names("SELECT no, term FROM terms WHERE company_id = %(company)s")
        self._keys = {
            "programme": self._names("SELECT no, key FROM programmes WHERE company_id = %(company)s"),
            "course": self._names("SELECT no, key FROM courses WHERE company_id = %(company)s"),
            "team": self._names("SELECT no, key FROM teams WHERE company_id = %(company)s"),
            "awarder": self._names("SELECT no, key FROM awarders WHERE company_id = %(company)s"),
        }

    def first_day(self) -> date:
        """The day of the first entry: accounts and commodities are declared with it."""
        row = self._session.sql(
            "SELECT min(recorded_at) AS at FROM entries WHERE company_id = %(company)s AND number = 1"
        ).fetchone()
        assert row is not None
        return self._local(row.at) if row.at else date(1970, 1, 1)

    def accounts(self) -> Iterator[Account]:
        """Each account once, in the order of codes, with its owner's name if it has one."""
        for code, unit, name in self._rows("accounts", _ACCOUNTS):
            yield Account(code, self.units[unit].code, name)

    def entries(self) -> Iterator[Entry]:
        transfers = self._rows("transfers", _TRANSFERS)
        transfer = next(transfers, None)
        local = lru_cache(maxsize=1)(self._local)
        terms, facts_of = self._terms, self._facts
        for row in self._rows("entries", _ENTRIES):
            number = row[0]
            own = []
            while transfer is not None and transfer[0] <= number:
                *said, rule = transfer
                own.append(Transfer._make([*said, None if rule is None else terms[rule]]))
                transfer = next(transfers, None)
            facts = facts_of(*row)
            yield Entry(number, facts["id"], local(row[2]), facts["kind"], facts, own)

    def amount(self, unit: int, amount: int) -> str:
        """The amount as it is shown: credits with the company's decimals."""
        scale = self.units[unit].scale
        return str(Decimal(amount).scaleb(-scale)) if scale else str(amount)

    def _facts(
        self,
        number: int,
        occurred_at: datetime,
        recorded_at: datetime,
        source: int,
        key: str,
        kind: int,
        programme: int | None,
        course: int | None,
        team: int | None,
        awarder: int | None,
        rulebook_version: int | None,
        reverses: int | None,
        *texts: str | None,
    ) -> dict[str, str]:
        """Of a row of `_ENTRIES`, whose columns come in this order; `texts` are those of `_TEXTS`."""
        company, keys = self._session.company_id, self._keys
        facts = {
            "id": entry_id(company, number),
            "occurred_at": occurred_at.isoformat(),
            "recorded_at": recorded_at.isoformat(),
            "source": self._terms[source],
            "key": key,
            "kind": self._terms[kind],
        }
        if programme is not None:
            facts["programme"] = keys["programme"][programme]
        if course is not None:
            facts["course"] = keys["course"][course]
        if team is not None:
            facts["team"] = keys["team"][team]
        if awarder is not None:
            facts["awarder"] = keys["awarder"][awarder]
        if rulebook_version is not None:
            facts["rulebook_version"] = str(rulebook_version)
        if reverses is not None:
            facts["reverses"] = entry_id(company, reverses)
        for name, text in zip(_TEXTS, texts, strict=True):
            if text is not None:
                facts[name] = text
        return facts

    def _local(self, at: datetime) -> date:
        return at.astimezone(self.time_zone).date()

    def _names(self, statement: str) -> dict[int, str]:
        return dict(self._session.sql(statement).fetchall())

    def _rows(self, name: str, statement: str) -> Iterator[tuple[Any, ...]]:
        """Bare tuples, unlike a session's rows: a name for each of millions of columns takes its time."""
        with self._session.driver.cursor(name=name) as cursor:
            cursor.itersize = ROWS_AT_ONCE
            yield from cursor.execute(statement.encode(), {"company": self._session.company_id})


_TEXTS = ("learner", "reason", "note", "data")

_ENTRIES = """
SELECT e.number, e.occurred_at, e.recorded_at, e.source, e.key, e.kind, e.programme, e.course, e.team, e.awarder,
       e.rulebook_version, e.reverses,
       (SELECT key FROM learners AS l WHERE l.company_id = %(company)s AND l.no = e.learner) AS learner,
       e.reason, e.note, e.data::text AS data
  FROM entries AS e WHERE e.company_id = %(company)s ORDER BY e.number
"""

_TRANSFERS = """
SELECT t.number, t.line, t.unit, d.code AS debit, c.code AS credit, t.amount, t.earning, t.rule
  FROM transfers AS t
  JOIN accounts AS d ON d.company_id = %(company)s AND d.id = t.debit AND d.unit = t.unit
  JOIN accounts AS c ON c.company_id = %(company)s AND c.id = t.credit AND c.unit = t.unit
 WHERE t.company_id = %(company)s
 ORDER BY t.number, t.line
"""

# One row for each code, and for each course of an awarder's allowances, whose codes could be the same text.
_ACCOUNTS = """
SELECT DISTINCT ON (a.code, a.id) a.code, a.unit, coalesce(l.name, w.name, p.name, c.name) AS name
  FROM accounts AS a
  LEFT JOIN learners AS l
         ON a.id >> 32 = 4 AND l.company_id = %(company)s AND l.no = (a.id & 4294967295)::integer
  LEFT JOIN awarders AS w
         ON a.id >> 32 = 3 AND w.company_id = %(company)s AND w.no = (a.id & 4294967295)::integer
  LEFT JOIN programmes AS p
         ON a.id >> 32 = 1 AND p.company_id = %(company)s AND p.no = (a.id & 4294967295)::integer
  LEFT JOIN courses AS c
         ON a.id >> 32 = 2 AND c.company_id = %(company)s AND c.no = (a.id & 4294967295)::integer
 WHERE a.company_id = %(company)s
 ORDER BY a.code, a.id, a.unit
"""
