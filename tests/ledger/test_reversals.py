"""Reversals: what they move, and every reason for which there is none."""

from typing import Any

import pytest

from ledger import entries
from ledger.accounts import CONVERTED, CREDITS, holding, pool_of_programme
from ledger.errors import AlreadyReversed, InsufficientFunds, KeyConflict, NotReversible
from ledger.identity import entry_id
from ledger.journal import Booked, Duplicate, Transfer
from ledger.reversals import reverse
from pointsbank.errors import NotFound
from tests.ledger.conftest import NOON, Bank


def undo(bank: Bank, number: int, reason: str = "wrong", key: str | None = None) -> Any:
    """The outcome, an error as its type."""
    try:
        with bank.database.transaction(bank.company) as session:
            return reverse(session, number, reason, key)
    except (AlreadyReversed, InsufficientFunds, KeyConflict, NotReversible, NotFound) as error:
        return type(error)


def test_outcomes_in_their_order(bank: Bank) -> None:
    """`furnish` booked numbers 1 to 5. A refused reversal books nothing, so the next one gets the number."""
    bank.post(
        bank.earning(30),  # 6
        bank.earning(20, learner=2),  # 7
        bank.deduction(20, learner=2),  # 8
        bank.draft(learner=3),  # 9: a fact
        bank.draft(  # 10: of two learners
            Transfer(CREDITS, pool_of_programme(1), holding(4), 5, 4, 1),
            Transfer(CREDITS, pool_of_programme(1), holding(5), 3, 5, 1),
        ),
    )
    table: list[tuple[int, str, str | None, Any]] = [
        # entry reason   key     outcome
        (6, "wrong", None, Booked(11, None)),
        (6, "wrong", None, AlreadyReversed),
        (6, "other", None, AlreadyReversed),
        (11, "wrong", None, NotReversible),  # a reversal
        (7, "wrong", None, InsufficientFunds),  # it was taken away already
        (8, "wrong", None, Booked(12, None)),
        (7, "wrong", None, Booked(13, None)),  # and is there again
        (9, "wrong", None, Booked(14, None)),
        (9, "wrong", None, AlreadyReversed),
        (1, "wrong", None, NotReversible),  # an allotment
        (2, "wrong", None, NotReversible),  # a course's flowers
        (4, "wrong", None, NotReversible),  # an allowance
        (10, "wrong", "k-1", Booked(15, None)),
        (10, "wrong", "k-1", Duplicate(15)),
        (10, "other", "k-1", KeyConflict),
        (10, "wrong", "k-2", AlreadyReversed),
        (16, "wrong", None, NotFound),
        (2**62, "wrong", None, NotFound),
    ]
    for number, reason, key, expected in table:
        outcome = undo(bank, number, reason, key)
        if isinstance(expected, type):
            assert outcome is expected, (number, reason, key)
        else:
            assert (type(outcome), outcome.number) == (type(expected), expected.number), (number, reason, key)
    assert [bank.balance(holding(learner)) for learner in (1, 2, 4, 5)] == [0, 0, 0, 0]
    assert bank.balance(pool_of_programme(1)) == 10_000
    assert bank.sql("SELECT id FROM accounts WHERE company_id = %(company)s AND earned <> 0") == []


def test_a_reversal_is_the_entry_backwards_on_its_day(bank: Bank) -> None:
    bank.post(
        bank.draft(
            Transfer(CREDITS, pool_of_programme(1), holding(1), 30, 1, 1, bank.terms["scored"]),
            Transfer(1, 0, holding(1), 2, 1, 1),
            Transfer(1, holding(1), CONVERTED, 1, 1, 0),
            learner=1,
            course=1,
            team=1,
            awarder=1,
            rulebook_version=1,
            data=b'{"score":86}',
        )
    )
    undo(bank, 6, "成绩录入有误")
    with bank.database.transaction(bank.company) as session:
        original, reversal = entries.load(session, [6, 7])
    first, second = entry_id(bank.company, 6), entry_id(bank.company, 7)
    assert (original["reversed_by"], reversal["reverses"]) == (second, first)
    for name in ("programme", "course", "learner", "team", "awarder", "rulebook_version", "occurred_at"):
        assert reversal[name] == original[name] is not None, name
    assert {name: reversal[name] for name in ("source", "key", "kind", "reason", "data")} == {
        "source": "pointsbank:reversals",
        "key": first,
        "kind": "reversal",
        "reason": "成绩录入有误",
        "data": None,
    }
    assert [(t["debit"], t["credit"], t["unit"], t["amount"], t["rule"]) for t in reversal["transfers"]] == [
        ("retired:converted", "holding:l1", "flowers:service", 1, None),
        ("holding:l1", "issuance", "flowers:service", 2, None),
        ("holding:l1", "pool:programme:2021", "credits", 30, "scored"),
    ]


def test_what_is_short_names_what_is_left(bank: Bank) -> None:
    bank.post(bank.earning(30), bank.deduction(20))
    with bank.database.transaction(bank.company) as session, pytest.raises(InsufficientFunds) as refused:
        reverse(session, 6, "wrong")
    assert refused.value.extra == {
        "account": "holding:l1",
        "unit": "credits",
        "available": 10,
        "required": 30,
    }


def test_a_reversal_counts_on_the_day_of_what_it_reverses(bank: Bank) -> None:
    bank.post(bank.earning(30, occurred_at=NOON))
    undo(bank, 6)
    rows = bank.sql(
        "SELECT sum(amount * earning)::int AS earned FROM transfers "
        "WHERE company_id = %(company)s AND occurred_at <= %(noon)s",
        {"noon": NOON},
    )
    assert rows[0].earned == 0
