"""Companies: the tenants. Every row of every table belongs to one."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from ledger.accounts import CREDITS, ISSUANCE
from pointsbank import acts
from pointsbank.database import Database, Session
from pointsbank.directory import version
from pointsbank.directory.days import is_zone
from pointsbank.directory.faults import fault_of_key, fault_of_text, refuse
from pointsbank.errors import Conflict, FieldError
from pointsbank.origins import all_normalised, normalised
from pointsbank.saying import say

DEFAULT_TIMEZONE = "Asia/Shanghai"
MAX_CREDITS_SCALE = 6
_ID_BITS = 60  # half of an entry's id, see ledger.identity


@dataclass(frozen=True, slots=True)
class Company:
    """`credits_scale` is how many decimals credits are shown with; amounts are of the smallest part.

    `origins` are those of the pages on which widgets may be shown, as browsers write them.
    """

    key: str
    name: str
    timezone: str
    credits_scale: int
    origins: tuple[str, ...] = ()


def create(database: Database, key: str, name: str | None = None) -> int:
    """Makes a company, named after its key unless a name is given; returns its id.

    Raises Invalid for a key or name that cannot be one, Conflict if there is a company of this key.
    """
    faults = [
        ("key", fault_of_key(key) or _fault_of_address(key)),
        ("name", None if name is None else fault_of_text(name)),
    ]
    refuse([(path, fault) for path, fault in faults if fault is not None])
    company_id = secrets.randbelow(2**_ID_BITS - 1) + 1
    try:
        with database.transaction(company_id) as session:
            session.sql(
                """INSERT INTO companies (company_id, key, name, timezone, credits_scale)
                   VALUES (%(company)s, %(key)s, %(name)s, %(timezone)s, 0)""",
                {"key": key, "name": key if name is None else name, "timezone": DEFAULT_TIMEZONE},
            )
            session.sql("INSERT INTO journals (company_id) VALUES (%(company)s)")
            session.sql(
                "INSERT INTO units (company_id, no, code) VALUES (%(company)s, %(no)s, 'credits')",
                {"no": CREDITS},
            )
    except psycopg.errors.UniqueViolation as error:
        raise Conflict(f"There is a company {key} already.") from error
    return company_id


def _fault_of_address(key: str) -> str | None:
    """The key is a segment of the address at which the company publishes its keys."""
    return "must not be a dot or two, which no address ends with." if key in (".", "..") else None


def find(database: Database, key: str) -> int | None:
    """The id of the company with this key."""
    if fault_of_key(key) is not None:
        return None
    with database.transaction(0) as session:
        session.driver.execute(sql.SQL("SET LOCAL app.company_key = {}").format(sql.Literal(key)))
        row = session.sql("SELECT company_id FROM companies WHERE key = %(key)s", {"key": key}).fetchone()
    return None if row is None else int(row.company_id)


def get(session: Session) -> Company:
    """The session's company."""
    row = session.sql(
        "SELECT key, name, timezone, credits_scale, origins FROM companies WHERE company_id = %(company)s"
    ).fetchone()
    assert row is not None, "a key's company is never deleted"
    return Company(row.key, row.name, row.timezone, row.credits_scale, tuple(row.origins))


def put(session: Session, name: str, timezone: str, credits_scale: int, origins: Sequence[str] = ()) -> Company:
    """Changes the company, as a whole: origins that are not given are no longer listed.

    Raises Conflict if the scale would change once credits are booked: every amount would mean another.
    """
    faults: list[FieldError] = []
    if (fault := fault_of_text(name)) is not None:
        faults.append(("name", fault))
    if not is_zone(timezone):
        faults.append(("timezone", say("is not the IANA name of a time zone, such as Asia/Shanghai.")))
    if not 0 <= credits_scale <= MAX_CREDITS_SCALE:
        faults.append(
            ("credits_scale", say("must be an integer from %(least)s to %(most)s.", least=0, most=MAX_CREDITS_SCALE))
        )
    listed, faults_of_origins = all_normalised(origins)
    refuse(faults + faults_of_origins)
    before = get(session)
    wanted = Company(before.key, name, timezone, credits_scale, tuple(listed))
    if wanted == before:
        return wanted
    version.change(session)
    if credits_scale != get(session).credits_scale and has_booked_credits(session):
        raise Conflict(
            say("Credits are booked with a scale of %(scale)s; it cannot change any more.", scale=before.credits_scale),
            errors=[("credits_scale", say("must stay %(scale)s, as credits are booked.", scale=before.credits_scale))],
        )
    session.sql(
        """UPDATE companies SET name = %(name)s, timezone = %(timezone)s, credits_scale = %(credits_scale)s,
                               origins = %(origins)s
            WHERE company_id = %(company)s""",
        {"name": name, "timezone": timezone, "credits_scale": credits_scale, "origins": listed},
    )
    return wanted


def add_origin(session: Session, text: str, by: int | None = None) -> str:
    """Lists one more, and returns it as browsers write it; one that is listed is no fault. Raises Invalid."""
    session.lock_journal()
    before = get(session)
    listed, faults = all_normalised([*before.origins, text])
    refuse([("origin", fault) for _, fault in faults])
    if tuple(listed) != before.origins:
        _list_origins(session, listed)
        acts.note(session, by, "origin-added", listed[-1])
    return normalised(text)


def remove_origin(session: Session, origin: str, by: int | None = None) -> None:
    """Lists it no longer; again changes nothing."""
    session.lock_journal()
    before = get(session)
    if origin in before.origins:
        _list_origins(session, [each for each in before.origins if each != origin])
        acts.note(session, by, "origin-removed", origin)


def _list_origins(session: Session, listed: Sequence[str]) -> None:
    session.sql("UPDATE companies SET origins = %(origins)s WHERE company_id = %(company)s", {"origins": list(listed)})


def has_booked_credits(session: Session) -> bool:
    """Whether any credits were ever issued: they come from nowhere else."""
    row = session.sql(
        "SELECT FROM accounts WHERE company_id = %(company)s AND id = %(issuance)s AND unit = %(credits)s",
        {"issuance": ISSUANCE, "credits": CREDITS},
    ).fetchone()
    return row is not None
