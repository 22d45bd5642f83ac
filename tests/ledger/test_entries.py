"""Entries as clients see them, and what they are found by."""

from datetime import UTC, timedelta
from typing import Any

from ledger import entries
from ledger.accounts import CREDITS, holding, pool_of_programme
from ledger.entries import Filters
from ledger.identity import entry_id
from ledger.journal import Transfer
from pointsbank.database import Session
from tests.ledger.conftest import NOON, Bank

HOUR = timedelta(hours=1)


def test_an_entry_has_the_shape_of_the_api(bank: Bank) -> None:
    bank.post(
        bank.award(2, learner=3, team=1, rulebook_version=1, reason="带队", note="说明", data=b'{"n":1e300}', key="k/1")
    )
    with bank.database.transaction(bank.company) as session:
        (entry,) = entries.load(session, [6])
    own = entry_id(bank.company, 6)
    assert entry["recorded_at"].tzinfo is not None
    assert entry["occurred_at"].utcoffset() == UTC.utcoffset(None)
    del entry["recorded_at"]
    assert entry == {
        "id": own,
        "number": 6,
        "source": "hr",
        "key": "k/1",
        "kind": "exam",
        "occurred_at": NOON,
        "programme": "2021",
        "course": "service",
        "learner": "l3",
        "team": "red",
        "awarder": "li-trainer",
        "reason": "带队",
        "note": "说明",
        "reverses": None,
        "reversed_by": None,
        "rulebook_version": 1,
        "data": {"n": 1e300},
        "transfers": [
            {
                "id": f"{own}.1",
                "unit": "flowers:service",
                "amount": 2,
                "debit": "allowance:li-trainer:service",
                "credit": "holding:l3",
                "rule": None,
            }
        ],
    }


def team_award(bank: Bank, *learners: int) -> Any:
    return bank.draft(*[Transfer(CREDITS, pool_of_programme(1), holding(n), n, n, 1) for n in learners], team=1)


def test_all_transfers_of_an_entry_are_shown_whoever_holds_them(bank: Bank) -> None:
    mixed = bank.earning(5, learner=2)
    mixed.transfers.append(Transfer(1, 2 << 32 | 1, 6 << 32 | 2, 4))
    bank.post(team_award(bank, 3, 1, 2), mixed, bank.draft(learner=2))
    with bank.database.transaction(bank.company) as session:
        found = entries.load(session, [8, 6, 99, 7, 1])
    shown = [[(t["id"][-1], t["credit"], t["amount"]) for t in entry["transfers"]] for entry in found]
    assert shown == [
        [],
        [("1", "holding:l3", 3), ("2", "holding:l1", 1), ("3", "holding:l2", 2)],
        [("1", "holding:l2", 5), ("2", "retired:expired", 4)],
        [("1", "pool:programme:2021", 10_000)],
    ]


def test_a_page_is_two_statements_however_long(bank: Bank, monkeypatch: Any) -> None:
    bank.post(*[bank.earning(1, learner=1 + n % 9) for n in range(40)])
    seen: list[str] = []
    plain = Session.sql
    with bank.database.transaction(bank.company) as session:
        monkeypatch.setattr(Session, "sql", lambda self, *rest: seen.append(rest[0]) or plain(self, *rest))
        assert len(entries.load(session, list(range(1, 46)))) == 45
        assert entries.load(session, []) == []
    assert len(seen) == 2


def test_what_entries_are_found_by(bank: Bank) -> None:
    """`furnish` booked 1 to 5: allotment, flowers of two courses, allowances of two awarders."""
    lms, award = bank.terms["lms"], bank.terms["award"]
    bank.post(
        bank.earning(1, key="a"),  # 6
        bank.earning(1, key="a", source=lms),  # 7
        bank.award(1, learner=2, kind=award, occurred_at=NOON + HOUR),  # 8
        bank.draft(learner=1, occurred_at=NOON + 2 * HOUR),  # 9: no transfers
        team_award(bank, 1, 2, 3),  # 10
        bank.award(1, learner=1, awarder=2, course=2),  # 11
        bank.draft(  # 12: two transfers of one holding
            Transfer(CREDITS, pool_of_programme(1), holding(1), 2, 1, 1),
            Transfer(CREDITS, pool_of_programme(1), holding(1), 3, 1, 1),
            programme=None,
            learner=1,
            key="z",
        ),
    )
    table: list[tuple[Filters, list[int]]] = [
        (Filters(), [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]),
        (Filters(source="hr", key="a"), [6]),
        (Filters(source="lms", key="a", learner="l1"), [7]),
        (Filters(source="lms", key="a", learner="l2"), []),
        (Filters(key="a"), [7, 6]),
        (Filters(source="lms"), [7]),
        (Filters(learner="l1"), [12, 11, 10, 9, 7, 6]),
        (Filters(learner="l2"), [10, 8]),
        (Filters(learner="l9"), []),
        (Filters(learner="l1", key="z"), [12]),
        (Filters(learner="l1", programme="2021"), [11, 10, 9, 7, 6]),
        (Filters(learner="l1", course="网络"), [11]),
        (Filters(learner="l1", occurred_from=NOON + HOUR), [9]),
        (Filters(kind="award"), [8]),
        (Filters(course="service"), [8, 4, 2]),
        (Filters(awarder="committee"), [11, 5]),
        (Filters(team="red"), [10]),
        (Filters(team="red", learner="l3"), [10]),
        (Filters(occurred_from=NOON + HOUR), [9, 8]),
        (Filters(occurred_from=NOON + HOUR, occurred_to=NOON + 2 * HOUR), [8]),
        (Filters(learner="nobody"), []),
        (Filters(programme="1999"), []),
        (Filters(course="nothing"), []),
        (Filters(source="nowhere", key="a"), []),
    ]
    with bank.database.transaction(bank.company) as session:
        for filters, expected in table:
            assert entries.find(session, filters, None, 50) == expected, filters
            assert entries.find(session, filters, None, 2) == expected[:2], filters
            assert entries.find(session, filters, 10, 50) == [n for n in expected if n < 10], filters
