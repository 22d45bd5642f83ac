"""Programmes and the company on the pages of the administration: made, changed, refused, never overwritten unseen."""

import re
from collections.abc import Callable

import pytest

from tests.api.conftest import Caller
from tests.web.conftest import Reader
from tests.web.forms import fields, wrong

EDIT = "/admin/programmes/2021/edit"
NEW = {
    "programme": "2022",
    "name": "2022届训练营",
    "starts_on": "2022-07-01",
    "ends_on": "2023-06-30",
    "timezone": "Asia/Shanghai",
    "allotment": "5,000",
}
PHASE = {
    "phases[0].key": "integration",
    "phases[0].name": "融入期",
    "phases[0].starts_on": "2022-07-01",
    "phases[0].ends_on": "2022-09-30",
}
MARKUP = "<script>alert(1)</script>"


@pytest.fixture
def hr(reader: Reader) -> Reader:
    reader.user("hr", "hr", shown="HR")
    return reader.become("hr")


def test_a_programme_is_made_and_says_what_is_missing(hr: Reader, programme: Caller) -> None:
    answer = hr.send("/admin/new-programme", {**NEW, **PHASE})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/admin/programmes/2022?done=made")
    made = programme.get("/v1/programmes/2022").json
    assert made is not None
    assert (made["allotment"], made["phases"][0]["key"]) == (5000, "integration")
    page = hr.get(answer.headers["Location"])
    assert "Made." in page.text
    for missing in ("No courses yet", "No learners yet", "No trainers, mentors", "No rulebook in force"):
        assert missing in page.text
    assert "2022届训练营" in hr.get("/admin").text


def test_everything_wrong_stands_beside_its_field_in_both_languages(hr: Reader) -> None:
    typed = {**NEW, **PHASE, "programme": "a/b", "name": " ", "ends_on": "2022-06-30", "allotment": "1.5"}
    page = hr.send("/admin/new-programme", typed)
    assert page.status_code == 422
    assert wrong(page) == {
        "programme": "must not contain a slash.",
        "name": "must not be empty.",
        "allotment": "must be a whole number.",
    }
    assert fields(page)["allotment"] == "1.5", "what was typed stays"
    hr.language = "zh-CN"
    typed = {**NEW, **PHASE, "ends_on": "2022-06-30", "timezone": "Nowhere", "phases[0].ends_on": "2022-06-01"}
    assert wrong(hr.send("/admin/new-programme", typed)) == {
        "timezone": "不是有效的 IANA 时区名称，例如 Asia/Shanghai。",
        "ends_on": "不能早于开始日期。",
        "phases[0].ends_on": "不能早于开始日期。",
    }


def test_a_new_programme_never_takes_the_place_of_another(hr: Reader, programme: Caller) -> None:
    page = hr.send("/admin/new-programme", {**NEW, "programme": "2021"})
    assert (page.status_code, wrong(page)) == (409, {"programme": "is taken already."})
    assert programme.get("/v1/programmes/2021").json["name"] == "2021届训练营"  # type: ignore[index]


def test_rows_of_phases_come_and_go_without_scripts(hr: Reader) -> None:
    page = hr.send("/admin/new-programme", {**NEW, **PHASE, "add": "1"})
    assert page.status_code == 200
    assert fields(page)["phases[1].key"] == ""
    assert fields(page)["phases[0].name"] == "融入期"
    second = {name.replace("[0]", "[7]"): value for name, value in PHASE.items()}
    page = hr.send("/admin/new-programme", {**NEW, **PHASE, **second, "remove": "0"})
    assert fields(page)["phases[0].key"] == "integration"
    assert "phases[1].key" not in fields(page)
    assert hr.get("/admin/programmes/2022").status_code == 404, "nothing is saved by that"


def test_two_people_at_one_programme_do_not_overwrite_each_other(hr: Reader, programme: Caller) -> None:
    before = fields(hr.get(EDIT))
    assert before["name"] == "2021届训练营"
    mine = {**before, "name": "我的名字"}
    theirs = {"name": f"他的名字{MARKUP}", "starts_on": "2021-07-01", "ends_on": "2022-06-30", "allotment": 100_000}
    theirs |= {"phases": [{"key": "x", "name": "阶段", "starts_on": "2021-07-01", "ends_on": "2021-08-01"}]}
    assert programme.put("/v1/programmes/2021", theirs).status_code == 200
    page = hr.send(EDIT, mine)
    assert page.status_code == 409
    assert "Somebody else has changed this in the meantime." in page.text
    assert "Stands there now: <bdi>他的名字&lt;script&gt;" in page.text
    assert "Stands there now: <bdi>阶段</bdi>" in page.text
    assert MARKUP not in page.text
    kept = fields(page)
    assert kept["name"] == "我的名字"
    assert programme.get("/v1/programmes/2021").json["name"].startswith("他的名字")  # type: ignore[index]
    assert hr.send(EDIT, kept).status_code == 303, "a second time is a decision"
    after = programme.get("/v1/programmes/2021").json
    assert after is not None
    assert (after["name"], after["phases"]) == ("我的名字", [])
    assert hr.send(EDIT, kept).status_code == 303, "sent twice, it is as it should be"


