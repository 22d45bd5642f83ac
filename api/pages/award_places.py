"""Where a user may give flowers: as which awarder, in which course, and what is left of the allowance."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from pointsbank.database import Session
from pointsbank.directory import awarders, courses, programmes
from pointsbank.directory.courses import Course
from pointsbank.directory.days import end_of, start_of
from pointsbank.directory.programmes import Programme
from pointsbank.errors import NotFound
from pointsbank.saying import say
from pointsbank.users import people
from pointsbank.users.people import AwarderOf
from rules import given

State = Literal["open", "over", "early", "closed"]
"""`over`: its last day is past, but it is not closed, so it still takes awards."""
_ORDER: tuple[State, ...] = ("open", "over", "early", "closed")


@dataclass(frozen=True, slots=True)
class Place:
    """`left` of the `given` flowers of the awarder's allowance in the course."""

    awarder: AwarderOf
    programme: Programme
    course: Course
    given: int
    left: int
    state: State

    @property
    def key(self) -> str:
        """HR's ids; they hold no slash."""
        return f"{self.programme.key}/{self.awarder.key}/{self.course.key}"

    @property
    def takes_awards(self) -> bool:
        return self.state in ("open", "over")


def find(session: Session, user_no: int) -> tuple[list[AwarderOf], list[Place]]:
    """Whom the user is, and the places: those that are open first, and of them the one that was given from last."""
    own = people.awarders_of(session, user_no)
    now = datetime.now(UTC)
    found: list[Place] = []
    for awarder in own:
        programme = programmes.get(session, awarder.programme)
        known = awarders.get(session, programme, awarder.key)
        by_key = courses.find_all(session, programme)
        for key, amount in known.allowances.items():
            if amount or known.left[key]:
                state = state_of(programme, by_key[key], now)
                found.append(Place(awarder, programme, by_key[key], amount, known.left[key], state))
    last = given.latest(session, [each.no for each in own])

    def rank(each: Place) -> tuple[int, bool, bool]:
        return _ORDER.index(each.state), each.left == 0, (each.awarder.no, each.course.no) != last

    return own, sorted(found, key=rank)


def named(session: Session, user_no: int, key: str) -> Place:
    """The one with this key, also with nothing left. Raises NotFound unless it is the user's and there."""
    programme_key, _, rest = key.partition("/")
    awarder_key, _, course_key = rest.partition("/")
    for awarder in people.awarders_of(session, user_no):
        if (awarder.programme, awarder.key) == (programme_key, awarder_key):
            programme = programmes.get(session, programme_key)
            course = courses.get(session, programme, course_key)
            return Place(awarder, programme, course, 0, 0, state_of(programme, course, datetime.now(UTC)))
    raise NotFound(say("You have no allowance there, or no longer."))


def choose(places: Sequence[Place], key: str | None) -> Place | None:
    """The one with this key, else the first."""
    return next((each for each in places if each.key == key), places[0] if places else None)


def state_of(programme: Programme, course: Course, now: datetime) -> State:
    if programme.closed_at is not None or course.closed_at is not None:
        return "closed"
    if now < start_of(course.opens_on, programme.zone):
        return "early"
    return "over" if now >= end_of(course.closes_on, programme.zone) else "open"


def when(place: Place, ago: timedelta | None, now: datetime) -> datetime | None:
    """When an award was tapped that a device has kept for so long, if that can be; None: now.

    It goes by how long ago that was, not by the device's clock, which may be wrong.
    """
    if ago is None or ago < timedelta(seconds=1):
        return None
    try:
        at = now - ago
    except OverflowError:
        return None
    zone = place.programme.zone
    return at if start_of(place.course.opens_on, zone) <= at < end_of(place.course.closes_on, zone) else None
