"""Balances, statements, accounts and the trial balance over HTTP."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from tests.api.conftest import Caller

RULEBOOK = {
    "earning": [
        {"key": "scored", "on": "scored", "award": {"unit": "credits", "amount": "data.score", "round": "half_up"}}
    ]
}


def scored(key: str, score: int, learner: str = "20210001", day: int = 1) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": key,
        "source": "urn:lms",
        "type": "scored",
        "subject": learner,
        "time": f"2021-09-{day:02}T08:00:00+08:00",
        "data": {"programme": "2021", "score": score},
    }


@pytest.fixture
def bank(programme: Caller) -> Caller:
    """Learner 20210001 has 30, 20 and 10 credits of the first three days of September."""
    programme.put("/v1/programmes/2021/rulebook/draft", RULEBOOK)
    programme.post("/v1/programmes/2021/rulebook/draft/activate")
    for day, score in ((1, 30), (2, 20), (3, 10)):
        assert programme.event(scored(f"e{day}", score, day=day)).status_code == 201
    return programme


def test_balances_now_and_as_of(bank: Caller) -> None:
    for query, expected in (
        ("", 60),
        ("?occurred_by=2021-09-02T08:00:00%2B08:00", 50),
        ("?occurred_by=2021-09-02T00:00:00Z", 50),
        ("?occurred_by=2021-09-01T23:59:59Z", 30),
        ("?recorded_by=2021-09-02T00:00:00Z", 0),
    ):
        answer = bank.get(f"/v1/learners/20210001/balances{query}")
        assert answer.status_code == 200, query
        assert answer.json == {
            "learner": "20210001",
            "balances": [{"unit": "credits", "balance": expected, "earned": expected}],
        }, query


def test_a_statement_in_pages(bank: Caller) -> None:
    shown, cursor = [], ""
    while cursor is not None:
        page = bank.get(f"/v1/learners/20210001/statement?limit=2{cursor and f'&cursor={cursor}'}").json
        shown += [(item["amount"], item["balance_after"], item["rule"]) for item in page["items"]]
        cursor = page["next"]
    assert shown == [(10, 60, "scored"), (20, 50, "scored"), (30, 30, "scored")]


def test_accounts_and_the_trial_balance(bank: Caller) -> None:
    holding = bank.get("/v1/accounts/holding:20210001?unit=credits").json
    assert (holding["class"], holding["balance"], holding["transfers"]) == ("holding", 60, 3)
    pool = bank.get("/v1/accounts/pool:programme:2021").json
    assert pool["balance"] == 100_000 - 60
    units = bank.get("/v1/trial-balance").json["units"]
    assert [unit["unit"] for unit in units] == ["credits", "flowers:service"]
    assert {unit["sum"] for unit in units} == {0}
    assert {total["class"]: total["balance"] for total in units[0]["classes"]} == {
        "issuance": -100_000,
        "pool": 99_940,
        "allowance": 0,
        "holding": 60,
        "escrow": 0,
        "retired": 0,
    }


def test_what_is_not_there_or_not_right(bank: Caller, new_company: Callable[..., Caller]) -> None:
    for path, status in (
        ("/v1/learners/nobody/balances", 404),
        (f"/v1/learners/{quote(chr(0))}/balances", 404),
        ("/v1/learners/nobody/statement", 404),
        ("/v1/accounts/holding:nobody", 404),
        ("/v1/accounts/holding:20210002", 404),
        ("/v1/learners/20210001/balances?occurred_by=yesterday", 422),
        ("/v1/learners/20210001/statement?unit=gold", 422),
        ("/v1/learners/20210001/statement?limit=501", 422),
        ("/v1/learners/20210001/statement?cursor=abc", 422),
    ):
        answer = bank.get(path)
        assert (answer.status_code, answer.mimetype) == (status, "application/problem+json"), path
    other = new_company("read")
    assert other.get("/v1/learners/20210001/balances").status_code == 404
    assert other.get("/v1/accounts/holding:20210001").status_code == 404
    assert new_company("events:write").get("/v1/trial-balance").status_code == 403
