"""Users as those who keep them see them: found by name, with how they sign in and when they were last seen."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from pointsbank.database import Session
from pointsbank.users.people import Role
from pointsbank.users.sessions import IDLE_SECONDS, LONGEST_SECONDS

MAX_AWARDERS = 300
"""That a user can be chosen to be, of the programmes that began last."""


@dataclass(frozen=True, slots=True)
class Seen:
    """`sessions` are those that are not over; `has_link` says that a sign-in link waits to be used."""

    no: int
    name: str
    shown: str
    roles: tuple[Role, ...]
    learner: str | None
    has_password: bool
    issuer: str | None
    created_at: datetime
    disabled_at: datetime | None
    sessions: int
    seen_at: datetime | None
    has_link: bool


class Awarder(NamedTuple):
    """`pair` is programme and awarder by HR's ids, joined by a slash, which neither holds."""

    pair: str
    name: str
    programme: str


def page(session: Session, limit: int, after: str = "", search: str = "", role: Role | None = None) -> list[Seen]:
    """Users in the order of their names, from the first after that name; `search` is part of a name or learner's id."""
    return _select(
        session,
        """AND u.name > %(after)s AND (%(role)s::text IS NULL OR %(role)s = ANY (u.roles))
           AND (%(search)s = '' OR strpos(u.name, lower(%(search)s)) > 0
                OR strpos(lower(u.shown), lower(%(search)s)) > 0 OR l.key = %(search)s)
           ORDER BY u.name LIMIT %(limit)s""",
        {"after": after, "search": search.replace("\0", ""), "role": role, "limit": limit},
    )


def find(session: Session, no: int) -> Seen | None:
    return next(iter(_select(session, "AND u.no = %(no)s", {"no": no})), None)


def awarders_to_choose(session: Session) -> list[Awarder]:
    """Those of programmes that began last come first."""
    rows = session.sql(
        """SELECT p.key || '/' || a.key AS pair, a.name, p.name AS programme
             FROM awarders AS a JOIN programmes AS p ON p.company_id = %(company)s AND p.no = a.programme
            WHERE a.company_id = %(company)s ORDER BY p.starts_on DESC, p.no, a.name, a.no LIMIT %(limit)s""",
        {"limit": MAX_AWARDERS},
    )
    return [Awarder(*row) for row in rows]


def count(session: Session) -> int:
    row = session.sql("SELECT count(*) AS users FROM users WHERE company_id = %(company)s").fetchone()
    assert row is not None, "an aggregate has a row"
    return int(row.users)


def _select(session: Session, which: str, values: dict[str, object]) -> list[Seen]:
    rows = session.sql(_SEEN + which, {**values, "idle": IDLE_SECONDS, "longest": LONGEST_SECONDS})
    return [Seen(**{**row._asdict(), "roles": tuple(row.roles)}) for row in rows]


_SEEN = """
SELECT u.no, u.name, u.shown, u.roles, l.key AS learner, u.password IS NOT NULL AS has_password, u.issuer, u.created_at,
       u.disabled_at, s.sessions, s.seen_at,
       EXISTS (SELECT FROM sign_in_links AS k
                WHERE k.company_id = %(company)s AND k.user_no = u.no AND k.expires_at > now()) AS has_link
  FROM users AS u
  LEFT JOIN learners AS l ON l.company_id = %(company)s AND l.no = u.learner
 CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE seen_at > now() - make_interval(secs => %(idle)s)
                                               AND created_at > now() - make_interval(secs => %(longest)s)) AS sessions,
                            max(seen_at) AS seen_at
                       FROM user_sessions WHERE company_id = %(company)s AND user_no = u.no) AS s
 WHERE u.company_id = %(company)s
"""
