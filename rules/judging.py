"""From an event to a draft of its entry: who, where, when, and what the rulebook in force gives.

Nothing is written here. Caps and `first` need what is booked and are applied under the ledger's lock
(`rules.limits`).
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from ledger.accounts import CREDITS, ISSUANCE, holding, pool_of_course, pool_of_programme
from ledger.journal import Draft, Transfer
from pointsbank.database import Database
from pointsbank.directory.roster import Enrolled
from pointsbank.directory.snapshot import Course, Programme
from pointsbank.errors import Closed, Invalid, PointsBankError
from pointsbank.saying import say
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


@dataclass(slots=True)
class _Frame:
    """What events of one source, type, programme and course have in common: looked up once a batch.

    The programme and the course take what happens from `begins` until before `ends`.
    """

    programme: Programme
    course: Course | None
    in_force: InForce | None
    begins: datetime
    ends: datetime
    source: int = 0
    kind: int = 0
    rules: dict[str, int] = field(default_factory=dict)


_FrameKey = tuple[str, str, str, str | None]


def judge(database: Database, known: Known, events: list[Event]) -> list[Judged | PointsBankError]:
    """Each event's draft or why there can be none, in the order of the events."""
    keys: list[_FrameKey] = [(e.source, e.type, e.data["programme"], e.data.get("course")) for e in events]
    frames = {key: _frame(known, *key) for key in set(keys)}
    _number_terms(database, known, frames)
    wanted = [
        (frame.programme.no, event.subject)
        for event, key in zip(events, keys, strict=True)
        if isinstance(frame := frames[key], _Frame)
    ]
    learners = known.find_learners(database, wanted)
    now = datetime.now(UTC)
    judged: list[Judged | PointsBankError] = []
    for event, key in zip(events, keys, strict=True):
        frame = frames[key]
        try:
            judged.append(frame if isinstance(frame, PointsBankError) else _judge(frame, learners, event, now))
        except PointsBankError as error:
            judged.append(error)
    return judged


def _frame(
    known: Known, _source: str, kind: str, programme_key: str, course_key: str | None
) -> _Frame | PointsBankError:
    programme = known.directory.programmes.get(programme_key)
    if programme is None:
        return Invalid.field("data.programme", say("there is no programme %(programme)s", programme=programme_key))
    course = None if course_key is None else programme.courses.get(course_key)
    if course is None and course_key is not None:
        fault = say("programme %(programme)s has no course %(course)s", programme=programme.key, course=course_key)
        return Invalid.field("data.course", fault)
    if programme.closed:
        return Closed(say("Programme %(programme)s is closed and takes no more events.", programme=programme.key))
    if course is not None and course.closed:
        return Closed(say("Course %(course)s is closed and takes no more events.", course=course.key))
    begins, ends = programme.starts_at, programme.ends_at
    if course is not None:
        begins, ends = max(begins, course.opens_at), min(ends, course.closes_at)
    in_force = known.rulebooks.get(programme.no)
    rules = () if in_force is None else in_force.rulebook.rules_by_type.get(kind, ())
    return _Frame(programme, course, in_force, begins, ends, rules=dict.fromkeys((rule.key for rule in rules), 0))


def _number_terms(database: Database, known: Known, frames: dict[_FrameKey, _Frame | PointsBankError]) -> None:
    """Puts the numbers of their sources, types and rules into the frames."""
    good = [(key, frame) for key, frame in frames.items() if isinstance(frame, _Frame)]
    names = {name for (source, kind, _, _), frame in good for name in (source, kind, *frame.rules)}
    terms = known.find_terms(database, sorted(names))
    for (source, kind, _, _), frame in good:
        frame.source, frame.kind = terms[source], terms[kind]
        frame.rules = {rule: terms[rule] for rule in frame.rules}


def _judge(frame: _Frame, learners: dict[tuple[int, str], Enrolled], event: Event, now: datetime) -> Judged:
    if event.time is None:
        event.time = now  # rules may look at it; the fingerprint is of what was sent
    at = event.time
    programme = frame.programme
    if not frame.begins <= at < frame.ends:
        raise _outside(frame, at)
    enrolled = learners.get((programme.no, event.subject))
    if enrolled is None:
        raise Invalid.field("subject", say("there is no learner %(learner)s", learner=event.subject))
    if enrolled.from_at is None or at < enrolled.from_at or (enrolled.left_at is not None and at >= enrolled.left_at):
        raise _not_taking_part(programme, enrolled, event.subject, at)
    in_force = frame.in_force
    earned = evaluate(in_force.rulebook, event) if frame.rules and in_force is not None else []
    learner = enrolled.learner_no
    draft = Draft(
        frame.source,
        event.id,
        frame.kind,
        event.fingerprint,
        at,
        [_transfer(frame, learner, one) for one in earned],
        programme.no,
        None if frame.course is None else frame.course.no,
        learner,
        enrolled.team_at(at) if enrolled.stays else None,
        None,
        None if in_force is None else in_force.version,
        None,
        _reason(event) if "reason" in event.data else None,
        None if earned else _why_nothing(in_force, event),
        event.data_json,
    )
    return Judged(event, draft, earned, programme, frame.course, enrolled)


def _outside(frame: _Frame, at: datetime) -> Invalid:
    programme, course = frame.programme, frame.course
    if not programme.starts_at <= at < programme.ends_at:
        if at < programme.starts_at:
            fault = say("%(at)s is before programme %(programme)s begins", at=at.isoformat(), programme=programme.key)
        else:
            fault = say(
                "%(at)s is after the end of programme %(programme)s", at=at.isoformat(), programme=programme.key
            )
        return Invalid.field("time", fault)
    assert course is not None, "else the frame has the programme's times"
    if at < course.opens_at:
        return Invalid.field(
            "time", say("%(at)s is before course %(course)s opens", at=at.isoformat(), course=course.key)
        )
    return Invalid.field("time", say("%(at)s is after course %(course)s closes", at=at.isoformat(), course=course.key))


def _not_taking_part(programme: Programme, enrolled: Enrolled, key: str, at: datetime) -> Invalid:
    if enrolled.from_at is None:
        fault = say(
            "learner %(learner)s is not enrolled in programme %(programme)s", learner=key, programme=programme.key
        )
    elif at < enrolled.from_at:
        fault = say(
            "learner %(learner)s is enrolled in programme %(programme)s only since %(since)s",
            learner=key,
            programme=programme.key,
            since=enrolled.from_at.isoformat(),
        )
    else:
        fault = say("learner %(learner)s had left by %(at)s", learner=key, at=at.isoformat())
    return Invalid.field("subject", fault)


def _transfer(frame: _Frame, learner: int, earned: Earned) -> Transfer:
    programme, course, rule = frame.programme, frame.course, frame.rules[earned.rule.key]
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
