"""Giving flowers: whom, how many, why; all or none, once, from one's own allowance; taken back within a minute."""

import html
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from api.pages import award, award_people
from rules import given
from tests.api.conftest import Caller
from tests.web.conftest import Reader

MARKUP = "<script>alert('x')</script>\u202eabc"
LIVE = "/v1/programmes/now"
JSON = {"Accept": "application/json"}
SERVICE = "now/li/service"


@pytest.fixture
def bank(programme: Caller) -> Caller:
    """A programme that runs, with five learners in two teams, and Li and Zhou who give in the course `service`."""
    programme.put(LIVE, {"name": "进行中", "starts_on": "2020-01-01", "ends_on": "2199-12-31"})
    for key, dates in (("service", {}), ("later", {"opens_on": "2190-01-01"}), ("gone", {})):
        course = {"name": f"课程{key}", "kind": "structured", "flowers": 500, **dates}
        assert programme.put(f"{LIVE}/courses/{key}", course).status_code == 201
    learners = [{"id": f"n{n}", "name": name} for n, name in enumerate(["甲", "乙", "丙", "丁", MARKUP], 1)]
    programme.post("/v1/learners/batch", learners)
    for team, members in (("red", ["n1", "n2"]), ("blue", ["n3", "n4"])):
        programme.put(f"{LIVE}/teams/{team}", {"name": f"{team}队", "members": members})
    programme.post(f"{LIVE}/enrolments", {"learners": ["n5"]})
    for key in ("li", "zhou"):
        giver = {"name": f"{key}老师", "role": "trainer", "allowances": {"service": 20, "later": 5, "gone": 5}}
        assert programme.put(f"{LIVE}/awarders/{key}", giver).status_code == 201
    return programme


@pytest.fixture
def li(bank: Caller, reader: Reader) -> Reader:
    reader.user("li", "awarder", awarders=[("now", "li")])
    return reader.become("li")


def text(page: str) -> str:
    return html.unescape(" ".join(re.sub(r"<template.*?</template>|<[^>]*>", " ", page, flags=re.DOTALL).split()))


def give(reader: Reader, *learners: str, **fields: Any) -> TestResponse:
    """By the form, as JSON if `json` is asked for."""
    as_json = fields.pop("json", False)
    sent = {"place": SERVICE, "learner": list(learners), "amount": "1", "reason": "好", **fields}
    sent |= {"csrf": token(reader)}
    return reader.open("/award", "POST", data=sent, **({"headers": JSON} if as_json else {}))


def token(reader: Reader) -> str:
    return str(reader.get("/award/state", headers=JSON).json["token"])  # type: ignore[index]  # it is JSON


def left(reader: Reader, place: str = SERVICE) -> int:
    return int(reader.get("/award/state", headers=JSON).json["left"][place])  # type: ignore[index]  # it is JSON


def undo(reader: Reader, entry: str, **kwargs: Any) -> TestResponse:
    return reader.open(f"/award/{entry}/undo", "POST", data={"csrf": token(reader)}, **kwargs)


def flowers(bank: Caller, learner: str) -> int:
    found = bank.get(f"/v1/learners/{learner}/balances").json
    assert found is not None
    return sum(each["balance"] for each in found["balances"] if each.get("course") == "service")


def last_entry(bank: Caller) -> dict[str, Any]:
    found = bank.get("/v1/entries?limit=1").json
    assert found is not None
    return dict(found["items"][0])


# --- the page ---


def test_the_page_says_whom_how_much_is_left_and_why(li: Reader) -> None:
    said = text(li.get(f"/award?place={SERVICE}").text)
    for shown in (
        "li老师 · Trainer",
        "Left to give 20 of 20",
        "Everyone 5",
        "red队 2",
        "甲 red队",
        "Spoke well in class",
    ):
        assert shown in said
    assert "Nothing given today yet." in said


def test_in_chinese_everything_is(li: Reader) -> None:
    give(li, "n1")
    li.language = "zh"
    said = text(li.get("/award").text).replace(MARKUP, "")
    for shown in ("可发小红花 19 共 20 朵", "全体 5", "课堂发言精彩", "今日发放 甲 +1", "撤回"):
        assert shown in said
    known = {"English", "red", "blue", "service", "later", "gone", "api", "test", "Asia"}
    assert set(re.findall(r"[A-Za-z]{3,}", said)) <= known


