"""What each member of a board has earned, as SQL of parts that depend on the board.

`together` has a row for each member: key, name, total, total_before, last_at and last, the time and number of the
transfer with which the total was reached; of a team also how many people it has, and had before.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ledger.accounts import CREDITS
from pointsbank.database import Session
from pointsbank.leaderboards import people
from pointsbank.leaderboards.frame import Frame, micros

ROWS_FETCHED = 20_000


class Score(NamedTuple):
    """`total` was reached with the transfer of entry `number` that happened at `at`, in microseconds since 1970;
    both are 0 if nothing counted. `before` is what it was before the instant that `moved` compares with."""

    key: str
    name: str
    total: int
    before: int
    at: int
    number: int


def all_of(session: Session, frame: Frame, zone: ZoneInfo, now: datetime) -> Iterator[Score]:
    """Everybody on the board, who has the most first, without ever holding all in memory.

    In this order Redis takes them in half of the time. The session has no nested loops: see `_TOGETHER`.
    """
    statement = _counted(frame) + _EVERYBODY
    with session.driver.cursor("scores") as cursor:
        cursor.itersize = ROWS_FETCHED
        cursor.execute(statement.encode(), {"company": session.company_id, **frame.parameters(zone, now)})
        yield from map(Score._make, cursor)


def of_members(
    session: Session, frame: Frame, zone: ZoneInfo, now: datetime, numbers: Sequence[int]
) -> Iterator[Score]:
    """Those of the learners or teams with these numbers that are on the board."""
    rows = session.sql(together(frame, some=True) + _SELECT, {**frame.parameters(zone, now), "numbers": list(numbers)})
    return map(Score._make, rows.fetchall())


@dataclass(frozen=True, slots=True)
class Later:
    """What of a member's score happened at or after some instant, by entry."""

    key: str
    amount: int
    at: int
    number: int


def later_of(session: Session, frame: Frame, since: datetime, numbers: Sequence[int] | None = None) -> Iterator[Later]:
    """What happened from `since` on, of everybody or of those with these numbers."""
    teams = frame.members == "teams"
    member = "s.team" if teams else "t.learner"
    conditions = [*_conditions(frame), "t.occurred_at >= %(since)s"]
    if numbers is not None:
        conditions.append(f"{member} = ANY (%(numbers)s::integer[])")
    rows = session.sql(
        _LATER.format(
            member=member,
            members="teams" if teams else "learners",
            joins=_joins(frame, teams),
            conditions=" AND ".join(conditions),
        ),
        {**frame.scope(), "since": since, "numbers": None if numbers is None else list(numbers)},
    )
    return (Later(key, int(amount), micros(at), number) for key, amount, at, number in rows)


_LATER = """
SELECT m.key, sum(t.amount * t.earning), t.occurred_at, t.number
  FROM transfers AS t{joins}
  JOIN {members} AS m ON m.company_id = %(company)s AND m.no = {member}
 WHERE t.company_id = %(company)s AND t.earning <> 0 AND {conditions}
 GROUP BY m.key, t.occurred_at, t.number"""


def totals(session: Session, frame: Frame, up_to: int) -> dict[str, int]:
    """Of everybody on the board, by HR's ids: what entries up to that number count for."""
    now = frame.window.until_at or datetime.now(UTC)
    rows = session.sql(
        together(frame, up_to=True) + _TOTALS, {**frame.parameters(ZoneInfo("UTC"), now), "up_to": up_to}
    )
    return dict(rows.fetchall())


_TOTALS = """
SELECT key, coalesce(total, 0)::bigint FROM together WHERE key IS NOT NULL"""


