"""What a stranger is told of a certificate whose number he has."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from credentials import signing_keys, verifying
from credentials.agreement import agrees
from credentials.signing_keys import SigningKey
from credentials.verifying import Outcome
from pointsbank.database import Database, Session
from pointsbank.errors import Conflict
from pointsbank.saying import say
from rules.certification import register
from rules.certification.register import Certificate

Standing = Literal["valid", "expired", "revoked", "untrusted"]

NOBODYS = "PB-0000-000000-00000000"
"""Looked for instead of what is no number at all, so that this takes as long to be answered."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`untrusted`: not revoked, and the signature does not hold, or speaks of something else than what is kept."""

    certificate: Certificate
    standing: Standing
    signature: Outcome
    checked_at: datetime

    @property
    def is_genuine(self) -> bool:
        """Whatever its standing: one that was revoked is genuine all the same."""
        return self.signature is Outcome.GENUINE


def verdict(database: Database, number: str) -> Verdict | None:
    """Checks the certificate with this number, and its signature, now. None: there is none."""
    found = register.find_public(database, register.normalised(number) or NOBODYS)
    if found is None:
        return None
    with database.transaction(found.company_id) as session:
        keys = signing_keys.every(session)
    signature = _signature(found, keys)
    now = register.now()
    standing: Standing = found.status_at(now)
    if standing != "revoked" and signature is not Outcome.GENUINE:
        standing = "untrusted"
    return Verdict(found, standing, signature, now)


def check_signed(session: Session, found: Certificate) -> None:
    """To be asked before a paper or a badge is drawn, which is made of what is kept and not of what was signed.

    Raises Conflict unless both are the same, and signed by a key that is still trusted.
    """
    signature = _signature(found, signing_keys.every(session))
    if signature is not Outcome.GENUINE:
        raise Conflict(
            say(
                "What is kept of certificate %(number)s cannot be trusted (%(signature)s): no paper and no badge is "
                "made of it. Revoke it and issue it again.",
                number=found.number,
                signature=str(signature),
            )
        )


def _signature(found: Certificate, keys: Iterable[SigningKey]) -> Outcome:
    """Of the credential, and of what is kept beside it."""
    signature = verifying.verify(found.credential, keys)
    if signature is Outcome.GENUINE and not (agrees(found.content, found.credential) and _is_of_its_content(found)):
        return Outcome.CHANGED
    return signature


def _is_of_its_content(found: Certificate) -> bool:
    """Whether what is kept twice, to be looked for, is what its content says."""
    return (found.number, found.valid_until) == (found.content.number, found.content.valid_until)
