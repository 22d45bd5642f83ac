"""Sessions: who is signed in, for how long, and what pages need to know of them.

The cookie holds a secret of 256 random bits of which the database has only a hash, so no cookie can be made up and
none can be taken from the database. A session ends when it is not used for a while, after a while in any case, and at
once when it is deleted: at sign-out, with a new password, when the user is disabled.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pointsbank.database import Database, Session
from pointsbank.users import secret_texts
from pointsbank.users.people import Role

PREFIX = "pbs"
IDLE_SECONDS = 12 * 3_600
LONGEST_SECONDS = 7 * 86_400
NOTED_EVERY_SECONDS = 60
"""That a session is used."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is signed in. `learner` is HR's id of the learner they are, `learner_no` the number."""

    company_id: int
    company: str
    timezone: str
    credits_scale: int
    user_no: int
    name: str
    shown: str
    roles: frozenset[Role]
    learner: str | None
    learner_no: int | None


def begin(session: Session, user_no: int, before: str = "") -> str:
    """The text for the cookie; the session of the cookie `before` ends."""
    end(session, before)
    session.sql(
        """DELETE FROM user_sessions
            WHERE company_id = %(company)s AND user_no = %(user)s
              AND (created_at < now() - make_interval(secs => %(longest)s)
                   OR seen_at < now() - make_interval(secs => %(idle)s))""",
        {"user": user_no, "longest": LONGEST_SECONDS, "idle": IDLE_SECONDS},
    )
    text, kept = secret_texts.make(PREFIX, session.company_id)
    session.sql(
        "INSERT INTO user_sessions (company_id, secret_hash, user_no) VALUES (%(company)s, %(kept)s, %(user)s)",
        {"kept": kept, "user": user_no},
    )
    return text


def end(session: Session, text: str) -> None:
    session.sql(
        "DELETE FROM user_sessions WHERE company_id = %(company)s AND secret_hash = %(kept)s",
        {"kept": secret_texts.hash_of(text)},
    )


def visitor(database: Database, text: str, is_use: bool = True) -> Visitor | None:
    """Who has this cookie, if the session is not over. What is no use of it does not make it last."""
    company_id = secret_texts.company_in(PREFIX, text)
    if company_id is None:
        return None
    kept = secret_texts.hash_of(text)
    with database.transaction(company_id) as session:
        row = session.sql(_VISITOR, {"kept": kept}).fetchone()
        if row is None or row.disabled_at is not None:
            return None
        now = datetime.now(UTC)
        if now - row.created_at > timedelta(seconds=LONGEST_SECONDS):
            return None
        if now - row.seen_at > timedelta(seconds=IDLE_SECONDS):
            return None
        if is_use and now - row.seen_at > timedelta(seconds=NOTED_EVERY_SECONDS):
            session.sql(
                "UPDATE user_sessions SET seen_at = now() WHERE company_id = %(company)s AND secret_hash = %(kept)s",
                {"kept": kept},
            )
    return Visitor(
        company_id,
        row.company,
        row.timezone,
        row.credits_scale,
        row.no,
        row.name,
        row.shown,
        frozenset(row.roles),
        row.learner,
        row.learner_no,
    )


_VISITOR = """
SELECT c.name AS company, c.timezone, c.credits_scale, u.no, u.name, u.shown, u.roles, u.disabled_at,
       l.key AS learner, l.no AS learner_no, s.created_at, s.seen_at
  FROM user_sessions AS s
  JOIN companies AS c ON c.company_id = %(company)s
  JOIN users AS u ON u.company_id = %(company)s AND u.no = s.user_no
  LEFT JOIN learners AS l ON l.company_id = %(company)s AND l.no = u.learner
 WHERE s.company_id = %(company)s AND s.secret_hash = %(kept)s
"""
