"""Bad input: each problem at its status, naming the field, and nothing half done."""

import gzip
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import orjson
import psycopg
import pytest

from api.cloudevents import MAX_BATCH_BYTES, MAX_BATCH_EVENTS, MAX_SINGLE_BYTES
from api.openapi import MAX_BODY_BYTES
from tests.api.conftest import Caller
from tests.api.test_isolation import CALLS, rows_of

P = "/v1/programmes/2021"
STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
RULEBOOK = {"earning": [{"key": "scored", "on": "scored", "award": {"unit": "credits", "amount": "data.score"}}]}


def event(
    key: str = "e", learner: str = "20210001", at: str = "2021-09-01T08:00:00+08:00", **data: Any
) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": key,
        "source": "urn:lms",
        "type": "scored",
        "subject": learner,
        "time": at,
        "data": {"programme": "2021", "score": 10, **data},
    }


@pytest.fixture
def bank(programme: Caller) -> Caller:
    """With a rule, an awarder, a learner who has left, one who is not enrolled, a short course."""
    for path, body in (
        (f"{P}/rulebook/draft", RULEBOOK),
        (f"{P}/awarders/li", {"name": "李", "role": "trainer", "allowances": {"service": 20}}),
        ("/v1/learners/20210002", {"name": "离", "left_on": "2021-08-31"}),
        ("/v1/learners/stranger", {"name": "外"}),
        (
            f"{P}/courses/short",
            {"name": "短", "kind": "practical", "opens_on": "2021-09-01", "closes_on": "2021-09-10"},
        ),
    ):
        assert programme.put(path, body).status_code < 300, path
    assert programme.post(f"{P}/rulebook/draft/activate").status_code == 200
    assert programme.event(event("booked")).status_code == 201
    return programme


PROGRAMME = {"name": "x", "starts_on": "2021-07-01", "ends_on": "2022-06-30"}
COURSE = {"name": "x", "kind": "practical"}
MATCH = {"name": "x", "teams": ["a", "b"], "unit": "credits", "starts_at": "2021-09-01T08:00:00Z", "ends_at": "2021-09-01T09:00:00Z", "prize": {"unit": "credits", "amount": 1}}  # fmt: skip  # noqa: E501
OF_LEARNERS = {name: value for name, value in MATCH.items() if name != "teams"} | {"learners": ["20210001", "20210003"]}
AWARD = {"awarder": "li", "learner": "20210001", "programme": "2021", "course": "service", "unit": "flowers", "amount": 1, "reason": "x"}  # fmt: skip  # noqa: E501
BAD_TEXTS: tuple[Any, ...] = (
    "a\x00b",
    "a\x07b",
    "a\x7fb",
    "a\x9fb",
    "a\nb",
    "\ud800",
    "",
    "   ",
    "x" * 2_000,
    7,
    [],
    {},
    True,
)
BAD_AMOUNTS: tuple[Any, ...] = (0, -1, 2**53, 2**63, 2**64, 10**400, 1.5, "5", True, [], 1e300)
BAD_DATES = (
    "0000-01-01",
    "1899-12-31",
    "2200-01-01",
    "9999-12-31",
    "10000-01-01",
    "2021-02-30",
    "2021-7-1",
    20210701,
    "",
)
BAD_TIMES = ("0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2021-09-01T08:00:00", "2021-09-01", "2021-09-01T25:00:00Z", "now", 1630454400)  # fmt: skip  # noqa: E501

