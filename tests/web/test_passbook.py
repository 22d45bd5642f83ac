"""A learner's passbook: what is booked stands there, as text, and nobody else's does."""

import csv
import io
import re
from collections.abc import Callable

import pytest

from api.pages import csv_files, garden, passbook
from pointsbank.matches import settling
from tests.api.conftest import Caller
from tests.api.issued import Issuer
from tests.web.conftest import Reader

MARKUP = "<script>alert('x')</script>"
RULEBOOK = {
    "earning": [
        {
            "key": "present",
            "name": {"zh": "出勤", "en": "Attendance"},
            "on": "attendance.present",
            "award": {"unit": "credits", "amount": 2},
        }
    ],
    "certificates": [
        {
            "key": "points",
            "kind": "points",
            "name": {"zh": "积分证", "en": "Points certificate"},
            "criteria": {
                "all": [
                    {"fact": "credits", "in": "programme", "at_least": 10},
                    {"fact": "flowers", "in": "course:service", "at_least": 1},
                ]
            },
        }
    ],
}


@pytest.fixture
def bank(programme: Caller) -> Caller:
    """Li Lei has 7 credits and 3 flowers; Han Meimei, of the same team, 20 credits."""
    path = "/v1/programmes/2021"
    programme.put("/v1/learners/20210001", {"name": MARKUP})
    assert programme.put(f"{path}/rulebook/draft", RULEBOOK).status_code == 200
    assert programme.post(f"{path}/rulebook/draft/activate").status_code in (200, 201)
    giver = {"name": f"李老师{MARKUP}", "role": "trainer", "allowances": {"service": 10}}
    assert programme.put(f"{path}/awarders/li", giver).status_code in (200, 201)
    event = {"specversion": "1.0", "id": "1", "source": "urn:gate", "type": "attendance.present"}
    event |= {"subject": "20210001", "time": "2021-07-10T09:00:00+08:00"}
    programme.event({**event, "data": {"programme": "2021", "course": "service"}})
    for key, award in enumerate(
        [
            {"learner": "20210001", "unit": "credits", "amount": 5, "reason": f"=复盘{MARKUP}"},
            {
                "learner": "20210001",
                "unit": "flowers",
                "course": "service",
                "awarder": "li",
                "amount": 3,
                "reason": "好",
            },
            {"learner": "20210002", "unit": "credits", "amount": 20, "reason": "复盘"},
        ]
    ):
        given = {"programme": "2021", **award}
        answer = programme.post("/v1/awards", given, headers={"Idempotency-Key": f"passbook-{key}"})
        assert answer.status_code in (200, 201), answer.text
    return programme


@pytest.fixture
def learner(bank: Caller, reader: Reader) -> Reader:
    reader.user("li.lei", "learner", learner="20210001", shown=MARKUP)
    return reader.become("li.lei")


def text(page: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())


def cells(page: str) -> list[list[str]]:
    rows = re.findall(r"<tr role=\"row\">(.*?)</tr>", page, re.DOTALL)[1:]
    return [[text(cell) for cell in re.findall(r"<t[dh].*?</t[dh]>", row, re.DOTALL)] for row in rows]


def test_what_is_booked_stands_there_and_adds_up(learner: Reader) -> None:
    page = learner.get("/me").text
    rows = cells(page)
    assert [row[4:] for row in rows] == [["+5", "Balance 7"], ["+2", "Balance 2"]]
    assert rows[1][:4] == ["Jul 10, 2021", "Attendance 服务", "By rule", "Attendance"]
    said = text(page)
    for shown in (
        "Available credits 7",
        "Red flowers earned 3",
        "13 credits to rank 1",
        "Attendance",
        "服务 3 flowers",
    ):
        assert shown in said
    assert "2 of 4 2021届训练营" in said
    assert "2 of 2 小组a" in said
    assert "3 credits short (7 so far)" in said
    assert "1 of 2 met" in said


