"""The rulebook over HTTP: simulation with its progress, activation with re-evaluation or ahead of time, differences."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from tests.api.conftest import Caller

P = "/v1/programmes/2021"
NDJSON = "application/x-ndjson"


def scored(amount: str, **more: Any) -> dict[str, Any]:
    return {"key": "scored", "on": "scored", "award": {"unit": "credits", "amount": amount}, **more}


@pytest.fixture
def bank(programme: Caller) -> Caller:
    """Four events of 10 credits each, and a draft by which they are worth 20, but for the last."""
    programme.put(f"{P}/rulebook/draft", {"earning": [scored("data.n")]})
    programme.post(f"{P}/rulebook/draft/activate")
    events = [
        {
            "specversion": "1.0",
            "id": f"e{n}",
            "source": "urn:lms",
            "type": "scored",
            "subject": f"2021000{n}",
            "time": f"2021-10-18T09:3{n}:00+08:00",
            "data": {"programme": "2021", "n": 10},
        }
        for n in range(1, 5)
    ]
    assert programme.events(events).get_json()["booked"] == 4
    draft = {"earning": [scored("data.n * 2", first=3)]}
    assert programme.put(f"{P}/rulebook/draft", draft).status_code == 200
    return programme


def lines(answer: Any) -> list[dict[str, Any]]:
    assert (answer.status_code, answer.mimetype) == (200, NDJSON)
    return [orjson.loads(line) for line in answer.data.splitlines()]


def test_a_simulation_as_json_and_line_by_line(bank: Caller) -> None:
    told = bank.post(f"{P}/rulebook/draft/simulate").get_json()
    assert (told["version"], told["against"], told["corrections"], told["learners"]["total"]) == (2, 1, 4, 4)
    assert [(each["before"]["credits"], each["after"]["credits"]) for each in told["rules"]] == [(40, 60)]
    *progress, last = lines(bank.post(f"{P}/rulebook/draft/simulate", headers={"Accept": NDJSON}))
    assert [each["stage"] for each in progress] == ["reading", "qualifying"]
    assert last == {"result": told}


def test_activation_with_re_evaluation_as_json(bank: Caller) -> None:
    done = bank.post(f"{P}/rulebook/draft/activate", {"re_evaluate": True}).get_json()
    assert (done["status"], done["version"]) == ("active", 2)
    assert done["re_evaluation"].items() >= {"status": "done", "corrections": 4, "version": 2}.items()
    assert done["re_evaluation"]["report"]["short"] == {"total": 0, "items": []}
    assert bank.get(f"{P}/rulebook/re-evaluation").get_json() == done["re_evaluation"]
    board = bank.get("/v1/leaderboards?scope=programme:2021").get_json()["rows"]
    assert [(row["member"]["id"], row["score"]) for row in board] == [
        ("20210001", 20),
        ("20210002", 20),
        ("20210003", 20),
        ("20210004", 0),
    ]


def test_activation_with_re_evaluation_line_by_line(bank: Caller) -> None:
    answer = bank.post(f"{P}/rulebook/draft/activate", {"re_evaluate": True}, headers={"Accept": NDJSON})
    *progress, last = lines(answer)
    assert [each["stage"] for each in progress] == ["reading", "booking", "reading"]
    assert last["result"]["re_evaluation"]["status"] == "done"
    assert last["result"]["document"]["earning"][0]["first"] == 3


def test_activation_ahead_of_time(bank: Caller) -> None:
    ahead = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    done = bank.post(f"{P}/rulebook/draft/activate", {"from": ahead, "re_evaluate": True}).get_json()
    assert (done["status"], done["re_evaluation"]["status"]) == ("scheduled", "scheduled")
    assert bank.get(f"{P}/rulebook").get_json()["version"] == 1


def test_what_is_refused(bank: Caller) -> None:
    assert bank.post(f"{P}/rulebook/draft/activate", {"from": "2021-01-01T00:00:00Z"}).status_code == 409
    for body, path in (
        ({"from": "tomorrow"}, "from"),
        ({"re_evaluate": 1}, "re_evaluate"),
        ({"reevaluate": True}, "reevaluate"),
    ):
        answer = bank.post(f"{P}/rulebook/draft/activate", body)
        assert answer.status_code == 422, body
        assert answer.get_json()["errors"][0]["path"] == path
    assert bank.get(f"{P}/rulebook/re-evaluation").status_code == 404
    for path in ("draft/simulate", "draft/activate"):
        assert bank.post(f"/v1/programmes/1999/rulebook/{path}", headers={"Accept": NDJSON}).status_code == 404
    assert bank.post(f"{P}/rulebook/draft/activate").status_code == 200
    assert bank.post(f"{P}/rulebook/draft/simulate", headers={"Accept": NDJSON}).status_code == 404


def test_what_fails_on_the_way_is_the_last_line(bank: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("for the log alone")

    monkeypatch.setattr("rules.simulation.planning.plan", fail)
    *progress, last = lines(bank.post(f"{P}/rulebook/draft/simulate", headers={"Accept": NDJSON}))
    assert [each["stage"] for each in progress] == ["reading"]
    assert last["problem"]["status"] == 500
    assert b"for the log" not in orjson.dumps(last)
    assert bank.post(f"{P}/rulebook/draft/simulate").status_code == 500  # and the turn was given back


def test_differences_between_versions(bank: Caller) -> None:
    items = bank.get(f"{P}/rulebook/versions/1/diff/draft").get_json()["items"]
    assert items == [
        {
            "section": "earning",
            "rule": "scored",
            "change": "changed",
            "path": "earning[0].award.amount",
            "before": "data.n",
            "after": "data.n * 2",
            "in_words": 'Rule "scored": award.amount is "data.n * 2" instead of "data.n".',
        },
        {
            "section": "earning",
            "rule": "scored",
            "change": "added",
            "path": "earning[0].first",
            "before": None,
            "after": 3,
            "in_words": 'Rule "scored": first is new: 3.',
        },
    ]
    assert bank.get(f"{P}/rulebook/versions/draft/diff/draft").get_json()["items"] == []
    for one in ("0", "3", "active", "-1", "99999999999", "１"):
        assert bank.get(f"{P}/rulebook/versions/{one}/diff/draft").status_code == 404, one
