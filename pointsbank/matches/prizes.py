"""What winners get: how much each, who they are, and from which pool it comes."""

from collections.abc import Sequence

from ledger.accounts import CREDITS, ISSUANCE, holding, pool_of_course, pool_of_programme
from ledger.journal import Transfer
from pointsbank.database import Session
from pointsbank.directory import courses, learners, programmes
from pointsbank.directory.programmes import Programme
from pointsbank.errors import Closed
from pointsbank.leaderboards.frame import INSTANT
from pointsbank.matches.match import Match, Prize
from pointsbank.matches.score import PrizeShare


def share(session: Session, match: Match, winners: Sequence[str]) -> PrizeShare | None:
    """What each member of the winning teams gets, or each winning learner; None for a match without prize.

    Members are those of the last instant of the match who had not left the company by then.
    """
    if match.prize is None:
        return None
    if not winners:
        return PrizeShare(0, [])
    amount = match.prize.amount // len(winners)
    return PrizeShare(amount, _receivers(session, match, winners) if amount else [])


def _receivers(session: Session, match: Match, winners: Sequence[str]) -> list[str]:
    end = match.ends_at - INSTANT
    numbers = [contestant.no for contestant in match.contestants if contestant.key in winners]
    if match.members == "teams":
        rows = session.sql(
            """SELECT learner FROM memberships
                WHERE company_id = %(company)s AND team = ANY (%(teams)s::integer[])
                  AND from_at <= %(end)s AND (until_at IS NULL OR %(end)s < until_at)""",
            {"teams": numbers, "end": end},
        )
        numbers = [no for (no,) in rows]
    there = session.sql(
        """SELECT l.key FROM learners AS l
             JOIN programmes AS p ON p.company_id = %(company)s AND p.no = %(programme)s
            WHERE l.company_id = %(company)s AND l.no = ANY (%(numbers)s::integer[])
              AND (l.left_on IS NULL OR (%(end)s AT TIME ZONE p.timezone)::date <= l.left_on)
            ORDER BY l.no""",
        {"programme": match.programme, "numbers": numbers, "end": end},
    )
    return [key for (key,) in there]


def transfers(session: Session, match: Match, prize: PrizeShare) -> list[Transfer]:
    """Of the prize's entry. Raises Closed if its programme or course is."""
    assert match.prize is not None, "a match without prize has nothing to give"
    programme = programmes.get(session, match.programme_key)
    if programme.closed_at is not None:
        raise Closed(f"The programme {programme.key} is closed and takes no more awards.")
    unit, pool = _pool(session, programme, match.prize)
    numbers = learners.find_numbers(session, prize.receivers)
    return [Transfer(unit, pool, holding(no), prize.amount, no, 1) for no in sorted(numbers.values())]


def _pool(session: Session, programme: Programme, prize: Prize) -> tuple[int, int]:
    """The unit, and the account that pays."""
    if prize.unit == "credits":
        return CREDITS, ISSUANCE if programme.allotment is None else pool_of_programme(programme.no)
    assert prize.course is not None, "flowers belong to a course"
    if courses.get(session, programme, prize.course.key).closed_at is not None:
        raise Closed(f"The course {prize.course.key} is closed and gives no more flowers.")
    return prize.course.unit, pool_of_course(prize.course.no)
