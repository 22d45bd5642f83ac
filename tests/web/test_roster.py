"""Rosters from the upload to the directory: nothing is written before it is confirmed, and nothing twice."""

import re
import tracemalloc
from collections.abc import Callable

import orjson
import pytest

from api.pages.admin.roster import upload
from pointsbank.directory import enrolments, learners, programmes
from pointsbank.rosters import columns, grids, kept, taking
from pointsbank.rosters.kept import Terms
from pointsbank.rosters.taking import Roster
from pointsbank.users import people
from rules.simulation.progress import Progress
from tests.web.conftest import Reader
from tests.web.roster_desk import AT, TOKEN, Desk, desk_of_hr  # noqa: F401 - a fixture
from tests.web.roster_files import HEADER, changed, delimited, learner, of, workbook

NDJSON = "application/x-ndjson"
SHEET = of(learner())
FIGURES = re.compile(r"<dt>([^<]+)</dt><dd>([\d,]+)</dd>")


@pytest.mark.parametrize(
    ("separator", "encoding"),
    [(",", "utf-8"), (",", "utf-8-sig"), (";", "gb18030"), ("\t", "utf-16"), ("，", "gbk"), ("|", "utf-8")],
)
def test_csv_in_any_encoding_with_any_separator(desk: Desk, separator: str, encoding: str) -> None:
    rows = [HEADER, learner(department='"客服\n中心"'), learner(id="2", email=None, name="李静")]
    address = desk.check(delimited(rows, separator, encoding), "名单.csv")
    text = desk.reader.get(address).text
    assert ("It was read as GB18030" in text) == encoding.startswith("gb")
    assert desk.take(address).status_code == 303
    there = desk.knows("20220001", "2")
    assert there["20220001"].learner.department == "客服 中心"
    assert there["2"].learner.name == "李静"


def test_a_roster_from_upload_to_the_directory(desk: Desk) -> None:
    desk.caller.put("/v1/learners/1", {"name": "张三", "department": "客服", "email": "zhang@example.com"})
    desk.caller.put("/v1/learners/9", {"name": "不在表里"})
    desk.caller.put("/v1/programmes/2021/teams/old", {"name": "老组", "members": ["1", "9"]})
    title = ["2022届名单", *[None] * 6]
    moved = learner(id="1", name="张三", team="新组", department=None, email=None)
    content = workbook([title, [], HEADER, moved, learner(), learner(id="3", name="李", team="老组", email="x")])
    address = desk.check(content)
    page = desk.reader.get(address).text
    figures = FIGURES.findall(page)
    assert dict(figures) == {
        "Rows": "3", "New learners": "1", "Changed": "1", "As they are": "0", "With faults": "1", "With warnings": "1",
        "To be enrolled": "1", "Into a team": "1", "To another team": "1",
    }  # fmt: skip
    assert "<del><bdi>老组</bdi></del> <ins><bdi>新组</bdi></ins>" in page
    answer = desk.take(address)
    assert (answer.status_code, "Tick this" in answer.text) == (422, True)
    assert desk.knows("20220001") == {}
    assert desk.take(address, leave_out_faulty="1").headers["Location"] == f"{address}?taken=1"
    there = desk.knows("1", "3", "9", "20220001")
    assert sorted(there) == ["1", "20220001", "9"]
    assert (there["1"].learner.department, there["1"].learner.email) == ("客服", "zhang@example.com"), (
        "empty changes nothing"
    )
    assert (there["1"].team, there["9"].team) == ("新组", "old"), "who is not in the file, stays"
    assert there["20220001"].is_enrolled
    left_out = desk.reader.get(f"{address}/left-out.csv").data.decode("utf-8-sig")
    assert left_out.splitlines()[1].startswith("3,李,客服中心,老组,x,2022-07-01,,6,")
    again = desk.check(content)
    assert 'name="mark"' in desk.reader.get(again).text
    assert dict(FIGURES.findall(desk.reader.get(again).text))["As they are"] == "2"


def test_confirming_twice_writes_once(desk: Desk) -> None:
    address = desk.check(SHEET)
    assert desk.take(address).status_code == 303
    before = desk.caller.get("/v1/learners/20220001").json
    desk.caller.put("/v1/learners/20220001", {"name": "改名"})
    assert desk.take(address).headers["Location"] == f"{address}?taken=1"
    assert (before or {})["name"] == "陈思远"
    assert desk.knows("20220001")["20220001"].learner.name == "改名"


def test_the_preview_that_was_seen_is_what_counts(desk: Desk) -> None:
    desk.caller.put("/v1/learners/20220001", {"name": "陈思远"})
    address = desk.check(SHEET)
    desk.caller.put("/v1/learners/20220001", {"name": "陈思远", "department": "别处"})
    answer = desk.take(address)
    assert answer.headers["Location"] == f"{address}?again=1"
    assert desk.knows("20220001")["20220001"].learner.department == "别处"
    desk.look(address)
    assert "<del><bdi>别处</bdi></del>" in desk.reader.get(address).text
    desk.caller.put("/v1/learners/somebody-else", {"name": "无关"})
    assert desk.take(address).headers["Location"] == f"{address}?taken=1"


