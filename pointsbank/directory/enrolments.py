"""Who takes part in a programme, and since when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import orjson

from pointsbank.database import Session
from pointsbank.directory import learners, programmes, version
from pointsbank.directory.days import start_of
from pointsbank.directory.faults import refuse
from pointsbank.directory.programmes import Programme
from pointsbank.errors import Closed, Invalid
from pointsbank.saying import say

MAX_LEARNERS = 10_000
"""Of one request."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """`team` is the key of the learner's team now (at the start of a programme that has yet to begin)."""

    no: int
    learner: str
    name: str
    from_at: datetime
    team: str | None


@dataclass(frozen=True, slots=True)
class Counts:
    """`moved` were enrolled, and now are from earlier on."""

    enrolled: int
    moved: int
    unchanged: int


def enrol(session: Session, programme_key: str, keys: Sequence[str], from_on: date | None = None) -> Counts:
    """Enrols learners from that day, else from the programme's start; an earlier enrolment stays as it is.

    Raises NotFound for the programme, Closed, and Invalid naming each learner that is unknown or named twice.
    """
    if len(keys) > MAX_LEARNERS:
        raise Invalid.field("learners", say("must be at most %(most)s.", most=MAX_LEARNERS))
    programme = programmes.get(session, programme_key)
    numbers = learners.find_numbers(session, keys)
    refuse(learners.faults_of_list(keys, numbers, "learners"))
    at = None if from_on is None else start_of(from_on, programme.zone)
    wanted = dict.fromkeys(numbers.values(), at)
    if not new_or_earlier(programme, wanted, find(session, programme, list(wanted))):
        return Counts(0, 0, len(wanted))
    version.change(session)
    programme = programmes.get(session, programme_key)
    refuse_closed(programme)
    have = find(session, programme, list(wanted))
    changes = new_or_earlier(programme, wanted, have)
    write(session, programme, changes)
    moved = len(changes.keys() & have.keys())
    return Counts(len(changes) - moved, moved, len(wanted) - len(changes))


def page(session: Session, programme: Programme, limit: int, after: int = 0, who: str | None = None) -> list[Enrolment]:
    """At most `limit` of those enrolled in the order of their numbers, beginning after that number; `who`: only those
    with this id, or with this in their name."""
    rows = session.sql(
        """SELECT e.learner, l.key, l.name, e.from_at, t.key AS team
             FROM enrolments AS e
             JOIN learners AS l ON l.company_id = %(company)s AND l.no = e.learner
             LEFT JOIN memberships AS m
               ON m.company_id = %(company)s AND m.programme = %(programme)s AND m.learner = e.learner
              AND m.from_at <= %(at)s AND (m.until_at IS NULL OR m.until_at > %(at)s)
             LEFT JOIN teams AS t ON t.company_id = %(company)s AND t.no = m.team
            WHERE e.company_id = %(company)s AND e.programme = %(programme)s AND e.learner > %(after)s
              AND (%(who)s::text IS NULL OR l.key = %(who)s OR position(lower(%(who)s) IN lower(l.name)) > 0)
            ORDER BY e.learner LIMIT %(limit)s""",
        {"programme": programme.no, "after": after, "limit": limit, "who": who, "at": present(programme)},
    )
    return [Enrolment(*row) for row in rows]


def programmes_of(session: Session, learner: int) -> list[Programme]:
    """Those in which the learner with this number takes part, the one that began last first."""
    rows = session.sql(
        """SELECT p.key FROM enrolments AS e JOIN programmes AS p ON p.company_id = %(company)s AND p.no = e.programme
            WHERE e.company_id = %(company)s AND e.learner = %(learner)s ORDER BY p.starts_on DESC, p.no""",
        {"learner": learner},
    ).fetchall()
    return [programmes.get(session, row.key) for row in rows]


def present(programme: Programme) -> datetime:
    """Now; the start of a programme that has yet to begin."""
    return max(datetime.now(UTC), programme.starts_at)


def refuse_closed(programme: Programme) -> None:
    """Raises Closed if the programme is."""
    if programme.closed_at is not None:
        raise Closed(say("The programme %(programme)s is closed and takes no changes.", programme=programme.key))


def find(session: Session, programme: Programme, numbers: Sequence[int]) -> dict[int, datetime]:
    """Since when each of these learners is enrolled; who is not is absent."""
    rows = session.sql(
        """SELECT learner, from_at FROM enrolments
            WHERE company_id = %(company)s AND programme = %(programme)s
              AND learner = ANY (%(numbers)s::integer[])""",
        {"programme": programme.no, "numbers": list(numbers)},
    )
    return {row.learner: row.from_at for row in rows}


def new_or_earlier(
    programme: Programme, wanted: Mapping[int, datetime | None], have: Mapping[int, datetime]
) -> dict[int, datetime]:
    """The enrolments to write; one wanted from no time in particular is enough from any time on."""
    return {
        learner: at or programme.starts_at
        for learner, at in wanted.items()
        if learner not in have or (at is not None and at < have[learner])
    }


def write(session: Session, programme: Programme, changes: Mapping[int, datetime]) -> None:
    """Writes enrolments in one statement; the transaction is the company's one writer."""
    if changes:
        rows = [{"learner": learner, "from_at": at} for learner, at in changes.items()]
        session.sql(
            f"""INSERT INTO enrolments (company_id, programme, learner, from_at, changed_in)
                SELECT %(company)s, %(programme)s, learner, from_at, {version.CURRENT}
                  FROM json_to_recordset(%(rows)s::json) AS r (learner integer, from_at timestamptz)
                ON CONFLICT (company_id, programme, learner)
                DO UPDATE SET from_at = excluded.from_at, changed_in = excluded.changed_in""",  # noqa: S608 - a constant
            {"programme": programme.no, "rows": orjson.dumps(rows).decode()},
        )
