"""What awarders gave by hand, read back for who gave it, and taken back within a minute."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from ledger import terms
from ledger.identity import entry_id
from pointsbank.database import Session
from pointsbank.errors import Conflict, NotFound
from pointsbank.saying import say
from rules.awards import KIND
from rules.certification.reviewing import reverse

UNDO_SECONDS = 60
"""After it was booked, by the clock of the database."""
MOST_NAMED = 3
"""Of several who got an award."""
LATELY = 200
"""Awards of an awarder that are looked through for reasons and receivers used before."""


class Award(NamedTuple):
    """`amount` went to each of `size` learners, of whom `names` has the first; a team has its name in `team`.

    `undo_seconds` is how long it can still be taken back.
    """

    entry: str
    number: int
    course: str
    amount: int
    size: int
    names: list[str]
    team: str | None
    reason: str
    occurred_at: datetime
    recorded_at: datetime
    undo_seconds: int
    is_undone: bool


class Lately(NamedTuple):
    """`reasons` by how often they were used, the awarder's own before those of others; `receivers` are the numbers of
    learners, the latest first."""

    reasons: list[str]
    receivers: list[int]


def since(session: Session, awarders: Sequence[int], at: datetime, limit: int) -> list[Award]:
    """At most `limit` awards of flowers of these awarders (numbers), booked at or after that time, the latest first.

    Not what is brought in of long before: it happened within a week of that time.
    """
    rows = session.sql(
        f"""SELECT e.number, c.name AS course, t.amount, coalesce(cardinality(e.holders), 1) AS size, n.names,
                   CASE WHEN e.learner IS NULL THEN g.name END AS team, e.reason, e.occurred_at, e.recorded_at,
                   extract(epoch FROM now() - e.recorded_at) AS age, r.number IS NOT NULL AS is_undone
              FROM {_LATEST}
              JOIN courses AS c ON c.company_id = %(company)s AND c.no = e.course
              LEFT JOIN teams AS g ON g.company_id = %(company)s AND g.no = e.team
              LEFT JOIN entries AS r ON r.company_id = %(company)s AND r.reverses = e.number
             CROSS JOIN LATERAL (SELECT amount FROM transfers
                                  WHERE company_id = %(company)s AND number = e.number
                                    AND learner = coalesce(e.holders[1], e.learner) LIMIT 1) AS t
             CROSS JOIN LATERAL (SELECT array_agg(l.name ORDER BY place) AS names
                                   FROM unnest(coalesce(e.holders[1:{MOST_NAMED}], ARRAY[e.learner]))
                                        WITH ORDINALITY AS o (no, place)
                                   JOIN learners AS l ON l.company_id = %(company)s AND l.no = o.no) AS n
             WHERE e.recorded_at >= %(at)s AND e.occurred_at >= %(at)s - interval '7 days'
             ORDER BY e.number DESC""",  # noqa: S608 - constants
        {"awarders": list(awarders), "kind": _kind(session), "at": at, "limit": limit},
    ).fetchall()
    return [_award(session.company_id, row) for row in rows[:limit]]


def _award(company_id: int, row: Any) -> Award:
    left = 0 if row.is_undone else max(0, UNDO_SECONDS - int(row.age))
    return Award(
        entry_id(company_id, row.number),
        row.number,
        row.course,
        row.amount,
        row.size,
        row.names,
        row.team,
        row.reason,
        row.occurred_at,
        row.recorded_at,
        left,
        row.is_undone,
    )


def latest(session: Session, awarders: Sequence[int]) -> tuple[int, int | None] | None:
    """As which of these awarders, by number, the latest award was given, and in which course."""
    row = session.sql(
        f"SELECT e.awarder, e.course FROM {_LATEST} ORDER BY e.number DESC LIMIT 1",  # noqa: S608 - a constant
        {"awarders": list(awarders), "kind": _kind(session), "limit": 1},
    ).fetchone()
    return None if row is None else (row.awarder, row.course)


def lately(session: Session, awarder: int, programme: int) -> Lately:
    """What the awarder, and the others of the programme, gave for, and to whom the awarder gave."""
    others = session.sql(
        "SELECT no FROM awarders WHERE company_id = %(company)s AND programme = %(programme)s AND no <> %(awarder)s",
        {"programme": programme, "awarder": awarder},
    )
    parameters = {"awarders": [awarder], "kind": _kind(session), "limit": LATELY}
    own = session.sql(_USED, parameters).fetchall()
    parameters |= {"awarders": [no for (no,) in others], "limit": LATELY // 10}
    theirs = session.sql(_USED, parameters).fetchall()
    reasons = _by_use([row.reason for row in own]) + _by_use([row.reason for row in theirs])
    receivers = [row.learner for row in own if row.learner is not None]
    return Lately(list(dict.fromkeys(reasons)), list(dict.fromkeys(receivers)))


def _by_use(reasons: Sequence[str]) -> list[str]:
    """Each once, the most used first, of those used as often the latest."""
    counts: dict[str, int] = {}
    for reason in reasons:
        counts[reason] = counts.get(reason, 0) + 1
    return sorted(counts, key=lambda reason: -counts[reason])


# One range of the index for each awarder, however long the journal is.
_LATEST = """unnest(%(awarders)s::integer[]) AS w (awarder)
             CROSS JOIN LATERAL (SELECT * FROM entries
                                  WHERE company_id = %(company)s AND awarder = w.awarder AND kind = %(kind)s
                                  ORDER BY number DESC LIMIT %(limit)s) AS e"""

_USED = f"SELECT e.reason, e.learner FROM {_LATEST} ORDER BY e.number DESC"  # noqa: S608 - a constant


def _kind(session: Session) -> int | None:
    return terms.find(session, [KIND]).get(KIND)


def take_back(session: Session, awarders: Collection[int], number: int, reason: str) -> int:
    """Reverses the award with this number of one of these awarders, by number; returns the reversal's number.

    Asked again, or when it is reversed already, it books nothing more. Raises NotFound for whatever is no award of
    theirs, Conflict once `UNDO_SECONDS` are over, and InsufficientFunds if what was given is no longer there.
    """
    session.lock_journal()
    row = session.sql(
        """SELECT e.awarder, r.number AS reversed_by,
                  extract(epoch FROM clock_timestamp() - e.recorded_at) AS age
             FROM entries AS e
             LEFT JOIN entries AS r ON r.company_id = %(company)s AND r.reverses = e.number
            WHERE e.company_id = %(company)s AND e.number = %(number)s AND e.kind = %(kind)s""",
        {"number": number, "kind": _kind(session)},
    ).fetchone()
    if row is None or row.awarder not in awarders:
        raise NotFound(f"There is no award {entry_id(session.company_id, number)} of yours.")
    if row.reversed_by is not None:
        return int(row.reversed_by)
    if row.age > UNDO_SECONDS:
        raise Conflict(say("The time to take it back is over. Ask HR for a reversal."))
    return reverse(session, number, reason).number
