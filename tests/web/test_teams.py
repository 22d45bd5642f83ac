"""The board of teams: who is where, moves by form and by script, from now and from a day, and two people at it."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.api.conftest import Caller
from tests.web.conftest import Reader
from tests.web.forms import fields, wrong

TEAMS = "/admin/programmes/2021/teams"
MOVES = "/admin/programmes/2021/team-moves"
_TOKEN = re.compile(r'name="csrf" value="([0-9a-f]+)"')


@pytest.fixture
def hr(reader: Reader) -> Reader:
    reader.user("hr", "hr", shown="HR")
    return reader.become("hr")


def board(hr: Reader) -> dict[str, list[str]]:
    """The learners of each column, by the key of the team."""
    found = {}
    for part in hr.get(TEAMS).text.split('data-team="')[1:]:
        found[part.partition('"')[0]] = re.findall(r'data-learner="(.*?)"', part)
    return found


def move(hr: Reader, *chosen: str, script: bool = True, **more: str) -> TestResponse:
    token = _TOKEN.search(hr.get(TEAMS).text)
    assert token is not None
    data: dict[str, Any] = {"csrf": token[1], "learner": list(chosen), **more}
    headers = {"Accept": "application/json"} if script else {}
    return hr.open(MOVES, "POST", data=data, headers=headers)


def test_by_form(hr: Reader) -> None:
    assert board(hr) == {"": [], "a": ["20210001", "20210002"], "b": ["20210003", "20210004"]}
    answer = move(hr, "a/20210001", "a/20210002", script=False, to="b")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{TEAMS}?moved=2&to=b")
    assert "2 learners moved." in hr.get(answer.headers["Location"]).text
    assert board(hr) == {"": [], "a": [], "b": ["20210001", "20210002", "20210003", "20210004"]}
    assert move(hr, "b/20210003", script=False, to="").status_code == 303
    assert board(hr)[""] == ["20210003"]


def test_by_script(hr: Reader, programme: Caller) -> None:
    answer = move(hr, "a/20210001", to="b")
    assert (answer.status_code, answer.json) == (200, {"says": "1 learner moved.", "moved": 1})
    assert programme.get("/v1/programmes/2021/teams/b").json["members"] == [  # type: ignore[index]
        "20210001",
        "20210003",
        "20210004",
    ]
    hr.language = "zh-CN"
    assert move(hr, "b/20210001", to="a").json["says"] == "已调整 1 名学员。"  # type: ignore[index]


def test_from_a_day_on(hr: Reader, programme: Caller) -> None:
    """Points count for the team at their time, so moving for the past moves them."""
    award = {"learner": "20210001", "programme": "2021", "unit": "credits", "amount": 7, "reason": "好"}
    programme.post("/v1/awards", {**award, "time": "2021-10-05T09:00:00+08:00"}, headers={"Idempotency-Key": "t"})
    scores = "/v1/leaderboards?scope=programme:2021&members=teams"

    def first() -> str:
        return str(programme.get(scores).json["rows"][0]["member"]["id"])  # type: ignore[index]

    assert first() == "a"
    assert move(hr, "a/20210001", to="b", from_on="2021-10-01").status_code == 200
    assert first() == "b"
    text = hr.get("/admin/learners/20210001").text
    shown = " ".join(re.sub(r"<[^>]*>", " ", text).split())
    assert "小组a Jul 1, 2021 – Oct 1, 2021 小组b since Oct 1, 2021" in shown


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"from_on": "2023-01-01"}, "must lie within the programme's dates, 2021-07-01 to 2022-06-30."),
        ({"from_on": "someday"}, "must be a date of the calendar such as 2021-07-01."),
    ],
)
def test_a_wrong_day_is_refused(hr: Reader, typed: dict[str, str], says: str) -> None:
    before = board(hr)
    answer = move(hr, "a/20210001", to="b", **typed)
    assert (answer.status_code, answer.json["says"]) == (422, says)  # type: ignore[index]
    page = move(hr, "a/20210001", script=False, to="b", **typed)
    assert page.status_code == 422
    assert says.replace("'", "&#39;") in page.text
    assert re.search(r'value="a/20210001" checked', page.text), "who was chosen stays chosen"
    assert board(hr) == before


def test_two_people_at_the_board(hr: Reader) -> None:
    """Whoever is elsewhere meanwhile is not moved, nor are the others who were to go along."""
    assert move(hr, "a/20210001", to="b").status_code == 200
    answer = move(hr, "a/20210001", "a/20210002", to="")
    assert answer.status_code == 409
    assert answer.json == {"says": "Somebody else has moved them in the meantime.", "now": {"20210001": "b"}}
    assert board(hr)["a"] == ["20210002"]
    hr.language = "zh-CN"
    assert "其他人刚刚调整了他们的小组。" in move(hr, "a/20210001", script=False, to="").text


@pytest.mark.parametrize(
    ("chosen", "to", "status"),
    [
        ([], "b", 422),
        (["a/nobody"], "b", 422),
        (["a/20210001", "a/20210001"], "b", 200),
        (["a/20210001"], "nowhere", 404),
        (["\x00"], "b", 422),
        (["a/20210001"], "a", 200),
    ],
)
def test_what_cannot_be_moved(hr: Reader, chosen: list[str], to: str, status: int) -> None:
    assert move(hr, *chosen, to=to).status_code == status


def test_a_team_is_made_and_named(hr: Reader, programme: Caller) -> None:
    page = hr.get("/admin/programmes/2021/new-team")
    assert fields(page)["id"] == "team-1"
    assert hr.send("/admin/programmes/2021/new-team", {"id": "team-1", "name": "启航组"}).status_code == 303
    assert fields(hr.get("/admin/programmes/2021/new-team"))["id"] == "team-2"
    page = hr.get(f"{TEAMS}/a")
    assert "20210001" in page.text
    assert hr.send(f"{TEAMS}/a", {**fields(page), "name": "云帆组"}).status_code == 303
    found = programme.get("/v1/programmes/2021/teams/a").json
    assert found is not None
    assert (found["name"], found["members"]) == ("云帆组", ["20210001", "20210002"])
    late = hr.send(f"{TEAMS}/a", {**fields(page), "name": "长风组"})
    assert (late.status_code, "Stands there now: <bdi>云帆组</bdi>" in late.text) == (409, True)
    hr.language = "zh-CN"
    page = hr.send("/admin/programmes/2021/new-team", {"id": "a", "name": "x"})
    assert (page.status_code, wrong(page)) == (409, {"id": "已被使用。"})
    page = hr.send("/admin/programmes/2021/new-team", {"id": "", "name": " "})
    assert wrong(page) == {"id": "不能为空。", "name": "不能为空。"}


def test_what_is_to_come_stands_on_the_board(hr: Reader, programme: Caller) -> None:
    body = {"name": "未来", "starts_on": "2020-01-01", "ends_on": "2199-12-31"}
    assert programme.put("/v1/programmes/2021", body).status_code == 200
    assert move(hr, "a/20210001", to="b", from_on="2199-01-01").status_code == 200
    assert board(hr)["a"] == ["20210001", "20210002"]
    assert "from Jan 1, 2199: 小组b" in hr.get(TEAMS).text
    assert move(hr, "a/20210002", to="", from_on="2199-01-01").status_code == 200
    assert "until Jan 1, 2199" in hr.get(TEAMS).text


def test_without_teams_and_learners(hr: Reader, programme: Caller) -> None:
    programme.put("/v1/programmes/empty", {"name": "空", "starts_on": "2021-07-01", "ends_on": "2022-06-30"})
    assert "There are neither teams nor learners yet." in hr.get("/admin/programmes/empty/teams").text


@pytest.mark.parametrize("path", [TEAMS, f"{TEAMS}/a", "/admin/programmes/2021/new-team"])
def test_another_companys_team_is_not_there(
    hr: Reader, new_company: Callable[..., Caller], new_reader: Callable[[str], Reader], path: str
) -> None:
    other = new_reader(new_company().company_key)
    other.user("hr", "hr")
    other.become("hr")
    assert (hr.get(path).status_code, other.get(path).status_code) == (200, 404)
    assert other.send(MOVES, {"learner": "a/20210001", "to": "b"}, page="/admin/company").status_code == 404
