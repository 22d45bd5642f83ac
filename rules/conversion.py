"""Flowers into credits: how much of what a learner has of a course's flowers becomes what."""

from decimal import Decimal
from typing import NamedTuple

from rules.earning import DECIMAL_ROUNDING
from rules.parts import Conversion


class Converted(NamedTuple):
    """`converted` and `expired` are flowers, and together all that the learner has; `credits` are what they give."""

    converted: int
    expired: int
    credits: int


def convert(rule: Conversion, flowers: int) -> Converted:
    """The credits for these flowers, rounded and capped as the rule says, and the flowers that they take.

    What the credits take is rounded up to whole flowers: of 12 flowers at 5 a credit, 10 are converted and 2
    expire; rounded up they give 3 credits, and all 12 are converted.
    """
    exact = Decimal(flowers * rule.credits) / rule.flowers_per_credit
    credits = int(exact.to_integral_value(DECIMAL_ROUNDING[rule.round]))
    if rule.cap_credits is not None:
        credits = min(credits, rule.cap_credits)
    taken = min(flowers, -(-credits * rule.flowers_per_credit // rule.credits))
    return Converted(taken, flowers - taken, credits)