FIELDS: list[tuple[str, str, dict[str, Any], str, tuple[Any, ...]]] = [
    ("PUT", "/v1/company", {"name": "x"}, "name", BAD_TEXTS),
    ("PUT", "/v1/company", {"name": "x"}, "timezone", (*BAD_TEXTS, "Mars/Olympus")),
    ("PUT", "/v1/company", {"name": "x"}, "credits_scale", (-1, 7, 2**70, "1", 1.5, True)),
    ("PUT", P, PROGRAMME, "name", BAD_TEXTS),
    ("PUT", P, PROGRAMME, "starts_on", BAD_DATES),
    ("PUT", P, PROGRAMME, "ends_on", (*BAD_DATES, "2021-06-30")),
    ("PUT", P, PROGRAMME, "allotment", tuple(bad for bad in BAD_AMOUNTS if bad != 0 or bad is False)),
    ("PUT", f"{P}/courses/c", COURSE, "name", BAD_TEXTS),
    ("PUT", f"{P}/courses/c", COURSE, "kind", (*BAD_TEXTS, "other")),
    ("PUT", f"{P}/courses/c", COURSE, "flowers", tuple(bad for bad in BAD_AMOUNTS if bad != 0 or bad is False)),
    ("PUT", f"{P}/courses/c", COURSE, "opens_on", BAD_DATES),
    ("PUT", "/v1/learners/l", {"name": "x"}, "name", BAD_TEXTS),
    ("PUT", "/v1/learners/l", {"name": "x"}, "email", BAD_TEXTS),
    ("PUT", "/v1/learners/l", {"name": "x"}, "left_on", BAD_DATES),
    ("PUT", f"{P}/teams/t", {"name": "x", "members": []}, "name", BAD_TEXTS),
    ("PUT", f"{P}/awarders/w", {"name": "x", "role": "mentor"}, "name", BAD_TEXTS),
    ("PUT", f"{P}/awarders/w", {"name": "x", "role": "mentor"}, "role", (*BAD_TEXTS, "boss")),
    ("PUT", f"{P}/matches/m", MATCH, "name", BAD_TEXTS),
    ("PUT", f"{P}/matches/m", MATCH, "teams", ("a", {}, 5, [], ["a"], ["a"] * 501)),
    ("PUT", f"{P}/matches/m", MATCH, "unit", (*BAD_TEXTS, "gold")),
    ("PUT", f"{P}/matches/m", MATCH, "course", (*BAD_TEXTS, "nothing")),
    ("PUT", f"{P}/matches/m", MATCH, "starts_at", (*BAD_TIMES, None)),
    ("PUT", f"{P}/matches/m", MATCH, "ends_at", (*BAD_TIMES, "2021-09-01T08:00:00Z", "2021-06-30T00:00:00+08:00")),
    ("PUT", f"{P}/matches/m", MATCH, "grace_seconds", (-1, 604_801, "5", 1.5, True, None)),
    ("PUT", f"{P}/matches/m", MATCH, "prize", ("x", 5, [])),
    ("PUT", f"{P}/matches/m", MATCH, "prize.amount", BAD_AMOUNTS),
    ("PUT", f"{P}/matches/m", MATCH, "prize.unit", (*BAD_TEXTS, "gold")),
    ("PUT", f"{P}/matches/m", MATCH, "prize.course", (*BAD_TEXTS, "nothing")),
    ("PUT", f"{P}/matches/m", OF_LEARNERS, "learners", ("a", {}, 5, [], ["20210001"])),
    ("POST", "/v1/awards", AWARD, "amount", BAD_AMOUNTS),
    ("POST", "/v1/awards", AWARD, "reason", BAD_TEXTS),
    ("POST", "/v1/awards", AWARD, "awarder", (*BAD_TEXTS, "a/b")),
    ("POST", "/v1/awards", AWARD, "learner", (*BAD_TEXTS, "a/b")),
    ("POST", "/v1/awards", AWARD, "unit", (*BAD_TEXTS, "gold")),
    ("POST", "/v1/awards", AWARD, "time", BAD_TIMES),
    ("POST", "/v1/events", event(), "id", BAD_TEXTS[:7]),
    ("POST", "/v1/events", event(), "source", (*BAD_TEXTS, "a b", "pointsbank:awards", "pointsbank:")),
    ("POST", "/v1/events", event(), "type", (*(bad for bad in BAD_TEXTS if bad != "   "), "award.given")),
    ("POST", "/v1/events", event(), "subject", (*BAD_TEXTS, "a/b")),
    ("POST", "/v1/events", event(), "time", (*BAD_TIMES, "2021-06-30T23:59:59+08:00", "2022-07-01T00:00:00+08:00")),
    ("POST", "/v1/events", event(), "specversion", ("0.3", 1.0, "")),
    ("POST", "/v1/events", event(), "data", ([], "x", 5, {"programme": "2021", "deep": "x" * 70_000})),
    ("POST", "/v1/events", event(), "data.programme", (*BAD_TEXTS, "1999")),
    ("POST", "/v1/events", event(), "data.course", (*BAD_TEXTS, "nothing")),
    ("POST", "/v1/events", event(), "data.score", ("a\x00b", "\ud800", 2**63, 2**70)),
]


