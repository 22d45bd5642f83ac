"""Reports on pages: what they say is what is booked, as text, in both languages; as CSV; only the company's own."""

import csv
import io
import re
from collections.abc import Callable
from itertools import pairwise

import pytest

from api.pages.admin.reports import charts
from api.pages.admin.reports.charts import Bar, Box, Cell, Line
from api.pages.admin.reports.drawing import Chart
from tests.api.conftest import Caller
from tests.web.conftest import Reader

MARKUP = "<script>alert('x')</script>\u202e"
ROOT = "/admin/programmes/2021/reports"
PAGES = ("", "/time", "/time?view=each&by=course&unit=flowers", "/distribution", "/departments", "/givers", "/events")
PAGES += ("/givers/li",)


@pytest.fixture
def bank(programme: Caller) -> Caller:
    path = "/v1/programmes/2021"
    programme.put("/v1/learners/20210001", {"name": MARKUP, "department": "=1+1"})
    programme.put(f"{path}/awarders/li", {"name": f"李老师{MARKUP}", "role": "trainer", "allowances": {"service": 50}})
    time = "2021-07-10T09:00:00+08:00"
    for number, award in enumerate(
        [
            {"learner": "20210001", "unit": "credits", "amount": 40, "reason": "a"},
            {"learner": "20210003", "unit": "credits", "amount": 2, "reason": "b"},
            {
                "learner": "20210001",
                "unit": "flowers",
                "course": "service",
                "awarder": "li",
                "amount": 7,
                "reason": "c",
            },
        ]
    ):
        given = {"programme": "2021", "time": time, **award}
        answer = programme.post("/v1/awards", given, headers={"Idempotency-Key": f"reports-{number}"})
        assert answer.status_code == 201, answer.text
    return programme


@pytest.fixture
def hr(bank: Caller, reader: Reader) -> Reader:
    reader.user("hr", "hr")
    return reader.become("hr")


def text(page: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())


def rows(reader: Reader, path: str) -> list[list[str]]:
    answer = reader.get(ROOT + path)
    assert answer.status_code == 200, answer.text
    return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))


def test_figures_are_those_that_were_booked(hr: Reader) -> None:
    said = text(hr.get(ROOT).text)
    for shown in ("Credits earned 42", "Red flowers earned 7", "Learners 4", "Share taking part 50%"):
        assert shown in said
    assert "小组a 40" in text(hr.get(f"{ROOT}/time").text)
    said = text(hr.get(f"{ROOT}/distribution").text)
    assert "Mean 10.5" in said
    assert "Median 1" in said
    said = text(hr.get(f"{ROOT}/givers").text)
    assert "7 flowers were earned in all: 7 by hand, 0 by rules and prizes." in said
    assert "Too few to say" in said
    assert "A line around a cell" not in said, "none has one"
    assert "40.0 7.0 2.0" in text(hr.get(f"{ROOT}/departments").text), "means line up"
    assert "Given by hand award.given 3 2 42 7" in text(hr.get(f"{ROOT}/events").text)


def test_filters(hr: Reader) -> None:
    assert "小组b 2" in text(hr.get(f"{ROOT}/time?team=b").text)
    assert "小组a 40" not in text(hr.get(f"{ROOT}/time?team=b").text)
    assert "Nothing has been earned" in hr.get(f"{ROOT}/time?from=2021-07-11").text
    assert rows(hr, "/events.csv?to=2021-07-09")[1:] == []
    assert [row[4] for row in rows(hr, "/distribution.csv?unit=flowers&course=service")[1:]] == ["7", "0", "0", "0"]
    for query in ("from=x", "from=2021-08-01&to=2021-07-01", "to=9999-12-31"):
        answer = hr.get(f"{ROOT}/time?{query}")
        assert answer.status_code == 200
        assert 'role="alert"' in answer.text
    for path in ("/time?team=z", "/time?course=z", "/givers/z"):
        assert hr.get(ROOT + path).status_code == 404


@pytest.mark.parametrize("path", PAGES)
def test_names_are_text_and_nothing_is_inline(hr: Reader, path: str) -> None:
    for language in ("en", "zh"):
        hr.language = language
        page = hr.get(ROOT + path).text
        assert "<script>alert" not in page
        assert not re.search(r"<[^>]* style=|<style|<script(?! type=\"module\" src=)", page)
        assert page.count('role="img"') % 2 == 0
    assert "%(" not in page


