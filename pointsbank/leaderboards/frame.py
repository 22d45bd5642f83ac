"""A board made concrete: numbers instead of HR's ids, instants instead of `week`.

What `week` means moves on; the frame of a week does not. Boards in Redis are those of frames, so that a rolling
week, the week by its number and its seven days are one board there. A mean is the same frame as its sum.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Self
from zoneinfo import ZoneInfo

from pointsbank.database import Session
from pointsbank.directory import courses, programmes
from pointsbank.directory.days import start_of
from pointsbank.leaderboards.boards import Members, Scope, Unit
from pointsbank.leaderboards.periods import Period, Window

INSTANT = timedelta(microseconds=1)  # the least that PostgreSQL tells apart
ALL_TIME = Window(None, None)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Frame(NamedTuple):
    """`programme`, `course` and `flowers`, the unit of the course's flowers, are numbers of the company."""

    programme: int | None
    course: int | None
    flowers: int | None
    unit: Unit
    members: Members
    window: Window = ALL_TIME

    @property
    def id(self) -> str:
        """A text that tells frames of a company apart and can be read again."""
        parts = (self.programme, self.course, self.flowers, self.unit, self.members)
        instants = (None if at is None else micros(at) for at in (self.window.from_at, self.window.until_at))
        return "/".join("" if part is None else str(part) for part in (*parts, *instants))

    @classmethod
    def of_id(cls, text: str) -> Self:
        """Raises ValueError."""
        programme, course, flowers, unit, members, from_at, until_at = text.split("/")
        return cls(
            int(programme) if programme else None,
            int(course) if course else None,
            int(flowers) if flowers else None,
            "flowers" if unit == "flowers" else "credits",
            "teams" if members == "teams" else "learners",
            Window(instant(int(from_at)) if from_at else None, instant(int(until_at)) if until_at else None),
        )

    def of_period(self, period: Period, zone: ZoneInfo, now: datetime) -> "Frame":
        return self._replace(window=period.window(zone, now))

    def before(self, zone: ZoneInfo, now: datetime) -> datetime:
        """Of what is older than this was the board that `moved` compares with: at the start of today, or of the
        period if that is later; of a period that is over it is the same board."""
        before = start_of(now.astimezone(zone).date(), zone)
        if self.window.from_at is not None:
            before = max(before, self.window.from_at)
        return before if self.window.until_at is None else min(before, self.window.until_at)

    def may_have(self, before: datetime, zone: ZoneInfo) -> bool:
        """Whether it can have had this `before` in the zone: elsewhere the day begins at another time."""
        return before in self.window or before == start_of(before.astimezone(zone).date(), zone)

    def sized_at(self, now: datetime) -> datetime:
        """When a team's members are counted for its mean: now, or at the end of the period."""
        return now if self.window.until_at is None else min(now, self.window.until_at - INSTANT)

    def scope(self) -> Mapping[str, object]:
        """What counts, for the statements of `pointsbank.leaderboards.scores`."""
        return {
            "programme": self.programme,
            "course": self.course,
            "flowers": self.flowers,
            "from_at": self.window.from_at,
            "until_at": self.window.until_at,
        }

    def parameters(self, zone: ZoneInfo, now: datetime) -> Mapping[str, object]:
        """The scope, and the times that matter now."""
        before = self.before(zone, now)
        return {
            **self.scope(),
            "before": before,
            "sized_at": self.sized_at(now),
            "sized_before": before - INSTANT,
        }


def of_scope(session: Session, scope: Scope, unit: Unit, members: Members) -> Frame:
    """Of all time. Raises NotFound for an unknown programme or course."""
    if scope.programme is None:
        return Frame(None, None, None, unit, members)
    programme = programmes.get(session, scope.programme)
    if scope.course is None:
        return Frame(programme.no, None, None, unit, members)
    course = courses.get(session, programme, scope.course)
    return Frame(programme.no, course.no, course.unit, unit, members)


def micros(at: datetime) -> int:
    """Microseconds since 1970, exactly."""
    return (at - EPOCH) // INSTANT


def instant(since: int) -> datetime:
    return EPOCH + timedelta(microseconds=since)
