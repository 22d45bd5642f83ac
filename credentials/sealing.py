"""Private keys are kept sealed: encrypted with a key-encryption key that is not in the database.

A box is `<version><id of the key-encryption key><nonce><AES-256-GCM>`. What a box belongs to (company, key) is
authenticated with it, so a box does not open in another's place.
"""

import secrets
from collections.abc import Sequence
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_VERSION = b"\x01"
_ID_BYTES = 8
_NONCE_BYTES = 12


class Unopened(Exception):
    """None of the keys opens the box; the message says why, and shows no secret."""


def seal(keys: Sequence[bytes], secret: bytes, of: bytes) -> bytes:
    """Sealed with the first of the keys, for what `of` names."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    head = _VERSION + key_id(keys[0])
    return head + nonce + AESGCM(keys[0]).encrypt(nonce, secret, head + of)


def opened(keys: Sequence[bytes], box: bytes, of: bytes) -> bytes:
    """Raises Unopened."""
    head, rest = box[: 1 + _ID_BYTES], box[1 + _ID_BYTES :]
    key = next((key for key in keys if head == _VERSION + key_id(key)), None)
    if key is None:
        raise Unopened(f"it is sealed with the key {head[1:].hex()}, and given are {', '.join(map(shown, keys))}")
    try:
        return AESGCM(key).decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], head + of)
    except InvalidTag:
        raise Unopened(f"the key {shown(key)} sealed it, but it was changed or belongs elsewhere") from None


def is_sealed_with(key: bytes, box: bytes) -> bool:
    return box[: 1 + _ID_BYTES] == _VERSION + key_id(key)


def key_id(key: bytes) -> bytes:
    """Tells keys apart without telling them."""
    return sha256(b"pointsbank key-encryption key" + key).digest()[:_ID_BYTES]


def shown(key: bytes) -> str:
    return key_id(key).hex()
