"""The rows of a board, computed from the ledger.

A score is what was earned: awards less deductions and reversals. Equal scores have the same rank (1, 2, 2,
4); among them who reached the score first stands first. A member reaches the present score with the last
transfer that counts, in the order of when it happened, then of the journal: every transfer changes the total.
Members who have a score of zero have reached nothing; they stand in the order of their ids.

A transfer counts for the team in which the learner was when it happened, whatever its entry says: HR may
correct a membership afterwards.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from psycopg.rows import namedtuple_row

from pointsbank.database import Session
from pointsbank.directory.faults import fault_of_key
from pointsbank.errors import NotFound
from pointsbank.leaderboards.boards import DEFAULT_ROWS, Board
from pointsbank.leaderboards.frame import Frame, of_scope
from pointsbank.leaderboards.periods import Window
from pointsbank.leaderboards.scores import ROWS_FETCHED, together


class Row(NamedTuple):
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


class Ahead(NamedTuple):
    """The next better rank, and by how much its score is better, in the unit of `Row.score`."""

    rank: int
    distance: int | str


class Standings(NamedTuple):
    """A page of a board of `size` members, true as of journal number `number` at `at`.

    `ahead` is of the member that was asked for with `around`; None for who is first, and if nobody was.
    """

    number: int
    at: datetime
    window: Window
    size: int
    rows: list[Row]
    ahead: Ahead | None = None


def standings(
    session: Session,
    board: Board,
    limit: int | None = DEFAULT_ROWS,
    offset: int = 0,
    around: str | None = None,
    now: datetime | None = None,
    up_to: int | None = None,
    among: Sequence[int] | None = None,
) -> Standings:
    """`limit` rows (None: all) after the first `offset`, or those that have the member `around` in their middle.
    With `among`, numbers of learners or teams, the board is of these alone.

    The session has to be a snapshot, so that rows and journal number are of one state. `now` is only given to
    ask as if at another time, `up_to` as if the entries after that number were not yet there. Raises NotFound for
    an unknown programme or course, or for a member who is not on the board.
    """
    state = session.sql(
        """SELECT j.last_number, c.timezone, clock_timestamp() AS at
             FROM journals AS j JOIN companies AS c ON c.company_id = %(company)s
            WHERE j.company_id = %(company)s"""
    ).fetchone()
    assert state is not None, "every company has a journal"
    at = now or state.at
    zone = ZoneInfo(state.timezone)
    frame = of_scope(session, board.scope, board.unit, board.members).of_period(board.period, zone, at)
    if around is not None and fault_of_key(around) is not None:
        raise not_on_board(board, around)
    total, before = ("total", "total_before"), ("people", "people_before")
    score, score_before = map(_mean if board.score == "mean" else _sum, total, before)
    found = session.sql(
        together(frame, some=among is not None, up_to=up_to is not None)
        + _RANKED.format(score=score, score_before=score_before),
        {
            **frame.parameters(zone, at),
            "limit": limit,
            "offset": offset,
            "around": around,
            "up_to": up_to,
            "numbers": None if among is None else list(among),
        },
    ).fetchall()
    rows = [_row(board, each) for each in found if each.rank is not None]
    if around is not None and not rows:
        raise not_on_board(board, around)
    return Standings(
        state.last_number if up_to is None else up_to, at, frame.window, found[0].size, rows, _ahead(board, found[0])
    )


def everybody(session: Session, frame: Frame, zone: ZoneInfo, now: datetime, up_to: int) -> Iterator[Row]:
    """The whole board of sums in its order, as it was with entry `up_to`, without ever holding all in memory."""
    statement = together(frame, up_to=True) + _RANKED.format(
        score=_sum("total", ""), score_before=_sum("total_before", "")
    )
    parameters = {**frame.parameters(zone, now), "limit": None, "offset": 0, "around": None, "up_to": up_to}
    with session.driver.cursor("everybody", row_factory=namedtuple_row) as cursor:
        cursor.itersize = ROWS_FETCHED
        cursor.execute(statement.encode(), {"company": session.company_id, **parameters})
        row: Any
        for row in cursor:
            if row.rank is not None:
                yield Row(row.rank, row.key, row.name, int(row.score), row.reached_at, row.moved)


def not_on_board(board: Board, member: str) -> NotFound:
    return NotFound(f"There is no {board.members.removesuffix('s')} {member} on this board.")


def _row(board: Board, row: Any) -> Row:
    return Row(row.rank, row.key, row.name, shown(board, int(row.score)), row.reached_at, row.moved)


def _ahead(board: Board, row: Any) -> Ahead | None:
    if row.ahead_rank is None:
        return None
    return Ahead(row.ahead_rank, shown(board, int(row.distance)))


def shown(board: Board, score: int) -> int | str:
    """A sum as it is; a mean, which is in hundredths, as a decimal."""
    if board.score == "sum":
        return score
    whole, part = divmod(abs(score), 100)
    return f"{'-' if score < 0 else ''}{whole}.{part:02}"


def _sum(total: str, _people: str) -> str:
    return f"coalesce({total}, 0)"


def _mean(total: str, people: str) -> str:
    """In hundredths, half up, by whole numbers: exact, whatever the size of the sum."""
    return (
        f"CASE WHEN {people} > 0 THEN "
        f"coalesce(sign({total}) * div(abs({total}) * 200 + {people}, 2 * {people}), 0) ELSE 0 END"
    )


_RANKED = """, scored AS (
    SELECT key, name, last_at, last, {score} AS score, {score_before} AS score_before
      FROM together WHERE key IS NOT NULL
), ranked AS (
    SELECT key, name, score, CASE WHEN score <> 0 THEN last_at END AS reached_at,
           rank() OVER (ORDER BY score DESC) AS rank,
           rank() OVER (ORDER BY score_before DESC) AS rank_before,
           row_number() OVER (ORDER BY score DESC, CASE WHEN score <> 0 THEN last END, key) AS place
      FROM scored
), page AS (
    SELECT size, score,
           CASE WHEN %(around)s::text IS NULL THEN %(offset)s::bigint
                WHEN place IS NOT NULL
                THEN greatest(0, least(place - 1 - %(limit)s::bigint / 2, size - %(limit)s::bigint))
            END AS skipped
      FROM (SELECT count(*) AS size FROM members) AS whole
      LEFT JOIN ranked ON key = %(around)s::text COLLATE "C"
), ahead AS (
    SELECT rank, score - (SELECT score FROM page) AS distance
      FROM ranked WHERE score > (SELECT score FROM page) ORDER BY score LIMIT 1
)
SELECT p.size, r.rank, r.key, r.name, r.score, r.reached_at, r.rank_before - r.rank AS moved,
       (SELECT rank FROM ahead) AS ahead_rank, (SELECT distance FROM ahead) AS distance
  FROM page AS p
  LEFT JOIN ranked AS r
    ON r.place > p.skipped AND r.place <= p.skipped + coalesce(%(limit)s::bigint, p.size)
 ORDER BY r.place
"""
