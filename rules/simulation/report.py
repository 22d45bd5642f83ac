"""What a plan comes to, as clients see it: by rule, by learner, and what is left as it is."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ledger.accounts import CREDITS
from ledger.identity import entry_id
from pointsbank.database import Session
from rules.simulation import distribution
from rules.simulation.happened import Gifts
from rules.simulation.planning import Plan

MAX_ITEMS = 1_000
"""Of each list; `total` says how many there are."""


@dataclass(slots=True)
class _Sum:
    entries: int = 0
    credits: int = 0
    flowers: int = 0

    def add(self, unit: int, amount: int) -> None:
        self.entries += 1
        if unit == CREDITS:
            self.credits += amount
        else:
            self.flowers += amount

    def shown(self) -> dict[str, int]:
        return {"entries": self.entries, "credits": self.credits, "flowers": self.flowers}


def of_plan(session: Session, planned: Plan, most_learners: int = MAX_ITEMS) -> dict[str, Any]:
    """All of it but the certificates."""
    return {
        "events": len(planned.ground.events),
        "corrections": sum(map(len, planned.changes.values())),
        "rules": _rules(session, planned),
        "learners": _learners(session, planned, most_learners),
        "distribution": distribution.of_plan(planned),
        **left_as_is(session, planned),
    }


def left_as_is(session: Session, planned: Plan) -> dict[str, Any]:
    """What is not to be changed, and why."""
    on = planned.ground
    courses = {no: course.key for no, course in on.courses.items()}
    return {
        "as_of": on.number,
        "short": _short(session, planned),
        "failures": _listed(
            {"entry_id": entry_id(session.company_id, each.number), "rule": each.rule, "reason": each.reason}
            for each in planned.failures
        ),
        "courses_left_alone": [
            {"course": courses[no], "events": events} for no, events in sorted(planned.left_alone.items())
        ],
    }


def rules_named(session: Session, planned: Plan) -> Mapping[int, str]:
    """The keys of all rules that give or gave something, those of the version in its order and first."""
    on = planned.ground
    own = {on.terms[rule.key]: rule.key for rule in on.rulebook.earning}
    booked = {given.rule for each in on.events for given in each.booked}
    return {**own, **dict(sorted(_names(session, "SELECT no, term FROM terms", booked - own.keys()).items()))}


def _rules(session: Session, planned: Plan) -> list[dict[str, Any]]:
    on = planned.ground
    before: dict[int, _Sum] = defaultdict(_Sum)
    after: dict[int, _Sum] = defaultdict(_Sum)
    for each in on.events:
        _add(before, each.booked)
        _add(after, planned.replayed.given[each.number])
    return [
        {"rule": name, "before": before[term].shown(), "after": after[term].shown()}
        for term, name in rules_named(session, planned).items()
    ]


def _add(sums: dict[int, _Sum], gifts: Gifts) -> None:
    for rule, unit, amount in gifts:
        sums[rule].add(unit, amount)


def _learners(session: Session, planned: Plan, most: int) -> dict[str, Any]:
    """Who would have more or less, those first for whom most changes."""
    before: dict[int, _Sum] = defaultdict(_Sum)
    after: dict[int, _Sum] = defaultdict(_Sum)
    for each in planned.ground.events:
        if each.learner in planned.changes:
            for _, unit, amount in each.booked:
                before[each.learner].add(unit, amount)
            for _, unit, amount in planned.replayed.given[each.number]:
                after[each.learner].add(unit, amount)
    keys = _names(session, "SELECT no, key FROM learners", planned.changes)
    order = sorted(
        planned.changes,
        key=lambda no: (
            -abs(after[no].credits - before[no].credits),
            -abs(after[no].flowers - before[no].flowers),
            keys[no],
        ),
    )
    return _listed(
        (
            {
                "learner": keys[no],
                "corrections": len(planned.changes[no]),
                "before": before[no].shown(),
                "after": after[no].shown(),
            }
            for no in order
        ),
        most,
    )


def _short(session: Session, planned: Plan) -> dict[str, Any]:
    keys = _names(session, "SELECT no, key FROM learners", [each.learner for each in planned.short])
    rows = session.sql(
        """SELECT wanted.place, account_code(%(company)s, wanted.unit, wanted.id) AS account, u.code AS unit
             FROM unnest(%(ids)s::bigint[], %(units)s::integer[]) WITH ORDINALITY AS wanted (id, unit, place)
             JOIN units AS u ON u.company_id = %(company)s AND u.no = wanted.unit
            ORDER BY wanted.place""",
        {
            "ids": [each.account[0] for each in planned.short[:MAX_ITEMS]],
            "units": [each.account[1] for each in planned.short[:MAX_ITEMS]],
        },
    ).fetchall()
    items = [
        {
            "learner": keys[each.learner],
            "account": row.account,
            "unit": row.unit,
            "available": each.available,
            "required": each.required,
        }
        for each, row in zip(planned.short, rows, strict=False)
    ]
    return {"total": len(planned.short), "items": items}


def _names(session: Session, select: str, numbers: Iterable[int]) -> Mapping[int, str]:
    rows = session.sql(
        f"{select} WHERE company_id = %(company)s AND no = ANY (%(numbers)s)", {"numbers": list(numbers)}
    )
    return dict(rows)


def _listed(items: Iterable[dict[str, Any]], most: int = MAX_ITEMS) -> dict[str, Any]:
    listed = list(items)
    return {"total": len(listed), "items": listed[:most]}
