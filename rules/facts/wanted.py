"""Which of a learner's entries each fact is about.

Credits of a programme or of a phase are what its entries moved, in and out, so what flowers were converted into is
among them; those of the company are the balance of the holding. Flowers are those that were earned: their
conversion and expiry take nothing away.

All other facts count entries of the programme. An entry is a learner's if it is about the learner or moves the
learner's holding: an award to a team is one of each member's. Event types are the kinds of entries.

A course is passed by the best score: the number `score` in the data of events of the course, of the criterion's
`type` or of any. Where the criterion names no score of its own, an event that says `"passed": true` has at least
`PASS_SCORE`, and one that says `"passed": false` does not count.

Attendance is of sessions: events `attendance.present`, `attendance.late` and `attendance.absent` (with a `type` in
the criterion, `<type>.present` and so on). Only who was present attended.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ledger.accounts import CREDITS
from pointsbank.directory.days import end_of, start_of
from rules import awards
from rules.criteria import Fact
from rules.facts.ground import Ground

PRESENT, LATE, ABSENT = "present", "late", "absent"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Entries that count for the fact numbered `leaf`; None: any.

    With a `unit`, what they move of it counts. `role` is that of the awarder. `member` is the member of the data that
    is added up; `attended`: a session with the learner; `scored`: scores are asked for, and if `judged`, an event
    may say itself that it is passed.
    """

    leaf: int
    programme: int | None
    unit: int | None = None
    from_at: datetime | None = None
    until_at: datetime | None = None
    kind: int | None = None
    course: int | None = None
    role: str | None = None
    member: str | None = None
    attended: bool = False
    scored: bool = False
    judged: bool = False


def event_types(fact: Fact) -> Sequence[str]:
    """That count; none: any."""
    if fact.fact == "award":
        return (awards.KIND,)
    if fact.fact == "attendance":
        return [f"{fact.type}.{how}" for how in (PRESENT, LATE, ABSENT)]
    return () if fact.type is None else (fact.type,)


def wanted(ground: Ground, fact: Fact, leaf: int, kinds: Mapping[str, int]) -> Iterator[Wanted]:
    """`kinds` are the numbers of the event types that were ever seen."""
    assert fact.scope is not None, "these facts are always somewhere"
    if fact.fact == "credits":
        yield from _credits(ground, fact, leaf)
    elif fact.fact == "flowers":
        for each in ground.courses.values():
            if fact.scope.key in (None, each.key):
                yield Wanted(leaf, None, each.unit)
    else:
        course = None if fact.scope.key is None else ground.courses.get(fact.scope.key)
        if course is not None or fact.scope.kind == "programme":
            yield from _counted(ground, fact, leaf, kinds, None if course is None else course.no)


def _credits(ground: Ground, fact: Fact, leaf: int) -> Iterator[Wanted]:
    assert fact.scope is not None, "checked by wanted"
    if fact.scope.kind == "company":
        yield Wanted(leaf, None, CREDITS)
    elif fact.scope.kind == "programme":
        yield Wanted(leaf, ground.programme.no, CREDITS)
    zone = ground.programme.zone
    for phase in ground.programme.phases:
        if fact.scope.kind == "phase" and fact.scope.key == phase.key:
            begins, ends = start_of(phase.starts_on, zone), end_of(phase.ends_on, zone)
            yield Wanted(leaf, ground.programme.no, CREDITS, begins, ends)


def _counted(ground: Ground, fact: Fact, leaf: int, kinds: Mapping[str, int], course: int | None) -> Iterator[Wanted]:
    types = event_types(fact)
    for name, kind in [(name, kinds[name]) for name in types if name in kinds] if types else [(None, None)]:
        yield Wanted(
            leaf,
            ground.programme.no,
            kind=kind,
            course=course,
            role=fact.role,
            member=fact.sum,
            attended=fact.fact == "attendance" and name == f"{fact.type}.{PRESENT}",
            scored=fact.fact == "passed",
            judged=fact.fact == "passed" and fact.at_least is None,
        )
