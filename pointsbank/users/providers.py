"""A company's identity provider: where its people sign in with OpenID Connect, and which of them is which user.

The client's secret is sealed with the key-encryption key, as the keys are that certificates are signed with.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from credentials import sealing
from pointsbank.database import Session
from pointsbank.directory import learners
from pointsbank.directory.faults import fault_of_text, refuse
from pointsbank.errors import Conflict, FieldError, Invalid, Unavailable
from pointsbank.users import people
from pointsbank.users.signing_in import NotLetIn

LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Provider:
    """`name_claim` is the claim whose value is a user's name, `learner_claim` the one that is a learner's id."""

    issuer: str
    client_id: str
    sealed: bytes
    name_claim: str
    learner_claim: str | None


def put(
    session: Session,
    keys: Sequence[bytes],
    issuer: str,
    client_id: str,
    secret: str,
    name_claim: str,
    learner_claim: str | None,
) -> None:
    """Sets the company's provider. Raises Invalid."""
    faults: list[FieldError] = []
    if not is_safe(issuer):
        faults.append(("issuer", "must be an https address, without a query."))
    texts = {"client_id": client_id, "secret": secret, "name_claim": name_claim, "learner_claim": learner_claim or "-"}
    faults += [(path, fault) for path, text in texts.items() if (fault := fault_of_text(text)) is not None]
    if not keys:
        faults.append(("secret", "cannot be sealed: set POINTSBANK_KEY_ENCRYPTION_KEY."))
    refuse(faults)
    session.sql(
        """INSERT INTO identity_providers (company_id, issuer, client_id, sealed, name_claim, learner_claim)
           VALUES (%(company)s, %(issuer)s, %(client_id)s, %(sealed)s, %(name_claim)s, %(learner_claim)s)
           ON CONFLICT (company_id) DO UPDATE
           SET (issuer, client_id, sealed, name_claim, learner_claim) = (excluded.issuer, excluded.client_id,
                excluded.sealed, excluded.name_claim, excluded.learner_claim)""",
        {
            "issuer": issuer,
            "client_id": client_id,
            "sealed": sealing.seal(keys, secret.encode(), _of(session)),
            "name_claim": name_claim,
            "learner_claim": learner_claim,
        },
    )


def find(session: Session) -> Provider | None:
    row = session.sql(
        """SELECT issuer, client_id, sealed, name_claim, learner_claim FROM identity_providers
            WHERE company_id = %(company)s"""
    ).fetchone()
    return None if row is None else Provider(*row)


def remove(session: Session) -> None:
    session.sql("DELETE FROM identity_providers WHERE company_id = %(company)s")


def secret_of(session: Session, keys: Sequence[bytes], provider: Provider) -> str:
    """Raises Unavailable if none of the keys opens it."""
    try:
        return sealing.opened(keys, provider.sealed, _of(session)).decode()
    except sealing.Unopened as error:
        raise Unavailable(f"The secret of the identity provider cannot be opened: {error}.") from error


def seal_again(session: Session, keys: Sequence[bytes]) -> int:
    """With the first of the keys; how many were not. Raises Unavailable if none of the keys opens it."""
    found = find(session)
    if found is None or sealing.is_sealed_with(keys[0], found.sealed):
        return 0
    secret = secret_of(session, keys, found)
    put(session, keys, found.issuer, found.client_id, secret, found.name_claim, found.learner_claim)
    return 1


def user_no(session: Session, provider: Provider, claims: Mapping[str, Any]) -> int:
    """Whom the provider's claims (verified, with a `sub`) sign in.

    Once somebody has come in as a user, the provider's own name of them decides, whatever else they are called later. A
    learner whose id the claims give needs no user first. Raises NotLetIn.
    """
    identity = {"issuer": provider.issuer, "subject": str(claims["sub"])}
    row = session.sql(
        """SELECT no, disabled_at FROM users
            WHERE company_id = %(company)s AND issuer = %(issuer)s AND subject = %(subject)s""",
        identity,
    ).fetchone()
    if row is not None:
        if row.disabled_at is not None:
            raise NotLetIn("This user is disabled.")
        return int(row.no)
    found = _named(session, provider, claims) or _learner(session, provider, claims)
    if found is None:
        raise NotLetIn("The identity provider knows you, and the points bank has no user for you.")
    session.sql(
        """UPDATE users SET issuer = %(issuer)s, subject = %(subject)s
            WHERE company_id = %(company)s AND no = %(no)s""",
        {**identity, "no": found},
    )
    return found


def is_safe(address: str) -> bool:
    """Whether what is secret may be sent there."""
    parts = urlsplit(address)
    return (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)) and not (
        parts.query or parts.fragment or not parts.hostname
    )


def _named(session: Session, provider: Provider, claims: Mapping[str, Any]) -> int | None:
    name = claims.get(provider.name_claim)
    if not isinstance(name, str) or (provider.name_claim == "email" and claims.get("email_verified") is not True):
        return None
    row = session.sql(
        """SELECT no FROM users
            WHERE company_id = %(company)s AND name = %(name)s AND issuer IS NULL AND disabled_at IS NULL""",
        {"name": people.normalised(name).replace("\0", "")},
    ).fetchone()
    return None if row is None else int(row.no)


def _learner(session: Session, provider: Provider, claims: Mapping[str, Any]) -> int | None:
    key = claims.get(provider.learner_claim or "")
    if not isinstance(key, str) or not learners.find_numbers(session, [key]):
        return None
    name = learners.get(session, key).name
    try:
        return people.create(session, f"learner-{key}", ["learner"], name, key).no
    except (Conflict, Invalid):
        raise NotLetIn("This learner has a user already, who signs in otherwise.") from None


def _of(session: Session) -> bytes:
    return b"identity provider of %d" % session.company_id
