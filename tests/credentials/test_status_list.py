"""Which certificates are revoked: bits, and the places of certificates among them."""

import gzip
import itertools
from base64 import urlsafe_b64decode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credentials.status_list import BITS, Place, encoded, place


def decoded(text: str) -> bytes:
    assert text[0] == "u"
    assert "=" not in text
    return gzip.decompress(urlsafe_b64decode(text[1:] + "=" * (-len(text[1:]) % 4)))


@settings(max_examples=50)
@given(st.sets(st.integers(0, BITS - 1), max_size=200))
def test_the_bits_are_those_of_the_revoked(revoked: set[int]) -> None:
    bits = decoded(encoded(revoked))
    assert len(bits) * 8 == BITS >= 131_072
    assert {at * 8 + bit for at, byte in enumerate(bits) for bit in range(8) if byte >> (7 - bit) & 1} == revoked


def test_the_most_significant_bit_comes_first() -> None:
    assert decoded(encoded([0, 9]))[:2] == b"\x80\x40"


def test_the_same_bits_are_the_same_text() -> None:
    assert encoded([1, 2]) == encoded([2, 1])


def test_every_place_of_a_list_is_taken_once() -> None:
    places = {place(b"s" * 32, serial) for serial in range(1, BITS + 1)}
    assert places == {Place(1, index) for index in range(BITS)}


def test_the_next_list_begins_after_the_last_place() -> None:
    assert [place(b"s" * 32, serial).status_list for serial in (1, BITS, BITS + 1, 2 * BITS, 2 * BITS + 1)] == [
        *(1, 1, 2, 2, 3)
    ]


def test_places_do_not_follow_one_another() -> None:
    """Nobody counts from one certificate to the next, nor from one company to another."""
    ours = [place(b"s" * 32, serial).status_index for serial in range(1, 1001)]
    theirs = [place(b"t" * 32, serial).status_index for serial in range(1, 1001)]
    second = [place(b"s" * 32, serial + BITS).status_index for serial in range(1, 1001)]
    steps = [after - before for before, after in itertools.pairwise(ours)]
    assert len(set(steps)) > 950
    assert min(ours) < BITS // 50
    assert max(ours) > BITS - BITS // 50
    for others in (theirs, second):
        assert sum(a == b for a, b in zip(ours, others, strict=True)) < 5


@pytest.mark.parametrize("index", [-1, BITS])
def test_an_index_beside_the_list(index: int) -> None:
    with pytest.raises(AssertionError):
        encoded([index])
