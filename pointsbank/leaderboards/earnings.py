"""What the journal says was earned, entry by entry, and on which boards it counts for whom."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from ledger.accounts import CREDITS
from pointsbank.database import Session
from pointsbank.leaderboards.frame import Frame, micros


class Earning(NamedTuple):
    """`learner` and `key` are of whose holding it is; `amount` is negative for a deduction or a reversal."""

    number: int
    learner: int
    key: str
    unit: int
    amount: int
    occurred_at: datetime
    programme: int | None
    course: int | None


class Stretch(NamedTuple):
    """The journal up to entry `number`, from the stretch before."""

    number: int
    recorded_at: int
    earnings: list[Earning]


def stretches(session: Session, after: int, up_to: int, entries: int) -> Iterator[Stretch]:
    """Everything after one number and up to another, that many entries at a time."""
    while after < up_to:
        until = min(after + entries, up_to)
        rows = session.sql(_EARNINGS, {"after": after, "until": until}).fetchall()
        yield Stretch(until, recorded_at(session, [until])[until], [Earning(*row) for row in rows])
        after = until


def recorded_at(session: Session, numbers: Sequence[int]) -> dict[int, int]:
    """When these entries were booked, in microseconds since 1970; of no entry (0) at 0."""
    rows = session.sql(
        """SELECT number, recorded_at FROM entries
            WHERE company_id = %(company)s AND number = ANY (%(numbers)s::bigint[])""",
        {"numbers": list(numbers)},
    )
    return {0: 0} | {row.number: micros(row.recorded_at) for row in rows}


_EARNINGS = """
SELECT e.number, t.learner, l.key, t.unit, t.amount * t.earning, t.occurred_at, e.programme, e.course
  FROM entries AS e
 CROSS JOIN LATERAL unnest(coalesce(e.holders, ARRAY[e.learner])) AS h (learner)
  JOIN transfers AS t ON t.company_id = %(company)s AND t.learner = h.learner AND t.number = e.number
  JOIN learners AS l ON l.company_id = %(company)s AND l.no = h.learner
 WHERE e.company_id = %(company)s AND e.number > %(after)s AND e.number <= %(until)s
   AND e.transfers > 0 AND t.earning <> 0
 ORDER BY e.number"""


class _Stay(NamedTuple):
    from_at: datetime
    until_at: datetime | None
    team: str


@dataclass(slots=True)
class Attribution:
    """For whom an earning counts. `programmes` is of each unit of flowers, `stays` by programme and learner."""

    programmes: dict[int, int]
    stays: dict[tuple[int, int], list[_Stay]] = field(default_factory=dict)

    @classmethod
    def load(cls, session: Session) -> "Attribution":
        rows = session.sql("SELECT unit, programme FROM courses WHERE company_id = %(company)s")
        return cls({row.unit: row.programme for row in rows})

    def look_up(self, session: Session, frames: Sequence[Frame], earnings: Sequence[Earning]) -> None:
        """Reads in which teams these learners were, if a board is of teams."""
        wanted = {frame.programme for frame in frames if frame.members == "teams"}
        if not wanted or not earnings:
            return
        rows = session.sql(
            """SELECT m.programme, m.learner, m.from_at, m.until_at, g.key FROM memberships AS m
                 JOIN teams AS g ON g.company_id = %(company)s AND g.no = m.team
                WHERE m.company_id = %(company)s AND m.programme = ANY (%(programmes)s::integer[])
                  AND m.learner = ANY (%(learners)s::integer[])""",
            {"programmes": list(wanted), "learners": list({earning.learner for earning in earnings})},
        )
        self.stays = {}
        for programme, learner, from_at, until_at, team in rows:
            self.stays.setdefault((programme, learner), []).append(_Stay(from_at, until_at, team))

    def member(self, frame: Frame, earning: Earning) -> str | None:
        """The key of the learner or team of the board for whom it counts; None if it does not."""
        if not self._counts(frame, earning):
            return None
        if frame.members == "learners":
            return earning.key
        assert frame.programme is not None, "teams belong to a programme"
        for stay in self.stays.get((frame.programme, earning.learner), ()):
            if stay.from_at <= earning.occurred_at and (stay.until_at is None or earning.occurred_at < stay.until_at):
                return stay.team
        return None

    def _counts(self, frame: Frame, earning: Earning) -> bool:
        window = frame.window
        if window.from_at is not None and earning.occurred_at < window.from_at:
            return False
        if window.until_at is not None and earning.occurred_at >= window.until_at:
            return False
        if (earning.unit == CREDITS) != (frame.unit == "credits"):
            return False
        if frame.programme is None:
            return True
        if frame.unit == "flowers":
            if frame.course is not None:
                return earning.unit == frame.flowers
            return self.programmes.get(earning.unit) == frame.programme
        return earning.programme == frame.programme and (frame.course is None or earning.course == frame.course)
