"""The end of a match: its result fixed as an entry, its prize booked once, whoever comes to it and however often.

`settle_due` may run in any number of workers at any time, and be killed at any moment. It asks what is due, of all
companies at once, and settles match by match in a transaction that is the company's one writer: who comes second
finds that nothing is due any more. The entries' keys are made from the match, so that the ledger itself refuses a
second result or prize.
"""

import logging
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import orjson

from ledger import journal, terms
from ledger.errors import LedgerError
from ledger.journal import Draft
from pointsbank.database import Database, Session
from pointsbank.directory.pools import fingerprint
from pointsbank.errors import PointsBankError, Unavailable
from pointsbank.matches import prizes, score
from pointsbank.matches.match import Match, now, numbered
from pointsbank.matches.score import PrizeShare, Score

log = logging.getLogger(__name__)

SOURCE = "pointsbank:matches"
RESULT_KIND, PRIZE_KIND = "match.settled", "match.prize"
INTERVAL_SECONDS = 1
"""How often a worker asks what is due."""
RETRY_SECONDS = 10
"""After which a prize that could not be paid is tried again, and a match that could not be settled at all."""
MAX_DUE = 1_000
"""Taken up at a time; the rest is still due the next time."""


def result_key(match: Match) -> str:
    """Ids hold no slash, so that no other match or prize can have the same key."""
    return f"{match.programme_key}/{match.key}"


def prize_key(match: Match) -> str:
    return f"{result_key(match)}/prize"


def settle_due(database: Database) -> int:
    """Settles what is due in any company; returns how many matches that were.

    One that cannot be settled is logged, put off, and stops no other. Raises Unavailable without a database.
    """
    found = _due(database)
    for company_id, no in found:
        try:
            database.run(company_id, partial(settle, no=no), writes=True)
        except Unavailable:
            raise
        except Exception:  # whatever it is, the other matches are settled
            log.exception("match %d of company %d could not be settled", no, company_id)
            database.run(company_id, partial(_put_off, no=no))
    return len(found)


def _due(database: Database) -> list[tuple[int, int]]:
    with database.transaction(0) as session:
        session.sql("SET LOCAL app.every_company = 'on'")
        rows = session.sql(
            "SELECT company_id, no FROM matches WHERE due_at <= now() ORDER BY due_at LIMIT %(limit)s",
            {"limit": MAX_DUE},
        )
        return [(row.company_id, row.no) for row in rows]


def _put_off(session: Session, no: int) -> None:
    session.sql(
        """UPDATE matches SET due_at = now() + %(pause)s
            WHERE company_id = %(company)s AND no = %(no)s AND due_at <= now()""",
        {"no": no, "pause": timedelta(seconds=RETRY_SECONDS)},
    )


def settle(session: Session, no: int) -> None:
    """What is due of the match: its result with its prize, or a prize that could not be paid before.

    Nothing, if another worker has done it. The session is the company's one writer.
    """
    match = numbered(session, no)
    if match.due_at is None or match.due_at > now(session):
        return
    if match.result_number is not None:
        number, settled = match.result_number, score.fixed(session, match).result
        assert settled is not None
        prize = None if settled.reversed_by is not None else settled.prize  # what is withdrawn earns nothing more
    else:
        number, prize = _fix(session, match)
    _write(session, match, number, None if prize is None else _give(session, match, prize))


def _fix(session: Session, match: Match) -> tuple[int, PrizeShare | None]:
    """Books the result; its entry's number, and what is to be given for it."""
    found = score.live(session, match)
    winners = [place.member for place in found.places if place.rank == 1 and place.score > 0]
    prize = prizes.share(session, match, winners)
    names = terms.intern(session, [SOURCE, RESULT_KIND])
    key = result_key(match)
    [outcome] = journal.post(
        session,
        [
            Draft(
                source=names[SOURCE],
                key=key,
                kind=names[RESULT_KIND],
                fingerprint=fingerprint(key),  # whoever fixes the result first has fixed it
                occurred_at=match.ends_at,
                programme=match.programme,
                course=None if match.course is None else match.course.no,
                reason=match.name,
                data=_data(match, found, winners, prize),
            )
        ],
    )
    if isinstance(outcome, LedgerError):
        raise outcome
    return outcome.number, prize


def _data(match: Match, found: Score, winners: Sequence[str], prize: PrizeShare | None) -> bytes:
    """All that the result rests on, by HR's ids."""
    written = {
        "match": match.key,
        match.members: [contestant.key for contestant in match.contestants],
        "unit": match.unit,
        "course": None if match.course is None else match.course.key,
        "starts_at": match.starts_at,
        "ends_at": match.ends_at,
        "grace_seconds": match.grace_seconds,
        "as_of": found.number,
        "standings": [
            {"rank": place.rank, "member": place.member, "score": place.score, "reached_at": place.reached_at}
            for place in found.places
        ],
        "winners": winners,
        "prize": None if prize is None else {"share": prize.amount, "receivers": prize.receivers},
    }
    return orjson.dumps(written, option=orjson.OPT_UTC_Z)


def _give(session: Session, match: Match, prize: PrizeShare) -> int | PointsBankError | None:
    """Books the prize; its entry's number, or why it cannot be given now, or None if there is nothing to give."""
    if not prize.amount or not prize.receivers:
        return None
    assert match.prize is not None, "what is to be given is its prize"
    names = terms.intern(session, [SOURCE, PRIZE_KIND])
    key = prize_key(match)
    try:
        moved = prizes.transfers(session, match, prize)
        draft = Draft(
            source=names[SOURCE],
            key=key,
            kind=names[PRIZE_KIND],
            fingerprint=fingerprint(key),
            occurred_at=match.ends_at,
            programme=match.programme,
            course=None if match.prize.course is None else match.prize.course.no,
            learner=moved[0].learner if len(moved) == 1 else None,
            reason=match.name,
            transfers=moved,
        )
        with session.savepoint():  # an account that would turn over too much fails in the database
            [outcome] = journal.post(session, [draft])
    except PointsBankError as problem:
        return problem
    return outcome if isinstance(outcome, LedgerError) else outcome.number


def _write(session: Session, match: Match, result_number: int, given: int | PointsBankError | None) -> None:
    problem = given if isinstance(given, PointsBankError) else None
    session.sql(
        """UPDATE matches
              SET result_number = %(result)s, prize_number = %(prize)s, prize_problem = %(problem)s::jsonb,
                  due_at = CASE WHEN %(problem)s::text IS NOT NULL THEN clock_timestamp() + %(pause)s END
            WHERE company_id = %(company)s AND no = %(no)s""",
        {
            "no": match.no,
            "result": result_number,
            "prize": given if isinstance(given, int) else None,
            "problem": None if problem is None else _written(problem),
            "pause": timedelta(seconds=RETRY_SECONDS),
        },
    )


def _written(problem: PointsBankError) -> str:
    members = {"slug": problem.slug, "title": problem.title, "status": problem.status, "detail": problem.detail}
    return orjson.dumps(problem.extra | members).decode()
