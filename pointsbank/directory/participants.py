"""Who takes part in a programme at a time: enrolled by then, and still with the company."""

from datetime import datetime
from typing import NamedTuple

from pointsbank.database import Session


class Participant(NamedTuple):
    """`no` and `team` are numbers; `team` is the one at that time."""

    no: int
    key: str
    name: str
    team: int | None


def find(session: Session, programme: int, at: datetime) -> list[Participant]:
    """In the order of HR's ids. Who left the company takes part until the end of the last day, in the programme's
    time zone."""
    rows = session.sql(
        """SELECT e.learner, l.key, l.name, m.team
             FROM enrolments AS e
             JOIN programmes AS p ON p.company_id = %(company)s AND p.no = e.programme
             JOIN learners AS l ON l.company_id = %(company)s AND l.no = e.learner
             LEFT JOIN memberships AS m
               ON m.company_id = %(company)s AND m.programme = e.programme AND m.learner = e.learner
              AND m.from_at <= %(at)s AND (m.until_at IS NULL OR m.until_at > %(at)s)
            WHERE e.company_id = %(company)s AND e.programme = %(programme)s AND e.from_at <= %(at)s
              AND (l.left_on IS NULL OR (%(at)s AT TIME ZONE p.timezone)::date <= l.left_on)
            ORDER BY l.key""",
        {"programme": programme, "at": at},
    )
    return [Participant(*row) for row in rows]
