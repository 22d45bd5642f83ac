"""The directory as HR's systems put and read it over HTTP."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

PROGRAMME = {"name": "2021届", "starts_on": "2021-07-01", "ends_on": "2022-06-30", "allotment": 100}
COURSE = {"name": "服务", "kind": "structured", "flowers": 300}
AWARDER = {"name": "李老师", "role": "trainer", "allowances": {"service": 200}}

# What is put after the fixture `programme`, the answer's status, and what the answer has.
PUTS = [
    ("company", {"name": "甲"}, 200, {"name": "甲", "timezone": "Asia/Shanghai", "credits_scale": 0, "origins": []}),
    ("company", {"name": "甲", "credits_scale": 2}, 409, {"type": "conflict"}),
    ("programmes/p", PROGRAMME, 201, PROGRAMME | {"id": "p", "timezone": "Asia/Shanghai", "phases": []}),
    ("programmes/2021", PROGRAMME, 200, {"id": "2021", "allotment": 100, "closed_at": None}),
    ("programmes/2021/courses/debate", COURSE, 201, COURSE | {"id": "debate", "unit": "flowers:debate"}),
    ("programmes/2021/courses/service", COURSE, 200, {"flowers": 300, "opens_on": "2021-07-01"}),
    ("programmes/none/courses/debate", COURSE, 404, {"type": "not-found"}),
    ("learners/x", {"name": "😀" * 200}, 201, {"id": "x", "name": "😀" * 200, "email": None}),
    ("learners/20210001", {"name": "李雷", "left_on": "2022-01-01"}, 200, {"left_on": "2022-01-01"}),
    ("programmes/2021/teams/c", {"name": "三", "members": []}, 201, {"id": "c", "members": []}),
    ("programmes/2021/teams/a", {"name": "一", "members": ["20210003"]}, 200, {"members": ["20210003"]}),
    ("programmes/2021/awarders/li", AWARDER, 201, AWARDER | {"id": "li", "left": {"service": 200}}),
    ("programmes/2021/awarders/li", AWARDER | {"allowances": {"service": 1001}}, 422, {"available": 1000}),
]


def _last(value: Any) -> Any:
    return value.rpartition("/")[2] if isinstance(value, str) and "/problems/" in value else value


@pytest.mark.parametrize(("path", "body", "status", "expected"), PUTS)
def test_putting(programme: Any, path: str, body: object, status: int, expected: dict[str, Any]) -> None:
    answer = programme.put(f"/v1/{path}", body)
    assert (answer.status_code, answer.json) == (status, answer.json)
    assert {name: _last(answer.json.get(name)) for name in expected} == expected
    if status < 300:
        again = programme.put(f"/v1/{path}", body)
        assert (again.status_code, again.json) == (200, answer.json)
        assert programme.get(f"/v1/{path}").json == answer.json


FAULTS = [
    ("company", {"name": "a\u0000", "timezone": "Asia"}, ["name"]),
    ("company", {"name": "a", "timezone": "Asia"}, ["timezone"]),
    (
        "programmes/p",
        {"name": "", "starts_on": "0000-01-01", "ends_on": "9999-12-31", "allotment": 2**53, "colour": 1},
        ["allotment", "colour", "ends_on", "name", "starts_on"],
    ),
    ("programmes/p", PROGRAMME | {"ends_on": "2021-06-30", "timezone": "Mars/Base"}, ["ends_on", "timezone"]),
    ("programmes/p", orjson.dumps(PROGRAMME).replace(b"100", b"1" * 30), ["allotment"]),
    ("programmes/p", PROGRAMME | {"phases": [{"key": "a"}]}, ["phases[0].ends_on", "phases[0].name"]),
    ("programmes/%00", PROGRAMME, ["programme"]),
    ("programmes/2021/courses/c", COURSE | {"kind": "other", "flowers": -1}, ["flowers", "kind"]),
    ("programmes/2021/courses/c", COURSE | {"closes_on": "2022-07-01"}, ["closes_on"]),
    ("learners/x", {"name": "x" * 201, "email": "nobody", "joined_on": 5}, ["joined_on", "name"]),
    ("learners/x", {"name": "x", "email": "nobody"}, ["email"]),
    ("programmes/2021/teams/a", {"name": "a", "members": ["20210001", "x"]}, ["members[1]"]),
    ("programmes/2021/teams/a", {"name": "a", "members": ["20210001", 5]}, ["members[1]"]),
    ("programmes/2021/teams/batch", [{"id": "c", "name": "a", "members": ["x"]}], ["[0].members[0]"]),
    ("programmes/2021/teams/batch", [{"id": "c"}, 5], ["[0].members", "[0].name", "[1]"]),
    ("programmes/2021/awarders/a", AWARDER | {"allowances": {"service": -1}}, ["allowances.service"]),
    ("programmes/2021/awarders/a", AWARDER | {"allowances": {"none": 1}}, ["allowances.none"]),
]


@pytest.mark.parametrize(("path", "body", "paths"), FAULTS)
def test_every_fault_names_its_field(programme: Any, path: str, body: object, paths: list[str]) -> None:
    answer = programme.put(f"/v1/{path}", body)
    assert (answer.status_code, answer.json["type"].rpartition("/")[2]) == (422, "validation"), answer.json
    assert set(paths) <= {error["path"].removesuffix(".value") for error in answer.json["errors"]}


def test_a_batch_of_learners_stores_the_good_ones(caller: Any) -> None:
    items = [{"id": "a", "name": "一"}, {"id": "b"}, 5, {"id": "a", "name": "一"}]
    answer = caller.post("/v1/learners/batch", items)
    assert answer.status_code == 200
    counts = {name: answer.json[name] for name in ("created", "updated", "unchanged", "rejected")}
    assert counts == {"created": 1, "updated": 0, "unchanged": 1, "rejected": 2}
    assert [result["status"] for result in answer.json["results"]] == [
        *("created", "rejected", "rejected", "unchanged")
    ]
    assert answer.json["results"][1]["problem"]["errors"] == [{"path": "name", "message": "is missing."}]


BATCHES = [
    (b'[{"id": "a"', {}, 400),
    (b'{"id": "a"}', {}, 422),
    (b'["\\ud800"]', {}, 400),
    (b"[]", {"content_type": "text/plain"}, 415),
    (b"[" + b"1," * 10_000 + b"1]", {}, 413),
    (b" " * (16 * 1024 * 1024) + b"[]", {}, 413),
]


@pytest.mark.parametrize(("body", "kwargs", "status"), BATCHES, ids=range(len(BATCHES)))
def test_what_is_no_batch(caller: Any, body: bytes, kwargs: dict[str, str], status: int) -> None:
    assert caller.post("/v1/learners/batch", body, **kwargs).status_code == status


def test_lists_page_by_cursor(programme: Any) -> None:
    programme.put("/v1/programmes/2021/awarders/li", AWARDER)
    for path, sizes in (
        ("learners", [3, 1]),
        ("programmes/2021/teams", [2]),
        ("programmes/2021/enrolments", [3, 1]),
        ("programmes/2021/courses", [1]),
        ("programmes/2021/awarders", [1]),
        ("programmes", [1]),
    ):
        found, cursor = [], ""
        while cursor is not None:
            page = programme.get(f"/v1/{path}?limit=3{cursor and f'&cursor={cursor}'}").json
            found.append(len(page["items"]))
            cursor = page["next"]
        assert found == sizes, path
        for wrong, status in (
            ("limit=501", 422),
            ("limit=0", 422),
            ("cursor=x", 422),
            ("cursor=WyJhXHUwMDAwIl0", 404),
            ("cursor=W10", 404),
        ):
            assert programme.get(f"/v1/{path}?{wrong}").status_code == status, (path, wrong)


def test_being_put_into_a_team_enrols(programme: Any) -> None:
    [first, *_] = programme.get("/v1/programmes/2021/enrolments").json["items"]
    assert (first["learner"], first["team"], first["from"][:10]) == ("20210001", "a", "2021-06-30")
    programme.put("/v1/learners/x", {"name": "x"})
    for status, counts in ((201, (1, 0, 1)), (200, (0, 0, 2))):
        answer = programme.post("/v1/programmes/2021/enrolments", {"learners": ["x", "20210001"]})
        assert answer.status_code == status
        assert answer.json == dict(zip(("enrolled", "moved", "unchanged"), counts, strict=True))


def test_an_allowance_is_added_once_for_each_key(programme: Any) -> None:
    programme.put("/v1/programmes/2021/awarders/li", AWARDER)
    body = {"awarder": "li", "programme": "2021", "course": "service", "amount": 50}
    first = programme.post("/v1/allowances", body, headers={"Idempotency-Key": "k"})
    again = programme.post("/v1/allowances", body, headers={"Idempotency-Key": "k"})
    assert [(each.status_code, each.json["status"]) for each in (first, again)] == [
        (201, "booked"),
        (200, "duplicate"),
    ]
    assert first.json["entry"] == again.json["entry"]
    assert first.json["entry"]["transfers"][0]["credit"] == "allowance:li:service"
    other = programme.post("/v1/allowances", body | {"amount": 51}, headers={"Idempotency-Key": "k"})
    assert (other.status_code, other.json["type"].rpartition("/")[2]) == (409, "key-conflict")
    short = programme.post("/v1/allowances", body | {"amount": 751})
    assert (short.status_code, short.json["available"]) == (422, 750)
    assert programme.get("/v1/programmes/2021/awarders/li").json["left"] == {"service": 250}


def test_what_anothers_company_has_is_not_found(programme: Any, new_company: Callable[..., Any]) -> None:
    stranger = new_company()
    for path in (
        *("programmes/2021", "programmes/2021/courses/service", "programmes/2021/courses", "learners/20210001"),
        *("programmes/2021/teams/a", "programmes/2021/teams", "programmes/2021/enrolments"),
        *("programmes/2021/awarders/li", "programmes/%00", "learners/%00", "learners/%ff"),
    ):
        assert stranger.get(f"/v1/{path}").status_code == 404, path


def test_a_key_needs_the_scope(new_company: Callable[..., Any]) -> None:
    reader, writer = new_company("read"), new_company("directory:write")
    assert reader.put("/v1/company", {"name": "a"}).status_code == 403
    assert reader.get("/v1/company").status_code == 200
    assert writer.put("/v1/company", {"name": "a"}).status_code == 200
    assert writer.get("/v1/company").status_code == 403
