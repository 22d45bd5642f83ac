"""A draft tried on everything that is booked in a programme."""

from collections.abc import Iterator
from typing import Any

from pointsbank.database import Database, Session
from pointsbank.directory import programmes
from pointsbank.errors import NotFound
from rules import versions
from rules.as_of import as_of
from rules.parts import Rulebook
from rules.rulebook import parse
from rules.simulation import happened, planning, qualifying, report
from rules.simulation.happened import Ground
from rules.simulation.progress import Progress

SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ"
"""Not READ ONLY: temporary tables are made in it."""


Steps = Iterator[Progress | dict[str, Any]]
"""Progress, and last of all the report."""


def simulate(database: Database, company_id: int, programme_key: str, most_learners: int = report.MAX_ITEMS) -> Steps:
    """What activating the draft with re-evaluation would do now. Nothing is written, and nobody has to wait. Of the
    learners for whom something changes at most so many are listed.

    Raises NotFound without a draft, Closed for a programme that is closed.
    """
    with database.transaction(company_id, SNAPSHOT) as session:
        programme = programmes.get(session, programme_key).no
        draft = versions.draft(session, programme)
        version, in_force = _in_force(session, programme)
        on = happened.ground(session, programme_key, parse(draft["document"]))
        yield from read(session, on)
        planned = planning.plan(session, on)
        found = {"version": draft["version"], "against": version, **report.of_plan(session, planned, most_learners)}
        certificates = yield from qualifying.compare(session, planned, in_force, as_of(session))
        yield {**found, "certificates": certificates}


def read(session: Session, on: Ground) -> Iterator[Progress]:
    for number in happened.read(session, on):
        yield Progress("reading", number, on.number)


def _in_force(session: Session, programme: int) -> tuple[int | None, Rulebook]:
    try:
        in_force = versions.in_force(session, programme)
    except NotFound:
        return None, Rulebook()
    return in_force["version"], parse(in_force["document"])