def entries_of(session: Session, frame: Frame, numbers: Sequence[int], up_to: int) -> dict[int, list[int]]:
    """The entries up to number `up_to` that count for each learner or team with these numbers, in their order; what
    was reversed by then and its reversals are left out."""
    teams = frame.members == "teams"
    joins = _joins(frame, teams)
    rows = session.sql(
        _ENTRIES_OF.format(
            member="s.team" if teams else "t.learner",
            joins=joins if _ENTRIES in joins else joins + _ANY_ENTRIES,
            conditions=" AND ".join(_conditions(frame)),
        ),
        {**frame.scope(), "numbers": list(numbers), "up_to": up_to},
    )
    return dict(rows.fetchall())


_ENTRIES_OF = """
WITH counted AS MATERIALIZED (
    SELECT DISTINCT {member} AS no, t.number, e.reverses
      FROM transfers AS t{joins}
     WHERE t.company_id = %(company)s AND t.earning <> 0 AND t.number <= %(up_to)s
       AND {member} = ANY (%(numbers)s::integer[]) AND {conditions}
)
SELECT c.no, array_agg(c.number ORDER BY c.number)
  FROM counted AS c
 WHERE c.reverses IS NULL AND c.number NOT IN (SELECT reverses FROM counted WHERE reverses IS NOT NULL)
 GROUP BY c.no"""

# As integers, which a sum of bigint is not: no member comes near 2^63.
_SCORES = """
SELECT key, name, coalesce(total, 0)::bigint AS total, coalesce(total_before, 0)::bigint AS before,
       coalesce(round(last[1] * 1000000)::bigint, 0) AS at, coalesce(last[2]::bigint, 0) AS number
  FROM """
_SELECT = _SCORES + "together WHERE key IS NOT NULL"
_EVERYBODY = ")" + _SCORES + "members LEFT JOIN counted USING (no) ORDER BY total DESC"


def earned(frame: Frame, apart: bool = False, entries: bool = False) -> str:
    """`FROM … WHERE …` of the transfers that count on boards of the frame, with its `scope()` as parameters.

    `t` are the transfers; `s`, if the members are teams, the stays; `e`, for credits or with `entries`, the entries.
    `apart` also counts what was earned in no team, with the columns of `s` empty.
    """
    joins = _joins(frame, frame.members == "teams")
    if entries and _ENTRIES not in joins:
        joins += _ANY_ENTRIES
    if apart:
        joins = joins.replace("JOIN memberships", "LEFT JOIN memberships")
    conditions = " AND ".join(_conditions(frame))
    return f"""
      FROM transfers AS t{joins}
     WHERE t.company_id = %(company)s AND t.earning <> 0 AND {conditions}"""


def together(frame: Frame, some: bool = False, up_to: bool = False) -> str:
    """The statement's WITH. `some`: only the members with %(numbers)s; `up_to`: of entries to number %(up_to)s."""
    return _counted(frame, some, up_to) + _TOGETHER


def _counted(frame: Frame, some: bool = False, up_to: bool = False) -> str:
    teams = frame.members == "teams"
    conditions = _conditions(frame)
    if some:
        conditions.append(f"{'s.team' if teams else 't.learner'} = ANY (%(numbers)s::integer[])")
    if up_to:
        conditions.append("t.number <= %(up_to)s")
    members = _TEAMS if teams else _LEARNERS_OF_COMPANY if frame.programme is None else _ENROLLED
    return _COUNTED.format(
        members=members + (f" AND {'g' if teams else 'l'}.no = ANY (%(numbers)s::integer[])" if some else ""),
        member="s.team" if teams else "t.learner",
        joins=_joins(frame, teams),
        conditions=" AND ".join(conditions),
    )


def _joins(frame: Frame, teams: bool) -> str:
    joins = _STAYS if teams else ""
    if frame.unit == "credits" and frame.programme is not None:
        joins += _ENTRIES
    return joins


