"""The rows of a board, computed from the ledger.

A score is what was earned: awards less deductions and reversals. Equal scores have the same rank (1, 2, 2,
4); among them who reached the score first stands first. A member reaches the present score with the last
transfer that counts, in the order of when it happened, then of the journal: every transfer changes the total.
Members who have a score of zero have reached nothing; they stand in the order of their ids.

A transfer counts for the team in which the learner was when it happened, whatever its entry says: HR may
correct a membership afterwards.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ledger.accounts import CREDITS
from pointsbank.database import Session
from pointsbank.directory import courses, programmes
from pointsbank.directory.days import start_of
from pointsbank.directory.faults import fault_of_key
from pointsbank.errors import NotFound
from pointsbank.leaderboards.boards import DEFAULT_ROWS, Board
from pointsbank.leaderboards.periods import Window

_INSTANT = timedelta(microseconds=1)  # the least that PostgreSQL tells apart


@dataclass(frozen=True, slots=True)
class Row:
    """`member` is HR's id. `score` counts smallest parts; a mean is a text with two decimals of them.

    `reached_at` is None with a score of zero. `moved` is how many ranks the member has risen (negative:
    fallen) since the start of today, or of the period if that is later.
    """

    rank: int
    member: str
    name: str
    score: int | str
    reached_at: datetime | None
    moved: int


@dataclass(frozen=True, slots=True)
class Standings:
    """A page of a board of `size` members, true as of journal number `number` at `at`."""

    number: int
    at: datetime
    window: Window
    size: int
    rows: list[Row]


def standings(
    session: Session,
    board: Board,
    limit: int = DEFAULT_ROWS,
    offset: int = 0,
    around: str | None = None,
    now: datetime | None = None,
) -> Standings:
    """`limit` rows after the first `offset`, or those that have the member `around` in their middle.

    The session has to be a snapshot, so that rows and journal number are of one state. `now` is only given to
    ask as if at another time. Raises NotFound for an unknown programme or course, or for a member who is not
    on the board.
    """
    state = session.sql(
        """SELECT j.last_number, c.timezone, clock_timestamp() AS at
             FROM journals AS j JOIN companies AS c ON c.company_id = %(company)s
            WHERE j.company_id = %(company)s"""
    ).fetchone()
    assert state is not None, "every company has a journal"
    at = now or state.at
    zone = ZoneInfo(state.timezone)
    window = board.period.window(zone, at)
    if around is not None and fault_of_key(around) is not None:
        raise _not_on_board(board, around)
    parameters = {
        **_scope(session, board),
        **_times(window, start_of(at.astimezone(zone).date(), zone), at),
        "limit": limit,
        "offset": offset,
        "around": around,
    }
    found = session.sql(_statement(board, window), parameters).fetchall()
    rows = [_row(board, each) for each in found if each.rank is not None]
    if around is not None and not rows:
        raise _not_on_board(board, around)
    return Standings(state.last_number, at, window, found[0].size, rows)


def _not_on_board(board: Board, member: str) -> NotFound:
    return NotFound(f"There is no {board.members.removesuffix('s')} {member} on this board.")


def _scope(session: Session, board: Board) -> Mapping[str, int | None]:
    """Numbers of the scope's programme, course and the course's flowers. Raises NotFound."""
    if board.scope.programme is None:
        return {"programme": None, "course": None, "flowers": None}
    programme = programmes.get(session, board.scope.programme)
    if board.scope.course is None:
        return {"programme": programme.no, "course": None, "flowers": None}
    course = courses.get(session, programme, board.scope.course)
    return {"programme": programme.no, "course": course.no, "flowers": course.unit}


def _times(window: Window, today: datetime, now: datetime) -> Mapping[str, datetime | None]:
    """`before`: of the board that `moved` compares with. `sized_…`: when a team's members are counted."""
    before = today if window.from_at is None else max(today, window.from_at)
    sized_at = now
    if window.until_at is not None:
        before = min(before, window.until_at)
        sized_at = min(now, window.until_at - _INSTANT)
    return {
        "from_at": window.from_at,
        "until_at": window.until_at,
        "before": before,
        "sized_at": sized_at,
        "sized_before": before - _INSTANT,
    }


def _row(board: Board, row: Any) -> Row:
    score = _decimal(int(row.score)) if board.score == "mean" else int(row.score)
    return Row(row.rank, row.key, row.name, score, row.reached_at, row.moved)


def _decimal(hundredths: int) -> str:
    whole, part = divmod(abs(hundredths), 100)
    return f"{'-' if hundredths < 0 else ''}{whole}.{part:02}"


# The statement, of parts that depend on the board ---------------------------------------------------------


def _statement(board: Board, window: Window) -> str:
    teams = board.members == "teams"
    return _RANKED.format(
        members=_TEAMS if teams else _LEARNERS_OF_COMPANY if board.scope.programme is None else _ENROLLED,
        member="s.team" if teams else "t.learner",
        joins=_joins(board, teams),
        conditions=_conditions(board, window),
        score=_MEAN.format(total="total", people="people") if board.score == "mean" else _SUM.format(total="total"),
        score_before=(
            _MEAN.format(total="total_before", people="people_before")
            if board.score == "mean"
            else _SUM.format(total="total_before")
        ),
    )


def _joins(board: Board, teams: bool) -> str:
    joins = _STAYS if teams else ""
    if board.unit == "credits" and board.scope.programme is not None:
        joins += _ENTRIES
    return joins


