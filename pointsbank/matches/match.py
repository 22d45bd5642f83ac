"""What a match is, and how it is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from pointsbank.database import Session
from pointsbank.directory.faults import fault_of_key
from pointsbank.directory.programmes import Programme
from pointsbank.errors import NotFound
from pointsbank.leaderboards.boards import Members, Unit

GRACE_SECONDS = 5
"""Unless the match says otherwise. A class waits for its result; a client posts within a second or two."""

Status = Literal["upcoming", "running", "ended", "settled"]


@dataclass(frozen=True, slots=True)
class CourseOf:
    """A course as far as a match needs it; `unit` is the number of its flowers."""

    no: int
    key: str
    unit: int


@dataclass(frozen=True, slots=True)
class Prize:
    """`amount` is for each member of the winning team, or shared between teams that draw.

    Flowers come from the course's pool, credits from the programme's; a course of credits only says where the
    entry belongs.
    """

    unit: Unit
    amount: int
    course: CourseOf | None


@dataclass(frozen=True, slots=True)
class Contestant:
    no: int
    key: str
    name: str


@dataclass(frozen=True, slots=True)
class Match:
    """`programme` is its number, `programme_key` HR's id. What happens at `starts_at` counts, at `ends_at` not.

    `due_at` is when the background has something to do next; None: never again. `prize_problem` is that of the
    last time that the prize was tried: `slug`, `title`, `status`, `detail` and further members.
    """

    no: int
    programme: int
    programme_key: str
    key: str
    name: str
    members: Members
    contestants: tuple[Contestant, ...]
    unit: Unit
    course: CourseOf | None
    starts_at: datetime
    ends_at: datetime
    grace_seconds: int
    prize: Prize | None
    due_at: datetime | None = None
    result_number: int | None = None
    prize_number: int | None = None
    prize_problem: dict[str, Any] | None = None

    @property
    def settles_at(self) -> datetime:
        return self.ends_at + timedelta(seconds=self.grace_seconds)

    def status_at(self, now: datetime) -> Status:
        """`ended` is the grace, and the moment until the background has seen that it is over."""
        if self.result_number is not None:
            return "settled"
        if now < self.starts_at:
            return "upcoming"
        return "running" if now < self.ends_at else "ended"


def get(session: Session, programme: Programme, key: str) -> Match:
    """Raises NotFound."""
    found = find(session, programme, key)
    if found is None:
        raise NotFound(f"There is no match {key} in the programme {programme.key}.")
    return found


def find(session: Session, programme: Programme, key: str) -> Match | None:
    if fault_of_key(key) is not None:
        return None
    rows = session.sql(
        f"{_SELECT} AND m.programme = %(programme)s AND m.key = %(key)s",
        {"programme": programme.no, "key": key},
    ).fetchall()
    return next(iter(_read(session, rows)), None)


def numbered(session: Session, no: int) -> Match:
    """The match with the company's number `no`, which is there."""
    [match] = _read(session, session.sql(f"{_SELECT} AND m.no = %(no)s", {"no": no}).fetchall())
    return match


def page(session: Session, programme: Programme, limit: int, after: str | None = None) -> list[Match]:
    """At most `limit` matches in the order of their keys, from the first one after that key."""
    rows = session.sql(
        f"{_SELECT} AND m.programme = %(programme)s AND m.key > %(after)s ORDER BY m.key LIMIT %(limit)s",
        {"programme": programme.no, "after": after or "", "limit": limit},
    ).fetchall()
    return _read(session, rows)


def nearest(session: Session, programme: Programme, at: datetime, limit: int) -> list[Match]:
    """At most `limit` matches: those that run (also in their grace), what ends first first; then those to come, what
    begins first first; then those that are over, the latest first."""
    rows = session.sql(
        f"""{_SELECT} AND m.programme = %(programme)s
            ORDER BY CASE WHEN %(at)s < m.starts_at THEN 2
                          WHEN %(at)s < m.ends_at + make_interval(secs => m.grace_seconds) THEN 1 ELSE 3 END,
                     CASE WHEN %(at)s < m.starts_at THEN m.starts_at - %(at)s
                          ELSE greatest(m.ends_at - %(at)s, %(at)s - m.ends_at) END, m.no
            LIMIT %(limit)s""",
        {"programme": programme.no, "at": at, "limit": limit},
    ).fetchall()
    return _read(session, rows)


def now(session: Session) -> datetime:
    """By the database's clock, which is one for all workers."""
    row = session.sql("SELECT clock_timestamp() AS at").fetchone()
    assert row is not None
    at: datetime = row.at
    return at


_SELECT = """SELECT m.no, m.programme, p.key AS programme_key, m.key, m.name, m.members, m.unit,
                    m.starts_at, m.ends_at, m.grace_seconds, m.prize_unit, m.prize_amount,
                    m.due_at, m.result_number, m.prize_number, m.prize_problem,
                    m.course, c.key AS course_key, c.unit AS course_unit,
                    m.prize_course, d.key AS prize_course_key, d.unit AS prize_course_unit
               FROM matches AS m
               JOIN programmes AS p ON p.company_id = %(company)s AND p.no = m.programme
               LEFT JOIN courses AS c ON c.company_id = %(company)s AND c.no = m.course
               LEFT JOIN courses AS d ON d.company_id = %(company)s AND d.no = m.prize_course
              WHERE m.company_id = %(company)s"""


def _read(session: Session, rows: Sequence[Any]) -> list[Match]:
    contestants: dict[int, list[Contestant]] = {row.no: [] for row in rows}
    for match, no, key, name in session.sql(
        """SELECT n.match, coalesce(n.team, n.learner) AS no, coalesce(t.key, l.key) AS key,
                  coalesce(t.name, l.name) AS name
             FROM contestants AS n
             LEFT JOIN teams AS t ON t.company_id = %(company)s AND t.no = n.team
             LEFT JOIN learners AS l ON l.company_id = %(company)s AND l.no = n.learner
            WHERE n.company_id = %(company)s AND n.match = ANY (%(numbers)s::integer[])
            ORDER BY n.match, n.place""",
        {"numbers": list(contestants)},
    ):
        contestants[match].append(Contestant(no, key, name))
    return [_match(row, tuple(contestants[row.no])) for row in rows]


def _match(row: Any, contestants: tuple[Contestant, ...]) -> Match:
    prize = None
    if row.prize_unit is not None:
        course = _course(row.prize_course, row.prize_course_key, row.prize_course_unit)
        prize = Prize(row.prize_unit, row.prize_amount, course)
    return Match(
        row.no,
        row.programme,
        row.programme_key,
        row.key,
        row.name,
        row.members,
        contestants,
        row.unit,
        _course(row.course, row.course_key, row.course_unit),
        row.starts_at,
        row.ends_at,
        row.grace_seconds,
        prize,
        row.due_at,
        row.result_number,
        row.prize_number,
        row.prize_problem,
    )


def _course(no: int | None, key: str, unit: int) -> CourseOf | None:
    return None if no is None else CourseOf(no, key, unit)
