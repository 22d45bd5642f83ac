"""Point events over HTTP: four encodings, what each status answers, and batches with their results."""

from typing import Any

import orjson
import pytest
from werkzeug.test import TestResponse

from tests.api.conftest import Caller

P = "/v1/programmes/2021"
RULES = [
    {"key": "scored", "on": "scored", "award": {"unit": "credits", "amount": "data.score"}},
    {"key": "flowers", "on": "gave", "award": {"unit": "flowers", "amount": "data.score"}},
    {
        "key": "capped",
        "on": "capped",
        "award": {"unit": "credits", "amount": "data.score"},
        "cap": {"per": "learner", "within": "programme", "amount": 5},
    },
    {"key": "first", "on": "quick", "award": {"unit": "credits", "amount": 3}, "first": 1},
]


@pytest.fixture
def bank(programme: Caller) -> Caller:
    assert programme.put(f"{P}/rulebook/draft", {"earning": RULES}).status_code == 200
    assert programme.post(f"{P}/rulebook/draft/activate").status_code == 200
    return programme


def event(key: str, kind: str = "scored", score: int = 10, learner: str = "20210001", **data: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": key,
        "source": "urn:lms",
        "type": kind,
        "subject": learner,
        "time": "2021-09-01T08:00:00+08:00",
        "data": {"programme": "2021", "score": score, **data},
    }


def structured(bank: Caller, one: dict[str, Any]) -> TestResponse:
    return bank.event(one)


def binary(bank: Caller, one: dict[str, Any]) -> TestResponse:
    headers = {f"ce-{name}": value for name, value in one.items() if name != "data"}
    return bank.post("/v1/events", one["data"], headers=headers, content_type="application/json")


def batch(bank: Caller, one: dict[str, Any]) -> TestResponse:
    return bank.events([one])


def ndjson(bank: Caller, one: dict[str, Any]) -> TestResponse:
    return lines(bank, [one])


def lines(bank: Caller, many: list[Any], query: str = "") -> TestResponse:
    body = b"\n".join(one if isinstance(one, bytes) else orjson.dumps(one) for one in many)
    return bank.post(f"/v1/events{query}", body, content_type="application/x-ndjson")


def test_an_event_is_the_same_in_every_encoding(bank: Caller) -> None:
    """Whichever comes first books; the others are duplicates of it, with the same content."""
    encodings = (structured, binary, batch, ndjson)
    for first in encodings:
        one = event(first.__name__)
        answers = [encoding(bank, one) for encoding in (first, *encodings)]
        assert answers[0].status_code == (201 if first in (structured, binary) else 200)
        bodies = [answer.get_json() for answer in answers]
        statuses = [body["status"] if "status" in body else body["results"][0]["status"] for body in bodies]
        assert statuses == ["booked"] + ["duplicate"] * 4
        ids = [body["entry"]["id"] if "entry" in body else body["results"][0]["entry_id"] for body in bodies]
        assert len(set(ids)) == 1
    assert bank.get("/v1/learners/20210001/balances").get_json()["balances"][0]["balance"] == 40


SINGLE: tuple[tuple[dict[str, Any], int, str, str | None], ...] = (
    (event("a"), 201, "booked", None),
    (event("b", "gave", 2, course="service"), 201, "booked", None),
    (event("c", "unknown"), 200, "ignored", "no rule matched"),
    (event("d", score=0), 200, "ignored", "amount 0"),
    (event("e", score=-3), 200, "ignored", "amount 0"),
    (event("f", "capped", 9), 201, "booked", None),
    (event("g", "capped", 9), 200, "ignored", "cap reached"),
    (event("h", "quick"), 201, "booked", None),
    (event("i", "quick", learner="20210002"), 200, "ignored", "places taken"),
    (event("a"), 200, "duplicate", None),
    (event("c", "unknown"), 200, "duplicate", None),
    ({**event("a"), "time": "2021-09-01T00:00:00Z"}, 200, "duplicate", None),  # the same instant
    (event("a", score=11), 409, "key-conflict", None),
    (event("j", "gave", 2), 422, "validation", None),  # flowers without a course
    (event("k", "gave", 2_000, course="service"), 422, "insufficient-funds", None),
)


