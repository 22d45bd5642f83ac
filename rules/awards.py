"""Awards by hand: an awarder gives flowers from an allowance, or HR credits from the programme's pool."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import orjson

from ledger import journal, terms
from ledger.accounts import CREDITS, ISSUANCE, allowance, holding, pool_of_programme
from ledger.journal import Draft, Duplicate, Transfer
from pointsbank.database import Session
from pointsbank.directory import roster, snapshot
from pointsbank.directory.snapshot import Course, Programme
from pointsbank.errors import Closed, Invalid, NotFound, PointsBankError

SOURCE = "pointsbank:awards"
KIND = "award.given"


@dataclass(frozen=True, slots=True)
class Award:
    """To a learner, or `amount` to each member of a team. `time` None: now. `course` may be None for credits."""

    awarder: str | None
    learner: str | None
    team: str | None
    programme: str
    course: str | None
    unit: str
    amount: int
    reason: str
    time: datetime | None


@dataclass(frozen=True, slots=True)
class Given:
    number: int
    is_new: bool


def give(session: Session, award: Award, key: str | None, content: dict[str, Any]) -> Given:
    """Books the award as one entry, all of a team or none. The same key with the same content books nothing.

    Raises Invalid with every fault, NotFound for the awarder or team, Closed, InsufficientFunds, KeyConflict.
    """
    journal.lock(session)
    key = key or str(uuid.uuid4())
    canonical = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    fingerprint = int.from_bytes(blake2b(canonical, digest_size=8).digest(), "big", signed=True)
    numbers = terms.intern(session, [SOURCE, KIND])
    booked = journal.find_booked(session, [(numbers[SOURCE], key)])
    if booked:
        outcome: journal.Outcome = journal.outcome_of_booked(session, key, fingerprint, booked[0])
    else:
        draft = _draft(session, award, numbers, key, fingerprint)
        draft.data = canonical
        (outcome,) = journal.post(session, [draft])
    if isinstance(outcome, PointsBankError):
        raise outcome
    return Given(outcome.number, not isinstance(outcome, Duplicate))


def _draft(session: Session, award: Award, numbers: dict[str, int], key: str, fingerprint: int) -> Draft:
    at = award.time or datetime.now(UTC)
    programme, course = _where(session, award)
    if award.time is not None and not programme.starts_at <= at < programme.ends_at:
        raise Invalid.field(
            "time",
            f"programme {programme.key} takes awards from {programme.starts_at} to {programme.ends_at}",
        )
    awarder = _awarder(session, award, programme)
    team, learners = _receivers(session, award, programme, at)
    unit, debit = _giver(award, programme, course, awarder)
    return Draft(
        source=numbers[SOURCE],
        key=key,
        kind=numbers[KIND],
        fingerprint=fingerprint,
        occurred_at=at,
        programme=programme.no,
        course=None if course is None else course.no,
        learner=learners[0] if award.team is None else None,
        team=team,
        awarder=awarder,
        reason=award.reason,
        transfers=[Transfer(unit, debit, holding(no), award.amount, no, 1) for no in learners],
    )


def _where(session: Session, award: Award) -> tuple[Programme, Course | None]:
    programme = snapshot.load(session).programmes.get(award.programme)
    if programme is None:
        raise NotFound(f"There is no programme {award.programme}.")
    if programme.closed:
        raise Closed(f"Programme {programme.key} is closed and takes no more awards.")
    if award.course is None:
        if award.unit == "flowers":
            raise Invalid.field("course", "is needed: flowers belong to a course")
        return programme, None
    course = programme.courses.get(award.course)
    if course is None:
        raise NotFound(f"Programme {programme.key} has no course {award.course}.")
    if course.closed:
        raise Closed(f"Course {course.key} is closed and takes no more awards.")
    return programme, course


def _awarder(session: Session, award: Award, programme: Programme) -> int | None:
    if award.awarder is None:
        if award.unit == "flowers":
            raise Invalid.field("awarder", "is needed: flowers come from an awarder's allowance")
        return None
    row = session.sql(
        "SELECT no FROM awarders WHERE company_id = %(company)s AND programme = %(programme)s AND key = %(key)s",
        {"programme": programme.no, "key": award.awarder},
    ).fetchone()
    if row is None:
        raise NotFound(f"Programme {programme.key} has no awarder {award.awarder}.")
    return int(row.no)


def _giver(award: Award, programme: Programme, course: Course | None, awarder: int | None) -> tuple[int, int]:
    if award.unit == "flowers":
        assert course is not None, "checked by _where"
        assert awarder is not None, "checked by _awarder"
        return course.unit, allowance(awarder)
    return CREDITS, pool_of_programme(programme.no) if programme.allotment_is_limited else ISSUANCE


def _receivers(session: Session, award: Award, programme: Programme, at: datetime) -> tuple[int | None, list[int]]:
    """The team's number, or the learner's team, and the numbers of those who get the award."""
    if award.team is not None:
        return _members(session, award.team, programme, at)
    assert award.learner is not None, "the schema asks for one of the two"
    enrolled = roster.find_learners(session, programme.no, [award.learner]).get(award.learner)
    if enrolled is None:
        raise NotFound(f"There is no learner {award.learner}.")
    if enrolled.from_at is None or at < enrolled.from_at:
        raise Invalid.field(
            "learner", f"{award.learner} is not enrolled in programme {programme.key} at {at.isoformat()}"
        )
    if enrolled.left_at is not None and at >= enrolled.left_at:
        raise Invalid.field("learner", f"{award.learner} had left by {at.isoformat()}")
    return enrolled.team_at(at), [enrolled.learner_no]


def _members(session: Session, team: str, programme: Programme, at: datetime) -> tuple[int, list[int]]:
    row = session.sql(
        "SELECT no FROM teams WHERE company_id = %(company)s AND programme = %(programme)s AND key = %(key)s",
        {"programme": programme.no, "key": team},
    ).fetchone()
    if row is None:
        raise NotFound(f"Programme {programme.key} has no team {team}.")
    members = session.sql(
        """SELECT m.learner FROM memberships AS m JOIN learners AS l ON l.company_id = %(company)s AND l.no = m.learner
            WHERE m.company_id = %(company)s AND m.team = %(team)s AND m.from_at <= %(at)s
              AND (m.until_at IS NULL OR %(at)s < m.until_at)
              AND (l.left_on IS NULL OR (%(at)s AT TIME ZONE %(timezone)s)::date <= l.left_on)
            ORDER BY m.learner""",
        {"team": row.no, "at": at, "timezone": programme.tz.key},
    ).fetchall()
    if not members:
        raise Invalid.field("team", f"{team} has no members at {at.isoformat()}")
    return int(row.no), [member.learner for member in members]
