"""What stands in the keys of a board in Redis, byte for byte as `scripts/board.lua` has it."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha1
from typing import NamedTuple

from pointsbank.leaderboards.frame import instant
from pointsbank.leaderboards.standings import Row

SINCE_1900 = 2_208_988_800_000_000
"""Microseconds until 1970: times in Redis are never negative."""

_STAMP_BYTES = 13


class Member(NamedTuple):
    """`at` and `number` of the entry with which the score was reached: None and 0 with a score of zero. `…_before`:
    of when `moved` compares with."""

    key: str
    name: str
    score: int
    at: int | None
    number: int
    rank: int
    rank_before: int
    score_before: int


def bucket_of(key: bytes, buckets: int) -> int:
    return int.from_bytes(sha1(key, usedforsecurity=False).digest()[:4], "big") % buckets


def bytes_of(key: bytes, name: bytes, total: int, since: int, number: int) -> bytes:
    """A member of `order`: see member() in `scripts/board.lua`."""
    if total == 0:
        return b"%b\0%b" % (key, name)
    return b"%b%b\0%b" % ((since << 48 | number).to_bytes(_STAMP_BYTES, "big"), key, name)


def member_of(shown: bytes, below: bytes, rank: int, rank_before: int, below_before: bytes) -> Member:
    score, at, number = -int(below), None, 0
    if score:
        at = int.from_bytes(shown[:7], "big") - SINCE_1900
        number = int.from_bytes(shown[7:_STAMP_BYTES], "big")
        shown = shown[_STAMP_BYTES:]
    key, _, name = shown.decode().partition("\0")
    return Member(key, name, score, at, number, rank, rank_before, -int(below_before))


def row_of(shown: bytes, below: bytes, rank: int, rank_before: int) -> Row:
    """As `member_of`, for a board of sums: a page is asked for by every reader, so nothing is made in between."""
    if below == b"0":
        key, _, name = shown.decode().partition("\0")
        return Row(rank, key, name, 0, None, rank_before - rank)
    key, _, name = shown[_STAMP_BYTES:].decode().partition("\0")
    reached_at = instant(int.from_bytes(shown[:7], "big") - SINCE_1900)
    return Row(rank, key, name, -int(below), reached_at, rank_before - rank)


_NUMBERS = struct.Struct(">BBqBqBq")
_SMALL_NUMBERS = struct.Struct(">BBiBqBi")
_SMALL = 1 << 31


def packed(key: bytes, name: bytes, total: int, since: int, number: int) -> bytes:
    """key -> {score, at, number, name} in MessagePack, as `scripts/board.lua` unpacks it."""
    if -_SMALL <= total < _SMALL and number < _SMALL:
        numbers = _SMALL_NUMBERS.pack(0x94, 0xD2, total, 0xD3, since, 0xD2, number)
    else:
        numbers = _NUMBERS.pack(0x94, 0xD3, total, 0xD3, since, 0xD3, number)
    return b"%b%b%b%b%b" % (_length(key), key, numbers, _length(name), name)


def _length(text: bytes) -> bytes:
    length = len(text)
    return _SHORT[length] if length < 32 else struct.pack(">BH", 0xDA, length)


_SHORT = [bytes((0xA0 | length,)) for length in range(32)]


@dataclass(frozen=True, slots=True)
class Pages:
    """What is to stand in `pages`, bucket by bucket: how many records, and the records one after the other."""

    counts: list[int]
    records: list[bytearray]

    @classmethod
    def of(cls, buckets: int) -> "Pages":
        return cls([0] * buckets, [bytearray() for _ in range(buckets)])

    def packed(self) -> Iterator[tuple[int, bytes]]:
        """As tables in MessagePack."""
        for bucket, (count, records) in enumerate(zip(self.counts, self.records, strict=True)):
            if count:
                yield bucket, struct.pack(">BH", 0xDE, count) + records
