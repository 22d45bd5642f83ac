"""The journal as HR searches it, one entry with all that it says, and its reversal."""

import csv
import io
import re
from collections.abc import Callable

import pytest

from api.pages.admin.entries import finding
from ledger import entries
from ledger.identity import entry_id
from tests.api.conftest import Caller
from tests.web.conftest import Reader

MARKUP = "<script>alert('x')</script>"
RULES = [
    {
        "key": "present",
        "name": {"zh": "出勤", "en": "Attendance"},
        "on": "attendance.present",
        "award": {"unit": "credits", "amount": 2},
    }
]


@pytest.fixture
def bank(programme: Caller) -> Caller:
    """An event of 20210001, flowers to the same learner, whose name is markup, and credits to a team of two."""
    programme.put("/v1/learners/20210001", {"name": MARKUP})
    programme.put("/v1/programmes/2021/rulebook/draft", {"earning": RULES})
    programme.post("/v1/programmes/2021/rulebook/draft/activate")
    giver = {"name": "李老师", "role": "trainer", "allowances": {"service": 10}}
    programme.put("/v1/programmes/2021/awarders/li:1", giver)
    event = {"specversion": "1.0", "id": "e1", "source": "urn:gate", "type": "attendance.present"}
    event |= {"subject": "20210001", "time": "2021-07-10T09:00:00+08:00"}
    data = {"programme": "2021", "course": "service", "marks": [{"score": 90, "good": True}]}
    assert programme.event({**event, "data": data}).status_code in (200, 201)
    flowers = {"learner": "20210001", "unit": "flowers", "course": "service", "awarder": "li:1", "amount": 3}
    for number, award in enumerate(
        ({**flowers, "reason": f"=好{MARKUP}"}, {"team": "b", "unit": "credits", "amount": 5, "reason": "PK"})
    ):
        answer = programme.post("/v1/awards", {"programme": "2021", **award}, headers={"Idempotency-Key": f"a{number}"})
        assert answer.status_code in (200, 201), answer.text
    return programme


@pytest.fixture
def hr(bank: Caller, reader: Reader) -> Reader:
    reader.user("hr", "hr")
    return reader.become("hr")


def numbers(page: str) -> list[int]:
    return [int(found) for found in re.findall(r'<a class="number" href="/admin/entries/(\d+)"', page)]


def number(bank: Caller, query: str) -> int:
    found: int = bank.get(f"/v1/entries?{query}").json["items"][0]["number"]
    return found


def text(page: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", page.partition('<div class="sheet">')[2]).split())


EVENT, FLOWERS, TEAM = "kind=attendance.present", "kind=award.given&course=service", "kind=award.given&team=b"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("learner=20210001", [FLOWERS, EVENT]),
        ("learner=alert", [FLOWERS, EVENT]),
        ("learner=20210003", [TEAM]),
        ("learner=20210003&kind=attendance.present", []),
        ("kind=attendance.present", [EVENT]),
        ("kind=nothing", []),
        ("source=urn:gate", [EVENT]),
        ("source=urn:gate&key=e1", [EVENT]),
        ("key=e1", [EVENT]),
        ("programme=2021&awarder=li:1&kind=award.given", [FLOWERS]),
        ("programme=2021&course=service&kind=award.given", [FLOWERS]),
        ("programme=2020", []),
        ("to=2021-07-10&source=urn:gate", [EVENT]),
        ("to=2021-07-09&source=urn:gate", []),
        ("from=2021-07-10&to=2021-07-10&source=urn:gate", [EVENT]),
        ("from=2021-07-11&source=urn:gate", []),
    ],
)
def test_what_is_searched_for_is_found(hr: Reader, bank: Caller, query: str, expected: list[str]) -> None:
    """Days are those of the company, in Shanghai."""
    page = hr.get(f"/admin/entries?{query}").text
    wanted = [number(bank, each) for each in expected]
    assert numbers(page) == wanted
    assert wanted or "No entry is like that." in page
    rows = list(csv.reader(io.StringIO(hr.get(f"/admin/entries.csv?{query}").data.decode("utf-8-sig"))))
    assert list(dict.fromkeys(int(row[0]) for row in rows[1:])) == wanted
    assert "<script>alert" not in page