def with_field(body: dict[str, Any], path: str, value: object) -> bytes:
    """The body with another value there; `json` and not orjson, which refuses what is to be tried."""
    changed = json.loads(json.dumps(body))
    place = changed
    *parents, name = path.split(".")
    for parent in parents:
        place = place[parent]
    place[name] = value
    return json.dumps(changed).encode()


@pytest.mark.parametrize(("method", "path", "body", "field", "values"), FIELDS, ids=[f"{f[1]} {f[3]}" for f in FIELDS])
def test_each_field_is_named(
    bank: Caller, database_url: str, method: str, path: str, body: dict[str, Any], field: str, values: tuple[Any, ...]
) -> None:
    before = rows_of(database_url, bank.company_id)
    kind = STRUCTURED if path == "/v1/events" else "application/json"
    for value in values:
        answer = bank.send(method, path, with_field(body, field, value), content_type=kind)
        problem = answer.get_json()
        assert (answer.status_code, answer.mimetype) in (
            (422, "application/problem+json"),
            # A number of hundreds of digits, or half of a surrogate pair, is no JSON for most readers.
            *([(400, "application/problem+json")] if value in ("\ud800", 10**400, 2**64, 2**70, 2**63) else []),
        ), (value, problem)
        assert problem["type"].rpartition("/")[2] == ("validation" if answer.status_code == 422 else "malformed")
        if answer.status_code == 422:
            assert field in [error["path"] for error in problem["errors"]], (value, problem)
    assert rows_of(database_url, bank.company_id) == before


NOWHERE = {"unit": "flowers", "amount": 1}
STRANGER = {**OF_LEARNERS, "learners": ["20210001", "stranger"]}
TWICE = {"name": "x", "members": ["20210001", "20210001"]}
EARLY = event(at="2021-08-31T23:59:59+08:00", course="short")
LATE = event(at="2021-09-11T00:00:00+08:00", course="short")

