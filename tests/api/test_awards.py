"""Awards to several learners: one entry, for all of them or for none."""

from typing import Any

import pytest

from tests.api.conftest import Caller

GIVEN = {"awarder": "li", "programme": "2021", "course": "service", "unit": "flowers", "amount": 3, "reason": "好"}


@pytest.fixture
def bank(programme: Caller) -> Caller:
    awarder = {"name": "李老师", "role": "trainer", "allowances": {"service": 10}}
    assert programme.put("/v1/programmes/2021/awarders/li", awarder).status_code == 201
    assert programme.put("/v1/learners/other", {"name": "外人"}).status_code == 201
    return programme


def award(bank: Caller, key: str = "", **receivers: Any) -> tuple[int, dict[str, Any]]:
    headers = {"Idempotency-Key": key} if key else {}
    answer = bank.post("/v1/awards", {**GIVEN, **receivers}, headers=headers)
    return answer.status_code, dict(answer.json or {})


def flowers(bank: Caller, learner: str) -> int:
    found = bank.get(f"/v1/learners/{learner}/balances").json
    assert found is not None
    return sum(each["balance"] for each in found["balances"] if each["unit"] == "flowers:service")


def test_several_get_it_in_one_entry(bank: Caller) -> None:
    status, answer = award(bank, "several", learners=["20210001", "20210003"])
    assert status == 201
    entry = answer["entry"]
    assert (entry["learner"], entry["team"], len(entry["transfers"])) == (None, None, 2)
    assert award(bank, "several", learners=["20210001", "20210003"])[1]["status"] == "duplicate"
    assert award(bank, "several", learners=["20210001"])[0] == 409
    assert [flowers(bank, f"2021000{n}") for n in (1, 2, 3)] == [3, 0, 3]
    assert bank.post(f"/v1/entries/{entry['id']}/reversal", {"reason": "误发"}).status_code == 201
    assert [flowers(bank, f"2021000{n}") for n in (1, 2, 3)] == [0, 0, 0]


def test_one_of_a_list_is_one(bank: Caller) -> None:
    entry = award(bank, learners=["20210001", "20210001"])[1]["entry"]
    assert (entry["learner"], entry["team"], len(entry["transfers"])) == ("20210001", "a", 1)


def test_all_or_none(bank: Caller) -> None:
    status, short = award(bank, learners=[f"2021000{n}" for n in (1, 2, 3, 4)])
    assert (status, short["available"], short["required"]) == (422, 10, 12)
    status, wrong = award(bank, learners=["20210001", "nobody", "other"])
    assert (status, [each["path"] for each in wrong["errors"]]) == (422, ["learners[1]", "learners[2]"])
    assert [flowers(bank, f"2021000{n}") for n in (1, 2, 3, 4)] == [0, 0, 0, 0]


@pytest.mark.parametrize(
    "receivers",
    [{}, {"learners": []}, {"learners": ["20210001"], "learner": "20210001"}, {"learners": ["1"], "team": "a"}],
)
def test_one_of_the_three_is_named(bank: Caller, receivers: dict[str, Any]) -> None:
    assert award(bank, **receivers)[0] == 422
