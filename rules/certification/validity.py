"""How long a certificate is valid: an ISO 8601 duration, counted by the calendar of the programme's time zone."""

import re
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from pointsbank.directory.days import end_of
from pointsbank.directory.faults import LAST_YEAR

_DURATION = re.compile(r"P(?:(\d+)W|(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?)")
_SECOND = timedelta(seconds=1)


def valid_until(issued_at: datetime, valid_for: str | None, zone: ZoneInfo) -> datetime | None:
    """The last second of the last day, or None for ever.

    Two years from 29 February end on 28 February; a month from 31 January ends on the last of February. What would
    end after the year 2199 has no end.
    """
    if valid_for is None:
        return None
    found = _DURATION.fullmatch(valid_for)
    assert found is not None, "a rulebook's durations are checked"
    weeks, years, months, days = (int(part or 0) for part in found.groups())
    try:
        last = _months_later(issued_at.astimezone(zone).date(), 12 * years + months) + timedelta(weeks=weeks, days=days)
    except (OverflowError, ValueError):
        return None
    return None if last.year > LAST_YEAR else (end_of(last, zone) - _SECOND).astimezone(UTC)


def _months_later(day: date, months: int) -> date:
    year, month = divmod(12 * day.year + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
