"""Who would newly qualify for a certificate if a plan were booked, and who no longer."""

from collections.abc import Generator, Iterator
from typing import Any

from pointsbank.database import Session
from pointsbank.directory import programmes
from rules.as_of import AsOf
from rules.eligibility import evaluate
from rules.parts import Rulebook
from rules.simulation import hypothetical
from rules.simulation.planning import Plan
from rules.simulation.progress import Progress
from rules.simulation.report import MAX_ITEMS

LEARNERS_AT_A_TIME = 500

Qualified = dict[str, set[int]]
"""By certificate, the numbers of the learners."""


def learners(session: Session, programme: int) -> dict[int, str]:
    """Those who are enrolled: HR's ids by number, in the order of the ids."""
    rows = session.sql(
        """SELECT l.no, l.key FROM enrolments AS e
             JOIN learners AS l ON l.company_id = %(company)s AND l.no = e.learner
            WHERE e.company_id = %(company)s AND e.programme = %(programme)s ORDER BY l.key""",
        {"programme": programme},
    )
    return dict(rows)


def compare(
    session: Session, planned: Plan, in_force: Rulebook, as_of: AsOf
) -> Generator[Progress, None, list[dict[str, Any]]]:
    """By certificate of either version, who qualifies under one and not under the other."""
    on = planned.ground
    enrolled = learners(session, on.programme.no)
    versions = [rulebook for rulebook in (in_force, on.rulebook) if rulebook.certificates]
    before: Qualified = {rule.key: set() for rule in in_force.certificates}
    after: Qualified = {rule.key: set() for rule in on.rulebook.certificates}
    yield Progress("qualifying", 0, len(versions) * len(enrolled))
    if in_force.certificates:
        for done in _qualified(session, on.programme.key, in_force, list(enrolled), as_of, before):
            yield Progress("qualifying", done, len(versions) * len(enrolled))
    if on.rulebook.certificates:
        with hypothetical.ledger(session, planned) as last:
            then = AsOf(as_of.cut_off, last)
            for done in _qualified(session, on.programme.key, on.rulebook, list(enrolled), then, after):
                yield Progress("qualifying", (len(versions) - 1) * len(enrolled) + done, len(versions) * len(enrolled))
    return [
        {
            "certificate": key,
            "before": len(before.get(key, ())),
            "after": len(after.get(key, ())),
            **_listed("newly", enrolled, after.get(key, set()) - before.get(key, set())),
            **_listed("no_longer", enrolled, before.get(key, set()) - after.get(key, set())),
        }
        for key in dict.fromkeys([*after, *before])
    ]


def _qualified(
    session: Session, programme_key: str, rulebook: Rulebook, everyone: list[int], as_of: AsOf, into: Qualified
) -> Iterator[int]:
    """Puts into `into` who qualifies; yields how many are done."""
    programme = programmes.get(session, programme_key)
    for start in range(0, len(everyone), LEARNERS_AT_A_TIME):
        some = everyone[start : start + LEARNERS_AT_A_TIME]
        for learner, judged in evaluate(session, programme, rulebook, some, as_of).items():
            for each in judged:
                if each.qualified:
                    into[each.rule.key].add(learner)
        yield start + len(some)


def _listed(name: str, enrolled: dict[int, str], numbers: set[int]) -> dict[str, Any]:
    keys = [key for no, key in enrolled.items() if no in numbers]
    return {name: keys[:MAX_ITEMS], f"{name}_total": len(keys)}
