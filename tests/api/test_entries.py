"""Entries and reversals over HTTP."""

from collections.abc import Callable
from urllib.parse import quote

import pytest

from ledger.identity import entry_id
from tests.api.conftest import Caller
from tests.api.test_balances import bank, scored  # noqa: F401 - the fixture


@pytest.fixture
def last(bank: Caller) -> str:  # noqa: F811
    """The id of the last event's entry."""
    found: str = bank.get("/v1/entries?source=urn:lms&key=e3").json["items"][0]["id"]
    return found


def test_an_entry_is_the_same_wherever_it_is_shown(bank: Caller, last: str) -> None:  # noqa: F811
    entry = bank.get(f"/v1/entries/{last}").json
    assert (entry["learner"], entry["kind"], entry["reversed_by"]) == ("20210001", "scored", None)
    assert entry["transfers"] == [
        {
            "id": f"{last}.1",
            "unit": "credits",
            "amount": 10,
            "debit": "pool:programme:2021",
            "credit": "holding:20210001",
            "rule": "scored",
        }
    ]
    assert bank.event(scored("e3", 10, day=3)).json == {"status": "duplicate", "entry": entry}
    assert bank.get("/v1/entries?learner=20210001").json["items"][0] == entry


def test_entries_in_pages(bank: Caller) -> None:  # noqa: F811
    for query, expected in (
        ("learner=20210001", ["e3", "e2", "e1"]),
        ("kind=scored&from=2021-09-02T00:00:00Z", ["e3", "e2"]),
        ("kind=scored&to=2021-09-02T00:00:00Z", ["e1"]),
        ("learner=20210002", []),
    ):
        shown, cursor = [], ""
        while cursor is not None:
            page = bank.get(f"/v1/entries?{query}&limit=2{cursor and f'&cursor={cursor}'}").json
            shown += [entry["key"] for entry in page["items"]]
            cursor = page["next"]
        assert shown == expected, query


def test_a_reversal(bank: Caller, last: str) -> None:  # noqa: F811
    answer = bank.post(f"/v1/entries/{last}/reversal", {"reason": "成绩录入有误"})
    assert (answer.status_code, answer.json["status"]) == (201, "booked")
    reversal = answer.json["entry"]
    assert (reversal["reverses"], reversal["reason"]) == (last, "成绩录入有误")
    assert bank.get(f"/v1/entries/{last}").json["reversed_by"] == reversal["id"]
    assert bank.get("/v1/accounts/holding:20210001").json["balance"] == 50
    again = bank.post(f"/v1/entries/{last}/reversal", {"reason": "成绩录入有误"})
    assert again.status_code == 409
    assert again.json["type"].endswith("/already-reversed")
    of_reversal = bank.post(f"/v1/entries/{reversal['id']}/reversal", {"reason": "again"})
    assert (of_reversal.status_code, of_reversal.json["type"].rsplit("/")[-1]) == (422, "validation")


def test_a_reversal_with_a_key_can_be_retried(bank: Caller, last: str) -> None:  # noqa: F811
    answers = [
        bank.post(f"/v1/entries/{last}/reversal", {"reason": reason}, headers={"Idempotency-Key": "r-1"})
        for reason in ("wrong", "wrong", "other")
    ]
    assert [answer.status_code for answer in answers] == [201, 200, 409]
    assert answers[0].json["entry"] == answers[1].json["entry"]


def test_what_is_not_there_or_not_right(
    bank: Caller,  # noqa: F811
    last: str,
    new_company: Callable[..., Caller],
) -> None:
    other = new_company()
    for entry in ("1", "nothing", quote(chr(0)), entry_id(bank.company_id, 10**6), entry_id(other.company_id, 1)):
        assert bank.get(f"/v1/entries/{entry}").status_code == 404, entry
        assert bank.post(f"/v1/entries/{entry}/reversal", {"reason": "x"}).status_code == 404, entry
    assert other.get(f"/v1/entries/{last}").status_code == 404
    assert other.post(f"/v1/entries/{last}/reversal", {"reason": "x"}).status_code == 404
    allotment = bank.get("/v1/entries?source=pointsbank:directory").json["items"][-1]["id"]
    refused = bank.post(f"/v1/entries/{allotment}/reversal", {"reason": "x"})
    assert (refused.status_code, "PUT" in refused.json["detail"]) == (422, True)
    for body in ({}, {"reason": ""}, {"reason": "a\0b"}, {"reason": "x", "more": 1}):
        assert bank.post(f"/v1/entries/{last}/reversal", body).status_code == 422, body
    for query in ("limit=0", "cursor=x", "from=now", "learner=%00", "learner=a%2Fb"):
        assert bank.get(f"/v1/entries?{query}").status_code == 422, query
    assert new_company("read").post(f"/v1/entries/{last}/reversal", {"reason": "x"}).status_code == 403
