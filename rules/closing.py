"""Closing a course: its flowers become credits by the rulebook in force, and it takes nothing more.

Each learner who has flowers gets one entry: flowers from the holding to `retired:converted`, credits from the
programme's pool to the holding, the flowers left over to `retired:expired`. It happened at the course's end, or now
if it is closed before. Without a `conversion` in the rulebook the flowers stay where they are.

A course may be closed again: learners who have flowers once more, because HR reversed the entry to correct what was
given, are converted; for the others nothing happens.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from ledger import journal, terms
from ledger.accounts import CONVERTED, CREDITS, EXPIRED, ISSUANCE, AccountClass, holding, pool_of_programme
from ledger.errors import InsufficientFunds, LedgerError
from ledger.identity import entry_id
from ledger.journal import Draft, Transfer
from pointsbank.database import Session
from pointsbank.directory import courses, pools, programmes, version
from pointsbank.directory.courses import Course
from pointsbank.directory.days import end_of
from pointsbank.directory.programmes import Programme
from pointsbank.errors import Closed, NotFound
from rules import versions
from rules.conversion import Converted, convert
from rules.parts import Conversion
from rules.rulebook import parse

SOURCE = "pointsbank:conversions"
KIND = "flowers.converted"

MAX_SHORT_SHOWN = 100
"""Learners who are named when the pool is short."""

_LAST_KEY = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Item:
    """What becomes of one learner's flowers; `entry_id` is None in a preview."""

    learner: str
    name: str
    flowers: int
    converted: int
    expired: int
    credits: int
    entry_id: str | None


@dataclass(frozen=True, slots=True)
class Closing:
    """`available` is what the pool has before it, None without limit; `short` are those whom it would not reach."""

    closed_at: datetime | None
    rulebook_version: int | None
    available: int | None
    required: int
    short: list[str]
    items: list[Item]


@dataclass(frozen=True, slots=True)
class _Holder:
    no: int
    key: str
    name: str
    flowers: int


def preview(session: Session, programme_key: str, course_key: str) -> Closing:
    """What closing would do now; of a closed course, what it did. Writes nothing. Raises NotFound."""
    programme = programmes.get(session, programme_key)
    course = courses.get(session, programme, course_key)
    rulebook_version, conversion = _rulebook(session, programme)
    planned = _plan(session, course, conversion)
    available = _available(session, programme)
    return Closing(
        course.closed_at,
        rulebook_version,
        available,
        sum(converted.credits for _, converted in planned),
        _short(planned, available),
        [*_done(session, course), *(_item(holder, converted, None) for holder, converted in planned)],
    )


def close(session: Session, programme_key: str, course_key: str) -> Closing:
    """Converts and closes, all or nothing; of a closed course, what it did.

    The session becomes the company's one writer. Raises NotFound; Closed for a course of a closed programme;
    InsufficientFunds, naming the learners whom the programme's pool would not reach.
    """
    journal.lock(session)
    programme = programmes.get(session, programme_key)
    course = courses.get(session, programme, course_key)
    if programme.closed_at is not None and course.closed_at is None:
        raise Closed(f"The programme {programme.key} is closed.")
    rulebook_version, conversion = _rulebook(session, programme)
    planned = _plan(session, course, conversion)
    available = _available(session, programme)
    _refuse_short(programme, planned, available)
    now = datetime.now(UTC)
    _book(session, programme, course, rulebook_version, planned, now)
    closed_at = course.closed_at
    if closed_at is None:
        closed_at = now
        version.change(session)
        session.sql(
            "UPDATE courses SET closed_at = %(at)s WHERE company_id = %(company)s AND no = %(no)s",
            {"at": now, "no": course.no},
        )
    required = sum(converted.credits for _, converted in planned)
    return Closing(closed_at, rulebook_version, available, required, [], _done(session, course))


def _rulebook(session: Session, programme: Programme) -> tuple[int | None, Conversion | None]:
    try:
        in_force = versions.in_force(session, programme.no)
    except NotFound:
        return None, None
    return in_force["version"], parse(in_force["document"]).conversion


def _plan(session: Session, course: Course, conversion: Conversion | None) -> list[tuple[_Holder, Converted]]:
    """Whoever has flowers of the course, in the order of the learners' ids."""
    if conversion is None:
        return []
    # With the statistics of an empty table, as they are just after a large import, it would read all learners again
    # for each account.
    session.sql("SET LOCAL enable_nestloop = off")
    rows = session.sql(
        """SELECT l.no, l.key, l.name, a.credits - a.debits AS flowers
             FROM accounts AS a
             JOIN learners AS l ON l.company_id = %(company)s AND l.no = a.id - %(first)s
            WHERE a.company_id = %(company)s AND a.id >= %(first)s AND a.id < %(end)s AND a.unit = %(unit)s
              AND a.credits > a.debits
            ORDER BY l.key""",
        {"first": holding(0), "end": (AccountClass.HOLDING + 1) << 32, "unit": course.unit},
    ).fetchall()
    session.sql("SET LOCAL enable_nestloop = on")
    return [(holder, convert(conversion, holder.flowers)) for holder in (_Holder(*row) for row in rows)]