def test_what_was_interrupted_is_gone_on_with_and_what_changed_meanwhile_is_left_alone(desk: Desk) -> None:
    rows = [learner(id=f"{number:05}", email=None) for number in range(2_500)]
    address = desk.check(of(*rows))
    mark = re.search(r'name="mark" value="(\w+)"', desk.reader.get(address).text)
    assert mark is not None
    company_id, no = desk.reader.company_id, int(address.rpartition("/")[2])
    with desk.reader.database.snapshot(company_id) as session:
        roster = Roster("2021", people.get(session, "hr").no, no)
    steps = taking.take(desk.reader.database, company_id, roster, Terms(False, None), mark[1])
    assert next(steps) == Progress("writing", 1_000, 2_500)
    steps.close()  # as if the process had been killed
    page = desk.reader.get(address).text
    assert "1,000 of 2,500 rows are written." in page
    assert len(desk.knows(*(f"{number:05}" for number in range(2_500)))) == 1_000
    desk.caller.put("/v1/learners/02000", {"name": "别人", "department": "别处"})
    assert desk.take(address).headers["Location"] == f"{address}?taken=1"
    there = desk.knows(*(f"{number:05}" for number in range(2_500)))
    assert len(there) == 2_500
    assert (there["02000"].learner.name, there["02000"].is_enrolled) == ("别人", False)
    page = desk.reader.get(address).text
    assert "Somebody else changed these learners" in page
    assert dict(FIGURES.findall(page))["New learners"] == "2,499"
    assert ",2002," in desk.reader.get(f"{address}/left-out.csv").text, "its row"


def test_teams_and_enrolments_count_from_a_day(desk: Desk) -> None:
    desk.caller.put("/v1/programmes/2021/teams/old", {"name": "老组", "members": []})
    address = desk.check(of(learner(team="老组")))
    assert "This is no day." in desk.take(address, from_on="soon").text
    desk.take(address, from_on="2022-08-01")
    with desk.reader.database.snapshot(desk.reader.company_id) as session:
        of_learner = programmes.get(session, "2021"), learners.find_numbers(session, ["20220001"])["20220001"]
        since = enrolments.find(session, of_learner[0], [of_learner[1]])[of_learner[1]]
    assert since.astimezone(of_learner[0].zone).date().isoformat() == "2022-08-01"


def test_zeros_are_given_back(desk: Desk) -> None:
    desk.caller.put("/v1/learners/00123", {"name": "陈思远"})
    address = desk.check(of(learner(id=123)))
    assert "1 id seems to have lost zeros" in desk.reader.get(address).text
    desk.look(address, again="1", zeros="1")
    assert "1 id was given its zeros back." in desk.reader.get(address).text
    desk.take(address)
    assert list(desk.knows("00123", "123")) == ["00123"]
    assert desk.knows("00123")["00123"].is_enrolled


def test_rows_with_warnings_can_be_left_out(desk: Desk) -> None:
    desk.caller.put("/v1/learners/7", {"name": "张三"})
    address = desk.check(of(learner(id="7", name="李四", email=None), learner()))
    desk.take(address, leave_out_warned="1")
    assert desk.knows("7")["7"].learner.name == "张三"
    assert "7,李四" in desk.reader.get(f"{address}/left-out.csv").text


def test_columns_are_asked_for_when_nothing_says_what_they_are(desk: Desk) -> None:
    content = workbook([["A1", "B1"], ["20220001", "陈思远"]], lambda book, _: book.add_worksheet("空"))
    answer = desk.upload(content)
    address = answer.headers["Location"]
    assert desk.reader.get(address).headers["Location"] == f"{address}/columns"
    page = desk.reader.get(f"{address}/columns?sheet=名单&header=1")
    assert "A · A1 (20220001)" in page.text
    refused = desk.send(f"{address}/columns", {"sheet": "名单", "header": "1", "id": "0"})
    assert (refused.status_code, "Which column is it?" in refused.text) == (422, True)
    doubled = desk.send(f"{address}/columns", {"sheet": "名单", "header": "1", "id": "0", "name": "0"})
    assert "chosen for something else" in doubled.text
    chosen = desk.send(f"{address}/columns", {"sheet": "名单", "header": "1", "id": "0", "name": "1"})
    assert chosen.headers["Location"] == address
    desk.look(address)
    assert desk.take(address).status_code == 303
    assert desk.knows("20220001")["20220001"].learner.name == "陈思远"


