"""A company of its own for each test: a programme, two courses, awarders, learners, and what they have."""

import itertools
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg.rows import namedtuple_row

from ledger.accounts import CREDITS, ISSUANCE, allowance, holding, pool_of_course, pool_of_programme
from ledger.journal import Draft, Transfer, post
from ledger.terms import intern
from pointsbank.database import Database

NOON = datetime(2021, 9, 1, 12, tzinfo=UTC)
DIRECTORY = """
INSERT INTO companies (company_id, key, name, timezone, credits_scale)
VALUES (%(company)s, %(key)s, %(name)s, 'Asia/Shanghai', 2);
INSERT INTO journals (company_id) VALUES (%(company)s);
INSERT INTO units VALUES (%(company)s, 0, 'credits'), (%(company)s, 1, 'flowers:service'),
                         (%(company)s, 2, 'flowers:网络');
INSERT INTO programmes (company_id, no, key, name, starts_on, ends_on, timezone, allotment)
VALUES (%(company)s, 1, '2021', '2021 届大学生创客', '2021-07-01', '2022-06-30', 'Asia/Shanghai', 1000000);
INSERT INTO courses (company_id, no, programme, key, name, kind, unit, flowers, opens_on, closes_on)
VALUES (%(company)s, 1, 1, 'service', 'Service', 'structured', 1, 1000, '2021-07-01', '2022-06-30'),
       (%(company)s, 2, 1, '网络', '网络', 'practical', 2, 1000, '2021-07-01', '2022-06-30');
INSERT INTO teams VALUES (%(company)s, 1, 1, 'red', '红队');
INSERT INTO awarders VALUES (%(company)s, 1, 1, 'li-trainer', '李讲师', 'trainer'),
                            (%(company)s, 2, 1, 'committee', '委员会', 'committee');
INSERT INTO rulebooks (company_id, programme, version, status, document, active_from)
VALUES (%(company)s, 1, 1, 'active', '{}', now());
INSERT INTO learners (company_id, no, key, name)
SELECT %(company)s, n, 'l' || n, 'Learner ' || n FROM generate_series(1, %(learners)s) AS n;
"""


class Bank:
    """A company's ledger, and short ways to write drafts for it."""

    def __init__(self, database: Database, learners: int) -> None:
        self.database = database
        self.company = secrets.randbelow(2**60 - 1) + 1
        self.learners = list(range(1, learners + 1))
        self._keys = itertools.count(1)
        with database.transaction(self.company) as session:
            parameters = {"key": f"company-{self.company}", "name": "公司", "learners": learners}
            for statement in DIRECTORY.split(";\n")[:-1]:
                session.sql(statement, parameters)
            self.terms = intern(session, ["hr", "lms", "exam", "allotment", "award", "reversal", "scored"])

    # Drafts: what is not said is the first of its kind, at noon.

    def draft(self, *transfers: Transfer, key: str | None = None, fingerprint: int = 0, **given: Any) -> Draft:
        given.setdefault("source", self.terms["hr"])
        given.setdefault("kind", self.terms["exam"])
        given.setdefault("occurred_at", NOON)
        given.setdefault("programme", 1)
        key = key or f"event-{next(self._keys)}"
        return Draft(key=key, fingerprint=fingerprint, transfers=list(transfers), **given)

    def allotment(self, amount: int, **given: Any) -> Draft:
        return self.draft(Transfer(CREDITS, ISSUANCE, pool_of_programme(1), amount), **given)

    def flowers(self, amount: int, course: int = 1, **given: Any) -> Draft:
        """A course's flowers, issued to its pool. The unit of a course here has the course's number."""
        return self.draft(Transfer(course, ISSUANCE, pool_of_course(course), amount), course=course, **given)

    def allowance(self, amount: int, awarder: int = 1, course: int = 1, **given: Any) -> Draft:
        move = Transfer(course, pool_of_course(course), allowance(awarder), amount)
        return self.draft(move, course=course, awarder=awarder, **given)

    def award(self, amount: int, learner: int = 1, awarder: int = 1, course: int = 1, **given: Any) -> Draft:
        move = Transfer(course, allowance(awarder), holding(learner), amount, learner, 1)
        return self.draft(move, course=course, awarder=awarder, learner=learner, **given)

    def earning(self, amount: int, learner: int = 1, **given: Any) -> Draft:
        move = Transfer(CREDITS, pool_of_programme(1), holding(learner), amount, learner, 1)
        return self.draft(move, learner=learner, **given)

    def deduction(self, amount: int, learner: int = 1, **given: Any) -> Draft:
        move = Transfer(CREDITS, holding(learner), pool_of_programme(1), amount, learner, -1)
        return self.draft(move, learner=learner, **given)

    def reversal(self, number: int, of: Draft, **given: Any) -> Draft:
        back = [Transfer(t.unit, t.credit, t.debit, t.amount, t.learner, -t.earning, t.rule) for t in of.transfers]
        same = {name: getattr(of, name) for name in ("programme", "course", "learner", "team", "awarder")}
        return self.draft(*back, reverses=number, occurred_at=of.occurred_at, **(same | given))

    def furnish(self) -> None:
        """Books numbers 1 to 5: credits into the pool, flowers into the pools and to the awarders."""
        self.post(
            self.allotment(10_000),
            self.flowers(1000, course=1),
            self.flowers(1000, course=2),
            self.allowance(100, awarder=1, course=1),
            self.allowance(100, awarder=2, course=2),
        )

    def post(self, *drafts: Draft) -> list[Any]:
        with self.database.transaction(self.company) as session:
            return list(post(session, drafts))

    # What is booked.

    def sql(self, statement: str, parameters: dict[str, Any] | None = None) -> list[Any]:
        with self.database.transaction(self.company) as session:
            return session.sql(statement, parameters).fetchall()

    def balance(self, account: int, unit: int = CREDITS) -> int:
        rows = self.sql(
            "SELECT credits - debits AS balance FROM accounts "
            "WHERE company_id = %(company)s AND id = %(account)s AND unit = %(unit)s",
            {"account": account, "unit": unit},
        )
        return rows[0].balance if rows else 0


@pytest.fixture
def make_bank(database: Database) -> Callable[..., Bank]:
    """`make_bank(learners=10)`: a company in the worker's database, with nothing booked."""

    def make(learners: int = 10) -> Bank:
        return Bank(database, learners)

    return make


@pytest.fixture
def bank(make_bank: Callable[..., Bank]) -> Bank:
    """10,000 credits in the programme's pool, 900 flowers in each course's, 100 with each awarder."""
    made = make_bank()
    made.furnish()
    return made


@pytest.fixture
def by_hand(database_url: str, servers: Any, bank: Bank) -> Callable[..., list[Any]]:
    """`by_hand(sql)` does as a superuser what nobody may; `%(company)s` is the bank's, if not given."""

    def run(statement: str, **parameters: Any) -> list[Any]:
        name = database_url.split("?")[0].rsplit("/", 1)[1]
        url = servers.superuser_url.replace("/postgres?", f"/{name}?")
        with psycopg.connect(url, row_factory=namedtuple_row) as connection:
            cursor = connection.execute(statement.encode(), {"company": bank.company} | parameters)
            return cursor.fetchall() if cursor.description else []

    return run
