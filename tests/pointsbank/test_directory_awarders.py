"""Awarders and the flowers that they may give."""

from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from typing import Any

import pytest

from ledger import journal, terms
from ledger.accounts import allowance, holding
from ledger.errors import InsufficientFunds, KeyConflict
from pointsbank import company
from pointsbank.database import Database, Session
from pointsbank.directory import allowances, awarders, courses, programmes
from pointsbank.directory.awarders import Awarder
from pointsbank.directory.learners import Learner
from pointsbank.directory.learners import put as put_learner
from pointsbank.errors import Conflict, Invalid, NotFound

_numbers = iter(range(10**6))


class Bank:
    """One company; each command is a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.company_id = company.create(database, f"awarders-{next(_numbers)}")
        with self.transaction() as session:
            programmes.put(
                session,
                "p",
                name="p",
                starts_on=date(2021, 7, 1),
                ends_on=date(2022, 6, 30),
                timezone="UTC",
            )
            put_learner(session, Learner("l", "l"))
        for course in ("service", "debate"):
            with self.transaction() as session:
                courses.put(session, "p", course, name=course, kind="structured", flowers=300)

    def transaction(self) -> AbstractContextManager[Session]:
        return self.database.transaction(self.company_id)

    def put(self, given: dict[str, int] | None = None, **fields: Any) -> tuple[Awarder, bool]:
        with self.transaction() as session:
            values = {"name": "李老师", "role": "trainer"} | fields
            return awarders.put(session, "p", "li", allowances=given, **values)

    def give(self, amount: int, key: str | None = None, course: str = "service") -> allowances.Given:
        with self.transaction() as session:
            return allowances.give(session, "li", "p", course, amount, key or str(next(_numbers)))

    def spend(self, amount: int) -> None:
        with self.transaction() as session:
            names = terms.intern(session, ["test", "spent"])
            transfer = journal.Transfer(1, allowance(1), holding(1), amount, 1, 1)
            now = datetime.now(UTC)
            draft = journal.Draft(names["test"], str(now), names["spent"], 1, now, [transfer], learner=1)
            [outcome] = journal.post(session, [draft])
            assert isinstance(outcome, journal.Booked)

    def get(self) -> Awarder:
        with self.transaction() as session:
            return awarders.get(session, programmes.get(session, "p"), "li")

    def pool(self, course: str) -> int:
        with self.transaction() as session:
            row = session.sql(
                "SELECT credits - debits FROM accounts WHERE company_id = %(company)s AND code = %(code)s",
                {"code": f"pool:course:{course}"},
            ).fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture
def bank(database: Database) -> Bank:
    return Bank(database)


def test_allowances_are_totals(bank: Bank) -> None:
    made, created = bank.put({"service": 200, "debate": 0})
    assert (created, made.allowances, made.left) == (True, {"service": 200}, {"service": 200})
    assert bank.pool("service") == 100
    assert bank.put({"service": 200}) == (made, False)
    assert bank.put({"service": 150, "debate": 20})[0].left == {"service": 150, "debate": 20}
    assert bank.put(name="李明")[0].allowances == {"service": 150, "debate": 20}
    bank.spend(30)
    assert bank.get().left == {"service": 120, "debate": 20}
    with pytest.raises(Conflict, match="30 were given"):
        bank.put({"service": 29, "debate": 50})
    assert bank.put({"service": 30})[0].left == {"service": 0, "debate": 0}
    assert (bank.pool("service"), bank.pool("debate")) == (270, 300)


def test_a_short_pool_refuses_all(bank: Bank) -> None:
    with pytest.raises(InsufficientFunds, match="pool:course:service has 300"):
        bank.put({"debate": 1, "service": 301})
    with pytest.raises(NotFound):
        bank.get()
    assert bank.pool("debate") == 300


def test_giving_adds_once_for_each_key(bank: Bank) -> None:
    bank.put({"service": 100})
    first = bank.give(50, "k")
    assert (first.is_new, first.given, first.left) == (True, 150, 150)
    assert bank.give(50, "k") == allowances.Given(first.number, False, 150, 150)
    with pytest.raises(KeyConflict):
        bank.give(51, "k")
    assert bank.give(50).given == bank.give(50).given - 50
    with pytest.raises(InsufficientFunds):
        bank.give(51)
    assert bank.get().allowances == {"service": 250}
    for amount in (0, -1, 2**53, 2**64):
        with pytest.raises(Invalid, match="amount"):
            bank.give(amount)
    with pytest.raises(Invalid, match="Idempotency-Key"):
        bank.give(1, "\x07")
    with pytest.raises(NotFound, match="no course none"):
        bank.give(1, course="none")


def test_every_fault_is_told_at_once(bank: Bank) -> None:
    with pytest.raises(Invalid) as refused:
        bank.put({"none": 1, "\ud800": 2}, name="", role="chef")
    assert [path for path, _ in refused.value.errors] == ["name", "role", "allowances.none", "allowances"]


def test_pages_follow_keys(bank: Bank) -> None:
    bank.put({"service": 5})
    with bank.transaction() as session:
        programme = programmes.get(session, "p")
        for key in ("a", "z"):
            awarders.put(session, "p", key, name=key, role="committee")
        listed = awarders.page(session, programme, 2)
        assert [(each.key, each.allowances) for each in listed] == [("a", {}), ("li", {"service": 5})]
        assert [each.key for each in awarders.page(session, programme, 2, "li")] == ["z"]