def test_of_several_sheets_the_one_with_a_header_is_read(desk: Desk) -> None:
    def more(book: object, sheet: object) -> None:
        book.add_worksheet("说明").write_string(0, 0, "请填写名单")  # type: ignore[attr-defined]  # a workbook

    assert "名单" in desk.reader.get(desk.check(workbook([HEADER, learner()], more))).text

    def twice(book: object, sheet: object) -> None:
        other = book.add_worksheet("第二期")  # type: ignore[attr-defined]  # a workbook
        for column, name in enumerate(HEADER):
            other.write_string(0, column, name)

    answer = desk.upload(workbook([HEADER, learner()], twice))
    assert desk.reader.get(answer.headers["Location"]).status_code == 303, "which of the two is asked"


def test_merged_departments_count_for_each_row_and_what_is_hidden_is_said(desk: Desk) -> None:
    def more(book: object, sheet: object) -> None:
        sheet.merge_range("C2:C3", "客服中心", None)  # type: ignore[attr-defined]  # a worksheet
        sheet.set_row(2, None, None, {"hidden": True})  # type: ignore[attr-defined]  # as above

    address = desk.check(workbook([HEADER, learner(), learner(id="2", name="李", department=None, email=None)], more))
    page = desk.reader.get(address).text
    assert "The sheet has merged cells." in page
    assert "1 rows are hidden" in page
    desk.take(address)
    assert desk.knows("2")["2"].learner.department == "客服中心"


def test_an_upload_is_its_uploaders_alone(desk: Desk, new_reader: Callable[[str], Reader]) -> None:
    address = desk.check(SHEET)
    desk.reader.user("other", "hr")
    other = new_reader(desk.reader.company_key).become("other")
    for path in (address, f"{address}/columns", f"{address}/problems.csv", f"{address}/left-out.csv"):
        assert other.get(path).status_code == 404, path
    assert address not in other.get(AT).text


def test_progress_is_streamed_and_what_is_read_is_bounded(desk: Desk) -> None:
    rows = [learner(id=f"{number:08}", email=f"a{number}@example.com") for number in range(4_000)]
    address = desk.upload(of(*rows)).headers["Location"]
    token = TOKEN.search(desk.reader.get(AT).text)
    assert token is not None
    answer = desk.reader.open(f"{address}/check", "POST", data={"csrf": token[1]}, headers={"Accept": NDJSON})
    lines = [orjson.loads(line) for line in answer.data.splitlines()]
    assert {line["stage"] for line in lines[:-1]} == {"reading", "comparing"}
    assert lines[-1]["result"] == {"address": address, "fault": None}
    written = [orjson.loads(line) for line in desk.take(address, NDJSON).data.splitlines()]
    assert [line["done"] for line in written if line.get("stage") == "writing"] == [1_000, 2_000, 3_000]
    assert len(desk.knows(*(row[0] for row in rows))) == 4_000  # type: ignore[arg-type]  # ids


def test_empty_rows_cost_little(desk: Desk) -> None:
    empty = "".join(f'<row r="{row}"><c r="A{row}" s="1"/><c r="B{row}" s="1"/></row>' for row in range(3, 60_000))

    def filled(name: str, part: bytes) -> bytes:
        return part.replace(b"</sheetData>", empty.encode() + b"</sheetData>") if "sheet1" in name else part

    content = changed(SHEET, filled)
    tracemalloc.start()
    address = desk.check(content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40_000_000
    assert dict(FIGURES.findall(desk.reader.get(address).text))["Rows"] == "1"


def test_too_large_is_said_before_it_is_read(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload.upload, "most_bytes", 1_000)
    answer = desk.upload(SHEET)
    assert answer.status_code == 413
    assert "is larger than 20 MB" in answer.text


def test_what_is_kept_goes(desk: Desk) -> None:
    address = desk.check(SHEET)
    no = int(address.rpartition("/")[2])
    with desk.reader.database.transaction(desk.reader.company_id) as session:
        session.sql("UPDATE roster_uploads SET uploaded_at = now() - interval '2 days' WHERE company_id = %(company)s")
    assert kept.forget(desk.reader.database) >= 1
    assert desk.reader.get(f"{AT}/{no}").status_code == 404
    for _ in range(kept.MAX_KEPT + 2):
        desk.upload(SHEET)
    assert (
        desk.reader.get(AT).text.count("/roster/") - desk.reader.get(AT).text.count("/roster/template") == kept.MAX_KEPT
    )


@pytest.mark.parametrize("form", ["xlsx", "csv"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_template_comes_back(desk: Desk, form: str, language: str) -> None:
    desk.reader.language = language
    content = desk.reader.get(f"{AT}/template.{form}").data
    proposal = columns.chosen(grids.grids(content))
    assert proposal.is_sure
    assert list(proposal.choice.columns) == list(columns.FIELDS)


def test_a_closed_programme_takes_no_roster(desk: Desk) -> None:
    with desk.reader.database.transaction(desk.reader.company_id) as session:
        session.sql("UPDATE programmes SET closed_at = now() WHERE company_id = %(company)s")
    assert "The programme is closed" in desk.reader.get(AT).text
