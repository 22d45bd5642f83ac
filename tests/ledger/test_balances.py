"""Balances now and as of any time equal a plain sum over transfers, however closings divide them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger import balances, closings
from ledger.accounts import CREDITS, ISSUANCE, holding
from ledger.closings import CLOSING_EVERY
from ledger.entries import last_recorded_by
from ledger.journal import Booked, Transfer
from pointsbank.errors import Invalid, NotFound
from tests.ledger.conftest import NOON, Bank

HOUR = timedelta(hours=1)


def of_learner(bank: Bank, learner: int, *as_of: datetime | None) -> dict[str, tuple[int, int]]:
    with bank.database.transaction(bank.company) as session:
        found = balances.of_learner(session, learner, *as_of)
    return {balance.unit: (balance.balance, balance.earned) for balance in found}


def plain_sums(bank: Bank, learner: int, occurred_by: datetime, number: int) -> dict[str, tuple[int, int]]:
    rows = bank.sql(
        """SELECT u.code, sum(CASE t.credit WHEN %(account)s THEN t.amount ELSE -t.amount END)::bigint AS balance,
                  sum(t.amount * t.earning)::bigint AS earned
             FROM transfers AS t JOIN units AS u ON u.company_id = %(company)s AND u.no = t.unit
            WHERE t.company_id = %(company)s AND t.learner = %(learner)s AND t.occurred_at <= %(occurred_by)s
              AND t.number <= %(number)s GROUP BY u.code""",
        {"account": holding(learner), "learner": learner, "occurred_by": occurred_by, "number": number},
    )
    return {"credits": (0, 0)} | {row.code: (row.balance, row.earned) for row in rows}


def test_balances_as_of(bank: Bank) -> None:
    """Rows: what is booked and when it happened. Then: what a balance as of two times counts."""
    steps = [
        (bank.earning(30), NOON),
        (bank.award(5), NOON + HOUR),
        (bank.deduction(10), NOON + 2 * HOUR),
        (bank.earning(7), NOON - HOUR),  # known late
    ]
    recorded = []
    for draft, occurred_at in steps:
        draft.occurred_at = occurred_at
        (booked,) = bank.post(draft)
        recorded.append(booked.recorded_at)
    nothing, all_time = NOON - 99 * HOUR, NOON + 99 * HOUR
    table: list[tuple[datetime | None, datetime | None, dict[str, tuple[int, int]]]] = [
        # occurred by       recorded by   (balance, earned)
        (None, None, {"credits": (27, 27), "flowers:service": (5, 5)}),
        (all_time, None, {"credits": (27, 27), "flowers:service": (5, 5)}),
        (nothing, None, {"credits": (0, 0)}),
        (NOON - HOUR, None, {"credits": (7, 7)}),
        (NOON, None, {"credits": (37, 37)}),
        (NOON + HOUR, None, {"credits": (37, 37), "flowers:service": (5, 5)}),
        (None, recorded[0], {"credits": (30, 30)}),
        (None, recorded[2], {"credits": (20, 20), "flowers:service": (5, 5)}),
        (NOON, recorded[2], {"credits": (30, 30)}),
        (None, recorded[0] - HOUR, {"credits": (0, 0)}),
    ]
    for occurred_by, recorded_by, expected in table:
        assert of_learner(bank, 1, occurred_by, recorded_by) == expected, (occurred_by, recorded_by)


def test_conversion_moves_the_balance_and_not_what_was_earned(bank: Bank) -> None:
    bank.post(bank.award(5), bank.draft(Transfer(1, holding(1), 6 << 32 | 1, 3, 1, 0), learner=1))
    assert of_learner(bank, 1)["flowers:service"] == (2, 5)
    assert of_learner(bank, 1, NOON)["flowers:service"] == (2, 5)


def closing_rows(bank: Bank, learner: int) -> list[tuple[int, int, int]]:
    rows = bank.sql(
        """SELECT unit, number, credits - debits AS balance FROM closings
            WHERE company_id = %(company)s AND account = %(account)s ORDER BY number, unit""",
        {"account": holding(learner)},
    )
    return [(row.unit, row.number, row.balance) for row in rows]


def flower(amount: int, learner: int = 1) -> Transfer:
    return Transfer(1, ISSUANCE, holding(learner), amount, learner, 1)


def test_closings_are_made_by_holding_and_unit(make_bank: Callable[..., Bank]) -> None:
    bank = make_bank()
    credit = Transfer(CREDITS, ISSUANCE, holding(1), 1, 1, 1)
    n = CLOSING_EVERY
    table: list[tuple[list[Transfer], list[tuple[int, int, int]]]] = [
        # transfers of one more entry          closings (unit, number of the entry, balance) that it makes
        ([credit] * (n + 100), [(CREDITS, 1, n + 100)]),  # the booking that opens the account
        ([credit] * (n - 101), []),
        ([credit] * 1, [(CREDITS, 3, n - 100)]),
        ([flower(2)] * (n - 1), []),
        ([credit] * (3 * n), [(CREDITS, 5, 3 * n)]),  # passes several multiples at once
        ([credit] * n + [flower(2)], [(CREDITS, 6, n), (1, 6, 2 * n)]),  # both units in one booking
        ([flower(1, learner=2)] * n, []),  # another's
    ]
    expected: list[tuple[int, int, int]] = []
    for number, (transfers, closed) in enumerate(table, 1):
        assert [outcome.number for outcome in bank.post(bank.draft(*transfers))] == [number]
        expected = sorted(expected + closed, key=lambda row: (row[1], row[0]))
        assert closing_rows(bank, 1) == expected, number
    assert closing_rows(bank, 2) == [(1, 7, n)]


def test_a_batch_that_moves_one_holding_often_makes_closings_of_bounded_size(bank: Bank) -> None:
    n = CLOSING_EVERY
    bank.post(*[bank.earning(1, learner=1) for _ in range(n - 1)])
    bank.post(*[bank.earning(1, learner=1) for _ in range(2 * n + 3)])  # 3n + 2 by now, none of them closed before
    assert [balance for _, _, balance in closing_rows(bank, 1)] == [n, n, n + 2]


@pytest.fixture(scope="module")
def busy(database: Any) -> Bank:
    """A bank whose learner 1 has closings in credits and in flowers; times run forward, with late ones."""
    bank = Bank(database, 3)
    number = 0
    for size in (700, 499, 1, 2300, 37, 1200, 600):
        drafts = []
        for _ in range(size):
            number += 1
            days = number // 10 - (number % 97 == 0) * 200
            give = Transfer(CREDITS, ISSUANCE, holding(1), 1 + number % 7, 1, 1)
            take = Transfer(CREDITS, holding(1), ISSUANCE, 1, 1, -1 if number % 2 else 0)
            transfers = [[give], [give, flower(number % 5 + 1)], [give, take]][number % 3]
            drafts.append(bank.draft(*transfers, learner=1, occurred_at=NOON + timedelta(days=days)))
        outcomes = bank.post(*drafts)
        assert all(isinstance(outcome, Booked) for outcome in outcomes)
    assert {unit for unit, _, _ in closing_rows(bank, 1)} == {0, 1}
    return bank


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(
    occurred_by=st.integers(-300, 700).map(lambda days: NOON + timedelta(days=days)),
    number=st.integers(0, 5400),
)
def test_balances_as_of_equal_a_plain_sum(busy: Bank, occurred_by: datetime, number: int) -> None:
    with busy.database.transaction(busy.company) as session:
        sums = closings.sum_up(session, 1, number, occurred_by)
        one = closings.sum_up(session, 1, number, occurred_by, unit=1)
    codes = {0: "credits", 1: "flowers:service"}
    found = {codes[subtotal.unit]: (subtotal.balance, subtotal.earned) for subtotal in sums}
    assert {"credits": (0, 0)} | found == plain_sums(busy, 1, occurred_by, number)
    assert one == [subtotal for subtotal in sums if subtotal.unit == 1]


def test_the_last_entry_recorded_by_a_time(busy: Bank) -> None:
    rows = busy.sql(
        """SELECT max(number) AS number, recorded_at FROM entries
            WHERE company_id = %(company)s GROUP BY recorded_at ORDER BY recorded_at"""
    )
    before = 0
    with busy.database.transaction(busy.company) as session:
        for row in rows:
            assert last_recorded_by(session, row.recorded_at - timedelta(microseconds=1)) == before
            assert last_recorded_by(session, row.recorded_at) == row.number
            before = row.number
        assert last_recorded_by(session, None) == before


def test_an_account_by_its_code(bank: Bank) -> None:
    bank.post(bank.earning(30), bank.deduction(10), bank.award(5))
    table: list[tuple[str, str | None, object]] = [
        # code                            unit                (class, unit, debits, credits, balance, transfers)
        ("holding:l1", None, ("holding", "credits", 10, 30, 20, 2)),
        ("holding:l1", "flowers:service", ("holding", "flowers:service", 0, 5, 5, 1)),
        ("pool:programme:2021", None, ("pool", "credits", 30, 10_010, 9980, 3)),
        ("pool:course:网络", None, ("pool", "flowers:网络", 100, 1000, 900, 2)),
        ("allowance:li-trainer:service", None, ("allowance", "flowers:service", 5, 100, 95, 2)),
        ("issuance", None, ("issuance", "credits", 10_000, 0, -10_000, 1)),
        ("holding:l1", "flowers:网络", NotFound),
        ("holding:l2", None, NotFound),
        ("holding:\0", None, NotFound),
    ]
    with bank.database.transaction(bank.company) as session:
        for code, unit, expected in table:
            if isinstance(expected, type):
                with pytest.raises(expected):
                    balances.account(session, code, unit)
            else:
                assert tuple(balances.account(session, code, unit).values())[1:] == expected, code


def test_an_account_of_many_units_has_to_be_asked_for_one(bank: Bank) -> None:
    give = [Transfer(unit, ISSUANCE, 6 << 32 | 1, 3) for unit in (1, 2)]
    bank.post(bank.draft(*give))
    with bank.database.transaction(bank.company) as session, pytest.raises(Invalid) as refused:
        balances.account(session, "retired:converted")
    assert refused.value.errors[0][0] == "unit"
    assert "flowers:service, flowers:网络" in refused.value.detail


def test_the_trial_balance_shows_every_class_and_sums_to_zero(bank: Bank) -> None:
    bank.post(bank.earning(30), bank.deduction(10), bank.award(5))
    with bank.database.transaction(bank.company) as session:
        units = balances.trial_balance(session)["units"]
    assert [(unit["unit"], unit["sum"]) for unit in units] == [
        ("credits", 0),
        ("flowers:service", 0),
        ("flowers:网络", 0),
    ]
    shown = {total["class"]: tuple(total.values())[1:] for total in units[1]["classes"]}
    assert shown == {
        #            accounts, debits, credits, balance
        "issuance": (1, 1000, 0, -1000),
        "pool": (1, 100, 1000, 900),
        "allowance": (1, 5, 100, 95),
        "holding": (1, 0, 5, 5),
        "escrow": (0, 0, 0, 0),
        "retired": (0, 0, 0, 0),
    }
