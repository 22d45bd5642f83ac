"""Statements: newest first, the balance after each line as it was when the line was booked."""

from datetime import timedelta
from itertools import chain
from typing import Any

import pytest

from ledger import statements
from ledger.accounts import CREDITS, ISSUANCE, holding
from ledger.journal import Transfer
from pointsbank.errors import Invalid
from tests.ledger.conftest import NOON, Bank

Lines = list[tuple[int, int]]


def pages(bank: Bank, limit: int, learner: int = 1, unit: str = "credits", **bounds: Any) -> list[Lines]:
    """(amount, balance after) of each line, page by page."""
    shown: list[Lines] = []
    after = None
    with bank.database.transaction(bank.company) as session:
        while True:
            page = statements.page(session, learner, unit, limit, after=after, **bounds)
            shown.append([(item["amount"], item["balance_after"]) for item in page.items])
            after = page.next
            if after is None:
                return shown


def several(bank: Bank, *amounts: int) -> Any:
    """One entry that moves learner 1's credits once for each amount."""
    moves = [
        Transfer(CREDITS, ISSUANCE, holding(1), amount, 1, 1)
        if amount > 0
        else Transfer(CREDITS, holding(1), ISSUANCE, -amount, 1, -1)
        for amount in amounts
    ]
    return bank.draft(*moves, learner=1)


def test_pages_of_any_size_show_the_same_running_balance(bank: Bank) -> None:
    for draft in (
        bank.earning(30),
        bank.award(5),  # flowers
        several(bank, 4, -3, 2),
        bank.earning(50, learner=2),  # another's
        bank.deduction(10, occurred_at=NOON - timedelta(days=9)),
    ):
        bank.post(draft)
    lines = [(-10, 23), (2, 33), (-3, 31), (4, 34), (30, 30)]
    for limit in range(1, 7):
        assert list(chain(*pages(bank, limit))) == lines, limit
        assert max(len(page) for page in pages(bank, limit)) <= limit
    assert pages(bank, 5) == [lines]
    assert pages(bank, 9, unit="flowers:service") == [[(5, 5)]]
    assert pages(bank, 9, unit="flowers:网络") == [[]]
    assert pages(bank, 9, learner=3) == [[]]


def test_a_period_goes_by_the_time_of_booking_and_begins_with_the_balance_of_then(bank: Bank) -> None:
    times = [bank.post(bank.earning(amount))[0].recorded_at for amount in (1, 2, 3, 4)]
    table: list[tuple[Any, Any, Lines]] = [
        # from (inclusive)  to (exclusive)  lines
        (None, None, [(4, 10), (3, 6), (2, 3), (1, 1)]),
        (times[1], times[3], [(3, 6), (2, 3)]),
        (times[3], None, [(4, 10)]),
        (None, times[1], [(1, 1)]),
        (None, times[0], []),
        (times[3] + timedelta(days=1), None, []),
        (times[2], times[1], []),
    ]
    for since, until, expected in table:
        for limit in (1, 2, 9):
            found = pages(bank, limit, recorded_from=since, recorded_to=until)
            assert list(chain(*found)) == expected, (since, until, limit)


def test_a_period_of_a_holding_with_closings(bank: Bank) -> None:
    times = [bank.post(bank.draft(*[flower] * 400))[0].recorded_at for flower in [_flower(1), _flower(2)] * 2]
    (page, *_) = pages(bank, 2, unit="flowers:service", recorded_to=times[3])
    assert page == [(1, 1600), (1, 1599)]


def _flower(amount: int) -> Transfer:
    return Transfer(1, ISSUANCE, holding(1), amount, 1, 1)


def test_what_is_booked_meanwhile_does_not_disturb_the_pages(bank: Bank) -> None:
    for amount in (1, 2, 3, 4):
        bank.post(bank.earning(amount))
    with bank.database.transaction(bank.company) as session:
        first = statements.page(session, 1, "credits", 2)
    bank.post(bank.earning(100))
    with bank.database.transaction(bank.company) as session:
        second = statements.page(session, 1, "credits", 2, after=first.next)
    assert [item["balance_after"] for item in first.items + second.items] == [10, 6, 3, 1]


def test_a_line_says_what_for_and_by_whom(bank: Bank) -> None:
    bank.post(bank.award(5, reason="发言精彩"))
    with bank.database.transaction(bank.company) as session:
        (item,) = statements.page(session, 1, "flowers:service", 9).items
    assert {name: item[name] for name in ("kind", "reason", "giver", "programme", "course", "occurred_at")} == {
        "kind": "exam",
        "reason": "发言精彩",
        "giver": {"id": "li-trainer", "name": "李讲师"},
        "programme": "2021",
        "course": "service",
        "occurred_at": NOON,
    }


def test_a_unit_that_is_none_is_refused(bank: Bank) -> None:
    with bank.database.transaction(bank.company) as session, pytest.raises(Invalid):
        statements.page(session, 1, "flowers", 9)