# What is refused, and how: method, path, body, content type, status, slug, path of the field.
AS_A_WHOLE: list[tuple[str, str, Any, str, int, str, str | None]] = [
    ("PUT", P, b'{"name": "x"', "application/json", 400, "malformed", None),
    ("PUT", P, b"", "application/json", 422, "validation", "name"),
    ("PUT", P, b"\xff\xfe", "application/json", 400, "malformed", None),
    ("PUT", P, [], "application/json", 422, "validation", None),
    ("PUT", P, {**PROGRAMME, "nmae": "x"}, "application/json", 422, "validation", "nmae"),
    ("PUT", P, {**PROGRAMME, "allotment": 5}, "application/json", 409, "conflict", None),
    ("PUT", "/v1/company", {"name": "x", "credits_scale": 2}, "application/json", 409, "conflict", None),
    ("PUT", "/v1/programmes/a%00b", PROGRAMME, "application/json", 422, "validation", None),
    ("PUT", f"{P}/teams/t", TWICE, "application/json", 422, "validation", "members[1]"),
    ("PUT", f"{P}/teams/t", {"name": "x", "members": ["a/b"]}, "application/json", 422, "validation", "members[0]"),
    ("PUT", f"{P}/teams/t", {"name": "x", "members": [".."]}, "application/json", 422, "validation", "members[0]"),
    ("PUT", f"{P}/teams/t", {"name": "x", "members": ["nobody"]}, "application/json", 422, "validation", "members[0]"),
    ("PUT", f"{P}/rulebook/draft", b"a: 1", "text/yaml", 415, "unsupported-media-type", None),
    ("PUT", f"{P}/rulebook/draft", b"[" * 5_000 + b"]" * 5_000, "application/json", 400, "malformed", None),
    ("PUT", "/v1/programmes/1999/matches/m", MATCH, "application/json", 404, "not-found", None),
    ("PUT", f"{P}/matches/m", {**MATCH, "learners": ["a", "b"]}, "application/json", 422, "validation", "teams"),
    ("PUT", f"{P}/matches/m", {**MATCH, "teams": ["a", "c"]}, "application/json", 422, "validation", "teams[1]"),
    ("PUT", f"{P}/matches/m", {**MATCH, "teams": ["a", "a"]}, "application/json", 422, "validation", "teams[1]"),
    ("PUT", f"{P}/matches/m", {**MATCH, "teams": ["a", "b/"]}, "application/json", 422, "validation", "teams[1]"),
    ("PUT", f"{P}/matches/m", {**MATCH, "prize": NOWHERE}, "application/json", 422, "validation", "prize.course"),
    ("PUT", f"{P}/matches/m", STRANGER, "application/json", 422, "validation", "learners[1]"),
    ("PUT", f"{P}/matches/a%00b", MATCH, "application/json", 422, "validation", "match"),
    ("GET", f"{P}/matches/m", None, "", 404, "not-found", None),
    ("GET", "/v1/programmes/1999/matches", None, "", 404, "not-found", None),
    ("GET", f"{P}/matches?cursor=W5", None, "", 404, "not-found", None),
    ("GET", "/v1/programmes/1999", None, "", 404, "not-found", None),
    ("GET", "/v1/learners/a%00b", None, "", 404, "not-found", None),
    ("GET", "/v2/nothing", None, "", 404, "not-found", None),
    ("DELETE", P, None, "", 405, "method-not-allowed", None),
    ("POST", "/v1/awards", {**AWARD, "amount": 21}, "application/json", 422, "insufficient-funds", None),
    ("POST", "/v1/awards", {**AWARD, "learner": "stranger"}, "application/json", 422, "validation", "learner"),
    ("POST", "/v1/awards", {**AWARD, "awarder": "nobody"}, "application/json", 404, "not-found", None),
    ("POST", "/v1/awards", {**AWARD, "team": "a"}, "application/json", 422, "validation", "learner"),
    ("POST", "/v1/events", event(), "text/plain", 415, "unsupported-media-type", None),
    ("POST", "/v1/events", event(), "application/json", 415, "unsupported-media-type", None),
    ("POST", "/v1/events", orjson.dumps(event())[:-5], STRUCTURED, 400, "malformed", None),
    ("POST", "/v1/events", b"[" * 100_000, STRUCTURED, 400, "malformed", None),
    ("POST", "/v1/events", [event()], STRUCTURED, 422, "validation", None),
    ("POST", "/v1/events", event(), BATCH, 422, "validation", None),
    ("POST", "/v1/events", b"x" * (MAX_SINGLE_BYTES + 1), STRUCTURED, 413, "too-large", None),
    ("POST", "/v1/events", [0] * (MAX_BATCH_EVENTS + 1), BATCH, 413, "too-large", None),
    ("POST", "/v1/events", event("booked", score=11), STRUCTURED, 409, "key-conflict", None),
    ("POST", "/v1/events", event(learner="nobody"), STRUCTURED, 422, "validation", "subject"),
    ("POST", "/v1/events", event(learner="stranger"), STRUCTURED, 422, "validation", "subject"),
    ("POST", "/v1/events", event(learner="20210002"), STRUCTURED, 422, "validation", "subject"),
    ("POST", "/v1/events", LATE, STRUCTURED, 422, "validation", "time"),
    ("POST", "/v1/events", EARLY, STRUCTURED, 422, "validation", "time"),
    ("POST", "/v1/events", {**event(), "data": {"programme": "2021"}}, STRUCTURED, 422, "validation", None),
    ("POST", "/v1/events", event(score=2**53), STRUCTURED, 422, "validation", None),
    ("POST", "/v1/events?results=some", event(), STRUCTURED, 422, "validation", "results"),
    ("POST", "/v1/events?reslts=all", event(), STRUCTURED, 422, "validation", "reslts"),
    ("POST", "/v1/learners/batch", {"id": "x"}, "application/json", 422, "validation", None),
    ("POST", "/v1/learners/batch", [0] * 10_001, "application/json", 413, "too-large", None),
    ("POST", f"{P}/enrolments", {"learners": ["nobody"]}, "application/json", 422, "validation", "learners[0]"),
]  # fmt: skip


