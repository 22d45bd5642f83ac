"""Courses of a programme, each with its own unit of flowers and a pool of them."""

import dataclasses
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from ledger.accounts import ISSUANCE, pool_of_course
from pointsbank.database import Session
from pointsbank.directory import pools, programmes, version
from pointsbank.directory.faults import fault_of_key, fault_of_text, refuse
from pointsbank.directory.programmes import Programme
from pointsbank.errors import Closed, FieldError, NotFound
from pointsbank.saying import say

KINDS = ("structured", "practical")

_SELECT = """SELECT c.no, c.key, c.programme, c.name, c.kind, c.unit, u.code AS unit_code, c.flowers,
                    c.opens_on, c.closes_on, c.closed_at
               FROM courses AS c JOIN units AS u ON u.company_id = %(company)s AND u.no = c.unit
              WHERE c.company_id = %(company)s AND c.programme = %(programme)s"""


@dataclass(frozen=True, slots=True)
class Course:
    """`programme` and `unit` are numbers; `flowers` were put into its pool in all."""

    no: int
    key: str
    programme: int
    name: str
    kind: str
    unit: int
    unit_code: str
    flowers: int
    opens_on: date
    closes_on: date
    closed_at: datetime | None


def get(session: Session, programme: Programme, key: str) -> Course:
    """Raises NotFound."""
    found = _find(session, programme, key)
    if found is None:
        raise NotFound(f"There is no course {key} in the programme {programme.key}.")
    return found


def page(session: Session, programme: Programme, limit: int, after: str | None = None) -> list[Course]:
    """At most `limit` courses in the order of their keys, from the first one after that key."""
    rows = session.sql(
        f"{_SELECT} AND c.key > %(after)s ORDER BY c.key LIMIT %(limit)s",
        {"programme": programme.no, "after": after or "", "limit": limit},
    )
    return [Course(*row) for row in rows]


def find_all(session: Session, programme: Programme) -> dict[str, Course]:
    """All courses of the programme by key: a programme has dozens."""
    return {row.key: Course(*row) for row in session.sql(_SELECT, {"programme": programme.no})}


def put(
    session: Session,
    programme_key: str,
    key: str,
    *,
    name: str,
    kind: str,
    flowers: int = 0,
    opens_on: date | None = None,
    closes_on: date | None = None,
) -> tuple[Course, bool]:
    """Makes or changes a course; True if it is new. Without dates it lasts as long as its programme.

    Another number of flowers books the difference between `issuance` and the course's pool. Raises NotFound
    for the programme, Invalid, Closed, and Conflict if more were given than the flowers are lowered to.
    """
    programme = programmes.get(session, programme_key)
    opens_on, closes_on = opens_on or programme.starts_on, closes_on or programme.ends_on
    wanted = Course(0, key, programme.no, name, kind, 0, "", flowers, opens_on, closes_on, None)
    refuse(_faults(wanted, programme))
    before = _find(session, programme, key)
    if before is not None and _renumbered(wanted, before) == before:
        return before, False
    version.change(session)
    programme = programmes.get(session, programme_key)
    refuse(_faults(wanted, programme))
    if programme.closed_at is not None:
        raise Closed(say("The programme %(programme)s is closed and takes no changes.", programme=programme_key))
    before = _find(session, programme, key)
    if before is None:
        return _insert(session, programme, wanted), True
    if before.closed_at is not None:
        raise Closed(say("The course %(course)s is closed and takes no changes.", course=key))
    return _update(session, programme, before, _renumbered(wanted, before)), False


def _insert(session: Session, programme: Programme, wanted: Course) -> Course:
    row = session.sql(
        """INSERT INTO courses
                  (company_id, no, programme, key, name, kind, unit, flowers, opens_on, closes_on)
           SELECT %(company)s, coalesce(max(no), 0) + 1, %(programme)s, %(key)s, %(name)s, %(kind)s, %(unit)s,
                  %(flowers)s, %(opens_on)s, %(closes_on)s
             FROM courses WHERE company_id = %(company)s RETURNING no""",
        dataclasses.asdict(wanted) | {"unit": _new_unit(session, programme, wanted.key)},
    ).fetchone()
    assert row is not None
    made = get(session, programme, wanted.key)
    pools.book(session, [_change(programme, made, 0, made.flowers)])
    return made


def _new_unit(session: Session, programme: Programme, key: str) -> int:
    """`flowers:<course>`; where another programme has that already, `flowers:<programme>/<course>`."""
    row = session.sql(
        """INSERT INTO units (company_id, no, code)
           SELECT %(company)s, max(no) + 1,
                  CASE WHEN bool_or(code = %(short)s) THEN %(long)s ELSE %(short)s END
             FROM units WHERE company_id = %(company)s RETURNING no""",
        {"short": f"flowers:{key}", "long": f"flowers:{programme.key}/{key}"},
    ).fetchone()
    assert row is not None
    return int(row.no)


def _update(session: Session, programme: Programme, before: Course, wanted: Course) -> Course:
    session.sql(
        """UPDATE courses SET name = %(name)s, kind = %(kind)s, flowers = %(flowers)s,
                              opens_on = %(opens_on)s, closes_on = %(closes_on)s
            WHERE company_id = %(company)s AND no = %(no)s""",
        dataclasses.asdict(wanted),
    )
    pools.book(session, [_change(programme, before, before.flowers, wanted.flowers)])
    return wanted


def _change(programme: Programme, course: Course, before: int, after: int) -> pools.Change:
    return pools.Change(
        kind="course.allotted",
        about=f"programme:{programme.key}:course:{course.key}:flowers",
        path="flowers",
        unit=course.unit,
        giver=ISSUANCE,
        pool=pool_of_course(course.no),
        before=before,
        after=after,
        programme=programme.no,
        course=course.no,
    )


def _faults(wanted: Course, programme: Programme) -> list[FieldError]:
    found: list[tuple[str, str | None]] = [
        ("course", fault_of_key(wanted.key)),
        ("name", fault_of_text(wanted.name)),
        ("kind", None if wanted.kind in KINDS else say("must be one of %(known)s.", known=", ".join(KINDS))),
    ]
    within = say(
        "must lie within the programme's dates, %(first)s to %(last)s.",
        first=programme.starts_on,
        last=programme.ends_on,
    )
    for path, day in (("opens_on", wanted.opens_on), ("closes_on", wanted.closes_on)):
        if not programme.starts_on <= day <= programme.ends_on:
            found.append((path, within))
    if wanted.closes_on < wanted.opens_on:
        found.append(("closes_on", say("must not be before the first day.")))
    return [(path, fault) for path, fault in found if fault is not None]


def _find(session: Session, programme: Programme, key: str) -> Course | None:
    if fault_of_key(key) is not None:
        return None
    row: Any = session.sql(f"{_SELECT} AND c.key = %(key)s", {"programme": programme.no, "key": key}).fetchone()
    return None if row is None else Course(*row)


def _renumbered(wanted: Course, before: Course) -> Course:
    return dataclasses.replace(
        wanted, no=before.no, unit=before.unit, unit_code=before.unit_code, closed_at=before.closed_at
    )
