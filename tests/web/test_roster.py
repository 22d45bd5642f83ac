"""Rosters: every fault that a spreadsheet can have is said with its row and column, in both languages, and nothing is
written before it is confirmed."""

import csv
import io
import re
import tracemalloc
from collections.abc import Callable, Sequence
from datetime import datetime
from html import unescape

import orjson
import pytest
from werkzeug.test import TestResponse

from api.pages.admin.roster import upload
from pointsbank.directory import known, programmes
from pointsbank.directory.known import Known
from pointsbank.rosters import columns, grids, kept
from tests.api.conftest import Caller
from tests.web.conftest import Reader
from tests.web.roster_files import HEADER, Formula, Shown, archive, changed, delimited, learner, workbook

AT = "/admin/programmes/2021/roster"
NDJSON = "application/x-ndjson"
_TOKEN = re.compile(r'name="csrf" value="([0-9a-f]+)"')


class Desk:
    """Somebody of HR, and what they do with rosters."""

    def __init__(self, reader: Reader, caller: Caller) -> None:
        self.reader, self.caller = reader, caller

    def upload(self, content: bytes, name: str = "名单.xlsx") -> TestResponse:
        return self._send(AT, {"file": (io.BytesIO(content), name)})

    def check(self, content: bytes, name: str = "名单.xlsx", **fields: str) -> str:
        """The address of the preview."""
        answer = self.upload(content, name)
        assert answer.status_code == 303, unescape(answer.text)
        self.look(address := answer.headers["Location"], **fields)
        return address

    def look(self, address: str, **fields: str) -> TestResponse:
        return self._send(f"{address}/check", fields)

    def take(self, address: str, accept: str | None = None, **fields: str) -> TestResponse:
        page = self.reader.get(address).text
        mark = re.search(r'name="mark" value="(\w+)"', page)
        return self._send(f"{address}/take", {"mark": mark[1] if mark else "", **fields}, accept)

    def problems(self, address: str) -> list[list[str]]:
        """Row, column, field, value, grade, message."""
        text = self.reader.get(f"{address}/problems.csv").data.decode("utf-8-sig")
        return list(csv.reader(io.StringIO(text)))[1:]

    def knows(self, *keys: str) -> dict[str, Known]:
        with self.reader.database.snapshot(self.reader.company_id) as session:
            return known.find(session, programmes.get(session, "2021"), keys)

    def _send(self, path: str, fields: dict[str, object], accept: str | None = None) -> TestResponse:
        token = _TOKEN.search(self.reader.get(AT).text)
        assert token is not None
        headers = {} if accept is None else {"Accept": accept}
        return self.reader.open(path, "POST", data={"csrf": token[1], **fields}, headers=headers)


@pytest.fixture
def desk(reader: Reader, programme: Caller) -> Desk:
    reader.user("hr", "hr")
    return Desk(reader.become("hr"), programme)


def of(*rows: Sequence[object], **options: object) -> bytes:
    return workbook([HEADER, *rows], **options)  # type: ignore[arg-type]  # of the workbook


MERGED_IDS = workbook(
    [HEADER, learner(), learner(id=None, name="李静")],
    lambda book, sheet: sheet.merge_range("A2:A3", "20220001", book.add_format()),
)
MERGED_ACROSS = workbook(
    [HEADER, learner(), learner(id="20220002", name="李静")],
    lambda book, sheet: sheet.merge_range("C3:D3", "客服中心", book.add_format()),
)

