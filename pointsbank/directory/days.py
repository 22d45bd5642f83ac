"""Calendar days as instants: a programme's dates are those of its time zone."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of the day, in UTC; where clocks skip midnight, the instant at which they do."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """The first instant that no longer belongs to the day, in UTC."""
    return start_of(day + timedelta(days=1), zone)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def is_zone(name: str) -> bool:
    """Whether it is the IANA name of a time zone."""
    return name in _zones()
