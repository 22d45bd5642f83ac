"""What was earned over time, by team or by course."""

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from typing import Literal

from pointsbank.database import Session
from pointsbank.directory import courses
from pointsbank.leaderboards.boards import Unit
from pointsbank.reports import selection as selecting
from pointsbank.reports.selection import Selection

By = Literal["team", "course"]
Step = Literal["day", "week", "month"]
STEPS: tuple[Step, ...] = ("day", "week", "month")
MOST_STEPS = 400
"""Beyond it the next longer step is taken."""


@dataclass(frozen=True, slots=True)
class Series:
    """`key` is None for what belongs to no team or no course. `amounts` is one for each step."""

    key: str | None
    name: str
    amounts: tuple[int, ...]

    @property
    def total(self) -> int:
        return sum(self.amounts)

    @property
    def running(self) -> tuple[int, ...]:
        return tuple(accumulate(self.amounts))


@dataclass(frozen=True, slots=True)
class OverTime:
    """`starts` are the first days of the steps, without gaps; `series` by total, the largest first."""

    step: Step
    starts: tuple[date, ...]
    series: tuple[Series, ...]


def over_time(session: Session, selection: Selection, unit: Unit, by: By, step: Step | None = None) -> OverTime:
    """By the day, ISO week or month of the programme's time zone; None: what suits the length of the period."""
    wanted = step or _suitable(selection)
    amounts = _amounts(session, selection, unit, by, wanted)
    days = [day for _, day in amounts]
    while days and wanted != "month" and len(_starts(min(days), max(days), wanted)) > MOST_STEPS:
        wanted = STEPS[STEPS.index(wanted) + 1]
        amounts = _amounts(session, selection, unit, by, wanted)
        days = [day for _, day in amounts]
    starts = _starts(min(days), max(days), wanted) if days else ()
    names = _names(session, selection, unit, by)
    if any(no is None for no, _ in amounts):
        names[None] = (None, "")
    series = [
        Series(key, name, tuple(amounts.get((no, start), 0) for start in starts)) for no, (key, name) in names.items()
    ]
    return OverTime(wanted, starts, tuple(sorted(series, key=lambda each: (-each.total, each.key is None, each.name))))


def _suitable(selection: Selection) -> Step:
    first, last = selection.first or selection.programme.starts_on, selection.last or selection.programme.ends_on
    days = (last - first).days
    return "day" if days <= 31 else "week" if days <= 7 * 26 else "month"


def _amounts(
    session: Session, selection: Selection, unit: Unit, by: By, step: Step
) -> dict[tuple[int | None, date], int]:
    of = "s.team" if by == "team" else "e.course" if unit == "credits" else "t.unit"
    rows = session.sql(
        _AMOUNTS.format(of=of, earned=selection.earned(unit, by_team=by == "team")),
        {**selection.parameters(), "step": step},
    )
    return {(row.no, row.starts_on): row.amount for row in rows}


_AMOUNTS = """
SELECT {of} AS no, date_trunc(%(step)s, t.occurred_at AT TIME ZONE %(zone)s)::date AS starts_on,
       sum(t.amount * t.earning)::bigint AS amount
{earned}
 GROUP BY 1, 2"""


def _names(session: Session, selection: Selection, unit: Unit, by: By) -> dict[int | None, tuple[str | None, str]]:
    """Key and name of each team or course, by the number that `_AMOUNTS` has for it."""
    if by == "team":
        teams = [selection.team] if selection.team else selecting.teams(session, selection.programme)
        return {each.no: (each.key, each.name) for each in teams}
    own = list(courses.find_all(session, selection.programme).values())
    if selection.course is not None:
        own = [selection.course]
    return {each.no if unit == "credits" else each.unit: (each.key, each.name) for each in own}


def _starts(first: date, last: date, step: Step) -> tuple[date, ...]:
    found = [first]
    while found[-1] < last:
        found.append(_next(found[-1], step))
    return tuple(found)


def _next(start: date, step: Step) -> date:
    if step == "month":
        return (start.replace(day=28) + timedelta(days=4)).replace(day=1)
    return start + timedelta(days=7 if step == "week" else 1)