FAULTS: dict[str, tuple[bytes, int, str, str, str]] = {
    # what: the file, row, column, what is said in English, in Chinese
    "no id": (of(learner(id=None)), 2, "A", "is missing.", "缺少该项。"),
    "no name": (of(learner(name="  ")), 2, "B", "is missing.", "缺少该项。"),
    "an id with a slash": (of(learner(id="20/1")), 2, "A", "must not contain a slash.", "不能包含斜杠。"),
    "an id that is too long": (
        of(learner(id="9" * 129)),
        2,
        "A",
        "must have at most 128 characters.",
        "最多 128 个字符。",
    ),
    "an id that became a date": (of(learner(id=datetime(2022, 1, 2))), 2, "A", "is a date, not an id", "转成了日期"),
    "an id that was shortened": (of(learner(id="1.2E+10")), 2, "A", "is shortened (1.2E+10)", "科学计数 1.2E+10"),
    "an id of 18 digits as a number": (of(learner(id=110101199001011234)), 2, "A", "more than 15 digits", "超过 15 位"),
    "an id with decimals": (of(learner(id=2022.5)), 2, "A", "is the number 2022.5, not an id.", "数值 2022.5"),
    "an id below zero": (of(learner(id=-5)), 2, "A", "is the number -5, not an id.", "数值 -5"),
    "an id that is a placeholder": (of(learner(id="待定")), 2, "A", "is a placeholder.", "占位符"),
    "an id that was too wide": (of(learner(id="########")), 2, "A", "was too narrow", "列宽不足"),
    "a truth value": (of(learner(id=True)), 2, "A", "is a truth value", "逻辑值"),
    "a line of totals": (of(learner(id="合计")), 2, "A", "is a line of totals", "合计行不是学员"),
    "the header once more": (of(learner(), HEADER), 3, "", "is the header once more.", "重复的表头行"),
    "a formula that fails": (of(learner(name=Formula("=NA()").ending_in("#N/A"))), 2, "B", "shows #N/A", "显示 #N/A"),
    "a formula without result": (
        of(learner(name=Formula("=A1"))),
        2,
        "B",
        "has no result in the file",
        "没有保存计算结果",
    ),
    "a name that is a number": (of(learner(name=42)), 2, "B", "is a number, not a name.", "内容为数字，不是姓名"),
    "a name that is a date": (
        of(learner(name=datetime(2022, 1, 2))),
        2,
        "B",
        "is a date, not a name.",
        "内容为日期，不是姓名",
    ),
    "a name that lost characters": (of(learner(name="陈\ufffd远")), 2, "B", "has lost characters", "丢失了字符"),
    "a name of question marks": (of(learner(name="???")), 2, "B", "has lost characters", "丢失了字符"),
    "a name that is too long": (of(learner(name="长" * 201)), 2, "B", "at most 200 characters.", "最多 200 个字符。"),
    "a department that became a date": (
        of(learner(department=datetime(2022, 3, 1))),
        2,
        "C",
        "is a date: the",
        "转成了日期",
    ),
    "a team with a slash": (of(learner(team="一/二")), 2, "D", "must not contain a slash.", "不能包含斜杠。"),
    "no address": (of(learner(email="chen.example.com")), 2, "E", "is no e-mail address.", "邮箱格式不正确"),
    "two addresses": (of(learner(email="a@b.cn;c@d.cn")), 2, "E", "names several addresses.", "包含多个邮箱"),
    "a day that there is not": (of(learner(joined_on="2022-02-30")), 2, "F", "calendar does not have", "日期不存在"),
    "a day that may be two": (
        of(learner(joined_on="03/04/2022")),
        2,
        "F",
        "2022-03-04 or 2022-04-03",
        "月和日无法区分",
    ),
    "a month": (of(learner(joined_on="2022年7月")), 2, "F", "has no day.", "缺少日"),
    "a year of two digits": (of(learner(joined_on="22-7-1")), 2, "F", "a year of two digits", "年份只有两位"),
    "words for a day": (of(learner(joined_on="去年夏天")), 2, "F", "is no date.", "不是日期"),
    "a number that is no day": (of(learner(joined_on=12)), 2, "F", "is the number 12, not a date.", "数值 12"),
    "a day in another century": (of(learner(joined_on="1822-07-01")), 2, "F", "in the years 1900 to 2199.", "1900"),
    "leaving before joining": (
        of(learner(left_on="2022-06-30")),
        2,
        "G",
        "on 2022-06-30, before joining",
        "早于入职日期",
    ),
    "an id twice": (
        of(learner(), learner(name="李静")),
        3,
        "A",
        "stands in row 2 already, with other",
        "与第 2 行重复",
    ),
    "an id twice, the first": (of(learner(), learner(name="李静")), 2, "A", "in row 3 once more", "在第 3 行再次出现"),
    "merged ids": (MERGED_IDS, 3, "A", "is merged over the rows 2 to 3.", "跨第 2 至 3 行合并"),
    "merged columns": (MERGED_ACROSS, 3, "C", "is merged over the columns C to D.", "跨 C 至 D 列合并"),
    "more cells than columns": (
        delimited([HEADER[:2], ("1", "陈", "思远")]),
        2,
        "C",
        "more cells than the header",
        "单元格比表头多",
    ),
}


