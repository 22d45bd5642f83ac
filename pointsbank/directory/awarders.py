"""Trainers, mentors and committee members who hand out flowers from an allowance."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ledger.accounts import allowance, pool_of_course
from pointsbank.database import Session
from pointsbank.directory import courses, pools, programmes, version
from pointsbank.directory.courses import Course
from pointsbank.directory.faults import fault_of_key, fault_of_text, refuse
from pointsbank.directory.programmes import Programme
from pointsbank.errors import Closed, FieldError, NotFound
from pointsbank.saying import say

ROLES = ("trainer", "mentor", "committee")
KIND = "allowance.given"
"""Of the entries that give an allowance or take it back."""


@dataclass(frozen=True, slots=True)
class Awarder:
    """Per course (by key), of its flowers: what the awarder was given in all, and what of it is `left`."""

    no: int
    key: str
    name: str
    role: str
    allowances: dict[str, int]
    left: dict[str, int]


def get(session: Session, programme: Programme, key: str) -> Awarder:
    """Raises NotFound."""
    found = _find(session, programme, key)
    if found is None:
        raise NotFound(f"There is no awarder {key} in the programme {programme.key}.")
    return found


def page(session: Session, programme: Programme, limit: int, after: str | None = None) -> list[Awarder]:
    """At most `limit` awarders in the order of their keys, from the first one after that key."""
    rows = session.sql(
        """SELECT no, key, name, role FROM awarders
            WHERE company_id = %(company)s AND programme = %(programme)s AND key > %(after)s
            ORDER BY key LIMIT %(limit)s""",
        {"programme": programme.no, "after": after or "", "limit": limit},
    )
    return _with_allowances(session, rows)


def put(
    session: Session,
    programme_key: str,
    key: str,
    *,
    name: str,
    role: str,
    allowances: Mapping[str, int] | None = None,
) -> tuple[Awarder, bool]:
    """Makes or changes an awarder; True if it is new.

    `allowances` are flowers in all by course: the differences to what was given before are booked between the
    course's pool and the allowance, and a course that is not named is lowered to 0. None leaves them alone.
    Raises NotFound for the programme, Invalid, Closed, Conflict if more is spent than an allowance is lowered
    to, and InsufficientFunds if a pool is short.
    """
    programme = programmes.get(session, programme_key)
    before = _find(session, programme, key)
    if allowances is None:
        allowances = before.allowances if before is not None else {}
    refuse(_faults(key, name, role, allowances, courses.find_all(session, programme)))
    if before is not None and (before.name, before.role) == (name, role):
        given = {course: amount for course, amount in before.allowances.items() if amount}
        if given == {course: amount for course, amount in allowances.items() if amount}:
            return before, False
    version.change(session)
    programme = programmes.get(session, programme_key)
    if programme.closed_at is not None:
        raise Closed(say("The programme %(programme)s is closed and takes no changes.", programme=programme_key))
    before = _find(session, programme, key)
    no = _write(session, programme, key, name, role)
    _set_allowances(session, programme, key, no, before.allowances if before else {}, allowances)
    return get(session, programme, key), before is None


def _write(session: Session, programme: Programme, key: str, name: str, role: str) -> int:
    row = session.sql(
        """INSERT INTO awarders (company_id, no, programme, key, name, role)
           SELECT %(company)s, coalesce(max(no), 0) + 1, %(programme)s, %(key)s, %(name)s, %(role)s
             FROM awarders WHERE company_id = %(company)s
           ON CONFLICT (company_id, programme, key) DO UPDATE SET name = excluded.name, role = excluded.role
           RETURNING no""",
        {"programme": programme.no, "key": key, "name": name, "role": role},
    ).fetchone()
    assert row is not None
    return int(row.no)


def _set_allowances(
    session: Session,
    programme: Programme,
    key: str,
    no: int,
    before: Mapping[str, int],
    wanted: Mapping[str, int],
) -> None:
    known = courses.find_all(session, programme)
    changes: list[pools.Change] = []
    for course_key in sorted(before.keys() | wanted.keys()):
        course, have, want = known[course_key], before.get(course_key, 0), wanted.get(course_key, 0)
        if have == want:
            continue
        if course.closed_at is not None:
            raise Closed(say("The course %(course)s is closed: its allowances take no changes.", course=course_key))
        changes.append(_change(programme, course, key, no, have, want))
    write_totals(session, {(no, change.course or 0): change.after for change in changes})
    pools.book(session, changes)


def write_totals(session: Session, totals: Mapping[tuple[int, int], int]) -> None:
    """Sets what awarders were given in all, by the numbers of awarder and course."""
    if totals:
        session.sql(
            """INSERT INTO allowances (company_id, awarder, course, amount)
               SELECT %(company)s, awarder, course, amount
                 FROM unnest(%(awarders)s::integer[], %(courses)s::integer[], %(amounts)s::bigint[])
                      AS r (awarder, course, amount)
               ON CONFLICT (company_id, awarder, course) DO UPDATE SET amount = excluded.amount""",
            {
                "awarders": [awarder for awarder, _ in totals],
                "courses": [course for _, course in totals],
                "amounts": list(totals.values()),
            },
        )


def _change(programme: Programme, course: Course, key: str, no: int, before: int, after: int) -> pools.Change:
    return pools.Change(
        kind=KIND,
        about=f"programme:{programme.key}:awarder:{key}:allowance:{course.key}",
        path=f"allowances.{course.key}",
        unit=course.unit,
        giver=pool_of_course(course.no),
        pool=allowance(no),
        before=before,
        after=after,
        programme=programme.no,
        course=course.no,
        awarder=no,
    )


def _faults(
    key: str, name: str, role: str, allowances: Mapping[str, int], known: Mapping[str, Course]
) -> list[FieldError]:
    found: list[tuple[str, str | None]] = [
        ("awarder", fault_of_key(key)),
        ("name", fault_of_text(name)),
        ("role", None if role in ROLES else say("must be one of %(known)s.", known=", ".join(ROLES))),
    ]
    for course in allowances:
        if course not in known:
            # A key that cannot be one is not repeated: it may not even be text that can be sent.
            path = "allowances" if fault_of_key(course) else f"allowances.{course}"
            found.append((path, say("there is no such course in the programme.")))
    return [(path, fault) for path, fault in found if fault is not None]


def _find(session: Session, programme: Programme, key: str) -> Awarder | None:
    if fault_of_key(key) is not None:
        return None
    rows = session.sql(
        """SELECT no, key, name, role FROM awarders
            WHERE company_id = %(company)s AND programme = %(programme)s AND key = %(key)s""",
        {"programme": programme.no, "key": key},
    )
    return next(iter(_with_allowances(session, rows)), None)


def _with_allowances(session: Session, rows: Iterable[Any]) -> list[Awarder]:
    found = {row.no: Awarder(row.no, row.key, row.name, row.role, {}, {}) for row in rows}
    given = session.sql(
        """SELECT w.awarder, c.key, c.unit, w.amount
             FROM allowances AS w JOIN courses AS c ON c.company_id = %(company)s AND c.no = w.course
            WHERE w.company_id = %(company)s AND w.awarder = ANY (%(nos)s::integer[]) ORDER BY c.key""",
        {"nos": list(found)},
    ).fetchall()
    left = pools.balances(session, [(allowance(row.awarder), row.unit) for row in given])
    for row in given:
        found[row.awarder].allowances[row.key] = row.amount
        found[row.awarder].left[row.key] = left[allowance(row.awarder), row.unit]
    return list(found.values())
