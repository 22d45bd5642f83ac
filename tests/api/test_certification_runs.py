"""A programme certified over HTTP: preview, warnings, issue, again, revoked, reviewed, and what clients read of it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import flask
import orjson
import pytest

from credentials import signing_keys, verifying
from ledger import reversals
from ledger.identity import number_of
from pointsbank.database import Database
from rules.certification import reviewing, statement
from rules.certification.register import find_public
from tests.api.conftest import Caller

P = "/v1/programmes/2021"
CUT_OFF = "2022-07-01T00:00:00+08:00"
RUNS = f"{P}/certification-runs"
RULEBOOK: dict[str, Any] = {
    "earning": [
        {"key": "scored", "on": "scored", "award": {"unit": "credits", "amount": "data.score"}},
        {"key": "spoke", "on": "spoke", "award": {"unit": "flowers", "amount": 3}},
    ],
    "conversion": {"flowers_per_credit": 1, "round": "down", "remainder": "expire"},
    "certificates": [
        {
            "key": "points",
            "kind": "points",
            "name": {"zh": "积分证", "en": "Points certificate"},
            "criteria": {"fact": "credits", "in": "programme", "at_least": 60},
        },
        {
            "key": "service-1",
            "kind": "qualification",
            "level": "初级",
            "name": {"zh": "任职资格证", "en": "Qualification certificate"},
            "criteria": {
                "all": [{"fact": "certificate", "key": "points"}, {"fact": "events", "type": "spoke", "at_least": 1}]
            },
            "valid_for": "P2Y",
            "equals": [{"system": "talent", "level": "P2"}],
        },
    ],
}
SCORES = {"20210001": 80, "20210002": 60, "20210003": 59}


def event(identity: str, kind: str, learner: str, **data: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": identity,
        "source": "urn:lms",
        "type": kind,
        "subject": learner,
        "time": "2021-10-18T09:30:00+08:00",
        "data": {"programme": "2021", "course": "service", **data},
    }


@pytest.fixture
def ready(programme: Caller) -> Caller:
    """Two qualify for the points certificate, one of them for both; nobody has flowers yet."""
    programme.put("/v1/learners/20210004", {"name": "吉野"})
    programme.put(f"{P}/rulebook/draft", RULEBOOK)
    programme.post(f"{P}/rulebook/draft/activate")
    events = [event(f"s{learner}", "scored", learner, score=score) for learner, score in SCORES.items()]
    assert programme.events([*events, event("spoke-1", "spoke", "20210001")]).get_json()["booked"] == 4
    return programme


@pytest.fixture
def closed(ready: Caller) -> Caller:
    assert ready.post(f"{P}/courses/service/close").status_code == 200
    return ready


def run(caller: Caller, status: int = 200, **wanted: Any) -> dict[str, Any]:
    answer = caller.post(RUNS, {"cut_off": CUT_OFF, **wanted})
    assert answer.status_code == status, answer.json
    found: dict[str, Any] = answer.get_json()
    return found


def counts(found: dict[str, Any]) -> tuple[int, ...]:
    return tuple(found[name] for name in ("qualified", "short", "issued", "already_held", "revoked", "to_issue"))


def certificates(caller: Caller, query: str = "") -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = caller.get(f"/v1/certificates?{query}").get_json()["items"]
    return items


def test_preview_issue_again_and_one_revoked(closed: Caller, database: Database) -> None:
    preview = run(closed)
    assert counts(preview) == (3, 5, 0, 0, 0, 3)
    assert (preview["stage"], preview["learners"], preview["evaluated"], preview["warnings"]) == ("finished", 4, 4, [])
    assert certificates(closed) == []
    assert counts(run(closed, issue=True)) == (3, 5, 3, 0, 0, 0)
    assert counts(run(closed, issue=True)) == (3, 5, 0, 3, 0, 0)
    issued = certificates(closed)
    assert [(each["learner"], each["key"], each["status"]) for each in issued] == [
        ("20210001", "points", "valid"),
        ("20210001", "service-1", "valid"),
        ("20210002", "points", "valid"),
    ]
    first = issued[0]
    revoked = closed.post(f"/v1/certificates/{first['number']}/revoke", {"reason": "成绩无效"})
    assert (revoked.status_code, revoked.json["status"], revoked.json["revoked_reason"]) == (200, "revoked", "成绩无效")
    again = closed.post(f"/v1/certificates/{first['number']}/revoke", {"reason": "成绩无效"})
    assert (again.status_code, again.json["type"].rpartition("/")[2]) == (409, "already-revoked")
    # The qualification, which asks for it, is flagged, and not changed.
    [flagged] = certificates(closed, "review=true")
    assert (flagged["key"], flagged["status"]) == ("service-1", "valid")
    assert first["number"] in flagged["review"]["why"]
    assert flagged["review"]["explanation"]["holds"] is False
    # The revoked one is not issued again by itself, and is if HR says so.
    assert counts(run(closed, issue=True)) == (2, 6, 0, 1, 1, 0)
    assert counts(run(closed, issue=True, reissue=True)) == (2, 6, 1, 1, 0, 0)
    editions = certificates(closed, "learner=20210001&key=points")
    assert [(each["edition"], each["status"]) for each in editions] == [(1, "revoked"), (2, "valid")]
    assert len({each["number"] for each in certificates(closed)}) == 4


def test_every_form_of_a_certificate(closed: Caller, database: Database) -> None:
    run(closed, issue=True)
    points, qualification, _ = certificates(closed)
    one = f"/v1/certificates/{points['number'].lower()}"
    whole = closed.get(one).get_json()
    assert whole["explanation"]["found"] == 83  # three flowers were converted
    assert (whole["entries_total"], len(whole["explanation"]["entries"])) == (2, 2)
    assert {closed.get(f"/v1/entries/{entry}").status_code for entry in whole["explanation"]["entries"]} == {200}
    credential = closed.get(f"{one}/credential")
    assert credential.content_type == "application/vc+ld+json"
    with database.snapshot(closed.company_id) as session:
        assert verifying.verify(credential.data, signing_keys.every(session)) == verifying.Outcome.GENUINE
    subject = orjson.loads(credential.data)["credentialSubject"]
    assert [(each["resultDescription"].rpartition("/")[2], each["value"]) for each in subject["result"]] == [
        ("rule%3Ascored", "80"),
        ("conversion", "3"),
    ]
    for form, kind, begin in (
        ("pdf", "application/pdf", b"%PDF-"),
        ("badge.svg", "image/svg+xml", b"<"),
        ("badge.png", "image/png", b"\x89PNG"),
    ):
        answer = closed.get(f"{one}/{form}")
        assert (answer.status_code, answer.content_type.partition(";")[0]) == (200, kind)
        assert answer.data.startswith(begin)
        assert closed.get(f"{one}/{form}").data == answer.data
    public = find_public(database, points["number"])
    assert public is not None
    assert (public.holder, public.company_id) == ("李雷", closed.company_id)
    # Valid for two years, to the last second of the day in Shanghai.
    issued_at = datetime.fromisoformat(qualification["issued_at"]) + timedelta(hours=8)
    last = f"{issued_at.year + 2}-{issued_at:%m-%d}T15:59:59Z"
    assert qualification["valid_until"] == last
    assert points["valid_until"] is None
    issuing = closed.get(f"/v1/entries/{points['entry_id']}").get_json()
    assert (issuing["kind"], issuing["data"]["number"], issuing["transfers"]) == (
        "certificate.issued",
        points["number"],
        [],
    )


def test_what_makes_up_the_credits_is_named(ready: Caller, database: Database) -> None:
    award = {"learner": "20210001", "programme": "2021", "unit": "credits", "amount": 5, "reason": "带队复盘"}
    assert ready.post("/v1/awards", award | {"time": "2021-10-19T09:30:00+08:00"}).status_code == 201
    ready.post(f"{P}/courses/service/close")
    named = {**RULEBOOK["earning"][0], "name": {"zh": "测验成绩", "en": "Tests"}}
    ready.put(f"{P}/rulebook/draft", RULEBOOK | {"earning": [named, RULEBOOK["earning"][1]]})
    ready.post(f"{P}/rulebook/draft/activate")
    run(ready, issue=True)
    number = certificates(ready, "learner=20210001&key=points")[0]["number"]
    found = find_public(database, number)
    assert found is not None
    assert [(each.key, each.name["zh"], each.value) for each in found.content.results] == [
        ("rule:scored", "测验成绩", "80"),
        ("awards", "讲师与导师奖励", "5"),
        ("conversion", "小红花兑换", "3"),
    ]
    with database.snapshot(ready.company_id) as session:
        lines = statement.lines(session, found)
    assert [(each.what["zh"], each.what["en"], each.amount, each.balance) for each in lines] == [
        ("测验成绩", "Tests", "+80", "80"),
        ("带队复盘", "带队复盘", "+5", "85"),
        ("小红花兑换", "Red flowers converted", "+3", "88"),
    ]


def test_warnings_stop_an_issue_until_they_are_confirmed(ready: Caller) -> None:
    ready.put("/v1/learners/20210002", {"name": "李\U000e0fff雷"})
    preview = run(ready)
    assert [each["warning"] for each in preview["warnings"]] == ["course-open", "glyph-missing"]
    assert preview["warnings"][0]["course"] == "service"
    assert preview["warnings"][1]["learner"] == "20210002"
    stopped = run(ready, issue=True)
    assert (stopped["stage"], stopped["issued"], len(stopped["warnings"])) == ("stopped", 0, 2)
    assert ready.get(f"/v1/certification-runs/{stopped['id']}").get_json()["stage"] == "stopped"
    assert certificates(ready) == []
    assert run(ready, issue=True, confirm=True)["issued"] == 3


def test_all_that_would_stand_on_the_paper_is_looked_at(ready: Caller) -> None:
    company, programme, zh, en, level, system, equal, rule, rule_zh, rule_en = odd = [
        f"{place}\U000e0fff" for place in _ODD
    ]
    ready.put("/v1/company", {"name": company})
    changed = ready.get("/v1/programmes/2021").get_json()
    fields = ("starts_on", "ends_on", "timezone", "allotment", "phases")
    ready.put("/v1/programmes/2021", {"name": programme, **{name: changed[name] for name in fields}})
    rulebook = {
        "earning": [
            {"key": rule, "on": "x", "award": {"unit": "credits", "amount": 1}},
            {
                "key": "named\U000e0fff",
                "name": {"zh": rule_zh, "en": rule_en},
                "on": "y",
                "award": {"unit": "credits", "amount": 1},
            },
        ],
        "certificates": [
            {
                "key": "points",
                "kind": "qualification",
                "level": level,
                "name": {"zh": zh, "en": en},
                "criteria": {"fact": "credits", "in": "programme", "at_least": 1},
                "equals": [{"system": system, "level": equal}],
            }
        ],
    }
    ready.put("/v1/programmes/2021/rulebook/draft", rulebook)
    ready.post("/v1/programmes/2021/rulebook/draft/activate")
    warnings = run(ready)["warnings"]
    assert {each["text"] for each in warnings if each["warning"] == "glyph-missing"} == set(odd)
    assert all("U+E0FFF" in each["detail"] for each in warnings if each["warning"] == "glyph-missing")


_ODD = ("company", "programme", "zh", "en", "level", "system", "equal", "rule", "rule-zh", "rule-en")


def test_results_of_a_run(closed: Caller) -> None:
    found = run(closed)
    path = found["results_url"].partition("8000")[2]
    items, cursor = [], ""
    while True:
        page = closed.get(f"{path}?limit=3{cursor}").get_json()
        items += page["items"]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert [(each["learner"], each["certificate"]) for each in items] == [
        (f"2021000{n}", key) for n in range(1, 5) for key in ("points", "service-1")
    ]
    assert sum(each["qualified"] for each in items) == found["qualified"]
    [short] = closed.get(f"{path}?learner=20210003&certificate=points&qualified=false").get_json()["items"]
    assert (short["explanation"]["missing"], short["standing"], short["number"]) == (1, "short", None)
    same = closed.get("/v1/learners/20210003/eligibility?programme=2021&cut_off=2022-07-01T00:00:00%2B08:00").get_json()
    assert same["items"][0]["explanation"] == short["explanation"]
    run(closed)
    listed = closed.get(f"{RUNS}?limit=1").get_json()
    assert [each["id"] for each in listed["items"]] == ["2"]
    rest = closed.get(f"{RUNS}?cursor={listed['next']}").get_json()
    assert (rest["items"], rest["next"]) == ([found], None)
    for path in ("/v1/certification-runs/99/results", "/v1/certification-runs/x", "/v1/certification-runs/01"):
        assert closed.get(path).status_code == 404


def test_a_cut_off_in_the_future_is_refused(ready: Caller) -> None:
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    answer = ready.post(RUNS, {"cut_off": later})
    assert (answer.status_code, answer.json["errors"][0]["path"]) == (422, "cut_off")


def test_the_same_request_makes_one_run(closed: Caller) -> None:
    headers = {"Idempotency-Key": "run-1"}
    first, second = (
        closed.post(RUNS, {"cut_off": CUT_OFF, "issue": True}, headers=headers).get_json() for _ in range(2)
    )
    assert first == second
    other = closed.post(RUNS, {"cut_off": CUT_OFF, "issue": False}, headers=headers)
    assert (other.status_code, other.json["type"].rpartition("/")[2]) == (409, "key-conflict")


def test_progress_as_lines(closed: Caller, ready: Caller) -> None:
    answer = closed.post(RUNS, {"cut_off": CUT_OFF, "issue": True}, headers={"Accept": "application/x-ndjson"})
    assert answer.mimetype == "application/x-ndjson"
    lines = [orjson.loads(line) for line in answer.data.splitlines()]
    assert [each["stage"] for each in lines] == ["evaluating", "evaluating", "issuing", "issuing", "finished"]
    assert [each["evaluated"] for each in lines] == [0, 4, 4, 4, 4]
    assert "results_url" in lines[-1]
    assert "results_url" not in lines[0]


def test_progress_that_ends_in_warnings(ready: Caller) -> None:
    answer = ready.post(RUNS, {"cut_off": CUT_OFF, "issue": True}, headers={"Accept": "application/x-ndjson"})
    last = orjson.loads(answer.data.splitlines()[-1])
    assert (last["stage"], last["issued"], len(last["warnings"])) == ("stopped", 0, 1)


def entry_of(caller: Caller, key: str) -> str:
    found: str = caller.get(f"/v1/entries?source=urn:lms&key={key}").get_json()["items"][0]["id"]
    return found


def test_a_reversal_flags_what_rests_on_it(closed: Caller) -> None:
    run(closed, issue=True)
    before = certificates(closed)
    entry = entry_of(closed, "s20210002")
    assert closed.post(f"/v1/entries/{entry}/reversal", {"reason": "录入有误"}).status_code == 201
    [flagged] = certificates(closed, "review=true")
    assert (flagged["learner"], flagged["status"]) == ("20210002", "valid")
    assert entry in flagged["review"]["why"]
    assert (flagged["review"]["explanation"]["found"], flagged["review"]["explanation"]["holds"]) == (0, False)
    unchanged = {name: flagged[name] for name in before[2] if name not in ("review", "changed_at")}
    assert unchanged == {name: before[2][name] for name in unchanged}
    # What changed last comes last, and a talent system that has seen the rest reads only that.
    assert [each["learner"] for each in certificates(closed)] == ["20210001", "20210001", "20210002"]
    [seen] = certificates(closed, f"changed_since={flagged['changed_at']}")
    assert seen["number"] == flagged["number"]
    kept = closed.post(f"/v1/certificates/{flagged['number']}/review", {"outcome": "keep", "reason": "补考已达标"})
    assert (kept.status_code, kept.json["review"]) == (200, None)
    assert certificates(closed, "review=true") == []
    twice = closed.post(f"/v1/certificates/{flagged['number']}/review", {"outcome": "keep", "reason": "补考已达标"})
    assert twice.status_code == 409


def stand_in(caller: Caller, learner: str) -> str:
    """The entry that stands in for the learner's corrected one."""
    items = caller.get(f"/v1/entries?learner={learner}&source=pointsbank:corrections").get_json()["items"]
    [found] = [each["id"] for each in items if each["reverses"] is None]
    return str(found)