def test_what_is_refused_as_a_whole(bank: Caller, database_url: str) -> None:
    before = rows_of(database_url, bank.company_id)
    for method, path, body, kind, status, slug, field in AS_A_WHOLE:
        answer = bank.send(method, path, body, **({"content_type": kind} if kind else {}))
        problem = answer.get_json()
        where = (method, path, str(body)[:100], problem)
        assert (answer.status_code, answer.mimetype) == (status, "application/problem+json"), where
        assert problem["type"].rpartition("/problems/")[2] == slug, where
        assert problem["instance"] == path.partition("?")[0].replace("%00", "\x00"), where
        assert field is None or field in [error["path"] for error in problem["errors"]], where
    assert rows_of(database_url, bank.company_id) == before


ANY = {"entry": "x", "number": "x", "token": "x"}


def test_every_route_with_a_body_refuses_what_is_not_json(bank: Caller, database_url: str) -> None:
    before = rows_of(database_url, bank.company_id)
    for route, calls in CALLS.items():
        for path, body in calls:
            if body is not None:
                for bad, kind in (
                    (b"{", "application/json"),
                    (b"name=x", "application/x-www-form-urlencoded"),
                    (b"<a/>", "text/xml"),
                ):
                    answer = bank.send(route.split()[0], path.format_map(ANY), bad, content_type=kind)
                    assert answer.status_code in (400, 415, 422, 404), (route, kind, answer.get_json())
                    assert answer.mimetype == "application/problem+json", route
    assert rows_of(database_url, bank.company_id) == before


def test_packed_bodies(bank: Caller) -> None:
    packed = {"Content-Encoding": "gzip"}
    bomb = gzip.compress(b" " * (4 * MAX_BATCH_BYTES))
    assert len(bomb) < 200_000
    for body, kind, status in (
        (bomb, STRUCTURED, 413),
        (bomb, BATCH, 413),
        (gzip.compress(orjson.dumps(event("g")))[:-9], STRUCTURED, 400),
        (b"not gzip", STRUCTURED, 400),
        (gzip.compress(orjson.dumps(event("g"))), STRUCTURED, 201),
    ):
        assert bank.post("/v1/events", body, content_type=kind, headers=packed).status_code == status
    assert bank.event(event("h"), headers={"Content-Encoding": "br"}).status_code == 415


def test_bodies_of_other_routes_are_read_as_those_of_events(bank: Caller) -> None:
    path, good = "/v1/learners/packed", b'{"name": "\xe6\x9d\x8e"}'
    packed = {"Content-Encoding": "gzip"}
    for body, headers, status, said in (
        (gzip.compress(good), packed, 201, ""),
        (b"\xef\xbb\xbf" + good, {}, 200, ""),
        (gzip.compress(good)[:-9], packed, 400, "cut short"),
        (good, packed, 400, "not gzip"),
        (gzip.compress(b" " * (MAX_BODY_BYTES + 1)), packed, 413, "bytes"),
        (b" " * (MAX_BODY_BYTES + 1), {}, 413, "bytes"),
        (b'{"name":', {}, 400, "line 1, column 9"),
        (b'{"name": "\xc0\xee"}', {}, 400, "not UTF-8 at byte 10"),
        (b'{"name": NaN}', {}, 400, "NaN is not JSON"),
        (b'{"name": ' + b"9" * 5_000 + b"}", {}, 400, "number"),
        (b"[" * 100_000 + b"]" * 100_000, {}, 400, "nested too deeply"),
    ):
        answer = bank.put(path, body, headers=headers)
        assert (answer.status_code, said in answer.get_json().get("detail", "")) == (status, True), answer.get_json()


