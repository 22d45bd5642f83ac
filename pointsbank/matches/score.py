"""Who stands where in a match: from the ledger while it runs, as its result says once that is fixed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from pointsbank.database import Session
from pointsbank.leaderboards.boards import Board, Scope
from pointsbank.leaderboards.periods import Instants
from pointsbank.leaderboards.standings import standings
from pointsbank.matches.match import Match, Status


@dataclass(frozen=True, slots=True)
class Place:
    """`member` is HR's id. `reached_at` is None with a score of zero. Equal scores have the same rank: 1, 2, 2, 4."""

    rank: int
    member: str
    name: str
    score: int
    reached_at: datetime | None


@dataclass(frozen=True, slots=True)
class PrizeShare:
    """`amount` is for each of the `receivers`, HR's ids of learners; 0 and nobody if there is nothing to give.

    `number` is that of its entry, `reversed_by` that of the entry that undoes it.
    """

    amount: int
    receivers: Sequence[str]
    number: int | None = None
    reversed_by: int | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """`number` is that of its entry, `reversed_by` that of the entry that withdraws it; `winners` are HR's ids."""

    number: int
    settled_at: datetime
    reversed_by: int | None
    winners: Sequence[str]
    prize: PrizeShare | None


@dataclass(frozen=True, slots=True)
class Score:
    """True as of journal number `number` at `at`; of a settled match that is when the result was fixed."""

    status: Status
    number: int
    at: datetime
    places: Sequence[Place]
    result: Result | None


def of(session: Session, match: Match) -> Score:
    """The session has to be a snapshot, or the company's one writer."""
    return live(session, match) if match.result_number is None else fixed(session, match)


def live(session: Session, match: Match) -> Score:
    """As the board of the match's window has it, among those who compete."""
    scope = Scope(match.programme_key, None if match.course is None else match.course.key)
    window = Instants(f"{match.starts_at.isoformat()}..{match.ends_at.isoformat()}", match.starts_at, match.ends_at)
    found = standings(
        session,
        Board(scope, match.unit, match.members, window, "sum"),
        limit=None,
        among=[contestant.no for contestant in match.contestants],
    )
    places = [Place(row.rank, row.member, row.name, int(row.score), row.reached_at) for row in found.rows]
    return Score(match.status_at(found.at), found.number, found.at, places, None)


def fixed(session: Session, match: Match) -> Score:
    """As the result's entry says. Names are those of today: the journal holds none."""
    row = session.sql(_RESULT, {"result": match.result_number, "prize": match.prize_number}).fetchone()
    assert row is not None, "a settled match has its entry"
    data = orjson.loads(row.data)
    names = {contestant.key: contestant.name for contestant in match.contestants}
    prize = data["prize"]
    result = Result(
        row.number,
        row.recorded_at,
        row.reversed_by,
        data["winners"],
        None
        if prize is None
        else PrizeShare(prize["share"], prize["receivers"], match.prize_number, row.prize_reversed_by),
    )
    return Score("settled", data["as_of"], row.recorded_at, [_place(each, names) for each in data["standings"]], result)


_RESULT = """
SELECT e.number, e.recorded_at, e.data::text AS data,
       (SELECT number FROM entries WHERE company_id = %(company)s AND reverses = e.number) AS reversed_by,
       (SELECT number FROM entries WHERE company_id = %(company)s AND reverses = %(prize)s) AS prize_reversed_by
  FROM entries AS e WHERE e.company_id = %(company)s AND e.number = %(result)s
"""


def _place(written: Any, names: dict[str, str]) -> Place:
    reached_at = written["reached_at"]
    return Place(
        written["rank"],
        written["member"],
        names[written["member"]],
        written["score"],
        None if reached_at is None else datetime.fromisoformat(reached_at),
    )
