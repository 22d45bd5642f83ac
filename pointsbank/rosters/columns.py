"""Which column of a table holds what: by what its header is called, in Chinese or in English."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from pointsbank.rosters.cells import Row
from pointsbank.rosters.grids import Grid

Field = Literal["id", "name", "department", "team", "email", "joined_on", "left_on"]
FIELDS: tuple[Field, ...] = get_args(Field)
NEEDED: tuple[Field, ...] = ("id", "name")

_WORDS: Mapping[Field, str] = {
    "id": """工号 学号 员工编号 员工号 员工工号 职工号 职工编号 人员编号 人员编码 学员编号 学员号 学员工号 学员id 编号
        learner-id employee-id employee-no employee-number staff-id staff-no staff-number student-id student-no
        student-number personnel-number user-id badge-no uid id""",
    "name": """姓名 名字 学员姓名 员工姓名 中文名 中文姓名 学员
        full-name name learner-name employee-name student-name display-name""",
    "department": """部门 所属部门 所在部门 部门名称 一级部门 单位 所在单位 用人部门
        department dept department-name division org-unit organisation organization""",
    "team": """小组 组别 分组 所属小组 小组名称 小组编号 组 班组 队伍 战队
        team team-name team-id group group-name squad""",
    "email": """邮箱 电子邮箱 邮箱地址 邮件 电子邮件 公司邮箱 企业邮箱 工作邮箱
        e-mail e-mail-address work-e-mail mail""",
    "joined_on": """入职日期 入职时间 报到日期 入司日期 入司时间 入职日 到岗日期
        joined-on hire-date start-date join-date joining-date date-of-joining hired-on date-hired joined
        employment-date""",
    "left_on": """离职日期 离职时间 最后工作日 离司日期 离职日
        left-on last-day leave-date leaving-date end-date date-of-leaving termination-date last-working-day
        exit-date left""",
}
_BESIDE = re.compile(
    r"[(\[{【〔<].*?[)\]}】〕>]|[\s_\-./\\:*#·'\"“”、,;|&]+|必填|选填|required|optional", re.IGNORECASE
)
_BY_NAME: Mapping[str, Field] = {
    name.replace("-", ""): each for each, names in _WORDS.items() for name in names.split()
}


@dataclass(frozen=True, slots=True)
class Choice:
    """Where the learners stand: the sheet, the row of its header (0: it has none, learners begin in row 1), and which
    column holds what."""

    sheet: str
    header: int
    columns: Mapping[Field, int]

    def is_whole(self) -> bool:
        return all(each in self.columns for each in NEEDED)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a table seems to be; `is_sure` if nobody has to be asked. `doubled` are fields that several columns are
    called by."""

    choice: Choice
    doubled: tuple[Field, ...]

    @property
    def is_sure(self) -> bool:
        return self.choice.is_whole() and not self.doubled


def field_of(head: str) -> Field | None:
    """What a column that is called so holds."""
    text = unicodedata.normalize("NFKC", head).casefold()
    text = "".join(each for each in text if unicodedata.category(each) not in ("Cf", "Cc") or each in "\n\t")
    return _BY_NAME.get(_BESIDE.sub("", text))


def propose(grid: Grid) -> Proposal:
    """The header is the row whose cells name most of the fields; among equals the first."""
    best, found = 0, dict[Field, list[int]]()
    for row in grid.head:
        fields = _fields(row)
        if len(fields) > len(found) and (len(fields) > 1 or "id" in fields):
            best, found = row.number, fields
    columns = {each: at[0] for each, at in found.items()}
    return Proposal(Choice(grid.name, best, columns), tuple(each for each, at in found.items() if len(at) > 1))


def _fields(row: Row) -> dict[Field, list[int]]:
    found: dict[Field, list[int]] = {}
    for column, cell in sorted(row.cells.items()):
        if cell.kind == "text" and (each := field_of(cell.text)) is not None:
            found.setdefault(each, []).append(column)
    return found


def chosen(grids: Sequence[Grid]) -> Proposal:
    """The table that the learners seem to stand in: of those that can be seen, and hold anything, the only one whose
    header is recognised. If it is not the only one, the proposal is not sure."""
    there = [grid for grid in grids if grid.head and not grid.is_hidden] or list(grids)
    proposals = [propose(grid) for grid in there]
    sure = [each for each in proposals if each.is_sure]
    if len(sure) == 1:
        return sure[0]
    best = max(proposals, key=lambda each: len(each.choice.columns))
    return Proposal(best.choice, tuple({*best.doubled, "id"})) if len(sure) > 1 else best


def with_header(grid: Grid, header: int) -> Choice:
    """The table with its header in that row."""
    found = next((_fields(row) for row in grid.head if row.number == header), {})
    return Choice(grid.name, header, {each: at[0] for each, at in found.items()})


def names(language: Literal["zh", "en"]) -> dict[Field, list[str]]:
    """What the columns may be called in that language, to be told to people."""
    return {
        each: [name.replace("-", " ") for name in words.split() if name.isascii() == (language == "en")]
        for each, words in _WORDS.items()
    }
