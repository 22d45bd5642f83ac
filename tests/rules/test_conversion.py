"""Flowers into credits: the table of DESIGN's words, and what holds for every rule and number of flowers."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.conversion import Converted, convert
from rules.parts import Conversion

RULES = st.builds(
    Conversion,
    flowers_per_credit=st.integers(1, 1_000),
    credits=st.integers(1, 1_000),
    round=st.sampled_from(["half_up", "half_even", "up", "down"]),
    cap_credits=st.none() | st.integers(0, 10**6),
    remainder=st.just("expire"),
)


@pytest.mark.parametrize(
    ("flowers", "per_credit", "credits", "rounding", "cap", "expected"),
    [
        # flowers  each  for  round       cap          converted  expired  credits
        (12,       5,    1,   "down",     None, Converted(10,     2,       2)),
        (12,       5,    1,   "up",       None, Converted(12,     0,       3)),
        (12,       5,    1,   "half_up",  None, Converted(10,     2,       2)),
        (13,       5,    1,   "half_up",  None, Converted(13,     0,       3)),
        (15,       10,   1,   "half_even", None, Converted(15,    0,       2)),
        (25,       10,   1,   "half_even", None, Converted(20,    5,       2)),
        (4,        5,    1,   "down",     None, Converted(0,      4,       0)),
        (500,      5,    1,   "down",     20,   Converted(100,    400,     20)),
        (500,      5,    1,   "down",     0,    Converted(0,      500,     0)),
        (7,        10,   100, "down",     None, Converted(7,      0,       70)),
        (7,        3,    100, "down",     None, Converted(7,      0,       233)),
        (7,        3,    100, "down",     100,  Converted(3,      4,       100)),
    ],
)  # fmt: skip
def test_table(
    flowers: int, per_credit: int, credits: int, rounding: str, cap: int | None, expected: Converted
) -> None:
    rule = Conversion(per_credit, credits, rounding, cap, "expire")  # type: ignore[arg-type]  # a plain str
    assert convert(rule, flowers) == expected


@given(RULES, st.integers(0, 2**53 - 1))
def test_every_flower_is_converted_or_expires(rule: Conversion, flowers: int) -> None:
    done = convert(rule, flowers)
    assert done.converted + done.expired == flowers
    assert min(done) >= 0
    assert rule.cap_credits is None or done.credits <= rule.cap_credits


@given(RULES, st.integers(0, 2**53 - 1))
def test_credits_are_the_exact_share_within_one(rule: Conversion, flowers: int) -> None:
    exact = Fraction(flowers * rule.credits, rule.flowers_per_credit)
    if rule.cap_credits is not None and exact > rule.cap_credits:
        assert convert(rule, flowers).credits == rule.cap_credits
        return
    off = convert(rule, flowers).credits - exact
    within = {"down": -1 < off <= 0, "up": 0 <= off < 1}.get(rule.round, abs(off) <= Fraction(1, 2))
    assert within


@given(RULES, st.integers(0, 10**6), st.integers(0, 10**6))
def test_more_flowers_never_give_less(rule: Conversion, fewer: int, more: int) -> None:
    fewer, more = sorted((fewer, more))
    assert convert(rule, fewer).credits <= convert(rule, more).credits
