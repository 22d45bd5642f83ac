"""What a stranger is told of a certificate whose number he has."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from credentials import signing_keys, verifying
from credentials.agreement import agrees
from credentials.verifying import Outcome
from pointsbank.database import Database
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


def verdict(database: Database, number: str) -> Verdict | None:
    """Checks the certificate with this number, and its signature, now. None: there is none."""
    found = register.find_public(database, register.normalised(number) or NOBODYS)
    if found is None:
        return None
    with database.transaction(found.company_id) as session:
        keys = signing_keys.every(session)
    signature = verifying.verify(found.credential, keys)
    if signature is Outcome.GENUINE and not (agrees(found.content, found.credential) and _is_of_its_content(found)):
        signature = Outcome.CHANGED
    now = register.now()
    standing: Standing = found.status_at(now)
    if standing != "revoked" and signature is not Outcome.GENUINE:
        standing = "untrusted"
    return Verdict(found, standing, signature, now)


def _is_of_its_content(found: Certificate) -> bool:
    """Whether what is kept twice, to be looked for, is what its content says."""
    return (found.number, found.valid_until) == (found.content.number, found.content.valid_until)