def test_in_chinese_everything_is(learner: Reader) -> None:
    learner.language = "zh"
    said = text(learner.get("/me").text)
    for shown in ("可用积分 7", "再得 13 积分升至第 1 名", "还差 3 积分", "3 朵小红花", "出勤", "2021年7月10日"):
        assert shown in said
    words = set(re.findall(r"[A-Za-z]{3,}", said.replace("English", "")))
    assert words <= {"script", "alert", "CSV", "api", "test"}, "but for the company, nothing is left in English"


def test_names_reasons_and_givers_are_text(learner: Reader) -> None:
    for path in ("/me", "/me?unit=flowers:service"):
        page = learner.get(path).text
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;" in page
    assert cells(page)[0][2].startswith("李老师")


@pytest.mark.parametrize(
    ("query", "amounts"),
    [
        ("", ["+5", "+2"]),
        ("moves=in", ["+5", "+2"]),
        ("moves=out", []),
        ("to=2021-07-10", ["+2"]),
        ("to=2021-07-09", []),
        ("from=2021-07-10&to=2021-07-10", ["+2"]),
        ("from=2021-07-11", ["+5"]),
        ("from=nonsense", ["+5", "+2"]),
        ("from=0001-01-01&to=9999-12-31", ["+5", "+2"]),
        ("unit=flowers:service", ["+3"]),
        ("unit=credits&programme=2021", ["+5", "+2"]),
    ],
)
def test_filters(learner: Reader, query: str, amounts: list[str]) -> None:
    """Days are those of the company, in Shanghai."""
    page = learner.get(f"/me?{query}").text
    assert [row[4] for row in cells(page)] == amounts
    assert amounts or "No entry fits that." in page
    rows = list(csv.reader(io.StringIO(learner.get(f"/me/passbook.csv?{query}").data.decode("utf-8-sig"))))
    assert [f"+{row[6]}" for row in rows[1:]] == amounts


@pytest.mark.parametrize(
    "query", ["unit=nothing", "unit=flowers:", "programme=2020", "cursor=WzFd", "cursor=x", "unit=%00"]
)
def test_what_there_is_not_is_not_found(learner: Reader, query: str) -> None:
    assert learner.get(f"/me?{query}").status_code == 404


def test_pages_by_cursor_hold_each_line_once(learner: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passbook, "LINES", 1)
    monkeypatch.setattr(passbook, "CSV_LINES", 1)
    first = learner.get("/me").text
    older = re.search(r'href="([^"]*)#lines" rel="next"', first)
    assert older is not None
    second = learner.get(older[1].replace("&amp;", "&")).text
    assert [row[4:] for row in cells(first) + cells(second)] == [["+5", "Balance 7"], ["+2", "Balance 2"]]
    assert 'rel="next"' not in second
    assert len(learner.get("/me/passbook.csv").data.splitlines()) == 3


