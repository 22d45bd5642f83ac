"""Putting a match: before it starts everything may change, from then on its name, once it is settled nothing."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

import orjson

from ledger.accounts import MAX_AMOUNT
from pointsbank.database import Session
from pointsbank.directory import courses, enrolments, learners, programmes
from pointsbank.directory.faults import FIRST_YEAR, LAST_YEAR, fault_of_key, fault_of_text, refuse
from pointsbank.directory.programmes import Programme
from pointsbank.errors import Closed, Conflict, FieldError
from pointsbank.leaderboards.boards import Members, Unit
from pointsbank.matches.match import GRACE_SECONDS, Contestant, CourseOf, Match, Prize, find, now

MIN_CONTESTANTS = 2
MAX_CONTESTANTS = 500
"""Of a match."""
MAX_GRACE_SECONDS = 604_800
"""Seven days."""


@dataclass(frozen=True, slots=True)
class PrizeWanted:
    """`course` None: that of the match."""

    unit: Unit
    amount: int
    course: str | None = None


@dataclass(frozen=True, slots=True)
class MatchWanted:
    """Everything by HR's ids; of `teams` and `learners` one is None."""

    key: str
    name: str
    unit: Unit
    starts_at: datetime
    ends_at: datetime
    teams: Sequence[str] | None = None
    learners: Sequence[str] | None = None
    course: str | None = None
    grace_seconds: int = GRACE_SECONDS
    prize: PrizeWanted | None = None

    @property
    def members(self) -> Members:
        return "learners" if self.teams is None else "teams"

    @property
    def contestants(self) -> Sequence[str]:
        return self.teams or self.learners or ()


def put(session: Session, programme_key: str, wanted: MatchWanted) -> bool:
    """Makes or changes a match; True if it is new.

    The same again is no change, whenever it comes. A match that ends in the past is due at once. Raises NotFound
    for the programme, Invalid with every fault, Conflict for what may no longer change, and Closed if the
    programme is, the course of a prize in flowers, or the match.
    """
    programme = programmes.get(session, programme_key)
    match = _resolved(session, programme, wanted)
    before = find(session, programme, wanted.key)
    if before is not None and not _changes(before, match):
        return False
    session.lock_journal()
    enrolments.refuse_closed(programmes.get(session, programme_key))
    _refuse_closed_course(session, programme, match)
    before = find(session, programme, wanted.key)
    if before is None:
        _insert(session, match)
        return True
    _refuse_late(session, before, _changes(before, match))
    _update(session, dataclasses.replace(match, no=before.no))
    return False


# What is wanted, with numbers ------------------------------------------------------------------------------


def _resolved(session: Session, programme: Programme, wanted: MatchWanted) -> Match:
    faults = _faults(programme, wanted)
    known = courses.find_all(session, programme)
    prize = wanted.prize
    prize_course = None if prize is None else prize.course or wanted.course
    for path, key in (("course", wanted.course), ("prize.course", None if prize is None else prize.course)):
        if key is not None and key not in known:
            faults.append((path, fault_of_key(key) or f"there is no course {key} in the programme {programme.key}."))
    if prize is not None and prize.unit == "flowers" and prize_course is None:
        faults.append(("prize.course", "is needed: flowers belong to a course."))
    contestants = _contestants(session, programme, wanted, faults)
    refuse(faults)

    def course(key: str | None) -> CourseOf | None:
        return None if key is None else CourseOf(known[key].no, key, known[key].unit)

    return Match(
        0,
        programme.no,
        programme.key,
        wanted.key,
        wanted.name,
        wanted.members,
        contestants,
        wanted.unit,
        course(wanted.course),
        wanted.starts_at,
        wanted.ends_at,
        wanted.grace_seconds,
        None if prize is None else Prize(prize.unit, prize.amount, course(prize_course)),
    )


def _faults(programme: Programme, wanted: MatchWanted) -> list[FieldError]:
    found: list[tuple[str, str | None]] = [
        ("match", fault_of_key(wanted.key)),
        ("name", fault_of_text(wanted.name)),
        ("unit", None if wanted.unit in get_args(Unit) else "must be credits or flowers."),
        ("grace_seconds", _fault_of_number(wanted.grace_seconds, 0, MAX_GRACE_SECONDS)),
    ]
    for path, at in (("starts_at", wanted.starts_at), ("ends_at", wanted.ends_at)):
        if not FIRST_YEAR <= at.year <= LAST_YEAR:
            found.append((path, f"must lie in the years {FIRST_YEAR} to {LAST_YEAR}."))
    if wanted.ends_at <= wanted.starts_at:
        found.append(("ends_at", "must be after starts_at."))
    elif wanted.ends_at <= programme.starts_at:
        found.append(("ends_at", f"is before the programme starts, on {programme.starts_on}: nothing would count."))
    elif wanted.starts_at >= programme.ends_at:
        found.append(("starts_at", f"is after the programme's end, on {programme.ends_on}: nothing would count."))
    if (wanted.teams is None) == (wanted.learners is None):
        found.append(("teams", "name teams or learners, one of the two."))
    elif not MIN_CONTESTANTS <= len(wanted.contestants) <= MAX_CONTESTANTS:
        found.append((wanted.members, f"must be {MIN_CONTESTANTS} to {MAX_CONTESTANTS}."))
    if wanted.prize is not None:
        found.append(("prize.amount", _fault_of_number(wanted.prize.amount, 1, MAX_AMOUNT)))
        if wanted.prize.unit not in get_args(Unit):
            found.append(("prize.unit", "must be credits or flowers."))
    return [(path, fault) for path, fault in found if fault is not None]


def _fault_of_number(number: int, least: int, most: int) -> str | None:
    return None if least <= number <= most else f"must be an integer from {least} to {most}."


