"""Learners on the pages of the administration: found, entered, changed, seen with what they have."""

import re
from collections.abc import Callable

import pytest
from werkzeug.test import TestResponse

from api.pages.admin import learners as page_of_learners
from tests.api.conftest import Caller
from tests.web.conftest import Reader
from tests.web.forms import fields, wrong

MARKUP = "<script>alert(1)</script>\u202e倒"
EDIT = "/admin/learners/20210001/edit"


@pytest.fixture
def hr(reader: Reader) -> Reader:
    reader.user("hr", "hr", shown="HR")
    return reader.become("hr")


def names(page: TestResponse) -> list[str]:
    return re.findall(r'<th scope="row"><a[^>]*><bdi>(.*?)</bdi>', page.text)


def text(page: TestResponse) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", page.text).split())


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["李雷", "韩梅梅", "林涛", "𠮷野"]),
        ("q=20210003", ["林涛"]),
        ("q=0003", ["林涛"]),
        ("q=梅", ["韩梅梅"]),
        ("q=𠮷", ["𠮷野"]),
        ("q=SALES", ["韩梅梅", "林涛"]),
        ("q=Han@", ["韩梅梅"]),
        ("q=%25", []),
        ("q=%00", ["李雷", "韩梅梅", "林涛", "𠮷野"]),
        ("state=left", ["林涛"]),
        ("state=here", ["李雷", "韩梅梅", "𠮷野"]),
        ("q=sales&state=here", ["韩梅梅"]),
        ("state=nonsense", ["李雷", "韩梅梅", "林涛", "𠮷野"]),
    ],
)
def test_finding(hr: Reader, programme: Caller, query: str, found: list[str]) -> None:
    han = {"name": "韩梅梅", "department": "Sales", "email": "han@example.com"}
    programme.put("/v1/learners/20210002", han)
    programme.put("/v1/learners/20210003", {"name": "林涛", "department": "sales 2", "left_on": "2021-12-31"})
    page = hr.get(f"/admin/learners?{query}")
    assert names(page) == found
    assert ("Nobody is found by that." in page.text) == (not found)


def test_page_by_page(hr: Reader, programme: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_of_learners, "LEARNERS", 3)
    first = hr.get("/admin/learners")
    assert names(first) == ["李雷", "韩梅梅", "林涛"]
    further = re.search(r'href="([^"]*after=[^"]*)"', first.text)
    assert further is not None
    last = hr.get(further[1].replace("&amp;", "&"))
    assert names(last) == ["𠮷野"]
    assert "From the beginning" in last.text
    assert "Further" not in last.text


def test_a_learner_is_entered_and_changed(hr: Reader, programme: Caller) -> None:
    typed = {"id": "007", "name": " 詹 ", "department": "", "email": "", "joined_on": "2021-07-01", "left_on": ""}
    answer = hr.send("/admin/new-learner", typed)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/admin/learners/007?done=made")
    found = programme.get("/v1/learners/007").json
    assert found is not None
    assert (found["name"], found["department"], found["joined_on"]) == ("詹", None, "2021-07-01")
    page = hr.get("/admin/learners/007/edit")
    assert hr.send("/admin/learners/007/edit", {**fields(page), "left_on": "2021-12-31"}).status_code == 303
    page = hr.get("/admin/learners/007?done=saved")
    assert "Saved." in page.text
    assert "Last working day Dec 31, 2021 Left" in text(page)
    assert "Takes part in no programme yet." in page.text


def test_what_is_wrong_stands_beside_its_field(hr: Reader) -> None:
    hr.language = "zh-CN"
    page = hr.send("/admin/new-learner", {"id": "a/b", "name": "", "email": "x", "joined_on": "2021-13-01"})
    assert page.status_code == 422
    assert wrong(page) == {
        "id": "不能包含斜杠。",
        "name": "不能为空。",
        "joined_on": "必须是有效日期，例如 2021-07-01。",
    }
    page = hr.send(
        "/admin/new-learner",
        {"id": "9", "name": "x", "email": "x", "joined_on": "2021-07-02", "left_on": "2021-07-01"},
    )
    assert wrong(page) == {"email": "必须是有效邮箱地址，例如 li@example.com。", "left_on": "不能早于入职日期。"}
    page = hr.send("/admin/new-learner", {"id": "20210001", "name": "x"})
    assert (page.status_code, wrong(page)) == (409, {"id": "已被使用。"})


def test_two_people_at_one_learner(hr: Reader, programme: Caller) -> None:
    before = fields(hr.get(EDIT))
    programme.put("/v1/learners/20210001", {"name": MARKUP})
    page = hr.send(EDIT, {**before, "department": "研发部"})
    assert page.status_code == 409
    assert "Stands there now: <bdi>&lt;script&gt;alert(1)&lt;/script&gt;\u202e倒</bdi>" in page.text
    assert "Stands there now: <bdi>(empty)</bdi>" in page.text
    assert "<script>alert" not in page.text
    assert hr.send(EDIT, fields(page)).status_code == 303
    found = programme.get("/v1/learners/20210001").json
    assert found is not None
    assert (found["name"], found["department"]) == ("李雷", "研发部")


def test_a_learner_with_teams_and_what_is_held(hr: Reader, programme: Caller) -> None:
    programme.put("/v1/learners/20210001", {"name": MARKUP})
    members = {"name": "小组b", "members": ["20210001", "20210003", "20210004"], "from": "2021-10-01"}
    assert programme.put("/v1/programmes/2021/teams/b", members).status_code == 200
    award = {"learner": "20210001", "programme": "2021", "unit": "credits", "amount": 70, "reason": "好"}
    programme.post("/v1/awards", award, headers={"Idempotency-Key": "l1"})
    page = hr.get("/admin/learners/20210001")
    assert "Credits available 70 Credits earned 70" in text(page)
    assert "小组a Jul 1, 2021 – Oct 1, 2021 小组b since Oct 1, 2021" in text(page)
    assert "<script>alert" not in page.text
    for path in ("/admin/learners", "/admin/programmes/2021/teams", "/admin/programmes/2021/teams/a", EDIT):
        assert "&lt;script&gt;alert" in hr.get(path).text, path
        assert "<script>alert" not in hr.get(path).text, path


@pytest.mark.parametrize("path", ["/admin/learners/20210001", EDIT])
def test_another_companys_learner_is_not_there(
    hr: Reader, new_company: Callable[..., Caller], new_reader: Callable[[str], Reader], path: str
) -> None:
    other = new_reader(new_company().company_key)
    other.user("hr", "hr")
    other.become("hr")
    assert (hr.get(path).status_code, other.get(path).status_code) == (200, 404)
    assert "There are no learners yet." in other.get("/admin/learners").text
    if path == EDIT:
        assert other.send(path, {"name": "x"}, page="/admin/company").status_code == 404
