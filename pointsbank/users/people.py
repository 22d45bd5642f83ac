"""Users: what they are called, what they may, and whom they are in the directory."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

import psycopg

from pointsbank import acts
from pointsbank.database import Session
from pointsbank.directory import learners
from pointsbank.directory.faults import fault_of_key, fault_of_text, refuse
from pointsbank.errors import Conflict, FieldError, NotFound
from pointsbank.saying import say
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
    by: int | None = None,
) -> User:
    """Makes a user; `awarders` are pairs of a programme and an awarder in it, by HR's ids; `by` is a user.

    Raises Invalid with every fault, NotFound for a learner or awarder, Conflict for a name or learner that is taken.
    """
    kept = normalised(name)
    refuse(_faults(kept, roles, shown, learner, awarders))
    learner_no = None if learner is None else _learner_no(session, learner)
    session.lock_journal()  # the company's one writer: the number is the next one
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
        raise _taken(kept, learner) from error
    user = get(session, kept)
    _link_awarders(session, user, awarders)
    acts.note(session, by, "user-made", kept)
    return user


def change(
    session: Session,
    no: int,
    roles: Sequence[str],
    shown: str,
    learner: str | None,
    awarders: Sequence[tuple[str, str]],
    by: int | None = None,
) -> User:
    """Changes all but the name; what was signed in stays, with the new roles from the next request on.

    Raises as `create` does, and Conflict for the last admin who would be none any more.
    """
    user = by_number(session, no)
    refuse(_faults(user.name, roles, shown, learner, awarders))
    learner_no = None if learner is None else _learner_no(session, learner)
    session.lock_journal()
    if "admin" not in roles:
        _check_admin_is_left(session, user, "roles")
    try:
        with session.savepoint():
            session.sql(
                """UPDATE users SET shown = %(shown)s, roles = %(roles)s, learner = %(learner)s
                    WHERE company_id = %(company)s AND no = %(no)s""",
                {"no": no, "shown": shown, "roles": [r for r in ROLES if r in roles], "learner": learner_no},
            )
    except psycopg.errors.UniqueViolation as error:
        raise _taken(user.name, learner) from error
    session.sql("DELETE FROM user_awarders WHERE company_id = %(company)s AND user_no = %(no)s", {"no": no})
    _link_awarders(session, user, awarders)
    acts.note(session, by, "user-changed", user.name)
    return by_number(session, no)


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


def set_disabled(session: Session, name: str, disabled: bool, by: int | None = None) -> None:
    """One who is disabled does not get in, and is out at once.

    Raises NotFound, and for users also Conflict for the last admin, whom only the command line disables.
    """
    user = get(session, name)
    if disabled and by is not None:
        session.lock_journal()
        _check_admin_is_left(session, user, "disabled")
    acts.note(session, by, "user-disabled" if disabled else "user-enabled", user.name)
    session.sql(
        """UPDATE users SET disabled_at = CASE WHEN %(disabled)s THEN coalesce(disabled_at, now()) END
            WHERE company_id = %(company)s AND no = %(no)s""",
        {"no": user.no, "disabled": disabled},
    )
    if disabled:
        _end_sessions(session, user)


def end_sessions(session: Session, name: str, by: int | None = None) -> None:
    """Wherever the user is signed in, it is over, and no link that was made lets in. Raises NotFound."""
    user = get(session, name)
    acts.note(session, by, "sessions-ended", user.name)
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


def _check_admin_is_left(session: Session, user: User, field: str) -> None:
    """Beside the user, under the journal's lock. Raises Conflict."""
    row = session.sql(
        """SELECT bool_or(no = %(no)s) AS is_one, count(*) AS admins FROM users
            WHERE company_id = %(company)s AND 'admin' = ANY (roles) AND disabled_at IS NULL""",
        {"no": user.no},
    ).fetchone()
    if row is not None and row.is_one and row.admins == 1:
        fault = say("%(name)s is the last admin; make somebody else one first.", name=user.name)
        raise Conflict(fault, errors=[(field, fault)])


def _taken(name: str, learner: str | None) -> Conflict:
    fault = say(
        "There is a user %(name)s already, or one who is the learner %(learner)s.", name=name, learner=learner or "-"
    )
    return Conflict(fault)


def _end_sessions(session: Session, user: User) -> None:
    for table in ("user_sessions", "sign_in_links"):
        session.sql(
            f"DELETE FROM {table} WHERE company_id = %(company)s AND user_no = %(no)s",  # noqa: S608 - constants
            {"no": user.no},
        )


def _link_awarders(session: Session, user: User, awarders: Sequence[tuple[str, str]]) -> None:
    for programme, awarder in awarders:
        _link_awarder(session, user, programme, awarder)


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
        fault = say(
            "There is no awarder %(awarder)s in the programme %(programme)s.", awarder=awarder, programme=programme
        )
        raise NotFound(fault, errors=[("awarders", fault)])


def _learner_no(session: Session, key: str) -> int:
    numbers = learners.find_numbers(session, [key])
    if key not in numbers:
        fault = say("There is no learner %(learner)s.", learner=key)
        raise NotFound(fault, errors=[("learner", fault)])
    return numbers[key]


def _faults(
    name: str, roles: Sequence[str], shown: str | None, learner: str | None, awarders: Sequence[tuple[str, str]]
) -> list[FieldError]:
    faults: list[FieldError] = []
    if (fault := fault_of_key(name)) is not None:
        faults.append(("name", fault))
    if shown is not None and (fault := fault_of_text(shown)) is not None:
        faults.append(("shown", fault))
    if not roles:
        faults.append(("roles", say("must be some of learner, awarder, hr, admin.")))
    elif unknown := sorted(set(roles) - set(ROLES)):
        faults.append(("roles", f"must be some of {', '.join(ROLES)}, not {unknown[0]}."))
    if ("learner" in roles) != (learner is not None):
        faults.append(("learner", say("is named for the role learner, and for no other.")))
    if awarders and "awarder" not in roles:
        faults.append(("awarders", say("are named for the role awarder.")))
    faults += [("awarders", f"{key!r} is no key.") for pair in awarders for key in pair if fault_of_key(key)]
    if learner is not None and fault_of_key(learner) is not None:
        faults.append(("learner", say("is no key.")))
    return faults


def _read(row: Any) -> User:
    return User(
        row.no, row.name, row.shown, tuple(row.roles), row.learner, row.has_password, row.issuer, row.disabled_at
    )
