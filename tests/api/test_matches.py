"""Matches over HTTP: the live score, the result, the list, and what is refused."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.examples import RULEBOOK
from pointsbank.database import Database
from pointsbank.matches import settling
from tests.api.conftest import Caller

P = "/v1/programmes/2021"
MATCH: dict[str, Any] = {
    "name": "第三周小组PK",
    "teams": ["a", "b"],
    "unit": "credits",
    "starts_at": "2021-10-18T09:00:00+08:00",
    "ends_at": "2021-10-18T10:00:00+08:00",
    "prize": {"unit": "flowers", "amount": 3, "course": "service"},
}


@pytest.fixture
def bank(programme: Caller) -> Caller:
    programme.put(f"{P}/rulebook/draft", RULEBOOK)
    programme.post(f"{P}/rulebook/draft/activate")
    return programme


def scored(key: str, learner: str, score: int, time: str = "2021-10-18T09:30:00+08:00") -> dict[str, Any]:
    """Earns a fifth of the score in credits."""
    data = {"programme": "2021", "score": score, "weight": 20}
    kind = {"specversion": "1.0", "source": "urn:lms", "type": "lms.assessment.scored"}
    return {**kind, "id": key, "subject": learner, "time": time, "data": data}


def test_from_the_live_score_to_the_prize(bank: Caller, database: Database) -> None:
    made = bank.put(f"{P}/matches/pk", MATCH)
    assert made.status_code == 201
    assert made.get_json() == bank.get(f"{P}/matches/pk").get_json() | {"as_of": made.get_json()["as_of"]}
    bank.event(scored("1", "20210003", 90))
    bank.event(scored("2", "20210001", 50))
    live = bank.get(f"{P}/matches/pk").get_json()
    number = live["as_of"].pop("number")
    assert live.pop("as_of").keys() == {"at"}
    expected = {
        **MATCH,
        "id": "pk",
        "course": None,
        "starts_at": "2021-10-18T01:00:00Z",
        "ends_at": "2021-10-18T02:00:00Z",
        "grace_seconds": 5,
        "status": "ended",
        "standings": [
            {"rank": 1, "member": {"id": "b", "name": "小组b"}, "score": 18, "reached_at": "2021-10-18T01:30:00Z"},
            {"rank": 2, "member": {"id": "a", "name": "小组a"}, "score": 10, "reached_at": "2021-10-18T01:30:00Z"},
        ],
        "result": None,
    }
    assert live == expected
    settling.settle_due(database)
    bank.event(scored("3", "20210001", 100))
    settled = bank.get(f"{P}/matches/pk").get_json()
    result = settled["result"]
    assert settled["as_of"] == {"number": number, "at": result["settled_at"]}
    assert {**expected, "status": "settled", "result": result, "as_of": settled["as_of"]} == settled
    prize = result.pop("prize")
    assert (result["winners"], result["reversed_by"]) == (["b"], None)
    assert prize == {
        **MATCH["prize"],
        "share": 3,
        "receivers": 2,
        "entry_id": prize["entry_id"],
        "reversed_by": None,
        "problem": None,
    }
    (booked,) = bank.get("/v1/entries?kind=match.prize").get_json()["items"]
    assert booked["id"] == prize["entry_id"]
    assert booked["transfers"][0]["unit"] == "flowers:service"
    assert [each["id"] for each in bank.get("/v1/entries?kind=match.settled").get_json()["items"]] == [
        result["entry_id"]
    ]
    (flowers,) = bank.get("/v1/learners/20210003/statement?unit=flowers:service").get_json()["items"]
    assert (flowers["amount"], flowers["kind"], flowers["reason"]) == (3, "match.prize", "第三周小组PK")


def test_what_is_missing_is_shown_until_it_is_there(bank: Caller, database: Database) -> None:
    bank.event(scored("1", "20210003", 90))
    bank.put(f"{P}/matches/pk", {**MATCH, "prize": {"unit": "flowers", "amount": 501, "course": "service"}})
    settling.settle_due(database)
    prize = bank.get(f"{P}/matches/pk").get_json()["result"]["prize"]
    assert (prize["entry_id"], prize["share"]) == (None, 501)
    problem = prize["problem"]
    assert problem["type"] == "http://127.0.0.1:8000/problems/insufficient-funds"
    assert (problem["status"], problem["available"], problem["required"]) == (422, 1_000, 1_002)
    assert problem["detail"] == "pool:course:service has 1000 flowers:service left, 1002 are needed."
    bank.put(f"{P}/courses/service", {"name": "服务", "kind": "structured", "flowers": 1_002})
    with database.transaction(bank.company_id) as session:
        session.sql("UPDATE matches SET due_at = now()")
    settling.settle_due(database)
    prize = bank.get(f"{P}/matches/pk").get_json()["result"]["prize"]
    assert (prize["entry_id"] is None, prize["problem"]) == (False, None)
    reversal = bank.post(f"/v1/entries/{prize['entry_id']}/reversal", {"reason": "x"}).get_json()["entry"]
    assert bank.get(f"{P}/matches/pk").get_json()["result"]["prize"]["reversed_by"] == reversal["id"]


def test_learners_compete_too(bank: Caller) -> None:
    body = {**MATCH, "learners": ["20210001", "20210004"], "prize": None}
    del body["teams"]
    made = bank.put(f"{P}/matches/pk", body).get_json()
    assert (made["learners"], "teams" in made, made["prize"]) == (["20210001", "20210004"], False, None)
    assert [row["member"]["name"] for row in made["standings"]] == ["李雷", "𠮷野"]


def test_the_list_pages_by_id(bank: Caller) -> None:
    for key in ("pk-2", "pk-10", "pk-1"):
        assert bank.put(f"{P}/matches/{key}", MATCH).status_code == 201
    first = bank.get(f"{P}/matches?limit=2").get_json()
    second = bank.get(f"{P}/matches?limit=2&cursor={first['next']}").get_json()
    assert [item["id"] for item in first["items"] + second["items"]] == ["pk-1", "pk-10", "pk-2"]
    assert second["next"] is None
    whole = bank.get(f"{P}/matches/pk-1").get_json()
    assert first["items"][0] == {name: whole[name] for name in whole if name not in ("as_of", "standings", "result")}


def test_changes_are_refused_once_it_has_started_and_once_it_is_settled(bank: Caller, database: Database) -> None:
    tomorrow, later = (datetime.now(UTC) + timedelta(days=days) for days in (1, 2))
    bank.put(P, {"name": "x", "starts_on": "2021-07-01", "ends_on": "2190-01-01", "allotment": 100_000})
    future = {**MATCH, "starts_at": tomorrow.isoformat(), "ends_at": later.isoformat()}
    assert [bank.put(f"{P}/matches/pk", body).status_code for body in (future, future, MATCH)] == [201, 200, 200]
    refused = bank.put(f"{P}/matches/pk", {**MATCH, "teams": ["b", "c"]})
    assert refused.status_code == 422
    refused = bank.put(f"{P}/matches/pk", future)
    assert (refused.status_code, refused.get_json()["type"].rpartition("/")[2]) == (409, "conflict")
    assert [each["path"] for each in refused.get_json()["errors"]] == ["starts_at", "ends_at"]
    assert bank.put(f"{P}/matches/pk", {**MATCH, "name": "新名"}).get_json()["name"] == "新名"
    settling.settle_due(database)
    refused = bank.put(f"{P}/matches/pk", MATCH)
    assert (refused.status_code, refused.get_json()["type"].rpartition("/")[2]) == (409, "closed")
    assert bank.put(f"{P}/matches/pk", {**MATCH, "name": "新名"}).status_code == 200