def test_dates_that_leave_a_course_outside_are_refused(hr: Reader) -> None:
    page = hr.send(EDIT, {**fields(hr.get(EDIT)), "ends_on": "2022-05-30"})
    assert wrong(page) == {"ends_on": "must not be before 2022-06-30, when one of its courses closes."}
    page = hr.send(EDIT, {**fields(hr.get(EDIT)), "allotment": ""})
    assert page.status_code == 303
    assert "without limit" in hr.get("/admin/programmes/2021").text


def test_the_overview_counts(hr: Reader, programme: Caller) -> None:
    programme.put("/v1/programmes/2021/awarders/li", {"name": "李", "role": "trainer", "allowances": {"service": 50}})
    award = {"learner": "20210001", "programme": "2021", "unit": "credits", "amount": 700, "reason": "好"}
    programme.post("/v1/awards", award, headers={"Idempotency-Key": "o1"})
    programme.post("/v1/enrolments", {})
    programme.put("/v1/learners/5", {"name": "无组"})
    programme.post("/v1/programmes/2021/enrolments", {"learners": ["5"]})
    html = " ".join(re.sub(r"<[^>]*>", " ", hr.get("/admin/programmes/2021").text).split())
    for figure in (
        "Learners 5 1 without a team",
        "Teams 2",
        "Credits given 700 of 100,000",
        "Credits left 99,300",
        "Flowers handed out 0 of 1,000",
        "Flowers left with awarders 50",
    ):
        assert figure in html
    assert "Learners without a team: 1" in html


def test_credits_of_a_programme_without_limit_are_counted_from_its_entries(hr: Reader, programme: Caller) -> None:
    programme.put("/v1/programmes/free", {"name": "free", "starts_on": "2021-07-01", "ends_on": "2022-06-30"})
    programme.post("/v1/programmes/free/enrolments", {"learners": ["20210001"]})
    entries = []
    for key, amount in enumerate((5, 8)):
        award = {"learner": "20210001", "programme": "free", "unit": "credits", "amount": amount, "reason": "好"}
        booked = programme.post("/v1/awards", award, headers={"Idempotency-Key": f"free-{key}"}).json
        assert booked is not None
        entries.append(booked["entry"]["id"])
    reversal = programme.post(f"/v1/entries/{entries[0]}/reversal", {"reason": "错"})
    assert reversal.status_code in (200, 201), reversal.text
    html = " ".join(re.sub(r"<[^>]*>", " ", hr.get("/admin/programmes/free").text).split())
    assert "Credits given 8 without limit" in html


def test_the_company(hr: Reader, programme: Caller) -> None:
    origins = ["https://intranet.example.com"]
    programme.put("/v1/company", {"name": "示范", "timezone": "Asia/Shanghai", "origins": origins})
    page = hr.get("/admin/company")
    assert "Cannot be changed any more" in page.text, "the allotment is booked"
    refused = hr.send("/admin/company", {**fields(page), "credits_scale": "2", "timezone": "Mars"})
    assert wrong(refused) == {"timezone": "is not the IANA name of a time zone, such as Asia/Shanghai."}
    refused = hr.send("/admin/company", {**fields(page), "credits_scale": "2"})
    assert wrong(refused) == {"credits_scale": "must stay 0, as credits are booked."}
    assert hr.send("/admin/company", {**fields(page), "name": "新名"}).status_code == 303
    found = programme.get("/v1/company").json
    assert found is not None
    assert (found["name"], found["origins"]) == ("新名", origins)
    late = hr.send("/admin/company", {**fields(page), "name": "另一个"})
    assert (late.status_code, "Stands there now: <bdi>新名</bdi>" in late.text) == (409, True)


def test_decimals_of_credits_can_be_chosen_until_any_are_booked(
    new_company: Callable[..., Caller], new_reader: Callable[[str], Reader]
) -> None:
    caller = new_company()
    hr = new_reader(caller.company_key)
    hr.user("hr", "hr")
    hr.become("hr")
    assert "There is no programme yet." in hr.get("/admin").text
    page = hr.get("/admin/company")
    assert hr.send("/admin/company", {**fields(page), "credits_scale": "2"}).status_code == 303
    assert hr.send("/admin/new-programme", {**NEW, "allotment": "10.255"}).status_code == 422
    assert hr.send("/admin/new-programme", {**NEW, "allotment": "10.25"}).status_code == 303
    assert caller.get("/v1/programmes/2022").json["allotment"] == 1025  # type: ignore[index]
    assert fields(hr.get("/admin/programmes/2022/edit"))["allotment"] == "10.25"


@pytest.mark.parametrize("path", ["/admin/programmes/2021", EDIT])
def test_another_companys_programme_is_not_there(
    hr: Reader, new_company: Callable[..., Caller], new_reader: Callable[[str], Reader], path: str
) -> None:
    other = new_reader(new_company().company_key)
    other.user("hr", "hr")
    other.become("hr")
    assert other.get(path).status_code == 404
    assert hr.get(path).status_code == 200
    if path == EDIT:
        assert other.send(path, {**NEW}, page="/admin/company").status_code == 404