@pytest.mark.parametrize("what", FAULTS)
def test_a_fault_is_said_with_its_row_and_column(desk: Desk, what: str) -> None:
    content, row, column, english, chinese = FAULTS[what]
    address = desk.check(content, "名单.csv" if content[:2] != b"PK" else "名单.xlsx")
    for language, expected, grade in (("en", english, "Fault"), ("zh", chinese, "错误")):
        desk.reader.language = language
        found = [each for each in desk.problems(address) if each[4] == grade]
        said = [each[:2] for each in found if expected in each[5]]
        assert said[:1] == [[str(row), column]], found
        assert {number for number, _ in said} == {str(row)}, "and of no other row"
        assert expected in unescape(desk.reader.get(address).text)
    assert desk.knows("20220001") == {}, "nothing is written"


WARNINGS: dict[str, tuple[bytes, int, str, str, str]] = {
    "zeros that were lost": (of(learner(id=7)), 2, "A", "there is a learner 007", "有学员 007"),
    "zeros in the file": (
        of(learner(id="0042"), learner(id=42, email=None)),
        3,
        "A",
        "from row 2 (0042) by zeros",
        "仅前面的 0 不同",
    ),
    "another name": (of(learner(id="007")), 2, "B", "is called 张三 here.", "姓名为“张三”"),
    "another team": (
        of(learner(id="007", name="张三", team="新组")),
        2,
        "D",
        "in the team 老组, and would",
        "现在“老组”",
    ),
    "a day as a number": (of(learner(joined_on=44743)), 2, "F", "It is read as 2022-07-01.", "按 2022-07-01 读取"),
    "leaving before the programme": (
        of(learner(joined_on=None, left_on="2019-07-01")),
        2,
        "G",
        "before the programme",
        "早于培训项目",
    ),
    "an address twice": (
        of(learner(), learner(id="2", name="李静")),
        3,
        "E",
        "address of row 2, too",
        "与第 2 行的邮箱相同",
    ),
    "a space in an id": (of(learner(id="2022 0001")), 2, "A", "has a space in it.", "中间有空格"),
}


@pytest.mark.parametrize("what", WARNINGS)
def test_what_is_odd_is_a_warning(desk: Desk, what: str) -> None:
    desk.caller.put("/v1/learners/007", {"name": "张三"})
    desk.caller.put("/v1/programmes/2021/teams/old", {"name": "老组", "members": ["007"]})
    content, row, column, english, chinese = WARNINGS[what]
    address = desk.check(content)
    for language, expected, grade in (("en", english, "Warning"), ("zh", chinese, "警告")):
        desk.reader.language = language
        found = [each for each in desk.problems(address) if each[4] == grade]
        assert [each[:2] for each in found if expected in each[5]] == [[str(row), column]], found


