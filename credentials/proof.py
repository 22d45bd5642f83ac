"""Data Integrity proofs of the cryptosuite eddsa-rdfc-2022 (W3C, Data Integrity EdDSA Cryptosuites, section 3.2)."""

from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from credentials.canonical import digest

TYPE = "DataIntegrityProof"
CRYPTOSUITE = "eddsa-rdfc-2022"
PURPOSE = "assertionMethod"

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"  # Bitcoin's
_SIGNATURE_BYTES = 64
_SIGNATURE_CHARACTERS = 89  # "z", and at most 88 of base58
_ED25519_PUBLIC = b"\xed\x01"  # multicodec


def signed(
    document: dict[str, Any], key: Ed25519PrivateKey, verification_method: str, created: datetime
) -> dict[str, Any]:
    """The document with its proof, as the only one of an array. Raises shapes.Untranslatable."""
    options = {
        "type": TYPE,
        "created": zulu(created),
        "verificationMethod": verification_method,
        "cryptosuite": CRYPTOSUITE,
        "proofPurpose": PURPOSE,
    }
    value = "z" + base58(key.sign(_hash(document, options)))
    return {**document, "proof": [{**options, "proofValue": value}]}


def holds(document: dict[str, Any], proof: dict[str, Any], key: Ed25519PublicKey) -> bool:
    """Whether the proof is the key's signature of the document, which is without it. Raises shapes.Untranslatable."""
    value = proof.get("proofValue")
    signature = _signature(value) if isinstance(value, str) else None
    if signature is None:
        return False
    options = {name: each for name, each in proof.items() if name != "proofValue"}
    try:
        key.verify(signature, _hash(document, options))
    except InvalidSignature:
        return False
    return True


def _hash(document: dict[str, Any], options: dict[str, Any]) -> bytes:
    """What is signed: the hashes of the proof's options, read in the document's contexts, and of the document."""
    return digest({"@context": document["@context"], **options}) + digest(document)


def _signature(value: str) -> bytes | None:
    if not value.startswith("z") or len(value) > _SIGNATURE_CHARACTERS or set(value[1:]) - set(_BASE58):
        return None
    try:
        signature = _unbase58(value[1:])
    except OverflowError:
        return None
    return signature if value == "z" + base58(signature) else None


def multikey(key: Ed25519PublicKey) -> str:
    """The key as `publicKeyMultibase`."""
    return "z" + base58(_ED25519_PUBLIC + key.public_bytes_raw())


def base58(data: bytes) -> str:
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = _BASE58[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def _unbase58(text: str) -> bytes:
    number = 0
    for digit in text:
        number = number * 58 + _BASE58.index(digit)
    return number.to_bytes(_SIGNATURE_BYTES, "big")


def zulu(time: datetime) -> str:
    """To the second, in UTC."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
