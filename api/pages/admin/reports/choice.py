"""What the reader chose: read from the address, so that a report can be sent to somebody as a link."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from flask import request
from flask_babel import gettext as _

from pointsbank.database import Session
from pointsbank.directory import courses, programmes
from pointsbank.directory.courses import Course
from pointsbank.directory.faults import FIRST_YEAR, LAST_YEAR
from pointsbank.directory.programmes import Programme
from pointsbank.errors import Invalid, NotFound
from pointsbank.leaderboards.boards import Unit
from pointsbank.reports import selection as selecting
from pointsbank.reports.over_time import STEPS, By, Step
from pointsbank.reports.selection import Named, Selection

T = TypeVar("T", Course, Named)

SILENT_DAYS = (7, 14, 30, 60, 90)
USUAL_SILENT_DAYS = 14


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the programme's time that is offered, and the query that shows it."""

    name: str
    first: str | None
    last: str | None
    is_here: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """`fault` says why the dates that were given do not do; the report is then of all time."""

    selection: Selection
    courses: Sequence[Course]
    teams: Sequence[Named]
    stretches: Sequence[Stretch]
    unit: Unit
    by: By
    step: Step | None
    is_running: bool
    silent_days: int
    fault: str | None

    @property
    def programme(self) -> Programme:
        return self.selection.programme

    @property
    def fields(self) -> Mapping[str, str]:
        """What stands in the form."""
        own = self.selection
        return {
            "from": request.args.get("from", ""),
            "to": request.args.get("to", ""),
            "course": "" if own.course is None else own.course.key,
            "team": "" if own.team is None else own.team.key,
            "unit": self.unit,
            "by": self.by,
            "step": self.step or "",
            "view": "sum" if self.is_running else "each",
            "days": str(self.silent_days),
        }

    @property
    def kept(self) -> Mapping[str, str]:
        """What goes along to another report."""
        return {name: self.fields[name] for name in ("from", "to", "course", "team", "days") if self.fields[name]}


def choice(session: Session, programme_key: str) -> Choice:
    """Raises NotFound for a programme, course or team that there is not."""
    programme = programmes.get(session, programme_key)
    own = sorted(courses.find_all(session, programme).values(), key=lambda each: (each.opens_on, each.no))
    teams = selecting.teams(session, programme)
    first, last, fault = _days()
    course, team = request.args.get("course"), request.args.get("team")
    silent = request.args.get("days", "")
    step = request.args.get("step")
    by: By = "course" if request.args.get("by") == "course" else "team"
    return Choice(
        Selection(
            programme,
            _one(own, course, "course") if course else None,
            _one(teams, team, "team") if team else None,
            first,
            last,
        ),
        own,
        teams,
        _stretches(programme, first, last),
        "flowers" if request.args.get("unit") == "flowers" else "credits",
        by,
        next((each for each in STEPS if each == step), None),
        request.args.get("view", "sum") == "sum",
        int(silent) if silent in map(str, SILENT_DAYS) else USUAL_SILENT_DAYS,
        fault,
    )


def _one(there: Sequence[T], key: str, what: str) -> T:
    for each in there:
        if each.key == key:
            return each
    raise NotFound(f"There is no {what} {key} in this programme.")


def _days() -> tuple[date | None, date | None, str | None]:
    try:
        first, last = _day("from"), _day("to")
    except Invalid as fault:
        return None, None, str(fault)
    if first is not None and last is not None and last < first:
        return None, None, _("The last day is before the first.")
    return first, last, None


def _day(name: str) -> date | None:
    text = request.args.get(name, "").strip()
    if not text:
        return None
    try:
        found = date.fromisoformat(text)
        if FIRST_YEAR <= found.year <= LAST_YEAR:
            return found
    except ValueError:
        pass
    raise Invalid(_("%(text)s is not a day of the calendar.", text=text))


def _stretches(programme: Programme, first: date | None, last: date | None) -> list[Stretch]:
    """The phases, and everything."""
    found = [Stretch(_("Everything"), None, None, first is None and last is None)]
    for phase in programme.phases:
        here = (phase.starts_on, phase.ends_on) == (first, last)
        found.append(Stretch(phase.name, phase.starts_on.isoformat(), phase.ends_on.isoformat(), here))
    return found
