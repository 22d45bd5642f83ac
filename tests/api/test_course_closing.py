"""Closing a course: preview, conversion, a pool that runs short, again, and after a correction."""

from typing import Any

import pytest

from ledger.audit import audit
from pointsbank.database import Database
from tests.api.conftest import Caller

P = "/v1/programmes/2021"
CLOSE = f"{P}/courses/service/close"
RULEBOOK = {"conversion": {"flowers_per_credit": 5, "round": "down", "cap_credits": 4, "remainder": "expire"}}


def put_rulebook(bank: Caller, document: dict[str, Any]) -> None:
    assert bank.put(f"{P}/rulebook/draft", document).status_code == 200
    assert bank.post(f"{P}/rulebook/draft/activate").status_code == 200


def give(bank: Caller, learner: str, flowers: int, key: str = "") -> str:
    award = {"awarder": "li", "learner": learner, "programme": "2021", "course": "service", "unit": "flowers"}
    award |= {"amount": flowers, "reason": "发言精彩", "time": "2021-09-01T08:00:00+08:00"}
    answer = bank.post("/v1/awards", award, headers={"Idempotency-Key": key or f"{learner}-{flowers}"})
    assert answer.status_code == 201, answer.json
    return str(answer.json["entry"]["id"])


def discrepancies(database: Database, company_id: int) -> list[Any]:
    with database.snapshot(company_id) as session:
        return list(audit(session))


def balances(bank: Caller, learner: str) -> dict[str, tuple[int, int]]:
    found = bank.get(f"/v1/learners/{learner}/balances").json["balances"]
    return {each["unit"]: (each["balance"], each["earned"]) for each in found}


@pytest.fixture
def bank(programme: Caller) -> Caller:
    """Three learners with 12, 30 and 4 flowers of the course, and one without."""
    put_rulebook(programme, RULEBOOK)
    awarder = {"name": "李", "role": "trainer", "allowances": {"service": 100}}
    assert programme.put(f"{P}/awarders/li", awarder).status_code == 201
    for learner, flowers in (("20210001", 12), ("20210002", 30), ("20210003", 4)):
        give(programme, learner, flowers)
    return programme


def test_closing_converts_once_and_for_all(bank: Caller, database: Database) -> None:
    first = bank.post(CLOSE, {"preview": False})
    assert first.status_code == 200, first.json
    done = first.json
    rows = [(i["learner"], i["flowers"], i["converted"], i["expired"], i["credits"]) for i in done["items"]]
    assert rows == [("20210001", 12, 10, 2, 2), ("20210002", 30, 20, 10, 4), ("20210003", 4, 0, 4, 0)]
    assert (done["flowers"], done["converted"], done["expired"], done["credits"]) == (46, 30, 16, 6)
    assert done["rulebook_version"] == 1
    assert balances(bank, "20210001") == {"credits": (2, 0), "flowers:service": (0, 12)}
    entry = bank.get(f"/v1/entries/{done['items'][0]['entry_id']}").json
    assert entry["kind"] == "flowers.converted"
    assert entry["occurred_at"].startswith("2022-06-30T15:59:59.999999")
    assert [(t["unit"], t["amount"], t["debit"], t["credit"]) for t in entry["transfers"]] == [
        ("flowers:service", 10, "holding:20210001", "retired:converted"),
        ("credits", 2, "pool:programme:2021", "holding:20210001"),
        ("flowers:service", 2, "holding:20210001", "retired:expired"),
    ]
    before = bank.get("/v1/entries?limit=1").json
    again = bank.post(CLOSE).json
    assert again["items"] == done["items"]
    assert again["closed_at"] == done["closed_at"]
    assert bank.get("/v1/entries?limit=1").json == before
    assert bank.get(f"{P}/courses/service").json["closed_at"] is not None
    assert discrepancies(database, bank.company_id) == []


def test_a_preview_writes_nothing_and_says_the_same(bank: Caller) -> None:
    before = bank.get("/v1/trial-balance").json
    planned = bank.post(CLOSE, {"preview": True}).json
    assert planned["closed_at"] is None
    assert bank.get("/v1/trial-balance").json == before
    assert bank.get(f"{P}/courses/service").json["closed_at"] is None
    done = bank.post(CLOSE).json
    assert [i | {"entry_id": None} for i in done["items"]] == planned["items"]
    assert done["required"] == planned["required"] == 6
    assert bank.post(CLOSE, {"preview": True}).json["items"] == done["items"]


def test_a_closed_course_takes_nothing_more(bank: Caller) -> None:
    bank.post(CLOSE)
    event = {"specversion": "1.0", "id": "late", "source": "urn:t", "type": "x", "subject": "20210001"}
    event |= {"time": "2021-09-01T08:00:00+08:00", "data": {"programme": "2021", "course": "service"}}
    award = {"awarder": "li", "learner": "20210001", "programme": "2021", "course": "service", "unit": "flowers"}
    for answer in (
        bank.event(event),
        bank.post("/v1/awards", award | {"amount": 1, "reason": "x"}),
        bank.post("/v1/allowances", {"awarder": "li", "programme": "2021", "course": "service", "amount": 1}),
        bank.put(f"{P}/courses/service", {"name": "新名", "kind": "structured", "flowers": 2_000}),
    ):
        assert (answer.status_code, answer.json["type"].rsplit("/", 1)[1]) == (409, "closed"), answer.json