def _conditions(frame: Frame) -> list[str]:
    conditions = []
    if frame.unit == "credits":
        conditions.append(f"t.unit = {CREDITS}")
        if frame.course is not None:
            conditions.append("e.course = %(course)s")
    elif frame.course is not None:
        conditions.append("t.unit = %(flowers)s")
    elif frame.programme is not None:
        conditions.append(
            "t.unit IN (SELECT unit FROM courses WHERE company_id = %(company)s AND programme = %(programme)s)"
        )
    else:
        conditions.append(f"t.unit <> {CREDITS}")
    if frame.window.from_at is not None:
        conditions.append("t.occurred_at >= %(from_at)s")
    if frame.window.until_at is not None:
        conditions.append("t.occurred_at < %(until_at)s")
    return conditions


# Who is on the board, also with nothing earned.
_LEARNERS_OF_COMPANY = """
    SELECT l.no, l.key, l.name, 1 AS people, 1 AS people_before FROM learners AS l WHERE company_id = %(company)s"""
_ENROLLED = """
    SELECT l.no, l.key, l.name, 1 AS people, 1 AS people_before
      FROM enrolments AS n JOIN learners AS l ON l.company_id = %(company)s AND l.no = n.learner
     WHERE n.company_id = %(company)s AND n.programme = %(programme)s"""
_TEAMS = f"""
    SELECT g.no, g.key, g.name, coalesce(s.people, 0) AS people, coalesce(s.people_before, 0) AS people_before
      FROM teams AS g
      LEFT JOIN (SELECT team,
                        count(*) FILTER (WHERE from_at <= %(sized_at)s
                                           AND coalesce(until_at, 'infinity') > %(sized_at)s) AS people,
                        count(*) FILTER (WHERE from_at <= %(sized_before)s
                                           AND coalesce(until_at, 'infinity') > %(sized_before)s)
                               AS people_before
                   FROM ({people.STAYS}) AS stays
                  GROUP BY team) AS s ON s.team = g.no
     WHERE g.company_id = %(company)s AND g.programme = %(programme)s"""  # noqa: S608 - a constant

_STAYS = """
      JOIN memberships AS s
        ON s.company_id = %(company)s AND s.programme = %(programme)s AND s.learner = t.learner
       AND s.from_at <= t.occurred_at AND t.occurred_at < coalesce(s.until_at, 'infinity')"""
_ENTRIES = """
      JOIN entries AS e
        ON e.company_id = %(company)s AND e.number = t.number AND e.programme = %(programme)s"""
_ANY_ENTRIES = """
      JOIN entries AS e ON e.company_id = %(company)s AND e.number = t.number"""

# `last` is an array of floating point numbers, which hold both exactly and have a maximum in every PostgreSQL.
_COUNTED = """
WITH members AS ({members}
), counted AS (
    SELECT {member} AS no,
           sum(t.amount * t.earning) AS total,
           sum(t.amount * t.earning) FILTER (WHERE t.occurred_at < %(before)s) AS total_before,
           max(t.occurred_at) AS last_at,
           max(ARRAY[date_part('epoch', t.occurred_at), t.number]) AS last
      FROM transfers AS t{joins}
     WHERE t.company_id = %(company)s AND t.earning <> 0 AND {conditions}
     GROUP BY 1"""

# Members and what is counted are brought together by grouping: with the statistics of an empty table, as they
# are just after a large import, PostgreSQL would join them by counting everything again for each member. Where
# nested loops are switched off it cannot, and a join takes a third of the time.
_TOGETHER = """
), together AS (
    SELECT max(key) AS key, max(name) AS name, max(people) AS people, max(people_before) AS people_before,
           max(total) AS total, max(total_before) AS total_before, max(last_at) AS last_at, max(last) AS last
      FROM (SELECT no, key, name, people, people_before, NULL::numeric AS total, NULL::numeric AS total_before,
                   NULL::timestamptz AS last_at, NULL::float[] AS last
              FROM members
            UNION ALL
            SELECT no, NULL, NULL, NULL, NULL, total, total_before, last_at, last FROM counted) AS either
     GROUP BY no
)"""
