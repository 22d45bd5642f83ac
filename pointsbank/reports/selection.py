"""What a report is of: a programme, and as much of it as the reader chose."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from pointsbank.database import Session
from pointsbank.directory.courses import Course
from pointsbank.directory.days import end_of, start_of
from pointsbank.directory.programmes import Programme
from pointsbank.leaderboards import scores
from pointsbank.leaderboards.boards import Members, Unit
from pointsbank.leaderboards.frame import Frame
from pointsbank.leaderboards.periods import Window


class Named(NamedTuple):
    """A team, a course or an awarder: its number, HR's id, and what it is called."""

    no: int
    key: str
    name: str


class AsOf(NamedTuple):
    """The last entry of the journal that a report knows of, and the time at which it was asked for."""

    number: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Selection:
    """`first` and `last` are days of the programme's time zone, both included; None: without bound."""

    programme: Programme
    course: Course | None = None
    team: Named | None = None
    first: date | None = None
    last: date | None = None

    @property
    def window(self) -> Window:
        zone = self.programme.zone
        return Window(
            None if self.first is None else start_of(self.first, zone),
            None if self.last is None else end_of(self.last, zone),
        )

    def frame(self, unit: Unit, by_team: bool = False) -> Frame:
        """The board that counts the same."""
        no, flowers = (None, None) if self.course is None else (self.course.no, self.course.unit)
        members: Members = "teams" if by_team or self.team is not None else "learners"
        return Frame(self.programme.no, no, flowers, unit, members, self.window)

    def earned(self, unit: Unit, by_team: bool = False, entries: bool = False) -> str:
        """`FROM … WHERE …` of the transfers that count: `t`; with `by_team` or a team chosen, `s` are the stays;
        for credits, or with `entries`, `e` are their entries."""
        text = scores.earned(self.frame(unit, by_team), apart=self.team is None, entries=entries)
        return text if self.team is None else f"{text} AND s.team = %(team)s"

    def parameters(self) -> Mapping[str, Any]:
        return {
            **self.frame("flowers").scope(),
            "team": None if self.team is None else self.team.no,
            "zone": self.programme.timezone,
            "end": self.end(datetime.now(UTC)),
        }

    def end(self, now: datetime) -> datetime:
        """The instant at which the period is looked back at: its end, or now if that is still to come."""
        return min(now, self.window.until_at or max(self.programme.ends_at, self.programme.starts_at))


def as_of(session: Session) -> AsOf:
    """The session has to be a snapshot."""
    row = session.sql(
        "SELECT last_number, clock_timestamp() AS at FROM journals WHERE company_id = %(company)s"
    ).fetchone()
    assert row is not None, "every company has a journal"
    return AsOf(row.last_number, row.at)


def teams(session: Session, programme: Programme) -> list[Named]:
    """All of the programme, in the order of their names."""
    rows = session.sql(
        """SELECT no, key, name FROM teams
            WHERE company_id = %(company)s AND programme = %(programme)s ORDER BY name, key""",
        {"programme": programme.no},
    )
    return [Named(*row) for row in rows]


STANDS = """e.reverses IS NULL AND e.number NOT IN
           (SELECT reverses FROM entries WHERE company_id = %(company)s AND reverses IS NOT NULL)"""
"""Whether the entry `e` is neither reversed nor a reversal. What is left out with it comes to nothing in any sum."""

_IN_PROGRAMME = """
    SELECT l.no, l.key, l.name, l.department, n.from_at AS enrolled_at,
           n.from_at < %(end)s AND coalesce(l.left_on >= (%(from_at)s::timestamptz AT TIME ZONE %(zone)s)::date, true)
               AS was_there,
           coalesce((%(end)s::timestamptz AT TIME ZONE %(zone)s)::date <= l.left_on, true) AS is_there
      FROM enrolments AS n JOIN learners AS l ON l.company_id = %(company)s AND l.no = n.learner
     WHERE n.company_id = %(company)s AND n.programme = %(programme)s"""

_IN_TEAM = """
       AND EXISTS (SELECT FROM memberships AS m
                    WHERE m.company_id = %(company)s AND m.programme = %(programme)s AND m.learner = n.learner
                      AND m.team = %(team)s AND m.from_at < %(end)s
                      AND coalesce(m.until_at, 'infinity') > coalesce(%(from_at)s::timestamptz, '-infinity'))"""


def population(selection: Selection) -> str:
    """The learners that a report is of, as SQL: those enrolled; of a team chosen, who was in it during the period.

    `was_there`: whether they took part at any time of the period; `is_there`: whether they still did at its end.
    """
    return _IN_PROGRAMME if selection.team is None else _IN_PROGRAMME + _IN_TEAM
