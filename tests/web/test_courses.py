"""Courses on the pages of the administration: their form, their flowers, and closing them with a preview."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from ledger.audit import audit
from tests.api.conftest import Caller
from tests.web.conftest import Reader
from tests.web.forms import fields, wrong

COURSES = "/admin/programmes/2021/courses"
COURSE = f"{COURSES}/service"
CLOSE = f"{COURSE}/close"
NEW = {
    "course": "call",
    "name": "热线实训",
    "kind": "practical",
    "flowers": "300",
    "opens_on": "2021-08-01",
    "closes_on": "2021-12-31",
}
RULEBOOK = {"conversion": {"flowers_per_credit": 5, "round": "down", "cap_credits": 4, "remainder": "expire"}}
MARKUP = "<img src=x onerror=alert(1)>"


@pytest.fixture
def hr(reader: Reader) -> Reader:
    reader.user("hr", "hr", shown="HR")
    return reader.become("hr")


def text(page: Any) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", page.text).split())


def give(bank: Caller, learner: str, flowers: int) -> None:
    award = {"awarder": "li", "learner": learner, "programme": "2021", "course": "service", "unit": "flowers"}
    award |= {"amount": flowers, "reason": "好", "time": "2021-09-01T08:00:00+08:00"}
    answer = bank.post("/v1/awards", award, headers={"Idempotency-Key": f"{learner}-{flowers}"})
    assert answer.status_code == 201, answer.json


@pytest.fixture
def bank(programme: Caller) -> Caller:
    """Three learners with 12, 30 and 4 flowers, and rules that make credits of them."""
    programme.put("/v1/learners/20210001", {"name": f"李雷{MARKUP}"})
    assert programme.put("/v1/programmes/2021/rulebook/draft", RULEBOOK).status_code == 200
    assert programme.post("/v1/programmes/2021/rulebook/draft/activate").status_code == 200
    awarder = {"name": "李", "role": "trainer", "allowances": {"service": 100}}
    assert programme.put("/v1/programmes/2021/awarders/li", awarder).status_code == 201
    for learner, flowers in (("20210001", 12), ("20210002", 30), ("20210003", 4)):
        give(programme, learner, flowers)
    return programme


def test_a_course_is_made_and_changed(hr: Reader, programme: Caller) -> None:
    page = hr.get("/admin/programmes/2021/new-course")
    assert fields(page)["closes_on"] == "2022-06-30"
    assert hr.send("/admin/programmes/2021/new-course", NEW).status_code == 303
    assert "热线实训" in hr.get(f"{COURSES}?done=made").text
    page = hr.get(f"{COURSES}/call")
    assert fields(page)["kind"] == "practical"
    assert hr.send(f"{COURSES}/call", {**fields(page), "flowers": "1,200"}).status_code == 303
    assert programme.get("/v1/programmes/2021/courses/call").json["flowers"] == 1200  # type: ignore[index]


def test_what_is_wrong_stands_beside_its_field(hr: Reader, bank: Caller) -> None:
    hr.language = "zh-CN"
    typed = {**NEW, "course": "", "kind": "other", "flowers": "-1", "closes_on": "2023-01-01"}
    page = hr.send("/admin/programmes/2021/new-course", typed)
    assert (page.status_code, wrong(page)) == (
        422,
        {"course": "不能为空。", "flowers": "必须在 0 到 9007199254740991 之间。"},
    )
    page = hr.send("/admin/programmes/2021/new-course", {**typed, "course": "c", "flowers": "1"})
    assert wrong(page) == {
        "kind": "必须是以下之一：structured, practical。",
        "closes_on": "必须在项目期间内（2021-07-01 至 2022-06-30）。",
    }
    page = hr.send("/admin/programmes/2021/new-course", {**NEW, "course": "service"})
    assert (page.status_code, wrong(page)) == (409, {"course": "已被使用。"})
    page = hr.send(COURSE, {**fields(hr.get(COURSE)), "flowers": "99"})
    assert (page.status_code, wrong(page)) == (409, {"flowers": "不能降到 99，因为已经发出 100。"})
    assert fields(page)["flowers"] == "99"


def test_two_people_at_one_course(hr: Reader, programme: Caller) -> None:
    before = fields(hr.get(COURSE))
    course = {"name": MARKUP, "kind": "practical", "flowers": 1000, "opens_on": "2021-07-01"}
    assert (
        programme.put("/v1/programmes/2021/courses/service", {**course, "closes_on": "2022-06-30"}).status_code == 200
    )
    page = hr.send(COURSE, {**before, "flowers": "1500"})
    assert page.status_code == 409
    assert "Stands there now: <bdi>&lt;img" in page.text
    assert "Stands there now: <bdi>Practical training</bdi>" in page.text
    assert MARKUP not in page.text
    assert hr.send(COURSE, fields(page)).status_code == 303
    after = programme.get("/v1/programmes/2021/courses/service").json
    assert after is not None
    assert (after["name"], after["kind"], after["flowers"]) == ("服务", "structured", 1500)


def test_closing_shows_first_what_it_will_give(hr: Reader, bank: Caller) -> None:
    page = hr.get(CLOSE)
    assert "What it would give" in page.text
    assert "Learners with flowers 3 Flowers converted 30 Flowers that expire 16 Credits for them 6" in text(page)
    assert MARKUP not in page.text
    assert bank.get("/v1/programmes/2021/courses/service").json["closed_at"] is None  # type: ignore[index]
    answer = hr.send(CLOSE, fields(page))
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{CLOSE}?done=closed")
    done = hr.get(answer.headers["Location"])
    assert "The course is closed." in done.text
    assert "What it gave" in done.text
    assert "Close the course now" not in done.text
    assert bank.get("/v1/learners/20210002/balances").json["balances"][0]["balance"] == 4  # type: ignore[index]
    assert "<form" not in re.sub(r"<header.*?</header>", "", hr.get(COURSE).text, flags=re.DOTALL)
    refused = hr.send(COURSE, {"name": "x", "flowers": "1000", "opens_on": "2021-07-01", "closes_on": "2022-06-30"})
    assert refused.status_code in (409, 422)


def test_what_came_in_between_is_shown_before_it_is_done(hr: Reader, bank: Caller) -> None:
    seen = fields(hr.get(CLOSE))
    give(bank, "20210004", 10)
    page = hr.send(CLOSE, seen)
    assert page.status_code == 409
    assert "Something has changed since you looked." in page.text
    assert "Learners with flowers 4" in text(page)
    assert bank.get("/v1/programmes/2021/courses/service").json["closed_at"] is None  # type: ignore[index]
    assert hr.send(CLOSE, fields(page)).status_code == 303


def test_too_few_credits_are_said_before(hr: Reader, bank: Caller) -> None:
    programme = {"name": "2021届训练营", "starts_on": "2021-07-01", "ends_on": "2022-06-30", "allotment": 5}
    assert bank.put("/v1/programmes/2021", programme).status_code == 200
    page = hr.get(CLOSE)
    assert "6 are needed, 5 are left." in text(page)
    assert "1 learner would go without" in text(page)
    assert text(page).count("not enough credits") == 1
    assert "Close the course now" not in page.text
    assert hr.send(CLOSE, {"seen": "x"}).status_code == 409
    assert bank.get("/v1/programmes/2021/courses/service").json["closed_at"] is None  # type: ignore[index]


def test_without_rules_it_says_that_flowers_stay(hr: Reader, programme: Caller) -> None:
    page = hr.get(CLOSE)
    assert "No rulebook is in force, so flowers stay flowers." in page.text
    assert hr.send(CLOSE, fields(page)).status_code == 303
    with hr.database.snapshot(hr.company_id) as session:
        assert list(audit(session)) == []


@pytest.mark.parametrize("path", [COURSES, COURSE, CLOSE, "/admin/programmes/2021/new-course"])
def test_another_companys_course_is_not_there(
    hr: Reader, new_company: Callable[..., Caller], new_reader: Callable[[str], Reader], path: str
) -> None:
    other = new_reader(new_company().company_key)
    other.user("hr", "hr")
    other.become("hr")
    assert (hr.get(path).status_code, other.get(path).status_code) == (200, 404)
    if path != COURSES:
        assert other.send(path, NEW, page="/admin/company").status_code == 404
