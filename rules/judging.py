"""From an event to a draft of its entry: who, where, when, and what the rulebook in force gives.

Nothing is written here. Caps and `first` need what is booked and are applied under the ledger's lock
(`rules.limits`).
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from ledger.accounts import CREDITS, ISSUANCE, holding, pool_of_course, pool_of_programme
from ledger.journal import Draft, Transfer
from pointsbank.database import Database
from pointsbank.directory.roster import Enrolled
from pointsbank.directory.snapshot import Course, Programme
from pointsbank.errors import Closed, Invalid, PointsBankError
from rules.cloudevent import Event
from rules.earning import Earned, evaluate, is_met
from rules.known import InForce, Known

NO_RULE = "no rule matched"
AMOUNT_0 = "amount 0"
MAX_REASON_CHARACTERS = 1_000


@dataclass(slots=True)
class Judged:
    """A draft with what its rules gave; `programme` and `enrolled` serve limits and answers."""

    event: Event
    draft: Draft
    earned: list[Earned]
    programme: Programme
    course: Course | None
    enrolled: Enrolled


def judge(database: Database, known: Known, events: list[Event]) -> list[Judged | PointsBankError]:
    """Each event's draft or why there can be none, in the order of the events."""
    programmes = known.directory.programmes
    wanted = []
    names: set[str] = set()
    for event in events:
        programme = programmes.get(event.data["programme"])
        if programme is not None:
            wanted.append((programme.no, event.subject))
            names.add(event.source)
            names.add(event.type)
            in_force = known.rulebooks.get(programme.no)
            if in_force is not None:
                names.update(rule.key for rule in in_force.rulebook.rules_by_type.get(event.type, ()))
    learners = known.find_learners(database, wanted)
    terms = known.find_terms(database, sorted(names))
    now = datetime.now(UTC)
    judged: list[Judged | PointsBankError] = []
    for event in events:
        try:
            judged.append(_judge(known, learners, terms, event, now))
        except PointsBankError as error:
            judged.append(error)
    return judged


def _judge(
    known: Known,
    learners: dict[tuple[int, str], Enrolled],
    terms: dict[str, int],
    event: Event,
    now: datetime,
) -> Judged:
    if event.time is None:
        event.time = now  # rules may look at it; the fingerprint is of what was sent
    occurred_at = event.time
    programme = known.directory.programmes.get(event.data["programme"])
    if programme is None:
        raise Invalid.field("data.programme", f"there is no programme {event.data['programme']}")
    course = _course(programme, event)
    enrolled = learners.get((programme.no, event.subject))
    if enrolled is None:
        raise Invalid.field("subject", f"there is no learner {event.subject}")
    _check_time(programme, course, occurred_at)
    _check_enrolment(programme, enrolled, event.subject, occurred_at)
    in_force = known.rulebooks.get(programme.no)
    earned = [] if in_force is None else evaluate(in_force.rulebook, event)
    draft = Draft(
        source=terms[event.source],
        key=event.id,
        kind=terms[event.type],
        fingerprint=event.fingerprint,
        occurred_at=occurred_at,
        programme=programme.no,
        course=None if course is None else course.no,
        learner=enrolled.learner_no,
        team=enrolled.team_at(occurred_at),
        rulebook_version=None if in_force is None else in_force.version,
        reason=_reason(event),
        data=event.data_json,
    )
    if earned:
        draft.transfers = [
            _transfer(programme, course, enrolled.learner_no, one, terms[one.rule.key]) for one in earned
        ]
    else:
        draft.note = _why_nothing(in_force, event)
    return Judged(event, draft, earned, programme, course, enrolled)


def _course(programme: Programme, event: Event) -> Course | None:
    key = event.data.get("course")
    if key is None:
        return None
    course = programme.courses.get(key)
    if course is None:
        raise Invalid.field("data.course", f"programme {programme.key} has no course {key}")
    return course


def _check_time(programme: Programme, course: Course | None, at: datetime) -> None:
    if programme.closed:
        raise Closed(f"Programme {programme.key} is closed and takes no more events.")
    if course is not None and course.closed:
        raise Closed(f"Course {course.key} is closed and takes no more events.")
    if not programme.starts_at <= at < programme.ends_at:
        where = "before programme {} begins" if at < programme.starts_at else "after the end of programme {}"
        raise Invalid.field("time", f"{at.isoformat()} is {where.format(programme.key)}")
    if course is not None and not course.opens_at <= at < course.closes_at:
        where = "before course {} opens" if at < course.opens_at else "after course {} closes"
        raise Invalid.field("time", f"{at.isoformat()} is {where.format(course.key)}")


def _check_enrolment(programme: Programme, enrolled: Enrolled, key: str, at: datetime) -> None:
    if enrolled.from_at is None:
        raise Invalid.field("subject", f"learner {key} is not enrolled in programme {programme.key}")
    if at < enrolled.from_at:
        since = enrolled.from_at.isoformat()
        raise Invalid.field("subject", f"learner {key} is enrolled in programme {programme.key} only since {since}")
    if enrolled.left_at is not None and at >= enrolled.left_at:
        raise Invalid.field("subject", f"learner {key} had left by {at.isoformat()}")


def _transfer(programme: Programme, course: Course | None, learner: int, earned: Earned, rule: int) -> Transfer:
    if earned.unit == "credits":
        pool = pool_of_programme(programme.no) if programme.allotment_is_limited else ISSUANCE
        return Transfer(CREDITS, pool, holding(learner), earned.amount, learner, 1, rule)
    assert course is not None, "rules.earning refuses flowers without a course"
    return Transfer(course.unit, pool_of_course(course.no), holding(learner), earned.amount, learner, 1, rule)


def _reason(event: Event) -> str | None:
    reason = event.data.get("reason")
    return reason[:MAX_REASON_CHARACTERS] if isinstance(reason, str) and reason else None


def _why_nothing(in_force: InForce | None, event: Event) -> str:
    if in_force is None:
        return NO_RULE
    rules = in_force.rulebook.rules_by_type.get(event.type, ())
    return AMOUNT_0 if any(is_met(rule, event) for rule in rules) else NO_RULE