def test_a_reversal_of_what_stands_in_for_it_flags_it_again(ready: Caller) -> None:
    """It was corrected, looked at and kept; then what stands in for it is reversed, and nothing is left."""
    run(ready, issue=True, confirm=True)
    less = {**RULEBOOK["earning"][0], "award": {"unit": "credits", "amount": "data.score - 1"}}
    ready.put(f"{P}/rulebook/draft", {**RULEBOOK, "earning": [less, RULEBOOK["earning"][1]]})
    ready.post(f"{P}/rulebook/draft/activate", {"re_evaluate": True})
    under_review = "key=points&learner=20210001&review=true"
    [flagged] = certificates(ready, under_review)
    assert (flagged["review"]["explanation"]["found"], flagged["review"]["explanation"]["holds"]) == (79, True)
    keeping = f"/v1/certificates/{flagged['number']}/review"
    assert ready.post(keeping, {"outcome": "keep", "reason": "仍达标"}).status_code == 200
    assert ready.post(f"/v1/entries/{stand_in(ready, '20210001')}/reversal", {"reason": "x"}).status_code == 201
    [again] = certificates(ready, under_review)
    assert (again["number"], again["status"]) == (flagged["number"], "valid")
    assert (again["review"]["explanation"]["found"], again["review"]["explanation"]["holds"]) == (0, False)
    # Kept all the same, it is not flagged for what others had.
    assert ready.post(keeping, {"outcome": "keep", "reason": "补考已达标"}).status_code == 200
    assert ready.post(f"/v1/entries/{stand_in(ready, '20210003')}/reversal", {"reason": "x"}).status_code == 201
    assert certificates(ready, under_review) == []


