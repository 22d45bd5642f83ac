"""What the journal says of certificates: entries without transfers, which name the certificate and its digest."""

from hashlib import sha256
from typing import Any

import orjson

from credentials.content import Content
from rules.certification.run import Run

SOURCE = "pointsbank:certificates"
ISSUED, REVOKED, REVIEWED = "certificate.issued", "certificate.revoked", "certificate.reviewed"


def key_of(programme: str, learner: str, rule: str, edition: int) -> str:
    """Of the entry that issues it. Ids hold no slash, so no other certificate can have the same key; and the ledger
    books a key once."""
    return f"{programme}/{learner}/{rule}/{edition}"


def issued(content: Content, edition: int, run: Run, credential: bytes) -> bytes:
    """The data of that entry."""
    return _data(
        number=content.number,
        certificate=content.rule,
        edition=edition,
        run=str(run.no),
        cut_off=run.cut_off,
        as_of=run.number,
        valid_until=content.valid_until,
        credential_sha256=sha256(credential).hexdigest(),
    )


def changed(number: str, rule: str, **more: Any) -> bytes:
    """The data of an entry that says what became of a certificate."""
    return _data(number=number, certificate=rule, **more)


def _data(**members: Any) -> bytes:
    return orjson.dumps(members, option=orjson.OPT_UTC_Z)
