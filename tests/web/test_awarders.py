"""Awarders on the pages of the administration: who they are, and what they may give, raised and taken back once."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from ledger.audit import audit
from tests.api.conftest import Caller
from tests.web.conftest import Reader
from tests.web.forms import fields, wrong

AWARDERS = "/admin/programmes/2021/awarders"
LI = f"{AWARDERS}/li"
CHANGE = f"{LI}/allowances"
MARKUP = "<script>alert(1)</script>"
_TOKEN = re.compile(r'name="csrf" value="([0-9a-f]+)"')


@pytest.fixture
def bank(programme: Caller) -> Caller:
    """Li has 50 flowers, of which 10 are handed out; Wang has none."""
    path = "/v1/programmes/2021"
    programme.put(f"{path}/awarders/li", {"name": f"李{MARKUP}", "role": "trainer", "allowances": {"service": 50}})
    programme.put(f"{path}/awarders/wang", {"name": "王", "role": "committee"})
    course = {"name": "热线", "kind": "practical", "flowers": 100}
    programme.put(f"{path}/courses/call", course)
    award = {"awarder": "li", "learner": "20210001", "programme": "2021", "course": "service", "unit": "flowers"}
    programme.post("/v1/awards", {**award, "amount": 10, "reason": "好"}, headers={"Idempotency-Key": "a"})
    return programme


@pytest.fixture
def hr(bank: Caller, reader: Reader) -> Reader:
    reader.user("hr", "hr", shown="HR")
    return reader.become("hr")


def held(bank: Caller, awarder: str) -> dict[str, int]:
    found: dict[str, int] = bank.get(f"/v1/programmes/2021/awarders/{awarder}").json["left"]  # type: ignore[index]
    return found


def raise_some(hr: Reader, *chosen: str, **more: str) -> TestResponse:
    page = hr.get(AWARDERS)
    token = _TOKEN.search(page.text)
    assert token is not None
    data: dict[str, Any] = {**fields(page), "csrf": token[1], "awarder": list(chosen), **more}
    return hr.open(AWARDERS, "POST", data=data)


def consistent(hr: Reader) -> bool:
    with hr.database.snapshot(hr.company_id) as session:
        return list(audit(session)) == []


def test_the_table_says_what_is_left(hr: Reader) -> None:
    page = hr.get(AWARDERS)
    html = " ".join(re.sub(r"<[^>]*>", " ", page.text).split())
    assert "40 / 50" in html
    assert "950 in the pool" in html
    assert "Committee member" in html
    assert MARKUP not in page.text


def test_several_get_more_at_once_or_none_does(hr: Reader, bank: Caller) -> None:
    answer = raise_some(hr, "li", "wang", course="service", amount="20")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{AWARDERS}?raised=2&course=service")
    assert "2 allowances raised." in hr.get(answer.headers["Location"]).text
    assert (held(bank, "li"), held(bank, "wang")) == ({"service": 60}, {"service": 20})
    page = raise_some(hr, "li", "wang", course="call", amount="60")
    assert page.status_code == 422
    assert "Not enough flowers: 100 are there, 120 are needed." in page.text
    assert re.search(r'value="wang" checked', page.text)
    assert (held(bank, "li"), held(bank, "wang")) == ({"service": 60}, {"service": 20})
    hr.language = "zh-CN"
    page = raise_some(hr, course="call", amount="0")
    assert (page.status_code, wrong(page)) == (422, {"amount": "必须在 1 到 9007199254740991 之间。"})
    assert "请先选择要增加额度的人员。" in page.text
    assert ("剩余可发" in hr.get(LI).text, "已离职" in hr.get(LI).text) == (True, False)
    assert consistent(hr)


def test_a_form_that_is_sent_twice_gives_once(hr: Reader, bank: Caller) -> None:
    for _ in range(2):
        assert raise_some(hr, "wang", course="service", amount="20", key="k" * 32).status_code == 303
    assert held(bank, "wang") == {"service": 20}
    page = raise_some(hr, "wang", course="service", amount="30", key="k" * 32)
    assert (page.status_code, "booked already with other amounts" in page.text) == (409, True)
    before = fields(hr.get(LI))
    for _ in range(2):
        assert hr.send(CHANGE, {**before, "by/service": "-5"}, page=LI).status_code == 303
    assert held(bank, "li") == {"service": 35}


def test_one_gets_more_here_and_less_there(hr: Reader, bank: Caller) -> None:
    before = fields(hr.get(LI))
    typed = {"by/service": "−40", "by/call": " + 7 "}
    assert hr.send(CHANGE, {**before, **typed}, page=LI).status_code == 303
    assert held(bank, "li") == {"call": 7, "service": 0}
    allowed = bank.get("/v1/programmes/2021/awarders/li").json["allowances"]  # type: ignore[index]
    assert allowed == {"call": 7, "service": 10}
    assert consistent(hr)


def test_what_is_handed_out_cannot_be_taken_back(hr: Reader, bank: Caller) -> None:
    page = hr.send(CHANGE, {**fields(hr.get(LI)), "by/call": "5", "by/service": "-41"}, page=LI)
    assert page.status_code == 422
    assert wrong(page) == {"by/service": "Not enough flowers: 40 are there, 41 are needed."}
    assert fields(page)["by/call"] == "5"
    assert held(bank, "li") == {"service": 40}, "all or nothing"
    page = hr.send(CHANGE, {**fields(hr.get(LI)), "by/call": "x"}, page=LI)
    assert wrong(page) == {"by/call": "must be a number."}


def test_a_closed_course_takes_no_changes(hr: Reader, bank: Caller) -> None:
    before = fields(hr.get(LI))
    assert bank.post("/v1/programmes/2021/courses/call/close", {}).status_code == 200
    hr.language = "zh-CN"
    page = hr.send(CHANGE, {**before, "by/call": "1"}, page=LI)
    assert page.status_code == 409
    assert "课程 call 已结业，额度不能再调整。" in page.text


def test_somebody_is_made_and_changed(hr: Reader, bank: Caller) -> None:
    new = "/admin/programmes/2021/new-awarder"
    hr.language = "zh-CN"
    page = hr.send(new, {"awarder": "li", "name": "x", "role": "mentor"})
    assert (page.status_code, wrong(page)) == (409, {"awarder": "已被使用。"})
    page = hr.send(new, {"awarder": "", "name": "", "role": "mentor"})
    assert wrong(page) == {"awarder": "不能为空。", "name": "不能为空。"}
    page = hr.send(new, {"awarder": "z", "name": "张", "role": "boss"})
    assert wrong(page) == {"role": "必须是以下之一：trainer, mentor, committee。"}
    answer = hr.send(new, {"awarder": "z", "name": "张", "role": "mentor"})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{AWARDERS}/z?done=made")
    hr.language = "en"
    person = fields(hr.get(f"{AWARDERS}/z"))
    assert hr.send(f"{AWARDERS}/z", {**person, "name": "张三"}).status_code == 303
    late = hr.send(f"{AWARDERS}/z", {**person, "role": "trainer"})
    assert (late.status_code, "Stands there now: <bdi>张三</bdi>" in late.text) == (409, True)
    assert hr.send(f"{AWARDERS}/z", {**fields(late), "name": "张三"}).status_code == 303
    found = bank.get("/v1/programmes/2021/awarders/z").json
    assert found is not None
    assert (found["name"], found["role"], found["allowances"]) == ("张三", "trainer", {})


@pytest.mark.parametrize("path", [AWARDERS, LI, "/admin/programmes/2021/new-awarder"])
def test_another_companys_awarder_is_not_there(
    hr: Reader, new_company: Callable[..., Caller], new_reader: Callable[[str], Reader], path: str
) -> None:
    other = new_reader(new_company().company_key)
    other.user("hr", "hr")
    other.become("hr")
    assert (hr.get(path).status_code, other.get(path).status_code) == (200, 404)
    assert other.send(CHANGE, {"by/service": "1", "key": "k"}, page="/admin/company").status_code == 404
    assert other.send(path, {"name": "x", "role": "mentor"}, page="/admin/company").status_code in (404, 422)
