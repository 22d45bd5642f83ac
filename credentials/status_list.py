"""Which certificates of a list are revoked, as a Bitstring Status List (W3C, v1.0).

A certificate has a place: a list, and an index in it. Places follow from the certificate's serial by a bijection that
only the company's secret tells, so that nobody counts from one certificate to the next.
"""

import gzip
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from credentials.addresses import Issuer
from credentials.contexts import CREDENTIALS
from credentials.proof import zulu

BITS = 131_072
"""Of each list: the least that the standard allows, so that one certificate is lost among many."""

_HALF_BITS = 9
_HALF = (1 << _HALF_BITS) - 1  # two halves are 262,144 places, of which every second is in the list
_ROUNDS = 4


class Place(NamedTuple):
    """A list, numbered from 1, and an index in it, from 0."""

    status_list: int
    status_index: int


def place(secret: bytes, serial: int) -> Place:
    """Where the certificate with this serial (from 1) has its status. No two serials have the same place."""
    before, index = divmod(serial - 1, BITS)
    number = before + 1
    index = _mixed(secret, number, index)
    while index >= BITS:  # the mixing has twice as many places; who falls beside is mixed again until he does not
        index = _mixed(secret, number, index)
    return Place(number, index)


def _mixed(secret: bytes, number: int, index: int) -> int:
    """A Feistel network over the two halves of the index."""
    left, right = index >> _HALF_BITS, index & _HALF
    for turn in range(_ROUNDS):
        text = f"status:{number}:{turn}:{right}".encode()
        left, right = right, left ^ (int.from_bytes(hmac.digest(secret, text, "sha256")[:2], "big") & _HALF)
    return left << _HALF_BITS | right


def document(issuer: Issuer, address: str, revoked: Iterable[int], since: datetime) -> dict[str, Any]:
    """The credential that says which indexes are revoked, without its proof. `since`: when that changed last."""
    return {
        "@context": [CREDENTIALS],
        "id": address,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": issuer.did,
        "validFrom": zulu(since),
        "credentialSubject": {
            "id": f"{address}#list",
            "type": "BitstringStatusList",
            "statusPurpose": "revocation",
            "encodedList": encoded(revoked),
        },
    }


def encoded(revoked: Iterable[int]) -> str:
    """The most significant bit comes first; gzip, base64url without padding, multibase `u`."""
    bits = bytearray(BITS // 8)
    for index in revoked:
        assert 0 <= index < BITS, "it is a place of the list"
        bits[index >> 3] |= 0x80 >> (index & 7)
    return "u" + urlsafe_b64encode(gzip.compress(bytes(bits), mtime=0)).decode().rstrip("=")
