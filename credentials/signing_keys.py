"""A company's signing keys: made at first use, one current at a time, the private halves sealed.

Rotating retires the current key and makes the next; what the retired one signed stays good. Revoking a key says that
what it signed is not to be trusted, whenever it was signed.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from credentials import sealing
from pointsbank import acts
from pointsbank.database import Session
from pointsbank.directory.faults import fault_of_text
from pointsbank.errors import Conflict, Invalid, NotFound, PointsBankError
from pointsbank.settings import KEY_ENCRYPTION_KEY

_SECRET_BYTES = 32
_SELECT = """SELECT no, public_key, sealed, created_at, retired_at, revoked_at, reason
               FROM signing_keys WHERE company_id = %(company)s"""


class SigningUnavailable(PointsBankError):
    """The private key cannot be opened; the detail says which setting an operator has to look at."""

    slug, status, title = "unavailable", 503, "Certificates cannot be signed"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The public half, and what became of it. `retired_at` None: it is the one that signs."""

    no: int
    public: Ed25519PublicKey
    created_at: datetime
    retired_at: datetime | None
    revoked_at: datetime | None
    reason: str | None


class Current(NamedTuple):
    """The key that signs. `private` is its private half."""

    no: int
    private: Ed25519PrivateKey
    created_at: datetime


def current(session: Session, keys: Sequence[bytes]) -> Current:
    """The key that signs, made if there is none.

    `keys` are the key-encryption keys. The key cannot be retired before the transaction ends. Raises
    SigningUnavailable.
    """
    row = _current(session)
    if row is None:
        _make(session, keys)
        row = _current(session)
        assert row is not None, "it was made, here or by another transaction that has ended"
    return Current(row.no, Ed25519PrivateKey.from_private_bytes(_opened(session, keys, row)), row.created_at)


def secret(session: Session) -> bytes:
    """The company's own, made if there is none."""
    row = session.sql("SELECT secret FROM issuer_secrets WHERE company_id = %(company)s").fetchone()
    if row is None:
        session.sql(
            "INSERT INTO issuer_secrets VALUES (%(company)s, %(secret)s) ON CONFLICT DO NOTHING",
            {"secret": secrets.token_bytes(_SECRET_BYTES)},
        )
        row = session.sql("SELECT secret FROM issuer_secrets WHERE company_id = %(company)s").fetchone()
        assert row is not None, "it was inserted"
    return bytes(row.secret)


def every(session: Session) -> list[SigningKey]:
    """In the order of making."""
    rows = session.sql(f"{_SELECT} ORDER BY no")
    return [_read(row) for row in rows]


def rotate(session: Session, keys: Sequence[bytes], by: int | None = None) -> SigningKey:
    """Retires the current key, once whoever signs with it has ended, and makes the next. Raises SigningUnavailable."""
    session.sql(
        """UPDATE signing_keys SET retired_at = now(), sealed = NULL
            WHERE company_id = %(company)s AND retired_at IS NULL"""
    )
    _make(session, keys)
    made = every(session)[-1]
    acts.note(session, by, "signing-key-rotated", f"key-{made.no}")
    return made


def revoke(session: Session, no: int, reason: str) -> SigningKey:
    """Once and for all; the next certificate is signed with a new key. Raises NotFound, Conflict or Invalid."""
    if (fault := fault_of_text(reason)) is not None:
        raise Invalid.field("reason", fault)
    changed = session.sql(
        """UPDATE signing_keys
              SET revoked_at = now(), reason = %(reason)s, retired_at = coalesce(retired_at, now()), sealed = NULL
            WHERE company_id = %(company)s AND no = %(no)s AND revoked_at IS NULL""",
        {"no": no, "reason": reason},
    )
    found = next((key for key in every(session) if key.no == no), None)
    if found is None:
        raise NotFound(f"There is no signing key {no}.")
    if not changed.rowcount:
        raise Conflict(f"Signing key {no} is revoked already, since {found.revoked_at:%Y-%m-%d %H:%M} UTC.")
    return found


def seal_again(session: Session, keys: Sequence[bytes]) -> int:
    """Seals with the first of the key-encryption keys what another of them sealed; returns how many that were.

    Raises SigningUnavailable.
    """
    rows = session.sql(f"{_SELECT} AND sealed IS NOT NULL FOR UPDATE").fetchall()
    others = [row for row in rows if not (keys and sealing.is_sealed_with(keys[0], bytes(row.sealed)))]
    for row in others:
        private = _opened(session, keys, row)
        session.sql(
            "UPDATE signing_keys SET sealed = %(sealed)s WHERE company_id = %(company)s AND no = %(no)s",
            {"no": row.no, "sealed": sealing.seal(keys, private, _label(session, row.no, bytes(row.public_key)))},
        )
    return len(others)


def _current(session: Session) -> Any:
    return session.sql(f"{_SELECT} AND retired_at IS NULL FOR SHARE").fetchone()


def _make(session: Session, keys: Sequence[bytes]) -> None:
    """Unless another transaction made one meanwhile."""
    _check_given(keys)
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    row = session.sql(
        "SELECT coalesce(max(no), 0) + 1 AS no FROM signing_keys WHERE company_id = %(company)s"
    ).fetchone()
    assert row is not None, "an aggregate has a row"
    session.sql(
        """INSERT INTO signing_keys (company_id, no, public_key, sealed)
           VALUES (%(company)s, %(no)s, %(public)s, %(sealed)s) ON CONFLICT DO NOTHING""",
        {
            "no": row.no,
            "public": public,
            "sealed": sealing.seal(keys, private.private_bytes_raw(), _label(session, row.no, public)),
        },
    )


def _opened(session: Session, keys: Sequence[bytes], row: Any) -> bytes:
    _check_given(keys)
    try:
        return sealing.opened(keys, bytes(row.sealed), _label(session, row.no, bytes(row.public_key)))
    except sealing.Unopened as error:
        raise SigningUnavailable(
            f"The company's signing key cannot be opened: {error}. Look at {KEY_ENCRYPTION_KEY}."
        ) from error


def _check_given(keys: Sequence[bytes]) -> None:
    if not keys:
        raise SigningUnavailable(
            f"{KEY_ENCRYPTION_KEY} is not set, so signing keys can be neither made nor opened. "
            "It is 32 random bytes in base64; `openssl rand -base64 32` makes one. Keep it: without it, every "
            "company needs a new signing key."
        )


def _label(session: Session, no: int, public: bytes) -> bytes:
    """What a private half belongs to."""
    return f"{session.company_id}:{no}:".encode() + public


def _read(row: Any) -> SigningKey:
    public = Ed25519PublicKey.from_public_bytes(bytes(row.public_key))
    return SigningKey(row.no, public, row.created_at, row.retired_at, row.revoked_at, row.reason)
