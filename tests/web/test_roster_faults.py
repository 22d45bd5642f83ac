"""Every fault that a spreadsheet can have is said with its row and column, in both languages; what is odd is a warning,
what is meant is read, and a file that is no table is named."""

import random
import re
from datetime import datetime
from html import unescape

import pytest

from pointsbank.rosters import columns, grids, kept
from pointsbank.rosters.reading import lines
from pointsbank.rosters.refusals import Unreadable
from tests.web.roster_desk import Desk, desk_of_hr  # noqa: F401 - a fixture
from tests.web.roster_files import HEADER, Formula, Shown, archive, changed, delimited, learner, of, workbook

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


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_wrong_with_the_bytes_the_file_is_read_or_named(seed: int) -> None:
    chance = random.Random(seed)

    def spoilt(_name: str, part: bytes) -> bytes:
        found = bytearray(part)
        for _ in range(chance.choice((0, 0, 0, 0, 1))):
            at = chance.randrange(len(found))
            found[at : at + chance.randint(0, 3)] = bytes(chance.choices(b'09"<>/= Ae-', k=chance.randint(0, 3)))
        return bytes(found)

    outcomes = set()
    for _ in range(100):
        content = changed(SHEET, spoilt)
        try:
            proposal = columns.chosen(grids.grids(content))
            for reading in grids.read(content, proposal.choice.sheet):
                outcomes.add(len(list(lines(reading, proposal.choice))))
        except Unreadable as error:
            outcomes.add(type(error))
    assert Unreadable in outcomes
    assert 1 in outcomes
