"""What a cell means in the column that it stands in: each reader gives the value, None where there is none, and what
is to be said about it."""

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from typing import NamedTuple

from pointsbank.directory.faults import FIRST_YEAR, LAST_YEAR, fault_of_key, fault_of_text
from pointsbank.directory.learners import MAX_EMAIL_CHARACTERS
from pointsbank.rosters import numbers
from pointsbank.rosters.cells import Cell
from pointsbank.rosters.columns import Field
from pointsbank.rosters.problems import Grade
from pointsbank.saying import Said, say

Finding = tuple[Grade, Said | str]

INVISIBLE = re.compile("[\u00ad\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_JOINERS = re.compile("[\u200c\u200d]")
_SPACES = re.compile(r"\s+")
_BREAK = re.compile(r"[\n\r\t\v\f\u2028\u2029]")
_LOST = re.compile("\ufffd|锟斤拷|烫烫|屯屯|^[?？]{2,}$")
_EXPONENT = re.compile(r"[0-9](?:[.,][0-9]+)?E\+?[0-9]+", re.IGNORECASE)
_WHOLE = re.compile(r"([0-9]+)\.0+")
_QUOTED = re.compile(r'="(.*)"')
_PLACEHOLDERS = frozenset(
    ("-", "--", "—", "——", "/", "\\", "无", "暂无", "待定", "n/a", "na", "null", "none", "nil", "tbd", "#")
)
_STILL_HERE = frozenset(("至今", "在职", "在岗", "present", "current", "now"))
_TOTALS = frozenset(("合计", "总计", "小计", "共计", "总数", "total", "sum", "subtotal", "grand total"))
_YEAR_FIRST = re.compile(r"([0-9]{4})\s*[-/.年]\s*([0-9]{1,2})\s*[-/.月]\s*([0-9]{1,2})\s*日?")
_YEAR_LAST = re.compile(r"([0-9]{1,2})\s*[-/.]\s*([0-9]{1,2})\s*[-/.]\s*([0-9]{4})")
_SHORT_YEAR = re.compile(r"[0-9]{1,2}\s*[-/.年]\s*[0-9]{1,2}\s*[-/.月]\s*[0-9]{1,2}\s*日?")
_MONTH = re.compile(r"[0-9]{4}\s*[-/.年]\s*[0-9]{1,2}\s*月?")
_TIME = re.compile(r"(?:T|\s+)[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?$")
_DIGITS = re.compile("[0-9]+")
_EIGHT_DIGITS = re.compile("[0-9]{8}")
_MAX_EIGHT = 8
_LAST_SERIAL = 73_050
"""31 December 2099: larger numbers in a column of days are something else."""


class Value(NamedTuple):
    text: str | None
    findings: tuple[Finding, ...] = ()

    @property
    def is_faulty(self) -> bool:
        return any(grade == "fault" for grade, _ in self.findings)


def read(field: Field, cell: Cell) -> Value:
    """What the cell means there."""
    if cell.kind == "error":
        return _fault(say("the cell shows %(error)s: a formula in it fails. Put in the value itself.", error=cell.text))
    if cell.kind == "uncomputed":
        return _fault(
            say("the formula has no result in the file. Open it in a spreadsheet, save it, or put in the value itself.")
        )
    if cell.kind == "truth":
        return _fault(say("is a truth value (TRUE or FALSE). Put in the value itself, as text."))
    if _LOST.search(cell.text):
        return _fault(
            say("has lost characters when the file was saved in another encoding. Save the original as .xlsx.")
        )
    return _READERS[field](cell)


def _fault(message: Said | str) -> Value:
    return Value(None, (("fault", message),))


def clean(text: str) -> tuple[str, bool]:
    """Without what nobody sees: characters without width, marks of direction, breaks of lines, double spaces. And
    whether there was any of it, spaces at both ends aside."""
    plain = _SPACES.sub(" ", INVISIBLE.sub("", text)).strip()
    return plain, bool(INVISIBLE.search(text) or _BREAK.search(text.strip()))


def _cleaned(text: str) -> Value:
    plain, was_not = clean(text)
    return Value(plain or None, (("note", _INVISIBLE_SAID),) if was_not and plain else ())


_INVISIBLE_SAID = say("has invisible characters or line breaks. It is read without them.")
_TOO_NARROW = say("the column was too narrow when the file was saved. Widen it, and save again.")


def _plain(text: str) -> Value:
    """Without full-width forms, too: for what is compared character by character."""
    written, findings = _cleaned(_JOINERS.sub("", text))
    plain = unicodedata.normalize("NFKC", written or "").strip()
    if plain != (written or ""):
        findings = (*findings, ("note", say("has full-width characters. It is read as %(plain)s.", plain=plain)))
    return Value(plain or None, findings)


# --- one by one ---


def _id(cell: Cell) -> Value:
    if cell.kind == "date":
        return _fault(
            say(
                "is a date, not an id: the spreadsheet has changed it. Format the column as text, and put the "
                "id in again."
            )
        )
    text, findings = _plain(cell.text)
    if text is None:
        return Value(None)
    if cell.kind == "number":
        return _id_of_number(text)
    return _id_of_text(text, findings)


def _id_of_text(text: str, findings: tuple[Finding, ...]) -> Value:
    if (quoted := _QUOTED.fullmatch(text)) is not None or text.startswith("'"):
        text = quoted[1] if quoted is not None else text[1:]
    if (whole := _WHOLE.fullmatch(text)) is not None:
        text = whole[1]
        findings = (
            *findings,
            ("note", say("is written as a number with decimals. It is read as %(plain)s.", plain=text)),
        )
    if _EXPONENT.fullmatch(text):
        return _fault(
            say(
                "is shortened (%(value)s): the spreadsheet has dropped digits. Format the column as text, and "
                "put the id in again.",
                value=text,
            )
        )
    if set(text) == {"#"} and len(text) > 1:
        return _fault(_TOO_NARROW)
    if " " in text:
        findings = (*findings, ("warning", say("has a space in it. Is that right?")))
    return _checked(Value(text, findings), _fault_of_id)


def _fault_of_id(value: object) -> str | None:
    text = str(value).casefold()
    if text in _PLACEHOLDERS:
        return say("is a placeholder. Put in the learner's id.")
    if text in _TOTALS:
        return say("is a line of totals, not a learner. Delete it.")
    return fault_of_key(value)


def _id_of_number(text: str) -> Value:
    if "." in text or text.startswith("-"):
        return _fault(say("is the number %(number)s, not an id.", number=text))
    if len(text.lstrip("0")) > numbers.MAX_DIGITS:
        return _fault(
            say(
                "is a number of more than 15 digits, the last of which the spreadsheet has replaced by zeros. "
                "Format the column as text, and put the id in again."
            )
        )
    return Value(text)


def _name(cell: Cell) -> Value:
    if cell.kind == "number":
        return _fault(say("is a number, not a name. Is it the right column?"))
    if cell.kind == "date":
        return _fault(say("is a date, not a name. Is it the right column?"))
    return _checked(_cleaned(cell.text), fault_of_text)


def _department(cell: Cell) -> Value:
    if cell.kind == "date":
        return _fault(say("is a date: the spreadsheet has changed it. Format the column as text, and put it in again."))
    return _checked(_cleaned(cell.text), fault_of_text)


def _team(cell: Cell) -> Value:
    value = _department(cell)
    if value.text is None or value.text.casefold() not in _PLACEHOLDERS:
        return _checked(value, fault_of_key)
    return Value(None)


def _email(cell: Cell) -> Value:
    text, findings = _plain(cell.text)
    if text is None or text.casefold() in _PLACEHOLDERS:
        return Value(None)
    text = text.removeprefix("mailto:").removeprefix("MAILTO:").strip()
    if len(re.split("[;,、/ ]+", text.strip(";,"))) > 1 and text.count("@") > 1:
        return _fault(say("names several addresses. Keep one."))
    name, _, domain = text.rpartition("@")
    if not name or "." not in domain.strip(".") or " " in text or name.endswith("@"):
        return _fault(say("is no e-mail address. One looks like li@example.com."))
    return _checked(Value(text, findings), lambda value: fault_of_text(value, MAX_EMAIL_CHARACTERS))


def _checked(value: Value, check: Callable[[object], str | None]) -> Value:
    fault = None if value.text is None else check(value.text)
    return value if fault is None else _fault(fault)


# --- days ---


def _day(cell: Cell) -> Value:
    if cell.kind == "date":
        return _in_bounds(cell.text[:10])
    text, findings = _plain(cell.text)
    if text is None or text.casefold() in _PLACEHOLDERS or text.casefold() in _STILL_HERE:
        return Value(None)
    if set(text) == {"#"}:
        return _fault(_TOO_NARROW)
    text = _TIME.sub("", text)
    if _DIGITS.fullmatch(text) or cell.kind == "number":
        return _day_of_number(text)
    if (found := _YEAR_FIRST.fullmatch(text)) is not None:
        return _joined(_calendar(int(found[1]), int(found[2]), int(found[3])), findings)
    if (found := _YEAR_LAST.fullmatch(text)) is not None:
        return _year_last(int(found[1]), int(found[2]), int(found[3]))
    if _MONTH.fullmatch(text):
        return _fault(say("has no day. Write it as 2021-07-01."))
    if _SHORT_YEAR.fullmatch(text):
        return _fault(say("has a year of two digits, or none. Write it as 2021-07-01."))
    return _fault(say("is no date. Write it as 2021-07-01."))


def _joined(value: Value, findings: tuple[Finding, ...]) -> Value:
    return value._replace(findings=(*findings, *value.findings))


def _day_of_number(text: str) -> Value:
    if _EIGHT_DIGITS.fullmatch(text):
        return _calendar(int(text[:4]), int(text[4:6]), int(text[6:]))
    whole = text.partition(".")[0]
    day = numbers.day_of(int(whole)) if whole.isdigit() and len(whole) < _MAX_EIGHT else None
    if day is None or int(whole) > _LAST_SERIAL:
        return _fault(say("is the number %(number)s, not a date. Write it as 2021-07-01.", number=text))
    message = say(
        "is the number %(number)s, as spreadsheets count days. It is read as %(day)s.", number=text, day=day.isoformat()
    )
    return _joined(_in_bounds(day.isoformat()), (("warning", message),))


def _year_last(first: int, second: int, year: int) -> Value:
    if first > 12 >= second:
        return _calendar(year, second, first)
    if second > 12 >= first:
        return _calendar(year, first, second)
    if first == second:
        return _calendar(year, first, second)
    return _fault(
        say(
            "may be two days: which is the month? Write it as %(one)s or %(other)s.",
            one=f"{year}-{first:02}-{second:02}",
            other=f"{year}-{second:02}-{first:02}",
        )
    )


def _calendar(year: int, month: int, day: int) -> Value:
    try:
        return _in_bounds(date(year, month, day).isoformat())
    except ValueError:
        return _fault(say("is a day that the calendar does not have."))


def _in_bounds(text: str) -> Value:
    try:
        year = datetime.fromisoformat(text).year
    except ValueError:
        return _fault(say("is no date. Write it as 2021-07-01."))
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return _fault(say("must lie in the years %(first)s to %(last)s.", first=FIRST_YEAR, last=LAST_YEAR))
    return Value(text)


_READERS: dict[Field, Callable[[Cell], Value]] = {
    "id": _id,
    "name": _name,
    "department": _department,
    "team": _team,
    "email": _email,
    "joined_on": _day,
    "left_on": _day,
}