def _conditions(board: Board, window: Window) -> str:
    conditions = []
    if board.unit == "credits":
        conditions.append(f"t.unit = {CREDITS}")
        if board.scope.course is not None:
            conditions.append("e.course = %(course)s")
    elif board.scope.course is not None:
        conditions.append("t.unit = %(flowers)s")
    elif board.scope.programme is not None:
        conditions.append(
            "t.unit IN (SELECT unit FROM courses WHERE company_id = %(company)s AND programme = %(programme)s)"
        )
    else:
        conditions.append(f"t.unit <> {CREDITS}")
    if window.from_at is not None:
        conditions.append("t.occurred_at >= %(from_at)s")
    if window.until_at is not None:
        conditions.append("t.occurred_at < %(until_at)s")
    return " AND ".join(conditions)


# Who is on the board, also with nothing earned.
_LEARNERS_OF_COMPANY = """
    SELECT no, key, name, 1 AS people, 1 AS people_before FROM learners WHERE company_id = %(company)s"""
_ENROLLED = """
    SELECT l.no, l.key, l.name, 1 AS people, 1 AS people_before
      FROM enrolments AS n JOIN learners AS l ON l.company_id = %(company)s AND l.no = n.learner
     WHERE n.company_id = %(company)s AND n.programme = %(programme)s"""
_TEAMS = """
    SELECT g.no, g.key, g.name, coalesce(s.people, 0) AS people, coalesce(s.people_before, 0) AS people_before
      FROM teams AS g
      LEFT JOIN (SELECT team,
                        count(*) FILTER (WHERE from_at <= %(sized_at)s
                                           AND coalesce(until_at, 'infinity') > %(sized_at)s) AS people,
                        count(*) FILTER (WHERE from_at <= %(sized_before)s
                                           AND coalesce(until_at, 'infinity') > %(sized_before)s)
                               AS people_before
                   FROM memberships WHERE company_id = %(company)s AND programme = %(programme)s
                  GROUP BY team) AS s ON s.team = g.no
     WHERE g.company_id = %(company)s AND g.programme = %(programme)s"""

_STAYS = """
      JOIN memberships AS s
        ON s.company_id = %(company)s AND s.programme = %(programme)s AND s.learner = t.learner
       AND s.from_at <= t.occurred_at AND t.occurred_at < coalesce(s.until_at, 'infinity')"""
_ENTRIES = """
      JOIN entries AS e
        ON e.company_id = %(company)s AND e.number = t.number AND e.programme = %(programme)s"""

# A mean is in hundredths, half up, by whole numbers: exact, whatever the size of the sum.
_SUM = "coalesce({total}, 0)"
_MEAN = """CASE WHEN {people} > 0
                THEN coalesce(sign({total}) * div(abs({total}) * 200 + {people}, 2 * {people}), 0)
                ELSE 0 END"""

# `last` is the time and number of the transfer with which the score was reached: as an array of floating
# point numbers, which hold both exactly enough to compare and have a maximum in every PostgreSQL.
# Members and what is counted are brought together by grouping: with the statistics of an empty table, as they
# are just after a large import, PostgreSQL would join them by counting everything again for each member.
_RANKED = """
WITH members AS ({members}
), counted AS (
    SELECT {member} AS no,
           sum(t.amount * t.earning) AS total,
           sum(t.amount * t.earning) FILTER (WHERE t.occurred_at < %(before)s) AS total_before,
           max(t.occurred_at) AS last_at,
           max(ARRAY[date_part('epoch', t.occurred_at), t.number]) AS last
      FROM transfers AS t{joins}
     WHERE t.company_id = %(company)s AND t.earning <> 0 AND {conditions}
     GROUP BY 1
), together AS (
    SELECT max(key) AS key, max(name) AS name, max(people) AS people, max(people_before) AS people_before,
           max(total) AS total, max(total_before) AS total_before, max(last_at) AS last_at, max(last) AS last
      FROM (SELECT no, key, name, people, people_before, NULL::numeric AS total, NULL::numeric AS total_before,
                   NULL::timestamptz AS last_at, NULL::float[] AS last
              FROM members
            UNION ALL
            SELECT no, NULL, NULL, NULL, NULL, total, total_before, last_at, last FROM counted) AS either
     GROUP BY no
), scored AS (
    SELECT key, name, last_at, last, {score} AS score, {score_before} AS score_before
      FROM together WHERE key IS NOT NULL
), ranked AS (
    SELECT key, name, score, CASE WHEN score <> 0 THEN last_at END AS reached_at,
           rank() OVER (ORDER BY score DESC) AS rank,
           rank() OVER (ORDER BY score_before DESC) AS rank_before,
           row_number() OVER (ORDER BY score DESC, CASE WHEN score <> 0 THEN last END, key) AS place
      FROM scored
), page AS (
    SELECT size,
           CASE WHEN %(around)s::text IS NULL THEN %(offset)s::bigint
                WHEN place IS NOT NULL
                THEN greatest(0, least(place - 1 - %(limit)s::bigint / 2, size - %(limit)s::bigint))
            END AS skipped
      FROM (SELECT count(*) AS size FROM members) AS whole
      LEFT JOIN ranked ON key = %(around)s::text COLLATE "C"
)
SELECT p.size, r.rank, r.key, r.name, r.score, r.reached_at, r.rank_before - r.rank AS moved
  FROM page AS p LEFT JOIN ranked AS r ON r.place > p.skipped AND r.place <= p.skipped + %(limit)s::bigint
 ORDER BY r.place
"""