def test_names_are_text(li: Reader) -> None:
    give(li, "n5", reason=f"因为{MARKUP}", own="")
    page = li.get("/award").text
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;") >= 3
    assert f"<bdi>{html.escape(MARKUP)}</bdi>".replace("&#x27;", "&#39;") in page
    given_html = li.get("/award/state", headers=JSON).json["given"]  # type: ignore[index]  # it is JSON
    assert "<script>" not in given_html


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("now/li/service", "Open until Dec 31, 2199"),
        ("now/li/later", "Opens on Jan 1, 2190; until then it takes no flowers."),
        ("now/li/gone", "Closed: its flowers have become credits, and it takes no more."),
    ],
)
def test_what_takes_no_flowers_says_why(li: Reader, bank: Caller, place: str, says: str) -> None:
    rulebook = {"earning": [], "conversion": {"flowers_per_credit": 10, "round": "down"}, "certificates": []}
    assert bank.put(f"{LIVE}/rulebook/draft", rulebook).status_code == 200
    assert bank.post(f"{LIVE}/rulebook/draft/activate").status_code == 200
    assert bank.post(f"{LIVE}/courses/gone/close", {}).status_code == 200
    page = li.get(f"/award?place={place}").text
    assert says in text(page)
    is_open = place == SERVICE
    assert ('class="give"' in page) == is_open
    answer = give(li, "n1", place=place)
    assert (answer.status_code == 303) == is_open
    assert is_open or answer.status_code == 409


def test_who_has_nothing_to_give_is_told_so(bank: Caller, reader: Reader) -> None:
    reader.user("none", "awarder")
    assert "You are in no programme" in reader.become("none").get("/award").text
    bank.put(f"{LIVE}/awarders/poor", {"name": "无", "role": "mentor", "allowances": {}})
    reader.user("poor", "awarder", awarders=[("now", "poor")])
    assert "You have no flowers to give yet." in reader.become("poor").get("/award").text
    bank.put("/v1/programmes/empty", {"name": "空", "starts_on": "2020-01-01", "ends_on": "2199-12-31"})
    bank.put("/v1/programmes/empty/courses/c", {"name": "课", "kind": "practical", "flowers": 9})
    bank.put("/v1/programmes/empty/awarders/a", {"name": "无", "role": "mentor", "allowances": {"c": 3}})
    reader.user("alone", "awarder", awarders=[("empty", "a")])
    assert "Nobody takes part in this programme yet." in reader.become("alone").get("/award").text


