"""Whether a credential is what was signed, and by a key that is trusted: the same answer as any verifier's.

A signature is one thing and a certificate's status another: one that is revoked or has expired is genuine all the same.
"""

import json
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from credentials import proof
from credentials.addresses import key_name
from credentials.contexts import CREDENTIALS
from credentials.shapes import Untranslatable
from credentials.signing_keys import SigningKey

MAX_BYTES = 1_000_000


class Outcome(StrEnum):
    """In this order: the first that is true is told."""

    UNREADABLE = "unreadable"
    """It is no credential with one proof of the suite that this service signs with."""
    KEY_UNKNOWN = "key-unknown"
    """The key that it names is none of the company's."""
    CHANGED = "changed"
    """The key did not sign this."""
    KEY_REVOKED = "key-revoked"
    """The key signed it, and was revoked: nobody can say who used it."""
    GENUINE = "genuine"


def verify(credential: bytes, keys: Iterable[SigningKey]) -> Outcome:
    """Checks the one proof of the credential with the company's `keys`, all of them, whatever became of them."""
    try:
        document = _read(credential)
        given = _proof(document)
        method = given["verificationMethod"]
        issuer = document["issuer"]
        controller = issuer["id"] if isinstance(issuer, dict) else issuer
    except (ValueError, KeyError, RecursionError):
        return Outcome.UNREADABLE
    key = next((key for key in keys if method == f"{controller}#{key_name(key.no)}"), None)
    if key is None:
        return Outcome.KEY_UNKNOWN
    try:
        genuine = proof.holds(document, given, key.public)
    except (Untranslatable, RecursionError):
        return Outcome.CHANGED
    if not genuine:
        return Outcome.CHANGED
    return Outcome.GENUINE if key.revoked_at is None else Outcome.KEY_REVOKED


def _read(credential: bytes) -> dict[str, Any]:
    """Raises ValueError or KeyError. No key may stand twice in an object: readers differ in which counts."""
    if len(credential) > MAX_BYTES:
        raise ValueError("it is too large")
    read = json.loads(credential.decode(), object_pairs_hook=_once, parse_constant=_refuse)
    if not isinstance(read, dict):
        raise ValueError("it is no object")
    contexts = read["@context"]
    if not isinstance(contexts, list) or contexts[:1] != [CREDENTIALS]:
        raise ValueError("it is no credential of version 2")
    return read


def _proof(document: dict[str, Any]) -> dict[str, Any]:
    """Taken out of the document. Raises ValueError or KeyError."""
    proofs = document.pop("proof")
    given = proofs[0] if isinstance(proofs, list) and len(proofs) == 1 else proofs
    kind = (proof.TYPE, proof.CRYPTOSUITE, proof.PURPOSE)
    if not isinstance(given, dict) or (given["type"], given["cryptosuite"], given["proofPurpose"]) != kind:
        raise ValueError("it has no proof that is known here")
    return given


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        raise ValueError("a key stands twice")
    return read


def _refuse(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")