def test_what_a_single_event_answers(bank: Caller) -> None:
    for sent, status, name, reason in SINGLE:
        answer = bank.event(sent)
        body = answer.get_json()
        assert answer.status_code == status, (sent, body)
        if status < 300:
            assert (body["status"], body.get("reason")) == (name, reason), sent
            assert body["entry"] == bank.get(f"/v1/entries/{body['entry']['id']}").get_json(), sent
            assert bool(body["entry"]["transfers"]) == (reason is None and sent["type"] != "unknown"), sent
        else:
            assert body["type"].endswith(f"/problems/{name}"), (sent, body)
    numbers = [entry["number"] for entry in bank.get("/v1/entries?limit=500").get_json()["items"]]
    assert numbers == list(range(len(numbers), 0, -1)), "a refused event leaves no gap"


def test_many_answer_each_in_its_place(bank: Caller) -> None:
    many = [event("a"), event("b", "unknown"), event("a"), event("c", learner="nobody"), 5, event("d", score=1)]
    statuses = ["booked", "ignored", "duplicate", "rejected", "rejected", "booked"]
    counts = {"booked": 2, "duplicate": 1, "ignored": 1, "rejected": 2}
    answer = bank.events(many).get_json()
    assert {name: answer[name] for name in counts} == counts
    assert [(one["index"], one["status"]) for one in answer["results"]] == list(enumerate(statuses))
    assert answer["results"][1]["reason"] == "no rule matched"
    assert [one["problem"]["status"] for one in answer["results"] if one["status"] == "rejected"] == [422, 422]

    again = bank.events(many, "?results=problems").get_json()
    assert (again["booked"], again["duplicate"], again["rejected"]) == (0, 4, 2)
    assert [one["index"] for one in again["results"]] == [3, 4]
    assert bank.events([]).get_json() == dict.fromkeys(counts, 0) | {"results": []}


def test_lines_that_are_no_events_stop_no_other(bank: Caller) -> None:
    answer = lines(bank, [event("a"), b"", b"{", event("b"), b"\xff", b"x" * 2_000_000, event("c")])
    results = answer.get_json()["results"]
    assert [(one["index"], one["status"]) for one in results] == [
        (0, "booked"),
        (1, "rejected"),
        (2, "booked"),
        (3, "rejected"),
        (4, "rejected"),
        (5, "booked"),
    ]
    assert [one["problem"]["status"] for one in results if "problem" in one] == [400, 400, 413]


def test_an_event_without_time_happens_now(bank: Caller) -> None:
    dates = {"starts_on": "2021-07-01", "ends_on": "2199-12-31", "allotment": 100_000}
    assert bank.put(P, {"name": "x", **dates}).status_code == 200
    one = event("now")
    del one["time"]
    entry = bank.event(one).get_json()["entry"]
    assert entry["occurred_at"][:16] == entry["recorded_at"][:16]
    assert bank.event(one).get_json() == {"status": "duplicate", "entry": entry}


def test_nor_are_the_names_of_its_entries(bank: Caller) -> None:
    award = {"learner": "20210001", "programme": "2021", "unit": "credits", "amount": 5, "reason": "x"}
    given = bank.post("/v1/awards", award, headers={"Idempotency-Key": "a"}).get_json()
    bank.post(f"/v1/entries/{given['entry']['id']}/reversal", {"reason": "x"}, headers={"Idempotency-Key": "b"})
    booked = {each["kind"] for each in bank.get("/v1/entries?limit=100").get_json()["items"]}
    assert {"award.given", "reversal", "programme.allotted", "course.allotted"} <= booked
    for name in booked:
        answer = bank.event({**event("x"), "type": name})
        assert (answer.status_code, answer.get_json()["errors"][0]["path"]) == (422, "type"), name
    assert {each["kind"] for each in bank.get("/v1/entries?limit=100").get_json()["items"]} == booked


def test_the_banks_own_sources_are_not_taken(bank: Caller) -> None:
    for encoding in (structured, binary):
        answer = encoding(bank, {**event("x"), "source": "pointsbank:awards"})
        assert (answer.status_code, answer.get_json()["errors"][0]["path"]) == (422, "source")
    assert batch(bank, {**event("x"), "source": "pointsbank:"}).get_json()["rejected"] == 1
    assert bank.event({**event("x"), "source": "urn:pointsbank:x"}).status_code == 201
