"""What a board shows: scope, unit, members, period and score, as a client asks for them."""

from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

from pointsbank.directory.faults import fault_of_key, refuse
from pointsbank.errors import FieldError
from pointsbank.leaderboards import periods
from pointsbank.leaderboards.periods import Period
from pointsbank.saying import say

Unit = Literal["credits", "flowers"]
Members = Literal["learners", "teams"]
Score = Literal["sum", "mean"]

MAX_ROWS = 500
"""Of one page of a board."""
DEFAULT_ROWS = 10
SCOPE_FORMS = "must be company, programme:KEY, or course:PROGRAMME/KEY."


class Scope(NamedTuple):
    """The whole company (both None), a programme, or one of its courses, by HR's ids."""

    programme: str | None = None
    course: str | None = None

    def __str__(self) -> str:
        if self.course is not None:
            return f"course:{self.programme}/{self.course}"
        return "company" if self.programme is None else f"programme:{self.programme}"


class Board(NamedTuple):
    """Credits of a course are those of its entries; flowers of a programme are those of all its courses."""

    scope: Scope
    unit: Unit
    members: Members
    period: Period
    score: Score


DEFAULTS: Mapping[str, str] = {
    "scope": "company",
    "unit": "credits",
    "members": "learners",
    "period": periods.ALL,
    "score": "sum",
}


def parse(query: Mapping[str, str]) -> Board:
    """The board of a query; what is absent is as in `DEFAULTS`. Raises Invalid with every fault."""
    wanted = {**DEFAULTS, **query}
    faults: list[FieldError] = []
    scope, period = Scope(), periods.parse(periods.ALL)
    if (found := parse_scope(wanted["scope"])) is None:
        faults.append(("scope", SCOPE_FORMS))
    else:
        scope = found
    for name, choices in (("unit", Unit), ("members", Members), ("score", Score)):
        if wanted[name] not in get_args(choices):
            faults.append((name, f"must be {' or '.join(get_args(choices))}."))
    if wanted["members"] == "teams" and found is not None and scope.programme is None:
        faults.append(
            ("members", say("teams belong to a programme: take programme:KEY or course:PROGRAMME/KEY as scope."))
        )
    if wanted["score"] == "mean" and wanted["members"] == "learners":
        faults.append(("score", say("mean is of a team's members: take members=teams.")))
    try:
        period = periods.parse(wanted["period"])
    except periods.PeriodFault as fault:
        faults.append(("period", str(fault)))
    refuse(faults)
    return Board(
        scope,
        "flowers" if wanted["unit"] == "flowers" else "credits",
        "teams" if wanted["members"] == "teams" else "learners",
        period,
        "mean" if wanted["score"] == "mean" else "sum",
    )


def query(board: Board) -> Mapping[str, str]:
    """The board in the words of the API; `parse` reads them."""
    return {
        "scope": str(board.scope),
        "unit": board.unit,
        "members": board.members,
        "period": board.period.text,
        "score": board.score,
    }


def parse_scope(text: str) -> Scope | None:
    """None if the text has not the form of a scope; whether there is such a course is not looked up."""
    if text == "company":
        return Scope()
    kind, _, keys = text.partition(":")
    programme, slash, course = keys.partition("/")
    if kind == "programme" and not slash and fault_of_key(programme) is None:
        return Scope(programme)
    if kind == "course" and fault_of_key(programme) is None and fault_of_key(course) is None:
        return Scope(programme, course)
    return None
