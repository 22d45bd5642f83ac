"""Awards by hand: an awarder gives flowers from an allowance, or HR credits from the programme's pool."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import orjson

from ledger import journal, terms
from ledger.accounts import CREDITS, ISSUANCE, allowance, holding, pool_of_programme
from ledger.journal import Draft, Duplicate, Transfer
from pointsbank.database import Session
from pointsbank.directory import participants, roster, snapshot
from pointsbank.directory.faults import fault_of_key, refuse
from pointsbank.directory.roster import Enrolled
from pointsbank.directory.snapshot import Course, Programme
from pointsbank.errors import Closed, FieldError, Invalid, NotFound, PointsBankError
from pointsbank.saying import say

SOURCE = "pointsbank:awards"
KIND = "award.given"
MAX_LEARNERS = 10_000
"""Named one by one."""


@dataclass(frozen=True, slots=True)
class Award:
    """`amount` to a learner, or to each of several: those named in `learners`, the members of a team, `everyone` who
    takes part in the programme. `time` None: now. `course` may be None for credits. The learner with the number
    `giver` is left out: nobody gives to themselves."""

    awarder: str | None
    learner: str | None
    team: str | None
    programme: str
    course: str | None
    unit: str
    amount: int
    reason: str
    time: datetime | None
    learners: Sequence[str] = ()
    everyone: bool = False
    giver: int | None = None


@dataclass(frozen=True, slots=True)
class _Receivers:
    """Numbers. `learner` is set for an award to one learner only, `team` is that learner's, or the one that gets it."""

    team: int | None
    learner: int | None
    each: list[int]


@dataclass(frozen=True, slots=True)
class Given:
    number: int
    is_new: bool


def give(session: Session, award: Award, key: str | None, content: dict[str, Any]) -> Given:
    """Books the award as one entry, for all who get it or for none. The same key with the same content books nothing.

    Raises Invalid with every fault, NotFound for the awarder, the one learner or the team, Closed, InsufficientFunds,
    KeyConflict.
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
    receivers = _receivers(session, award, programme, at)
    unit, debit = _giver(award, programme, course, awarder)
    return Draft(
        source=numbers[SOURCE],
        key=key,
        kind=numbers[KIND],
        fingerprint=fingerprint,
        occurred_at=at,
        programme=programme.no,
        course=None if course is None else course.no,
        learner=receivers.learner,
        team=receivers.team,
        awarder=awarder,
        reason=award.reason,
        transfers=[Transfer(unit, debit, holding(no), award.amount, no, 1) for no in receivers.each],
    )


def _where(session: Session, award: Award) -> tuple[Programme, Course | None]:
    programme = snapshot.load(session).programmes.get(award.programme)
    if programme is None:
        raise NotFound(say("There is no programme %(programme)s.", programme=award.programme))
    if programme.closed:
        raise Closed(say("Programme %(programme)s is closed and takes no more awards.", programme=programme.key))
    if award.course is None:
        if award.unit == "flowers":
            raise Invalid.field("course", "is needed: flowers belong to a course")
        return programme, None
    course = programme.courses.get(award.course)
    if course is None:
        raise NotFound(
            say("Programme %(programme)s has no course %(course)s.", programme=programme.key, course=award.course)
        )
    if course.closed:
        raise Closed(say("Course %(course)s is closed and takes no more awards.", course=course.key))
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


def _receivers(session: Session, award: Award, programme: Programme, at: datetime) -> _Receivers:
    if award.team is not None:
        found = _members(session, award.team, programme, at)
    elif award.everyone:
        found = _Receivers(None, None, [each.no for each in participants.find(session, programme.no, at)])
    else:
        found = _named(session, award, programme, at)
    found.each[:] = [no for no in found.each if no != award.giver]
    if not found.each:
        raise Invalid.field("learner", say("nobody is left to give to: nobody gives to themselves."))
    return found


def _named(session: Session, award: Award, programme: Programme, at: datetime) -> _Receivers:
    """One learner who is unknown is not found; of several, each with whom something is wrong is a fault."""
    keys = list(award.learners) if award.learner is None else [award.learner]
    if not 1 <= len(keys) <= MAX_LEARNERS:
        raise Invalid.field("learners", say("must be 1 to %(most)s.", most=MAX_LEARNERS))
    known = roster.find_learners(session, programme.no, [key for key in keys if fault_of_key(key) is None])
    if award.learner is not None and not known:
        raise NotFound(say("There is no learner %(learner)s.", learner=award.learner))
    faults: list[FieldError] = []
    for index, key in enumerate(keys):
        path = "learner" if award.learner is not None else f"learners[{index}]"
        if (fault := _fault_of(key, known.get(key), programme, at)) is not None:
            faults.append((path, fault))
    refuse(faults)
    found = list(dict.fromkeys(known[key].learner_no for key in keys))
    if len(found) > 1:
        return _Receivers(None, None, found)
    return _Receivers(known[keys[0]].team_at(at), found[0], found)


def _fault_of(key: str, learner: Enrolled | None, programme: Programme, at: datetime) -> str | None:
    if learner is None:
        return say("there is no learner %(learner)s.", learner=key)
    if learner.from_at is None or at < learner.from_at:
        return say(
            "%(learner)s is not enrolled in programme %(programme)s at %(at)s",
            learner=key,
            programme=programme.key,
            at=at.isoformat(),
        )
    if learner.left_at is not None and at >= learner.left_at:
        return say("%(learner)s had left by %(at)s", learner=key, at=at.isoformat())
    return None


def _members(session: Session, team: str, programme: Programme, at: datetime) -> _Receivers:
    row = session.sql(
        "SELECT no FROM teams WHERE company_id = %(company)s AND programme = %(programme)s AND key = %(key)s",
        {"programme": programme.no, "key": team.replace("\0", "")},
    ).fetchone()
    if row is None:
        raise NotFound(say("Programme %(programme)s has no team %(team)s.", programme=programme.key, team=team))
    members = session.sql(
        """SELECT m.learner FROM memberships AS m JOIN learners AS l ON l.company_id = %(company)s AND l.no = m.learner
            WHERE m.company_id = %(company)s AND m.team = %(team)s AND m.from_at <= %(at)s
              AND (m.until_at IS NULL OR %(at)s < m.until_at)
              AND (l.left_on IS NULL OR (%(at)s AT TIME ZONE %(timezone)s)::date <= l.left_on)
            ORDER BY m.learner""",
        {"team": row.no, "at": at, "timezone": programme.tz.key},
    ).fetchall()
    if not members:
        raise Invalid.field("team", say("%(team)s has no members at %(at)s", team=team, at=at.isoformat()))
    return _Receivers(int(row.no), None, [member.learner for member in members])