def test_a_type_has_one_title(bank: Caller) -> None:
    asked = (
        bank.put("/v1/learners/x", {}),
        bank.put("/v1/learners/%00", {"name": "x"}),
        bank.get("/v1/learners?limit=0"),
    )
    assert {answer.get_json()["title"] for answer in asked} == {"Validation failed"}
    assert {bank.get(path).get_json()["title"] for path in ("/v1/nothing", "/v1/learners/nobody")} == {"Not found"}


def test_an_address_that_is_not_utf_8(bank: Caller) -> None:
    """Both names have two characters of GBK, which would be the same four marks of replacement."""
    for gbk in ("\xc0\xee\xc0\xd7", "\xcd\xf5\xb7\xbc", "\xed\xa0\x80"):
        at = {"PATH_INFO": f"/v1/learners/{gbk}"}  # the test client would put in the marks itself
        asked = {"QUERY_STRING": f"learner={quote(gbk, encoding='latin-1')}"}
        for answer in (
            bank.put("/v1/learners/x", {"name": "x"}, environ_overrides=at),
            bank.get("/v1/learners/x", environ_overrides=at),
            bank.get("/v1/entries", environ_overrides=asked),
        ):
            assert (answer.status_code, answer.get_json()["type"].rpartition("/")[2]) == (400, "malformed")
    assert bank.put("/v1/learners/%E6%9D%8E", {"name": "x"}).status_code == 201


def test_one_bad_among_ten_thousand(bank: Caller) -> None:
    many = [event(f"m{n}", score=0) for n in range(MAX_BATCH_EVENTS)]
    many[5_000]["data"]["score"] = "a\0b"
    answer = bank.events(many, "?results=problems").get_json()
    assert (answer["booked"] + answer["ignored"], answer["duplicate"], answer["rejected"]) == (9_999, 0, 1)
    (only,) = answer["results"]
    assert (only["index"], only["id"], only["problem"]["status"]) == (5_000, "m5000", 422)
    assert only["problem"]["errors"][0]["path"] == "data.score"


def test_the_same_id_twice_in_a_batch(bank: Caller) -> None:
    answer = bank.events([event("t"), event("t"), event("t", score=11), event("booked")]).get_json()
    assert [result["status"] for result in answer["results"]] == ["booked", "duplicate", "rejected", "duplicate"]
    assert answer["results"][2]["problem"]["type"].endswith("/problems/key-conflict")
    assert answer["results"][0]["entry_id"] == answer["results"][1]["entry_id"]
    assert (answer["booked"], answer["duplicate"], answer["rejected"]) == (1, 2, 1)


def test_a_closed_course_and_programme(bank: Caller, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        for table in ("courses", "programmes"):
            connection.execute("SELECT set_config('app.company_id', %s, true)", [str(bank.company_id)])
            connection.execute(f"UPDATE {table} SET closed_at = now() WHERE company_id = %s", [bank.company_id])
            connection.execute("UPDATE journals SET directory_version = directory_version + 1")
            connection.commit()
            refused = [bank.event(event("c", course="service")), bank.post("/v1/awards", AWARD)]
            for answer in refused:
                problem = answer.get_json()
                assert (answer.status_code, problem["type"].rpartition("/")[2]) == (409, "closed"), problem
            assert bank.event(event("booked")).get_json()["status"] == "duplicate"


def test_keys_and_scopes(bank: Caller, new_company: Callable[..., Caller]) -> None:
    for headers in ({"Authorization": "Bearer "}, {"Authorization": "Bearer \x80"}, {"Authorization": "pb_x"}):
        answer = bank.get("/v1/company", headers=headers)
        assert (answer.status_code, answer.get_json()["type"].rpartition("/")[2]) == (401, "unauthorised")
    refused = new_company("awards:write").post("/v1/awards", AWARD | {"unit": "credits"})
    assert (refused.status_code, refused.get_json()["type"].rpartition("/")[2]) == (403, "forbidden")