def test_an_entry_of_a_certificate_is_not_reversed(closed: Caller) -> None:
    run(closed, issue=True)
    found = certificates(closed)[0]
    answer = closed.post(f"/v1/entries/{found['entry_id']}/reversal", {"reason": "x"})
    assert answer.status_code == 422
    assert f"/v1/certificates/{found['number']}/revoke" in answer.json["detail"]


def test_a_reversal_that_nobody_looked_at_is_found(closed: Caller, database: Database) -> None:
    run(closed, issue=True)
    number = number_of(closed.company_id, entry_of(closed, "s20210001"))
    assert number is not None
    database.run(closed.company_id, lambda session: reversals.reverse(session, number, "x"), writes=True)
    assert certificates(closed, "review=true") == []
    assert reviewing.look_everywhere(database) == 2
    assert reviewing.look_everywhere(database) == 0
    assert [each["key"] for each in certificates(closed, "review=true")] == ["points", "service-1"]


def test_what_a_talent_system_asks_for(closed: Caller) -> None:
    run(closed, issue=True)
    assert [each["key"] for each in certificates(closed, "system=talent&equals_level=P2")] == ["service-1"]
    assert [each["key"] for each in certificates(closed, "level=初级&status=valid")] == ["service-1"]
    assert certificates(closed, "equals_level=P3") == []
    assert certificates(closed, "programme=2022") == []
    assert certificates(closed, "status=revoked") == []
    assert len(certificates(closed, "programme=2021&key=points")) == 2
    first = closed.get("/v1/certificates?limit=2").get_json()
    rest = closed.get(f"/v1/certificates?limit=2&cursor={first['next']}").get_json()
    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (2, 1, None)


def test_revoking_with_a_key_answers_the_same_again(closed: Caller) -> None:
    run(closed, issue=True)
    path = f"/v1/certificates/{certificates(closed)[0]['number']}/revoke"
    headers = {"Idempotency-Key": "k1"}
    first = closed.post(path, {"reason": "x"}, headers=headers)
    assert (first.status_code, closed.post(path, {"reason": "x"}, headers=headers).json) == (200, first.json)
    assert closed.post(path, {"reason": "y"}, headers=headers).status_code == 409
    assert closed.post("/v1/certificates/PB-2022-000001-00000000/revoke", {"reason": "x"}).status_code == 404


def test_who_only_reads_issues_nothing(new_company: Callable[..., Caller], app: flask.Flask) -> None:
    reader = new_company("read", "rules:write", "directory:write")
    assert reader.post(RUNS, {"cut_off": CUT_OFF}).status_code == 403