def _contestants(
    session: Session, programme: Programme, wanted: MatchWanted, faults: list[FieldError]
) -> tuple[Contestant, ...]:
    """In the order in which they are listed; those that are unknown or listed twice become faults."""
    keys = list(wanted.contestants)
    if len(keys) > MAX_CONTESTANTS:
        return ()
    if wanted.members == "learners":
        numbers = learners.find_numbers(session, keys)
        enrolled = enrolments.find(session, programme, list(numbers.values()))
        faults += learners.faults_of_list(keys, numbers, "learners")
        faults += [
            (f"learners[{place}]", f"is not enrolled in the programme {programme.key}.")
            for place, key in enumerate(keys)
            if key in numbers and numbers[key] not in enrolled
        ]
    else:
        numbers = _teams(session, programme, keys)
        faults += [
            (f"teams[{place}]", f"stands at teams[{keys.index(key)}] already.")
            for place, key in enumerate(keys)
            if keys.index(key) != place
        ]
        faults += [
            (f"teams[{place}]", fault_of_key(key) or f"there is no team {key} in the programme {programme.key}.")
            for place, key in enumerate(keys)
            if key not in numbers
        ]
    return tuple(Contestant(numbers[key], key, "") for key in keys if key in numbers)


def _teams(session: Session, programme: Programme, keys: Sequence[str]) -> dict[str, int]:
    rows = session.sql(
        """SELECT key, no FROM teams
            WHERE company_id = %(company)s AND programme = %(programme)s AND key = ANY (%(keys)s::text[])""",
        {"programme": programme.no, "keys": [key for key in keys if fault_of_key(key) is None]},
    )
    return {row.key: row.no for row in rows}


# What may change ---------------------------------------------------------------------------------------------


def _changes(before: Match, after: Match) -> list[str]:
    """The fields that differ. The order of those who compete is none of them."""
    ours, theirs = ({each.no for each in match.contestants} for match in (before, after))
    changed = [before.members] if before.members != after.members or ours != theirs else []
    fields = ("name", "unit", "course", "starts_at", "ends_at", "grace_seconds", "prize")
    return changed + [field for field in fields if getattr(before, field) != getattr(after, field)]


def _refuse_late(session: Session, before: Match, changes: Sequence[str]) -> None:
    if before.result_number is not None:
        raise Closed(f"The match {before.key} is settled and takes no changes.")
    started = now(session) >= before.starts_at
    faults = [(field, "may not change once the match has started.") for field in changes if field != "name"]
    if started and faults:
        raise Conflict(
            f"The match {before.key} has started: only its name may change. "
            f"{', '.join(field for field, _ in faults)} would.",
            errors=faults,
        )


def _refuse_closed_course(session: Session, programme: Programme, match: Match) -> None:
    if match.prize is None or match.prize.unit != "flowers":
        return
    assert match.prize.course is not None, "checked by _resolved"
    if courses.get(session, programme, match.prize.course.key).closed_at is not None:
        raise Closed(f"The course {match.prize.course.key} is closed and gives no more flowers.")


# Writing -------------------------------------------------------------------------------------------------------


def _insert(session: Session, match: Match) -> None:
    row = session.sql(
        """INSERT INTO matches (company_id, no, programme, key, name, members, unit, course, starts_at, ends_at,
                                grace_seconds, prize_unit, prize_amount, prize_course, due_at)
           SELECT %(company)s, coalesce(max(no), 0) + 1, %(programme)s, %(key)s, %(name)s, %(members)s, %(unit)s,
                  %(course)s, %(starts_at)s, %(ends_at)s, %(grace_seconds)s, %(prize_unit)s, %(prize_amount)s,
                  %(prize_course)s, %(settles_at)s
             FROM matches WHERE company_id = %(company)s RETURNING no""",
        _values(match),
    ).fetchone()
    assert row is not None
    _write_contestants(session, dataclasses.replace(match, no=row.no))


def _update(session: Session, match: Match) -> None:
    session.sql(
        """UPDATE matches
              SET name = %(name)s, members = %(members)s, unit = %(unit)s, course = %(course)s,
                  starts_at = %(starts_at)s, ends_at = %(ends_at)s, grace_seconds = %(grace_seconds)s,
                  prize_unit = %(prize_unit)s, prize_amount = %(prize_amount)s, prize_course = %(prize_course)s,
                  due_at = %(settles_at)s
            WHERE company_id = %(company)s AND no = %(no)s""",
        _values(match),
    )
    session.sql("DELETE FROM contestants WHERE company_id = %(company)s AND match = %(no)s", {"no": match.no})
    _write_contestants(session, match)


def _write_contestants(session: Session, match: Match) -> None:
    column = match.members.removesuffix("s")
    session.sql(
        f"""INSERT INTO contestants (company_id, match, place, {column})
            SELECT %(company)s, %(no)s, place, number
              FROM json_to_recordset(%(rows)s::json) AS r (place integer, number integer)""",  # noqa: S608 - one of two
        {
            "no": match.no,
            "rows": orjson.dumps(
                [{"place": place, "number": each.no} for place, each in enumerate(match.contestants)]
            ).decode(),
        },
    )


def _values(match: Match) -> dict[str, Any]:
    prize = match.prize
    return {
        **{name: getattr(match, name) for name in _PLAIN},
        "course": None if match.course is None else match.course.no,
        "prize_unit": None if prize is None else prize.unit,
        "prize_amount": None if prize is None else prize.amount,
        "prize_course": None if prize is None or prize.course is None else prize.course.no,
    }


_PLAIN = (
    *("no", "programme", "key", "name", "members", "unit", "starts_at", "ends_at", "grace_seconds", "settles_at"),
)