def test_of_many_those_who_are_looked_for(li: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(award_people, "MOST_SHOWN", 2)
    assert "2 of 5 are shown." in li.get("/award").text
    for query, keys in (("q=丙", ["n3"]), ("q=N4", ["n4"]), ("q=red", ["n1", "n2"]), ("team=blue", ["n3", "n4"])):
        assert re.findall(r'name="learner" value="(\w+)"', li.get(f"/award?{query}").text) == keys
    assert 'name="learner"' not in li.get("/award?q=nobody").text


def test_reasons_used_before_and_those_given_to_lately_come_first(li: Reader, bank: Caller) -> None:
    for number, reason in enumerate(["少", "多", "多"]):
        assert give(li, "n4", reason=reason, key=str(number)).status_code == 303
    bank.post(
        "/v1/awards",
        {"awarder": "zhou", "learner": "n1", "programme": "now", "course": "service"}
        | {"unit": "flowers", "amount": 1, "reason": "别人的"},
    )
    page = li.get("/award").text
    chips = [found for found in re.findall(r'name="reason" value="([^"]*)"', page) if found]
    assert chips[:4] == ["多", "少", "别人的", "Spoke well in class"]
    assert len(chips) <= award.REASONS
    assert re.findall(r'name="learner" value="(\w+)"', page)[:2] == ["n4", "n1"]


def test_the_worker_may_serve_the_page_and_nothing_else(li: Reader) -> None:
    answer = li.get("/award/worker.js")
    assert answer.headers["Service-Worker-Allowed"] == "/award"
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert answer.headers["Cache-Control"] == "no-cache"
    assert li.get("/award/worker.js", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


def test_the_course_that_was_given_from_last_is_chosen(li: Reader) -> None:
    chosen = re.compile(r'<option value="([^"]*)" selected')
    assert chosen.findall(li.get("/award").text) == ["now/li/gone"]
    give(li, "n1")
    assert chosen.findall(li.get("/award").text) == ["now/li/service"]


# --- giving ---


@pytest.mark.parametrize(
    ("fields", "got", "learner", "team"),
    [
        ({"learner": ["n1"]}, {"n1": 2}, "n1", "red"),
        ({"learner": ["n1", "n3", "n1"]}, {"n1": 2, "n3": 2}, None, None),
        ({"group": "team:blue"}, {"n3": 2, "n4": 2}, None, "blue"),
        ({"group": "everyone"}, dict.fromkeys(["n1", "n2", "n3", "n4", "n5"], 2), None, None),
        ({"learner": ["n1"], "group": "team:blue"}, {"n3": 2, "n4": 2}, None, "blue"),
    ],
    ids=["one", "several", "a team", "everyone", "a group is more than one"],
)
def test_all_of_it_in_one_entry(
    li: Reader, bank: Caller, fields: dict[str, Any], got: dict[str, int], learner: str | None, team: str | None
) -> None:
    answer = give(li, amount="2", reason="带队复盘", **fields)
    assert answer.status_code == 303
    assert {key: flowers(bank, key) for key in got} == got
    assert left(li) == 20 - 2 * len(got)
    entry = last_entry(bank)
    assert (entry["learner"], entry["team"], entry["awarder"], entry["reason"]) == (learner, team, "li", "带队复盘")
    assert {each["credit"] for each in entry["transfers"]} == {f"holding:{key}" for key in got}
    page = text(li.get(answer.headers["Location"]).text)
    assert f"+{2 * len(got)}" in page
    assert "Take back" in page


def test_nobody_gives_to_themselves(bank: Caller, reader: Reader) -> None:
    reader.user("n1", "learner", "awarder", learner="n1", awarders=[("now", "li")])
    reader.become("n1")
    page = reader.get("/award").text
    assert 'name="learner" value="n1"' not in page
    assert "Everyone 4" in text(page)
    assert "red队 1" in text(page)
    assert give(reader, group="team:red").status_code == 303
    assert give(reader, group="everyone", key="b").status_code == 303
    assert give(reader, "n1", key="c").status_code == 422
    assert (flowers(bank, "n1"), flowers(bank, "n2")) == (0, 2)


@pytest.mark.parametrize(
    ("fields", "status", "says"),
    [
        ({"learner": ["n1", "n2", "n3", "n4", "n5"], "amount": "5"}, 422, "20 left, 25 needed."),
        ({"learner": ["n1", "nobody"]}, 422, "there is no learner nobody."),
        ({"learner": ["n1", "20210001"]}, 422, "20210001 is not enrolled in programme now"),
        ({"group": "team:none"}, 404, "has no team none."),
        ({}, 422, "Choose first who gets flowers."),
        ({"learner": ["n1"], "reason": " "}, 422, "Choose a reason, or write one."),
        ({"learner": ["n1"], "reason": "x" * 201}, 422, "at most 200 characters."),
        ({"learner": ["n1"], "own": "a\x00b"}, 422, "at most 200 characters."),
        ({"learner": ["n1"], "amount": "4"}, 422, "Choose how many flowers."),
        ({"learner": ["n1"], "amount": "-1"}, 422, "Choose how many flowers."),
        ({"learner": ["n1"], "place": "now/zhou/service"}, 404, "You have no allowance there"),
        ({"learner": ["n1"], "place": "2021/li/service"}, 404, "You have no allowance there"),
        ({"learner": ["n1"], "place": "now/li/nothing"}, 404, "There is no course nothing"),
        ({"learner": ["n1"], "place": "\x00"}, 404, "You have no allowance there"),
        ({"learner": ["\x00"]}, 422, "there is no learner"),
        ({"group": "team:\x00"}, 404, "has no team"),
        ({"group": "nothing"}, 422, "must be 1 to 10000."),
    ],
)
def test_what_is_refused_books_nothing_and_keeps_what_was_chosen(
    li: Reader, bank: Caller, fields: dict[str, Any], status: int, says: str
) -> None:
    before = last_entry(bank)["number"]
    answer = give(li, **fields)
    assert (answer.status_code, last_entry(bank)["number"]) == (status, before)
    assert says in text(answer.text)
    for key in fields.get("learner", ()):
        if key.startswith("n") and key != "nobody":
            assert f'value="{key}" checked' in answer.text
    as_json = give(li, **fields, json=True)
    assert (as_json.status_code, last_entry(bank)["number"]) == (status, before)
    assert says in as_json.json["says"]  # type: ignore[index]  # it is JSON
    assert left(li) == 20


def test_in_the_readers_language_it_says_what_is_wrong(li: Reader) -> None:
    li.language = "zh"
    assert "剩余 20 朵，需要 25 朵。" in give(li, group="everyone", amount="5").text
    assert "没有学员 nobody。" in give(li, "nobody").text


def test_the_same_key_books_once(li: Reader, bank: Caller) -> None:
    fields = {"key": "k" * 32, "tapped": "1000", "sent": "1000", "json": True}
    first = give(li, "n1", **fields).json
    again = give(li, "n1", **{**fields, "sent": "90000"}).json
    assert first is not None
    assert again is not None
    assert (first["entry"], first["undo_seconds"]) == (again["entry"], given.UNDO_SECONDS)
    assert flowers(bank, "n1") == 1
    assert give(li, "n2", **fields).status_code == 409
    assert give(li, "n1", **fields, reason="anders").status_code == 409
    assert flowers(bank, "n2") == 0


def test_a_key_is_its_users_own(li: Reader, bank: Caller, new_reader: Callable[[str], Reader]) -> None:
    li.user("zhou", "awarder", awarders=[("now", "zhou")])
    zhou = new_reader(li.company_key).become("zhou")
    assert give(li, "n1", key="same").status_code == 303
    assert give(zhou, "n1", key="same", place="now/zhou/service").status_code == 303
    assert flowers(bank, "n1") == 2


def test_what_another_user_tapped_is_not_sent_by_this_one(li: Reader, bank: Caller) -> None:
    answer = give(li, "n1", user="0123456789abcdef", json=True)
    assert (answer.status_code, answer.json["slug"]) == (409, "other-user")  # type: ignore[index]  # it is JSON
    own = li.get("/award/state", headers=JSON).json["user"]  # type: ignore[index]  # it is JSON
    assert give(li, "n1", user=own, json=True).status_code == 200
    assert flowers(bank, "n1") == 1


def test_whose_session_has_ended_learns_it(li: Reader) -> None:
    li.client.delete_cookie("pb_session", domain="127.0.0.1")
    for path, method in (("/award/state", "GET"), ("/award", "POST")):
        assert li.open(path, method, headers=JSON).status_code == 401
    assert li.get("/award").status_code == 303


def test_it_happened_when_it_was_tapped(li: Reader, bank: Caller) -> None:
    give(li, "n1", tapped="1000000", sent=str(1_000_000 + 3_600_000))
    entry = last_entry(bank)
    happened, booked = (datetime.fromisoformat(entry[name]) for name in ("occurred_at", "recorded_at"))
    assert timedelta(minutes=59) < booked - happened < timedelta(minutes=61)
    assert "tapped at" in text(li.get("/award").text)


# --- taking back ---


def test_taken_back_once_and_the_flowers_are_there_again(li: Reader, bank: Caller) -> None:
    entry = give(li, group="team:red", json=True).json["entry"]  # type: ignore[index]  # it is JSON
    assert (left(li), flowers(bank, "n1")) == (18, 1)
    answer = undo(li, entry)
    assert (answer.status_code, left(li), flowers(bank, "n1")) == (303, 20, 0)
    assert "Taken back." in text(li.get(answer.headers["Location"]).text)
    number = last_entry(bank)["number"]
    assert undo(li, entry, headers=JSON).status_code == 200
    assert last_entry(bank)["number"] == number, "asked again, it books nothing more"
    assert last_entry(bank)["reason"] == "Taken back by the giver"


def test_after_a_minute_it_is_too_late(li: Reader, bank: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = give(li, "n1", json=True).json["entry"]  # type: ignore[index]  # it is JSON
    monkeypatch.setattr(given, "UNDO_SECONDS", -1)
    answer = undo(li, entry, headers=JSON)
    assert (answer.status_code, flowers(bank, "n1")) == (409, 1)
    assert "The time to take it back is over." in answer.json["says"]  # type: ignore[index]  # it is JSON
    assert 'class="undo"' not in li.get("/award").text


def test_only_ones_own_awards_are_taken_back(
    li: Reader, bank: Caller, new_reader: Callable[[str], Reader], new_company: Callable[..., Caller]
) -> None:
    entry = give(li, "n1", json=True).json["entry"]  # type: ignore[index]  # it is JSON
    li.user("zhou", "awarder", awarders=[("now", "zhou")])
    assert undo(new_reader(li.company_key).become("zhou"), entry).status_code == 404
    stranger = new_reader(new_company().company_key)
    stranger.user("li", "awarder")
    assert undo(stranger.become("li"), entry).status_code == 404
    allowance = bank.get("/v1/entries?kind=allowance.given&limit=1").json["items"][0]["id"]  # type: ignore[index]
    for other in (allowance, "x", "f4a631a9-9811-8086-8000-000000000009"):
        assert undo(li, other).status_code == 404
    assert flowers(bank, "n1") == 1
