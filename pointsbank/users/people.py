"""Users: what they are called, what they may, and whom they are in the directory."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

import psycopg

from pointsbank.database import Session
from pointsbank.directory import learners, version
from pointsbank.directory.faults import fault_of_key, fault_of_text, refuse
from pointsbank.errors import Conflict, FieldError, NotFound
from pointsbank.users import passwords

Role = Literal["learner", "awarder", "hr", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)

_SELECT = """SELECT u.no, u.name, u.shown, u.roles, l.key AS learner, u.password IS NOT NULL AS has_password, u.issuer,
                    u.disabled_at
               FROM users AS u
               LEFT JOIN learners AS l ON l.company_id = %(company)s AND l.no = u.learner
              WHERE u.company_id = %(company)s"""


@dataclass(frozen=True, slots=True)
class User:
    """`shown` is what pages call them, `learner` HR's id of the learner they are, `issuer` where they sign in."""

    no: int
    name: str
    shown: str
    roles: tuple[Role, ...]
    learner: str | None
    has_password: bool
    issuer: str | None
    disabled_at: datetime | None


@dataclass(frozen=True, slots=True)
class AwarderOf:
    """Whom a user is as an awarder: `programme` and `key` are HR's ids, `no` is the awarder's number."""

    no: int
    programme: str
    key: str
    name: str
    role: str


def normalised(name: str) -> str:
    """A name as it is kept: however it is typed, it is the same."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def create(
    session: Session,
    name: str,
    roles: Sequence[str],
    shown: str | None = None,
    learner: str | None = None,
    awarders: Sequence[tuple[str, str]] = (),
    password: str | None = None,
) -> User:
    """Makes a user; `awarders` are pairs of a programme and an awarder in it, by HR's ids.

    Raises Invalid with every fault, NotFound for a learner or awarder, Conflict for a name or learner that is taken.
    """
    kept = normalised(name)
    refuse(_faults(kept, roles, shown, learner, awarders))
    learner_no = None if learner is None else _learner_no(session, learner)
    version.change(session)  # its lock: the number is the next one
    try:
        with session.savepoint():
            session.sql(
                """INSERT INTO users (company_id, no, name, shown, roles, learner, password)
                    SELECT %(company)s, coalesce(max(no), 0) + 1, %(name)s, %(shown)s, %(roles)s, %(learner)s,
                           %(password)s
                      FROM users WHERE company_id = %(company)s""",
                {
                    "name": kept,
                    "shown": shown or name.strip(),
                    "roles": [role for role in ROLES if role in roles],
                    "learner": learner_no,
                    "password": None if password is None else passwords.hashed(password),
                },
            )
    except psycopg.errors.UniqueViolation as error:
        raise Conflict(f"There is a user {kept} already, or one who is the learner {learner}.") from error
    user = get(session, kept)
    for programme, awarder in awarders:
        _link_awarder(session, user, programme, awarder)
    return user


def get(session: Session, name: str) -> User:
    """Raises NotFound."""
    row = session.sql(f"{_SELECT} AND u.name = %(name)s", {"name": normalised(name).replace("\0", "")}).fetchone()
    if row is None:
        raise NotFound(f"There is no user {name}.")
    return _read(row)


def by_number(session: Session, no: int) -> User:
    row = session.sql(f"{_SELECT} AND u.no = %(no)s", {"no": no}).fetchone()
    assert row is not None, "a user is never deleted"
    return _read(row)


def all_users(session: Session) -> list[User]:
    """In the order of their names."""
    return [_read(row) for row in session.sql(f"{_SELECT} ORDER BY u.name")]


def set_password(session: Session, name: str, password: str) -> None:
    """Ends the user's sessions. Raises NotFound, and Invalid for a password that is too short or too long."""
    user = get(session, name)
    session.sql(
        "UPDATE users SET password = %(password)s WHERE company_id = %(company)s AND no = %(no)s",
        {"no": user.no, "password": passwords.hashed(password)},
    )
    _end_sessions(session, user)


def set_disabled(session: Session, name: str, disabled: bool) -> None:
    """One who is disabled does not get in, and is out at once. Raises NotFound."""
    user = get(session, name)
    session.sql(
        """UPDATE users SET disabled_at = CASE WHEN %(disabled)s THEN coalesce(disabled_at, now()) END
            WHERE company_id = %(company)s AND no = %(no)s""",
        {"no": user.no, "disabled": disabled},
    )
    if disabled:
        _end_sessions(session, user)


def awarders_of(session: Session, user_no: int) -> list[AwarderOf]:
    """Those of programmes that began last come first."""
    rows = session.sql(
        """SELECT a.no, p.key AS programme, a.key, a.name, a.role
             FROM user_awarders AS ua
             JOIN awarders AS a ON a.company_id = %(company)s AND a.no = ua.awarder
             JOIN programmes AS p ON p.company_id = %(company)s AND p.no = a.programme
            WHERE ua.company_id = %(company)s AND ua.user_no = %(user)s
            ORDER BY p.starts_on DESC, p.no, a.no""",
        {"user": user_no},
    )
    return [AwarderOf(*row) for row in rows]


def _end_sessions(session: Session, user: User) -> None:
    for table in ("user_sessions", "sign_in_links"):
        session.sql(
            f"DELETE FROM {table} WHERE company_id = %(company)s AND user_no = %(no)s",  # noqa: S608 - constants
            {"no": user.no},
        )


def _link_awarder(session: Session, user: User, programme: str, awarder: str) -> None:
    done = session.sql(
        """INSERT INTO user_awarders (company_id, user_no, awarder)
            SELECT %(company)s, %(user)s, a.no
              FROM awarders AS a
              JOIN programmes AS p ON p.company_id = %(company)s AND p.no = a.programme
             WHERE a.company_id = %(company)s AND p.key = %(programme)s AND a.key = %(awarder)s
            ON CONFLICT DO NOTHING""",
        {"user": user.no, "programme": programme, "awarder": awarder},
    )
    if not done.rowcount:
        raise NotFound(f"There is no awarder {awarder} in the programme {programme}.")


def _learner_no(session: Session, key: str) -> int:
    numbers = learners.find_numbers(session, [key])
    if key not in numbers:
        raise NotFound(f"There is no learner {key}.")
    return numbers[key]


def _faults(
    name: str, roles: Sequence[str], shown: str | None, learner: str | None, awarders: Sequence[tuple[str, str]]
) -> list[FieldError]:
    faults: list[FieldError] = []
    if (fault := fault_of_key(name)) is not None:
        faults.append(("name", fault))
    if shown is not None and (fault := fault_of_text(shown)) is not None:
        faults.append(("shown", fault))
    if not roles or (unknown := sorted(set(roles) - set(ROLES))):
        faults.append(("roles", f"must be some of {', '.join(ROLES)}" + (f", not {unknown[0]}." if roles else ".")))
    if ("learner" in roles) != (learner is not None):
        faults.append(("learner", "is named for the role learner, and for no other."))
    if awarders and "awarder" not in roles:
        faults.append(("awarders", "are named for the role awarder."))
    faults += [("awarders", f"{key!r} is no key.") for pair in awarders for key in pair if fault_of_key(key)]
    if learner is not None and fault_of_key(learner) is not None:
        faults.append(("learner", "is no key."))
    return faults


def _read(row: Any) -> User:
    return User(
        row.no, row.name, row.shown, tuple(row.roles), row.learner, row.has_password, row.issuer, row.disabled_at
    )
