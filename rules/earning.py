"""What an event earns: each rule for its type, its condition, and its amount rounded as the rule says.

Pure computation. Caps and `first` need what is already booked, and are applied under the ledger's lock.
"""

import math
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal
from functools import lru_cache
from typing import NamedTuple

from rules.cloudevent import Event
from rules.errors import ExpressionFailed, RuleFailed
from rules.expressions import Expression, Value, is_number
from rules.parts import MAX_AMOUNT, AwardRule, Banded, EarningRule, Rounding, Rulebook, Unit

# Roundings kept by each process: amounts come again and again.
MAX_REMEMBERED = 4096

DECIMAL_ROUNDING: dict[Rounding, str] = {
    "half_up": ROUND_HALF_UP,
    "half_even": ROUND_HALF_EVEN,
    "up": ROUND_UP,
    "down": ROUND_DOWN,
}


class Earned(NamedTuple):
    """`amount` is at least 1, in the smallest part of `unit`, before caps."""

    rule: EarningRule
    unit: Unit
    amount: int


def evaluate(rulebook: Rulebook, event: Event) -> list[Earned]:
    """What each rule gives for an event, in the rulebook's order; raises RuleFailed with the rule's key."""
    earned: list[Earned] = []
    for rule in rulebook.rules_by_type.get(event.type, ()):
        try:
            if rule.when is not None and not _holds(rule.when, event):
                continue
            amount = _amount(rule.award, event)
        except ExpressionFailed as failure:
            raise RuleFailed(rule.key, failure.detail) from failure
        if amount > MAX_AMOUNT:
            raise RuleFailed(rule.key, f"the amount is beyond {MAX_AMOUNT}")
        if amount > 0:
            if rule.award.unit == "flowers" and event.data.get("course") is None:
                raise RuleFailed(rule.key, "it gives flowers, which belong to a course; data.course is missing")
            earned.append(Earned(rule, rule.award.unit, amount))
    return earned


def is_met(rule: EarningRule, event: Event) -> bool:
    """Whether the rule's condition holds for an event of its type, whatever the amount comes to."""
    try:
        return rule.when is None or _holds(rule.when, event)
    except ExpressionFailed as failure:
        raise RuleFailed(rule.key, failure.detail) from failure


def rounded(value: float, rounding: Rounding) -> int:
    """A finite number as an integer, rounded as the decimal number that it is written as."""
    if isinstance(value, int) or value.is_integer():
        return int(value)
    return _decimally_rounded(value, rounding)


@lru_cache(maxsize=MAX_REMEMBERED)
def _decimally_rounded(value: float, rounding: Rounding) -> int:
    return int(Decimal(repr(value)).to_integral_value(DECIMAL_ROUNDING[rounding]))


def _holds(when: Expression, event: Event) -> bool:
    value = when.evaluate(event)
    if value is True or value is False:
        return bool(value)
    raise ExpressionFailed(f"the condition {when.source!r} gives {_shown(value)}, not true or false")


def _amount(award: AwardRule, event: Event) -> int:
    amount = award.amount
    if isinstance(amount, int):
        return amount
    if isinstance(amount, Banded):
        by = _number(amount.by, event)
        return next((band.amount for band in amount.bands if by >= band.at_least), 0)
    return rounded(_number(amount, event), award.round)


def _number(expression: Expression, event: Event) -> float:
    value: Value = expression.evaluate(event)
    if not is_number(value) or not math.isfinite(value):
        raise ExpressionFailed(f"{expression.source!r} gives {_shown(value)}, not a number")
    return value  # type: ignore[no-any-return]  # CEL values are untyped; is_number has looked


def _shown(value: Value) -> str:
    """As JSON writes it, where it does."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, datetime | timedelta):
        return "a time" if isinstance(value, datetime) else "a duration"
    return f"{value!r:.60}"
