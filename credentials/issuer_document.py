"""The issuer as a verifier meets it: one document that is both its did:web document and its Open Badges profile."""

from collections.abc import Sequence
from typing import Any

from credentials.addresses import Issuer
from credentials.contexts import OPEN_BADGES
from credentials.proof import multikey, zulu
from credentials.signing_keys import SigningKey

DID = "https://www.w3.org/ns/did/v1"
MULTIKEY = "https://w3id.org/security/multikey/v1"


def document(issuer: Issuer, keys: Sequence[SigningKey]) -> dict[str, Any]:
    """A key that is revoked is named with the time of it, and is no `assertionMethod` any more: whatever it signed
    fails with every verifier."""
    methods = [
        {
            "id": issuer.key(key.no),
            "type": "Multikey",
            "controller": issuer.did,
            "publicKeyMultibase": multikey(key.public),
            **({} if key.revoked_at is None else {"revoked": zulu(key.revoked_at)}),
        }
        for key in keys
    ]
    return {
        "@context": [DID, MULTIKEY, OPEN_BADGES],
        "id": issuer.did,
        "type": ["Profile"],
        "name": issuer.name,
        "url": issuer.url,
        "verificationMethod": methods,
        "assertionMethod": [issuer.key(key.no) for key in keys if key.revoked_at is None],
    }
