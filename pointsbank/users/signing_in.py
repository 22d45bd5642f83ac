"""Getting in: with a password, or with a link that works once and not for long."""

from datetime import UTC, datetime, timedelta

from pointsbank import acts, company
from pointsbank.database import Database, Session
from pointsbank.errors import PointsBankError
from pointsbank.users import attempts, passwords, people, secret_texts, sessions

LINK_PREFIX = "pbl"
LINK_SECONDS = 3_600


class NotLetIn(PointsBankError):
    """The company, the name, the password, the link or what the identity provider says does not open anything."""

    slug, status, title = "unauthorised", 401, "Not signed in"


def with_password(database: Database, company_key: str, name: str, password: str, address: str, before: str) -> str:
    """The text of the new session's cookie; the session of the cookie `before` ends.

    Raises NotLetIn, in the same words and after the same time whatever is wrong, and RateLimited.
    """
    company_id = company.find(database, company_key) or 0
    kept = people.normalised(name).replace("\0", "")
    attempts.begin(database, company_id, kept, address)
    with database.transaction(company_id) as session:
        row = session.sql(
            """SELECT no, password FROM users
                WHERE company_id = %(company)s AND name = %(name)s AND disabled_at IS NULL""",
            {"name": kept},
        ).fetchone()
    if not passwords.fits(None if row is None else row.password, password) or row is None:
        raise NotLetIn("The company, the name or the password is wrong.")
    attempts.forget(database, company_id, kept, address)
    with database.transaction(company_id) as session:
        return sessions.begin(session, row.no, before)


def make_link(session: Session, user_no: int, by: int | None = None) -> str:
    """A text that signs the user in, once, within the next `LINK_SECONDS`; `by` is who makes it for them."""
    if by is not None:
        acts.note(session, by, "link-made", people.by_number(session, user_no).name)
    session.sql("DELETE FROM sign_in_links WHERE company_id = %(company)s AND expires_at < now()")
    text, kept = secret_texts.make(LINK_PREFIX, session.company_id)
    session.sql(
        "INSERT INTO sign_in_links VALUES (%(company)s, %(kept)s, %(user)s, %(expires_at)s)",
        {"kept": kept, "user": user_no, "expires_at": datetime.now(UTC) + timedelta(seconds=LINK_SECONDS)},
    )
    return text


def user_of_link(database: Database, link: str) -> people.User | None:
    """Whom the link would sign in; it is not used up by looking."""
    company_id = secret_texts.company_in(LINK_PREFIX, link)
    if company_id is None:
        return None
    with database.transaction(company_id) as session:
        row = session.sql(
            """SELECT l.user_no
                 FROM sign_in_links AS l JOIN users AS u ON u.company_id = %(company)s AND u.no = l.user_no
                WHERE l.company_id = %(company)s AND l.secret_hash = %(kept)s AND l.expires_at > now()
                  AND u.disabled_at IS NULL""",
            {"kept": secret_texts.hash_of(link)},
        ).fetchone()
        return None if row is None else people.by_number(session, row.user_no)


def with_link(database: Database, link: str, before: str) -> str:
    """The text of the new session's cookie. Raises NotLetIn for one that is unknown, used or over."""
    company_id = secret_texts.company_in(LINK_PREFIX, link)
    with database.transaction(company_id or 0) as session:
        row = session.sql(
            """DELETE FROM sign_in_links AS l USING users AS u
                WHERE l.company_id = %(company)s AND l.secret_hash = %(kept)s AND l.expires_at > now()
                  AND u.company_id = %(company)s AND u.no = l.user_no AND u.disabled_at IS NULL
                RETURNING l.user_no""",
            {"kept": secret_texts.hash_of(link)},
        ).fetchone()
        if row is None:
            raise NotLetIn("This link is unknown, used or over.")
        return sessions.begin(session, row.user_no, before)
