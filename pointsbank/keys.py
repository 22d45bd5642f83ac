"""API keys: `pb_<company in base32>_<secret>`, of which only a hash of the secret is kept.

The secret has 256 random bits, so a plain SHA-256 of it cannot be searched; the company in front of it says
whose rows the database may be asked for.
"""

import functools
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from pointsbank import acts
from pointsbank.database import Database, Session
from pointsbank.directory.faults import fault_of_text, refuse
from pointsbank.errors import FieldError, NotFound
from pointsbank.lately import FoundLately

SCOPES = (
    "events:write",
    "awards:write",
    "directory:write",
    "rules:write",
    "certificates:issue",
    "read",
    "admin",
)
"""What a key may do; `admin` is all of them."""

KEY_CACHE_SECONDS = 1.0
"""So long may a revoked key still be taken; every request asks, and few keys ask most."""
MAX_CACHED_KEYS = 10_000
USED_EVERY = timedelta(minutes=1)
"""So often is it noted that a key is used."""

_SECRET_BYTES = 32
_DIGITS = "abcdefghijklmnopqrstuvwxyz234567"  # base32: 12 of them are the 60 bits of a company
_FORM = re.compile(r"pb_([a-z2-7]{12})_([A-Za-z0-9_-]{43})")


class Key(NamedTuple):
    company_id: int
    name: str
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a key. `used_at` is to the minute."""

    no: int
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


def create(database: Database, company_id: int, name: str, scopes: Iterable[str]) -> str:
    """`make`, in a transaction of its own."""
    with database.transaction(company_id) as session:
        return make(session, name, scopes)


def make(session: Session, name: str, scopes: Iterable[str], by: int | None = None) -> str:
    """Makes a key of the company and returns its text, which cannot be had again; `by` is a user. Raises Invalid."""
    granted = sorted(set(scopes))
    faults: list[FieldError] = []
    if (fault := fault_of_text(name)) is not None:
        faults.append(("name", fault))
    if unknown := [scope for scope in granted if scope not in SCOPES]:
        faults.append(("scopes", f"there is no scope {', '.join(unknown)}; there are {', '.join(SCOPES)}."))
    refuse(faults)
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    session.lock_journal()  # the company's one writer: the number is the next one
    session.sql(
        """INSERT INTO api_keys (company_id, no, name, secret_hash, scopes)
           SELECT %(company)s, coalesce(max(no), 0) + 1, %(name)s, %(secret_hash)s, %(scopes)s
             FROM api_keys WHERE company_id = %(company)s""",
        {"name": name, "secret_hash": _hash(secret), "scopes": granted},
    )
    acts.note(session, by, "key-made", name)
    return f"pb_{company_text(session.company_id)}_{secret}"


def page(session: Session, limit: int, before: int | None = None) -> list[Kept]:
    """Keys, the newest first, also those that are revoked; those numbered below `before`."""
    rows = session.sql(
        """SELECT no, name, scopes, created_at, used_at, revoked_at FROM api_keys
            WHERE company_id = %(company)s AND no < coalesce(%(before)s::bigint, 9223372036854775807)
            ORDER BY no DESC LIMIT %(limit)s""",
        {"before": before, "limit": limit},
    )
    return [Kept(row.no, row.name, tuple(row.scopes), *row[3:]) for row in rows]


def revoke(session: Session, no: int, by: int | None = None) -> None:
    """Once and for all; again changes nothing. Raises NotFound."""
    row = session.sql(
        "SELECT name, revoked_at FROM api_keys WHERE company_id = %(company)s AND no = %(no)s FOR UPDATE", {"no": no}
    ).fetchone()
    if row is None:
        raise NotFound(f"There is no API key {no}.")
    if row.revoked_at is None:
        session.sql("UPDATE api_keys SET revoked_at = now() WHERE company_id = %(company)s AND no = %(no)s", {"no": no})
        acts.note(session, by, "key-revoked", row.name)


def authenticate(database: Database, text: str) -> Key | None:
    """The key with this text; None if there is none or it is revoked.

    The time that an answer takes does not tell what is wrong with a text: each is looked up by its hash.
    """
    digest = _hash(text)
    cached = _lately.get((database.url, digest))
    if cached is not None:
        return cached
    form = _FORM.fullmatch(text)
    company_id, secret = (company_of(form[1]), form[2]) if form else (0, text)
    key = _look_up(database, company_id, _hash(secret))
    if key is not None:
        _lately.put((database.url, digest), key)
    return key


def _look_up(database: Database, company_id: int, secret_hash: bytes) -> Key | None:
    with database.transaction(company_id) as session:
        row = session.sql(
            """SELECT no, name, secret_hash, scopes, used_at FROM api_keys
                WHERE company_id = %(company)s AND secret_hash = %(secret_hash)s AND revoked_at IS NULL""",
            {"secret_hash": secret_hash},
        ).fetchone()
        if row is not None and (row.used_at is None or row.used_at < datetime.now(UTC) - USED_EVERY):
            session.sql(
                "UPDATE api_keys SET used_at = now() WHERE company_id = %(company)s AND no = %(no)s", row._asdict()
            )
    stored = bytes(len(secret_hash)) if row is None else bytes(row.secret_hash)
    same = hmac.compare_digest(stored, secret_hash)
    return Key(company_id, row.name, frozenset(row.scopes)) if row is not None and same else None


def _hash(text: str) -> bytes:
    return sha256(text.encode("utf-8", "replace")).digest()


def company_text(company_id: int) -> str:
    """The company as it stands in the text of a key, and of a widget token."""
    return "".join(_DIGITS[company_id >> shift & 31] for shift in range(55, -1, -5))


def company_of(text: str) -> int:
    """The company that `company_text` wrote so; whether there is one is not looked up."""
    return functools.reduce(lambda high, digit: high << 5 | _DIGITS.index(digit), text, 0)


_lately: FoundLately[Key] = FoundLately(KEY_CACHE_SECONDS, MAX_CACHED_KEYS)
