"""All programmes and courses of a company as of one version, for whoever judges events in memory."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from pointsbank.database import Session
from pointsbank.directory.days import end_of, start_of


@dataclass(frozen=True, slots=True)
class Course:
    """It takes what happens from `opens_at` until before `closes_at`. `unit` is the number of its flowers."""

    no: int
    key: str
    unit: int
    unit_code: str
    opens_at: datetime
    closes_at: datetime
    closed: bool


@dataclass(frozen=True, slots=True)
class Programme:
    """It takes what happens from `starts_at` until before `ends_at`, until it is closed.

    Courses are by key; `teams` gives a team's key by its number.
    """

    no: int
    key: str
    tz: ZoneInfo
    starts_at: datetime
    ends_at: datetime
    allotment_is_limited: bool
    closed: bool
    courses: dict[str, Course]
    teams: dict[int, str]


@dataclass(frozen=True, slots=True)
class Directory:
    """Programmes by key, true of this version of the directory and of no other."""

    version: int
    programmes: dict[str, Programme]


def load(session: Session) -> Directory:
    """The directory as the session sees it; if it changes while it is read, the version is the older one."""
    as_of = version(session)
    programmes: dict[int, Programme] = {}
    for row in session.sql(
        """SELECT no, key, timezone, starts_on, ends_on, allotment IS NOT NULL AS limited, closed_at
             FROM programmes WHERE company_id = %(company)s"""
    ):
        zone = ZoneInfo(row.timezone)
        starts_at, ends_at = start_of(row.starts_on, zone), end_of(row.ends_on, zone)
        programmes[row.no] = Programme(
            row.no, row.key, zone, starts_at, ends_at, row.limited, row.closed_at is not None, {}, {}
        )
    for row in session.sql(
        """SELECT c.programme, c.no, c.key, c.unit, u.code, c.opens_on, c.closes_on, c.closed_at
             FROM courses AS c JOIN units AS u ON u.company_id = %(company)s AND u.no = c.unit
            WHERE c.company_id = %(company)s"""
    ):
        programme = programmes.get(row.programme)
        if programme is None:
            continue  # put after the programmes were read: the version is newer, too
        opens_at, closes_at = start_of(row.opens_on, programme.tz), end_of(row.closes_on, programme.tz)
        programme.courses[row.key] = Course(
            row.no, row.key, row.unit, row.code, opens_at, closes_at, row.closed_at is not None
        )
    for row in session.sql("SELECT programme, no, key FROM teams WHERE company_id = %(company)s"):
        if row.programme in programmes:
            programmes[row.programme].teams[row.no] = row.key
    return Directory(as_of, {each.key: each for each in programmes.values()})


def version(session: Session) -> int:
    """The version of the directory that this transaction sees."""
    row = session.sql("SELECT directory_version FROM journals WHERE company_id = %(company)s").fetchone()
    assert row is not None, "every company has a journal"
    return int(row.directory_version)