def test_a_pool_that_runs_short_stops_all_of_it(bank: Caller) -> None:
    changed = {"name": "2021届训练营", "starts_on": "2021-07-01", "ends_on": "2022-06-30", "allotment": 5}
    assert bank.put(P, changed).status_code == 200
    before = bank.get("/v1/trial-balance").json
    assert bank.post(CLOSE, {"preview": True}).json["short"] == ["20210002"]
    answer = bank.post(CLOSE)
    assert answer.status_code == 422
    assert answer.json["type"].endswith("/insufficient-funds")
    assert {name: answer.json[name] for name in ("account", "available", "required", "short", "short_total")} == {
        "account": "pool:programme:2021",
        "available": 5,
        "required": 6,
        "short": ["20210002"],
        "short_total": 1,
    }
    assert "Raise the programme's allotment by 1." in answer.json["detail"]
    assert bank.get("/v1/trial-balance").json == before
    assert bank.get(f"{P}/courses/service").json["closed_at"] is None
    assert bank.put(P, changed | {"allotment": 6}).status_code == 200
    assert bank.post(CLOSE).json["credits"] == 6


def test_an_award_is_corrected_after_the_closing(bank: Caller, database: Database) -> None:
    wrong = give(bank, "20210003", 6, "wrong")
    done = {item["learner"]: item for item in bank.post(CLOSE).json["items"]}
    assert done["20210003"]["credits"] == 2
    refused = bank.post(f"/v1/entries/{wrong}/reversal", {"reason": "给错了人"})
    assert refused.json["type"].endswith("/insufficient-funds")
    for entry in (done["20210003"]["entry_id"], wrong):
        assert bank.post(f"/v1/entries/{entry}/reversal", {"reason": "给错了人"}).status_code == 201
    again = {item["learner"]: item for item in bank.post(CLOSE).json["items"]}
    assert {**again["20210003"], "entry_id": None} == {
        "learner": "20210003",
        "name": "林涛",
        "flowers": 4,
        "converted": 0,
        "expired": 4,
        "credits": 0,
        "entry_id": None,
    }
    assert again["20210001"] == done["20210001"]
    assert balances(bank, "20210003") == {"credits": (0, 0), "flowers:service": (0, 4)}
    assert discrepancies(database, bank.company_id) == []


def test_without_a_conversion_the_flowers_stay(bank: Caller) -> None:
    put_rulebook(bank, {"earning": []})
    done = bank.post(CLOSE).json
    assert done["items"] == []
    assert done["closed_at"] is not None
    assert balances(bank, "20210001")["flowers:service"] == (12, 12)


def test_a_programme_without_allotment_pays_from_issuance(bank: Caller) -> None:
    dates = {"starts_on": "2021-07-01", "ends_on": "2022-06-30"}
    bank.put("/v1/programmes/free", {"name": "x", "allotment": None, **dates})
    bank.put("/v1/programmes/free/courses/c", {"name": "c", "kind": "practical", "flowers": 10})
    bank.post("/v1/programmes/free/enrolments", {"learners": ["20210001"]})
    rule = {"key": "r", "on": "x", "award": {"unit": "flowers", "amount": 10}}
    bank.put("/v1/programmes/free/rulebook/draft", RULEBOOK | {"earning": [rule]})
    bank.post("/v1/programmes/free/rulebook/draft/activate")
    event = {"specversion": "1.0", "id": "e", "source": "urn:t", "type": "x", "subject": "20210001"}
    event |= {"time": "2022-01-01T08:00:00+08:00", "data": {"programme": "free", "course": "c"}}
    assert bank.event(event).status_code == 201
    done = bank.post("/v1/programmes/free/courses/c/close").json
    assert (done["credits"], done["available"]) == (2, None)


@pytest.mark.parametrize(
    ("path", "body", "status", "slug"),
    [
        (f"{P}/courses/none/close", {}, 404, "not-found"),
        ("/v1/programmes/none/courses/service/close", {}, 404, "not-found"),
        (CLOSE, {"preview": "yes"}, 422, "validation"),
        (CLOSE, {"preview": 0}, 422, "validation"),
        (CLOSE, {"previw": True}, 422, "validation"),
        (CLOSE, [], 422, "validation"),
    ],
)
def test_bad_input(bank: Caller, path: str, body: Any, status: int, slug: str) -> None:
    answer = bank.post(path, body)
    assert (answer.status_code, answer.json["type"].rsplit("/", 1)[1]) == (status, slug), answer.json