READ_AS: dict[str, tuple[bytes, dict[str, object]]] = {
    # what: the file, and what is read of it
    "a day that is formatted": (of(learner(joined_on=datetime(2022, 7, 1))), {"joined_on": "2022-07-01"}),
    "a day of 1904": (of(learner(joined_on=datetime(2022, 7, 1)), date_1904=True), {"joined_on": "2022-07-01"}),
    "a day in Chinese": (of(learner(joined_on="2022年7月1日")), {"joined_on": "2022-07-01"}),
    "a day of eight digits": (of(learner(joined_on=20220701)), {"joined_on": "2022-07-01"}),
    "a day with its time": (of(learner(joined_on="2022/7/1 08:30")), {"joined_on": "2022-07-01"}),
    "a day that can be but one": (of(learner(joined_on="25/12/2021")), {"joined_on": "2021-12-25"}),
    "who is still there": (of(learner(left_on="至今")), {"left_on": None}),
    "an id as a number": (of(learner(id=20220001.0)), {"id": "20220001"}),
    "an id with zeros by its format": (of(learner(id=Shown(123).by("00000000"))), {"id": "00000123"}),
    "an id with decimals as text": (of(learner(id="20220001.0")), {"id": "20220001"}),
    "an id in full width": (of(learner(id="２０２２０００１")), {"id": "20220001"}),
    "an id behind an apostrophe": (of(learner(id="'0022")), {"id": "0022"}),
    "what nobody sees": (of(learner(name="\ufeff陈\u200b思\u00a0远 ")), {"name": "陈思 远"}),
    "a name over two lines": (of(learner(name="陈思\n远")), {"name": "陈思 远"}),
    "a name that is a script": (of(learner(name="<script>alert(1)</script>")), {"name": "<script>alert(1)</script>"}),
    "a formula with its result": (of(learner(name=Formula('="陈"').ending_in("陈"))), {"name": "陈"}),
    "an address in full width": (of(learner(email="chen＠example.com")), {"email": "chen@example.com"}),
}


@pytest.mark.parametrize("what", READ_AS)
def test_what_is_meant_is_read(desk: Desk, what: str) -> None:
    content, expected = READ_AS[what]
    address = desk.check(content)
    with desk.reader.database.snapshot(desk.reader.company_id) as session:
        [(_row, values, _state, _warned, _mark)] = kept.rows(session, int(address.rpartition("/")[2]))
    assert {name: values.get(name) for name in expected} == expected  # type: ignore[call-overload]  # names of fields
    assert "<script>alert" not in desk.reader.get(address).text


def _swollen(name: str, part: bytes) -> bytes:
    return part.replace(b"</sheetData>", b"</sheetData>" + b" " * 12_000_000) if "sheet1" in name else part


def _with_entities(name: str, part: bytes) -> bytes:
    return b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + part.partition(b"?>")[2] if name.endswith("workbook.xml") else part