def _available(session: Session, programme: Programme) -> int | None:
    if programme.allotment is None:
        return None
    pool = (pool_of_programme(programme.no), CREDITS)
    return pools.balances(session, [pool])[pool]


def _short(planned: list[tuple[_Holder, Converted]], available: int | None) -> list[str]:
    """The learners, from the first whom the pool cannot pay in full."""
    if available is None:
        return []
    left, short = available, []
    for holder, converted in planned:
        left -= converted.credits
        if left < 0 and converted.credits > 0:
            short.append(holder.key)
    return short


def _refuse_short(programme: Programme, planned: list[tuple[_Holder, Converted]], available: int | None) -> None:
    short = _short(planned, available)
    if not short:
        return
    required = sum(converted.credits for _, converted in planned)
    raise InsufficientFunds(
        f"pool:programme:{programme.key} has {available} credits left, {required} are needed; {len(short)} learners "
        f"would be short. Raise the programme's allotment by {required - (available or 0)}. Nothing was converted.",
        account=f"pool:programme:{programme.key}",
        unit="credits",
        available=available,
        required=required,
        short_total=len(short),
        short=short[:MAX_SHORT_SHOWN],
    )


def _book(
    session: Session,
    programme: Programme,
    course: Course,
    rulebook_version: int | None,
    planned: list[tuple[_Holder, Converted]],
    now: datetime,
) -> None:
    if not planned:
        return
    names = terms.intern(session, [SOURCE, KIND])
    end = min(end_of(course.closes_on, programme.zone), end_of(programme.ends_on, programme.zone))
    at = min(now, end - datetime.resolution)
    giver = ISSUANCE if programme.allotment is None else pool_of_programme(programme.no)
    before = Counter(row.learner for row in _conversions(session, course))
    drafts = []
    for holder, converted in planned:
        key = f"{_about(course)}{holder.no}:{before[holder.no] + 1}"  # one that is reversed keeps its key
        data = {
            "flowers": holder.flowers,
            "converted": converted.converted,
            "expired": converted.expired,
            "credits": converted.credits,
        }
        drafts.append(
            Draft(
                source=names[SOURCE],
                key=key,
                kind=names[KIND],
                fingerprint=pools.fingerprint(key, data),
                occurred_at=at,
                transfers=_transfers(course, holder.no, converted, giver),
                programme=programme.no,
                course=course.no,
                learner=holder.no,
                rulebook_version=rulebook_version,
                reason=course.name,
                data=orjson.dumps(data, option=orjson.OPT_SORT_KEYS),
            )
        )
    for outcome in journal.post(session, drafts):
        if isinstance(outcome, LedgerError):
            raise outcome


def _transfers(course: Course, learner: int, converted: Converted, giver: int) -> list[Transfer]:
    """Nothing of it is earned: the flowers were, when they were given."""
    account = holding(learner)
    moved = (
        (course.unit, account, CONVERTED, converted.converted),
        (CREDITS, giver, account, converted.credits),
        (course.unit, account, EXPIRED, converted.expired),
    )
    return [Transfer(unit, debit, credit, amount, learner) for unit, debit, credit, amount in moved if amount > 0]


def _done(session: Session, course: Course) -> list[Item]:
    """What was converted and is not reversed, in the order of the learners' ids."""
    return [
        _item(
            _Holder(row.learner, row.key, row.name, row.data["flowers"]),
            Converted(row.data["converted"], row.data["expired"], row.data["credits"]),
            entry_id(session.company_id, row.number),
        )
        for row in _conversions(session, course)
        if not row.reversed
    ]


def _item(holder: _Holder, converted: Converted, entry: str | None) -> Item:
    return Item(
        holder.key, holder.name, holder.flowers, converted.converted, converted.expired, converted.credits, entry
    )


def _conversions(session: Session, course: Course) -> list[Any]:
    """All of the course's conversions, reversed ones too, found by how their keys begin."""
    source = terms.find(session, [SOURCE]).get(SOURCE)
    return session.sql(
        """SELECT e.learner, l.key, l.name, e.data, e.number,
                  EXISTS (SELECT FROM entries AS r
                           WHERE r.company_id = %(company)s AND r.reverses = e.number) AS reversed
             FROM entries AS e
             JOIN learners AS l ON l.company_id = %(company)s AND l.no = e.learner
            WHERE e.company_id = %(company)s AND e.source = %(source)s
              AND e.key >= %(about)s AND e.key < %(about)s || %(last)s
            ORDER BY l.key, e.number""",
        {"source": source, "about": _about(course), "last": _LAST_KEY},
    ).fetchall()


def _about(course: Course) -> str:
    return f"course:{course.no}:"