def test_in_chinese_everything_is(hr: Reader) -> None:
    hr.language = "zh"
    allowed = {"script", "alert", "CSV", "api", "test", "award", "given", "English", "Asia", "Shanghai"}
    for path in PAGES:
        said = text(hr.get(ROOT + path).text)
        assert set(re.findall(r"[A-Za-z]{3,}", said)) <= allowed, path


def test_csv_says_the_same_and_holds_no_formula(hr: Reader) -> None:
    found = rows(hr, "/distribution.csv")
    assert found[1][:5] == ["20210001", MARKUP, "'=1+1", "小组a", "40"]
    assert {row[1]: row[3:] for row in rows(hr, "/time.csv")[1:]} == {"a": ["40", "40"], "b": ["2", "2"]}
    departments = sorted(row[:5] for row in rows(hr, "/departments.csv")[1:])
    assert departments == [["", "3", "1", "2", "0"], ["'=1+1", "1", "1", "40", "7"]]
    assert rows(hr, "/events.csv")[1] == ["award.given", "3", "2", "42", "7", "3"]
    assert rows(hr, "/givers.csv")[1][2:] == ["Trainer", "小组a", "7", "1", "0"]
    assert rows(hr, "/givers/li/learners.csv")[1:] == [["20210001", MARKUP, "小组a", "7", "1"]]
    assert len(rows(hr, "/silent.csv?days=7")) == 5


def test_an_empty_programme_says_so(programme: Caller, reader: Reader) -> None:
    reader.user("hr", "hr")
    reader.become("hr")
    assert "Nothing has been earned" in reader.get(f"{ROOT}/time").text
    assert "Nothing has been earned" in reader.get(f"{ROOT}/distribution").text
    assert "Nothing has happened" in reader.get(f"{ROOT}/events").text
    assert "no awarders yet" in reader.get(f"{ROOT}/givers").text
    assert reader.get(f"{ROOT}/departments").status_code == 200


def test_another_companys_programme_is_not_there(
    bank: Caller, new_company: Callable[..., Caller], new_reader: Callable[[str], Reader]
) -> None:
    other = new_reader(new_company().company_key)
    other.user("hr", "hr")
    other.become("hr")
    for path in (*PAGES, "/time.csv", "/givers.csv"):
        assert other.get(ROOT + path).status_code == 404


LINES = [Line(f"{MARKUP}{n}", f"var(--hue-{n})", [n, n + 1.5, 3]) for n in (1, 2)]


@pytest.mark.parametrize(
    "drawn",
    [
        lambda: charts.lines("s", LINES, ["1", "it's \\", "3"]),
        lambda: charts.lines("s", [Line("one", "var(--hue-1)", [-4.0])], ["1"]),
        lambda: charts.columns("s", LINES, ["1", "2", "3"]),
        lambda: charts.histogram("s", [(0, 10, 1), (10, 20, 5)], 12, MARKUP),
        lambda: charts.bars("s", [Bar(MARKUP, 3, MARKUP, "var(--hue-1)"), Bar(MARKUP, 0, "0", "var(--hue-1)")]),
        lambda: charts.boxes("s", [Box(MARKUP, (1, 2, 3, 4, 5), "3"), Box(MARKUP, (1, 1, 1, 1, 1), "1")]),
        lambda: charts.heat("s", [MARKUP], ["a", "b"], [Cell(MARKUP, "a", 1, MARKUP, True)]),
    ],
)
def test_charts_are_drawn_without_markup_of_the_data_and_without_style(drawn: Callable[[], Chart]) -> None:
    chart = drawn()
    for svg in (chart.wide, chart.narrow):
        assert svg.startswith('<svg viewBox="0 0 ')
        assert svg.count("<text") > 0
        assert "NaN" not in svg
        assert not re.search(r"<script|<style|style=|href=|<image", svg)


def test_labels_stand_apart() -> None:
    places = charts._apart([10, 10, 10.5, 30], 4)
    ordered = sorted(places)
    assert all(b - a >= 4 - 1e-9 for a, b in pairwise(ordered))
    assert places[3] == 30


def test_two_of_the_same_name_stay_two() -> None:
    assert charts.distinct(["a", "b", "a"]) == ["a", "b", "a (2)"]