def test_no_cell_of_the_csv_is_a_formula(learner: Reader) -> None:
    answer = learner.get("/me/passbook.csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="passbook.csv"'
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert rows[0] == ["Entry", "Time", "Reason", "Given by", "Rule", "Course", "Amount", "Balance"]
    assert rows[1][2] == f"'=复盘{MARKUP}"
    for start in ("=", "+", "-", "@", "\t", "\r"):
        assert csv_files.cell(f"{start}1") == f"'{start}1"


def test_who_takes_part_in_nothing_is_told_so(bank: Caller, reader: Reader) -> None:
    bank.put("/v1/learners/new", {"name": "新人"})
    reader.user("new", "learner", learner="new")
    answer = reader.become("new").get("/me")
    assert answer.status_code == 200
    for shown in ("You take part in no programme yet.", "The programme names no certificates yet.", "Nothing here."):
        assert shown in answer.text


def test_where_nobody_has_anything_nobody_is_first(programme: Caller, reader: Reader) -> None:
    reader.user("li.lei", "learner", learner="20210001")
    page = reader.become("li.lei").get("/me").text
    assert "Nobody has earned credits yet" in page
    assert "Nobody is ahead of you" not in page


def test_what_is_missing_is_called_as_the_rules_call_it(bank: Caller, reader: Reader) -> None:
    """Not where a rule is for some of the events only."""
    some = {"key": "some", "name": {"zh": "全勤", "en": "Always there"}, "on": "week.full", "when": "data.days == 5"}
    earning = [*RULEBOOK["earning"], {**some, "award": {"unit": "credits", "amount": 2}}]
    asked = [{"fact": "events", "type": kind, "at_least": 9} for kind in ("attendance.present", "week.full")]
    rulebook = {
        **RULEBOOK,
        "earning": earning,
        "certificates": [{**RULEBOOK["certificates"][0], "criteria": {"all": asked}}],
    }
    assert bank.put("/v1/programmes/2021/rulebook/draft", rulebook).status_code == 200
    assert bank.post("/v1/programmes/2021/rulebook/draft/activate").status_code in (200, 201)
    reader.user("li.lei", "learner", learner="20210001")
    page = text(reader.become("li.lei").get("/me").text)
    assert "events “Attendance”: at least 9 in the programme: 8 events short (1 so far)" in page
    assert "events week.full: at least 9 in the programme: 9 events short (0 so far)" in page
    reader.language = "zh"
    assert "本项目“出勤”不少于 9 次：还差 8 次（现有 1）" in text(reader.get("/me").text)


def test_certificates_are_downloaded_by_their_holder_alone(
    learner: Reader, bank: Caller, new_reader: Callable[[str], Reader]
) -> None:
    issuer = Issuer(bank, learner.database)
    number = issuer.issue(issuer.content())
    page = learner.get("/me").text
    assert number in page
    assert f"/verify/{number}" in page
    answer = learner.get(f"/me/certificates/{number}.json")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{number}.json"'
    assert learner.get(f"/me/certificates/{number}.pdf").data.startswith(b"%PDF-")
    assert learner.get(f"/me/certificates/{number}.png").data.startswith(b"\x89PNG")
    assert learner.get(f"/me/certificates/{number}.exe").status_code == 404
    learner.user("han", "learner", learner="20210002")
    other = new_reader(learner.company_key).become("han")
    assert number not in other.get("/me").text
    assert other.get(f"/me/certificates/{number}.json").status_code == 404


def test_the_garden_has_a_flower_for_each_and_is_the_same_each_time() -> None:
    for earned in (0, 1, 7, garden.MOST_DRAWN, 1_000):
        bed = garden.bed("课", "flowers:x", earned, 0, False)
        assert len(bed.blooms) == min(earned, garden.MOST_DRAWN)
        assert bed == garden.bed("课", "flowers:x", earned, 0, False)
        for bloom in bed.blooms:
            assert 12 < bloom.x < garden.WIDTH - 12
            assert 78 < bloom.y < garden.HEIGHT


def test_what_is_available_is_what_was_earned_and_what_came_for_flowers(learner: Reader, bank: Caller) -> None:
    """A prize of a match is earned; credits for flowers are not, and stand beside it."""
    path = "/v1/programmes/2021"
    assert "Available credits 7 Earned, prizes of matches included 7 Red flowers" in text(learner.get("/me").text)
    match = {"name": "PK", "teams": ["a", "b"], "unit": "credits", "prize": {"unit": "credits", "amount": 4}}
    times = {"starts_at": "2021-07-10T00:00:00+08:00", "ends_at": "2021-07-11T00:00:00+08:00"}
    assert bank.put(f"{path}/matches/pk", {**match, **times, "grace_seconds": 0}).status_code == 201
    settling.settle_due(learner.database)
    assert bank.put(f"{path}/rulebook/draft", {**RULEBOOK, "conversion": {"flowers_per_credit": 1}}).status_code == 200
    assert bank.post(f"{path}/rulebook/draft/activate").status_code in (200, 201)
    assert bank.post(f"{path}/courses/service/close", {}).status_code == 200
    said = text(learner.get("/me").text)
    assert "Available credits 14 Earned, prizes of matches included 11 For red flowers +3 Red flowers earned 3" in said
