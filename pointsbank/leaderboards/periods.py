"""Periods of a board, in the words of the API, and the instants between which they lie.

A period is half open: what happens at `from_at` belongs to it, what happens at `until_at` does not. Days,
weeks and months are those of the company's time zone, so a day may have 23 or 25 hours.
"""

import re
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pointsbank.directory.days import end_of, start_of
from pointsbank.directory.faults import FIRST_YEAR, LAST_YEAR

ALL, DAY, WEEK, MONTH = "all", "day", "week", "month"
FORMS = (
    "must be all, day, week, month, a day (2021-10-18), an ISO week (2021-W42), a month (2021-10), "
    "or two days or two times with offset joined by two dots (2021-10-01..2021-10-31)."
)

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_WEEK = re.compile(r"(\d{4})-W(\d\d)", re.ASCII)
_MONTH = re.compile(r"(\d{4})-(\d\d)", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_DECODED_PLUS = re.compile(r" (\d\d:\d\d)$", re.ASCII)  # a "+" that a client did not escape in its query


class PeriodFault(ValueError):
    """The text is not a period; the message says why."""


class Window(NamedTuple):
    """From `from_at` until before `until_at`, in UTC; None: without limit on that side."""

    from_at: datetime | None
    until_at: datetime | None


class Rolling(NamedTuple):
    """All time, or the day, week or month that is running when it is asked for."""

    text: str

    def window(self, zone: ZoneInfo, now: datetime) -> Window:
        today = now.astimezone(zone).date()
        if self.text == ALL:
            return Window(None, None)
        if self.text == DAY:
            return _days(today, today, zone)
        if self.text == WEEK:
            monday = today - timedelta(days=today.weekday())
            return _days(monday, monday + timedelta(days=6), zone)
        return _days(today.replace(day=1), _last_of_month(today), zone)


class Days(NamedTuple):
    """From the first to the last of these days."""

    text: str
    first: date
    last: date

    def window(self, zone: ZoneInfo, now: datetime) -> Window:
        return _days(self.first, self.last, zone)


class Instants(NamedTuple):
    """Between two instants."""

    text: str
    from_at: datetime
    until_at: datetime

    def window(self, zone: ZoneInfo, now: datetime) -> Window:
        return Window(self.from_at, self.until_at)


Period = Rolling | Days | Instants


def parse(text: str) -> Period:
    """Raises PeriodFault."""
    text = text.strip()
    if text in (ALL, DAY, WEEK, MONTH):
        return Rolling(text)
    if ".." in text:
        return _between(*(part.strip() for part in text.split("..", 1)))
    if _DATE.fullmatch(text):
        day = _date(text)
        return Days(text, day, day)
    if match := _WEEK.fullmatch(text):
        return _week(text, int(match[1]), int(match[2]))
    if match := _MONTH.fullmatch(text):
        first = _date(f"{text}-01")
        return Days(text, first, _last_of_month(first))
    raise PeriodFault(FORMS)


def _between(start: str, end: str) -> Period:
    if _DATE.fullmatch(start) and _DATE.fullmatch(end):
        first, last = _date(start), _date(end)
        if first > last:
            raise PeriodFault(f"begins on {first}, after it ends.")
        return Days(f"{start}..{end}", first, last)
    start, end = _DECODED_PLUS.sub(r"+\1", start), _DECODED_PLUS.sub(r"+\1", end)
    if _INSTANT.fullmatch(start) and _INSTANT.fullmatch(end):
        from_at, until_at = _instant(start), _instant(end)
        if from_at >= until_at:
            raise PeriodFault(f"begins at {start}, not before it ends.")
        return Instants(f"{start}..{end}", from_at, until_at)
    raise PeriodFault(FORMS)


def _week(text: str, year: int, week: int) -> Days:
    try:
        _in_range(year)
        monday = date.fromisocalendar(year, week, 1)
    except ValueError as error:
        raise PeriodFault(f"{text} is not a week of the calendar, or not of {FIRST_YEAR} to {LAST_YEAR}.") from error
    return Days(text, monday, monday + timedelta(days=6))


def _date(text: str) -> date:
    try:
        _in_range(int(text[:4]))
        return date.fromisoformat(text)
    except ValueError as error:
        raise PeriodFault(f"{text} is not a date of the calendar, or not of {FIRST_YEAR} to {LAST_YEAR}.") from error


def _instant(text: str) -> datetime:
    try:
        _in_range(int(text[:4]))
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except ValueError as error:
        raise PeriodFault(f"{text} is not a time of the calendar, or not of {FIRST_YEAR} to {LAST_YEAR}.") from error


def _in_range(year: int) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(year)


def _days(first: date, last: date, zone: ZoneInfo) -> Window:
    return Window(start_of(first, zone), end_of(last, zone))


def _last_of_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