def test_what_is_wrong_stands_beside_its_field(hr: Reader) -> None:
    for query, fault in (
        ("learner=nobody", "Nobody has this ID or name."),
        ("from=yesterday", "Enter a day, such as 2022-06-30."),
        ("to=0001-01-01", "Enter a day, such as 2022-06-30."),
    ):
        page = hr.get(f"/admin/entries?{query}").text
        assert fault in page
        assert f'value="{query.partition("=")[2]}"' in page, "what was typed stays"
        assert len(hr.get(f"/admin/entries.csv?{query}").data.splitlines()) == 1
    assert hr.get("/admin/entries?cursor=x").status_code == 404


def test_a_name_that_several_have_is_asked_for(hr: Reader) -> None:
    page = hr.get("/admin/entries?learner=2021").text
    assert "Which learner do you mean?" in page
    assert re.findall(r"learner=(2021\d+)", page) == [f"2021000{n}" for n in range(1, 5)]


def test_pages_hold_each_entry_once(hr: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    every = numbers(hr.get("/admin/entries").text)
    monkeypatch.setattr(finding, "ENTRIES", 2)
    monkeypatch.setattr(finding, "CSV_TOGETHER", 2)
    found, path = [], "/admin/entries"
    while path:
        page = hr.get(path).text
        found += numbers(page)
        older = re.search(r'href="([^"]*)" rel="next"', page)
        path = older[1].replace("&amp;", "&") if older else ""
    assert found == every
    assert found == sorted(found, reverse=True)
    rows = list(csv.reader(io.StringIO(hr.get("/admin/entries.csv").data.decode("utf-8-sig"))))
    assert list(dict.fromkeys(int(row[0]) for row in rows[1:])) == every
    monkeypatch.setattr(finding, "MOST_IN_CSV", 3)
    last = list(csv.reader(io.StringIO(hr.get("/admin/entries.csv").data.decode("utf-8-sig"))))[-1]
    assert last == ["Older entries are left out: narrow the search."]


def test_a_search_stops_after_so_many_and_can_be_gone_on_with(
    hr: Reader, bank: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entries, "LOOKED_THROUGH", 2)
    page = hr.get("/admin/entries?kind=attendance.present").text
    assert numbers(page) == []
    assert "Nothing like that between the newest entry and number" in text(page)
    for _ in range(9):
        older = re.search(r'href="([^"]*)" rel="next"', page)
        assert older is not None
        assert "Look further back" in page
        page = hr.get(older[1].replace("&amp;", "&")).text
        if numbers(page):
            break
    assert numbers(page) == [number(bank, EVENT)]
    assert numbers(hr.get("/admin/entries?learner=20210001").text), "by an index there is no bound"


def test_no_cell_of_the_csv_is_a_formula(hr: Reader, bank: Caller) -> None:
    rows = list(csv.DictReader(io.StringIO(hr.get("/admin/entries.csv?learner=20210001").data.decode("utf-8-sig"))))
    assert [row["Reason"] for row in rows] == [f"'=好{MARKUP}", ""]
    assert [(row["Amount"], row["Out of"], row["Into"]) for row in rows] == [
        ("3", "Allowance of 李老师", f"Holding of {MARKUP}"),
        ("2", "Pool of the programme", f"Holding of {MARKUP}"),
    ]


def test_one_entry_says_all(hr: Reader, bank: Caller) -> None:
    at = number(bank, EVENT)
    page = hr.get(f"/admin/entries/{at}").text
    said = text(page)
    for shown in (
        "Attendance",
        "2 credits Pool of the programme Holding of",
        "marks › 1 › score 90",
        "marks › 1 › good true",
        "Source urn:gate",
        "Event ID e1",
        entry_id(bank.company_id, at),
        "Happened Jul 10, 2021, 9:00:00",
    ):
        assert shown in said, shown
    assert "<script>alert" not in page
    team = text(hr.get("/admin/entries").text)
    assert "+5 × 2 credits" in team
    assert hr.get(f"/admin/entries?number={at}").headers["Location"] == f"/admin/entries/{at}"


def test_a_reversal(hr: Reader, bank: Caller) -> None:
    at = number(bank, FLOWERS)
    address = f"/admin/entries/{at}"
    refused = hr.send(f"{address}/reversal", {"reason": "", "key": "k"}, page=address)
    assert refused.status_code == 422
    assert "must not be empty." in refused.text
    done = hr.send(f"{address}/reversal", {"reason": "错", "key": "k"}, page=address)
    assert (done.status_code, done.headers["Location"]) == (303, f"{address}?done=reversed")
    page = hr.get(done.headers["Location"]).text
    by = at + 2
    assert "Reversed. Everything that it moved has gone back." in page
    assert f'href="/admin/entries/{by}"' in page
    assert hr.send(f"{address}/reversal", {"reason": "错", "key": "k"}, page="/admin").status_code == 303
    assert len(numbers(hr.get("/admin/entries?kind=reversal").text)) == 1, "the same form reverses once"
    again = hr.send(f"{address}/reversal", {"reason": "错", "key": "other"}, page="/admin")
    assert again.status_code == 422
    assert "It is reversed already." in again.text
    assert bank.get("/v1/accounts/allowance:li:1:service").json["balance"] == 10


def test_what_cannot_be_reversed_says_why(hr: Reader, bank: Caller) -> None:
    flowers = number(bank, FLOWERS)
    bank.post(f"/v1/entries/{entry_id(bank.company_id, flowers)}/reversal", {"reason": "x"})
    for at, why in (
        (number(bank, "kind=reversal"), "It is a reversal itself."),
        (flowers, "It is reversed already."),
        (number(bank, "kind=programme.allotted"), "It follows from an allotment"),
        (number(bank, "kind=allowance.given"), "It follows from an allotment"),
    ):
        page = hr.get(f"/admin/entries/{at}").text
        assert why in page
        assert 'data-opens="reverse"' not in page
        answer = hr.send(f"/admin/entries/{at}/reversal", {"reason": "x", "key": "k"}, page="/admin")
        assert (answer.status_code, why in answer.text) == (422, True)


def test_flowers_of_a_closed_course_are_no_longer_there(hr: Reader, bank: Caller) -> None:
    conversion = {"flowers_per_credit": 1, "round": "down", "remainder": "expire"}
    bank.put("/v1/programmes/2021/rulebook/draft", {"earning": RULES, "conversion": conversion})
    bank.post("/v1/programmes/2021/rulebook/draft/activate")
    assert bank.post("/v1/programmes/2021/courses/service/close").status_code == 200
    at = number(bank, FLOWERS)
    page = hr.send(f"/admin/entries/{at}/reversal", {"reason": "x", "key": "k"}, page=f"/admin/entries/{at}")
    assert page.status_code == 422
    said = text(page.text)
    assert "has 0 left, and 3 are needed." in said
    assert "The course is closed, and its flowers became credits" in said


def test_of_others_there_is_nothing(
    hr: Reader, bank: Caller, new_company: Callable[..., Caller], new_reader: Callable[[str], Reader]
) -> None:
    at = number(bank, EVENT)
    stranger = new_reader(new_company().company_key)
    stranger.user("hr", "hr")
    stranger.become("hr")
    assert "Nothing has been booked yet." in stranger.get("/admin/entries").text
    for path in (f"/admin/entries/{at}", "/admin/entries/0", f"/admin/entries/{10**30}", "/admin/entries/x"):
        assert stranger.get(path).status_code == 404, path
    gone = stranger.send(f"/admin/entries/{at}/reversal", {"reason": "x", "key": "k"}, page="/admin")
    assert gone.status_code == 404
    assert hr.get(f"/admin/entries/{10**9}").status_code == 404


IDS = re.compile(
    "attendance|present|award|awards|given|service|amount|awarder|course|flowers|learner|programme|reason|unit|pointsbank|"
    "team|time|null|allotted|allowance|credits|source"
)
"""Of kinds, sources and members of data, which are the same in any language."""

UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
"""An entry's ID, of which one in some dozens has four letters in a row."""


def test_in_chinese_everything_is(hr: Reader, bank: Caller) -> None:
    hr.language = "zh"
    for path in ("/admin/entries", f"/admin/entries/{number(bank, FLOWERS)}", "/admin/entries?learner=20210001"):
        words = set(re.findall(r"[A-Za-z]{4,}", UUID.sub("", text(hr.get(path).text)))) - {"script", "alert"}
        assert {word for word in words if not IDS.fullmatch(word)} == set(), path
