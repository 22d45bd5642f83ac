"""Which board a query means: its faults, its scope, its period in a time zone."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from pointsbank.errors import Invalid
from pointsbank.leaderboards import periods
from pointsbank.leaderboards.boards import Scope, parse
from tests.pointsbank.board_company import NOW


@pytest.mark.parametrize(
    ("query", "paths"),
    [
        ({"scope": "galaxy"}, ["scope"]),
        ({"scope": "programme:"}, ["scope"]),
        ({"scope": "programme:a/b"}, ["scope"]),
        ({"scope": "course:a"}, ["scope"]),
        ({"scope": "course:a/b/c"}, ["scope"]),
        ({"scope": "programme:nul\0"}, ["scope"]),
        ({"unit": "stars"}, ["unit"]),
        ({"members": "people"}, ["members"]),
        ({"members": "teams"}, ["members"]),
        ({"score": "median"}, ["score"]),
        ({"score": "mean"}, ["score"]),
        ({"score": "mean", "unit": "x", "scope": "x", "period": "x"}, ["scope", "unit", "score", "period"]),
        *[
            ({"period": period}, ["period"])
            for period in (
                "", "yesterday", "2021", "2021-13", "2021-02-30", "2021-W53", "2021-W00", "1899-12-31",
                "2200-01", "0000-W01", "9999-12-31", "٢٠٢١-١٠-١٨", "2021-10-31..2021-10-01", "2021-10-01..",
                "..2021-10-01", "2021-10-01..2021-10-02..2021-10-03", "2021-10-01..2021-10-02T00:00:00Z",
                "2021-10-02T00:00:00Z..2021-10-02T00:00:00Z", "2021-10-01T00:00:00..2021-10-02T00:00:00",
                "2021-10-01T25:00:00Z..2021-10-02T00:00:00Z",
            )
        ],
    ],
)  # fmt: skip
def test_each_fault_of_a_query_is_named(query, paths):
    with pytest.raises(Invalid) as error:
        parse(query)
    assert [path for path, _ in error.value.errors] == paths


def test_a_scope_reads_as_it_was_written():
    for text in ("company", "programme:2021", "course:2021/服务:1"):
        assert str(parse({"scope": text}).scope) == text
    assert parse({}).scope == Scope()


@pytest.mark.parametrize(
    ("text", "zone", "from_at", "until_at"),
    [
        ("day", "Asia/Shanghai", "2021-10-19T16:00", "2021-10-20T16:00"),
        ("week", "Asia/Shanghai", "2021-10-17T16:00", "2021-10-24T16:00"),
        ("month", "Asia/Shanghai", "2021-09-30T16:00", "2021-10-31T16:00"),
        ("2020-W53", "UTC", "2020-12-28T00:00", "2021-01-04T00:00"),
        ("2021-12", "UTC", "2021-12-01T00:00", "2022-01-01T00:00"),
        ("2024-02", "UTC", "2024-02-01T00:00", "2024-03-01T00:00"),
        ("2021-03-28", "Europe/Berlin", "2021-03-27T23:00", "2021-03-28T22:00"),  # 23 hours
        ("2021-10-31", "Europe/Berlin", "2021-10-30T22:00", "2021-10-31T23:00"),  # 25 hours
        ("2021-10-01..2021-10-02", "UTC", "2021-10-01T00:00", "2021-10-03T00:00"),
        (
            "2021-10-01T08:00:00+08:00..2021-10-02T00:00:00z",
            "Asia/Shanghai",
            "2021-10-01T00:00",
            "2021-10-02T00:00",
        ),
        (
            "2021-10-01T08:00:00 08:00..2021-10-02T00:00:00Z",
            "Asia/Shanghai",
            "2021-10-01T00:00",
            "2021-10-02T00:00",
        ),
    ],
)
def test_periods_are_those_of_the_time_zone(text, zone, from_at, until_at):
    window = periods.parse(text).window(ZoneInfo(zone), NOW)
    assert window.from_at == datetime.fromisoformat(from_at).replace(tzinfo=UTC)
    assert window.until_at == datetime.fromisoformat(until_at).replace(tzinfo=UTC)