ODS = archive({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "content.xml": b""})
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
SHEET = of(learner())
REFUSED: dict[str, tuple[bytes, str, str]] = {
    # whatever it is called: what it is, and what to do
    "nothing": (b"", "The file is empty.", "文件是空的"),
    ".xls": (OLE + "Workbook".encode("utf-16-le"), "This is an .xls file", ".xls 文件"),
    "a password": (OLE + "EncryptedPackage".encode("utf-16-le"), "protected by a password", "设有密码"),
    "macros": (changed(SHEET, lambda _, part: part, **{"xl/vbaProject.bin": b"x"}), "holds macros", "包含宏"),
    "macros by name": (
        changed(SHEET, lambda _, part: part.replace(b"spreadsheetml.sheet.main", b"ms-excel.sheet.macroEnabled.main")),
        "holds macros",
        "包含宏",
    ),
    ".xlsb": (archive({"[Content_Types].xml": b"", "xl/workbook.bin": b""}), "an .xlsb file", ".xlsb 文件"),
    ".ods": (ODS, "an OpenDocument file", "OpenDocument 文件"),
    ".numbers": (archive({"Index/Document.iwa": b""}), "Apple Numbers", "Apple Numbers"),
    ".docx": (archive({"[Content_Types].xml": b"", "word/document.xml": b""}), "a text document", "文字文档"),
    ".zip": (archive({"a.csv": b"id,name"}), "This is an archive.", "这是压缩包"),
    "a web page": (b"<html><table><tr><td>1</td></tr></table></html>", "a web page, whatever", "实际是网页"),
    "XML of 2003": (
        b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>',
        "an XML spreadsheet",
        "XML 表格",
    ),
    "a PDF": (b"%PDF-1.7", "This is a PDF.", "PDF 文件"),
    "a picture": (b"\x89PNG\r\n", "This is a picture.", "这是图片"),
    "a bomb": (changed(SHEET, _swollen), "far larger than a roster", "大小异常"),
    "half of a workbook": (SHEET[: len(SHEET) // 2], "is damaged", "已损坏"),
    "entities": (changed(SHEET, _with_entities), "is damaged", "已损坏"),
    "no workbook in it": (
        changed(SHEET, lambda name, part: None if "workbook.xml" in name else part),
        "damaged",
        "已损坏",
    ),
    "bytes": (b"id,name\0\0\1\2", "This is no table.", "不是表格文件"),
    "another encoding": (
        "工号,姓名\n1,陈".encode("gb18030") + b"\xff\n",
        "neither UTF-8 nor GB18030: line 2",
        "第 2 行无法读取",
    ),
    "a quotation mark": ('工号,姓名\n1,陈\n2,"李\n'.encode(), "Row 3 (line 3) has a quotation mark", "引号不成对"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_roster_is_named(desk: Desk, what: str) -> None:
    content, english, chinese = REFUSED[what]
    for language, expected in (("en", english), ("zh", chinese)):
        desk.reader.language = language
        answer = desk.upload(content, "名单.xlsx")
        assert answer.status_code == 422
        fault = re.search(r'<span class="wrong" id="file-fault"[^>]*>([^<]+)<', answer.text)
        assert fault is not None
        assert expected in unescape(fault[1])
        assert 'id="file"' in answer.text


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
    figures = re.findall(r"<dt>([^<]+)</dt><dd>([\d,]+)</dd>", page)
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
    assert dict(re.findall(r"<dt>([^<]+)</dt><dd>([\d,]+)</dd>", desk.reader.get(again).text))["As they are"] == "2"


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
    refused = desk._send(f"{address}/columns", {"sheet": "名单", "header": "1", "id": "0"})
    assert (refused.status_code, "Which column is it?" in refused.text) == (422, True)
    doubled = desk._send(f"{address}/columns", {"sheet": "名单", "header": "1", "id": "0", "name": "0"})
    assert "chosen for something else" in doubled.text
    chosen = desk._send(f"{address}/columns", {"sheet": "名单", "header": "1", "id": "0", "name": "1"})
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
    token = _TOKEN.search(desk.reader.get(AT).text)
    assert token is not None
    answer = desk.reader.open(f"{address}/check", "POST", data={"csrf": token[1]}, headers={"Accept": NDJSON})
    lines = [orjson.loads(line) for line in answer.data.splitlines()]
    assert {line["stage"] for line in lines[:-1]} == {"reading", "comparing"}
    assert lines[-1]["result"] == {"address": address, "fault": None}
    written = [orjson.loads(line) for line in desk.take(address, NDJSON).data.splitlines()]
    assert [line["done"] for line in written if line.get("stage") == "writing"] == [1_000, 2_000, 3_000]
    assert len(desk.knows(*(row[0] for row in rows))) == 4_000  # type: ignore[arg-type]  # ids


def test_a_million_empty_rows_cost_little(desk: Desk) -> None:
    empty = "".join(f'<row r="{row}"><c r="A{row}" s="1"/><c r="B{row}" s="1"/></row>' for row in range(3, 100_000))

    def filled(name: str, part: bytes) -> bytes:
        return part.replace(b"</sheetData>", empty.encode() + b"</sheetData>") if "sheet1" in name else part

    content = changed(SHEET, filled)
    tracemalloc.start()
    address = desk.check(content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40_000_000
    assert dict(re.findall(r"<dt>([^<]+)</dt><dd>([\d,]+)</dd>", desk.reader.get(address).text))["Rows"] == "1"


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
