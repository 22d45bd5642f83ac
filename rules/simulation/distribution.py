"""How much the rules give how many learners, as it is booked and as it would be: a picture of the whole class."""

from collections import Counter
from typing import Any

from ledger.accounts import CREDITS
from rules.simulation.happened import Gifts
from rules.simulation.planning import Plan

MAX_STEPS = 15
"""Bars of each picture; a few more than a glance takes in."""


def of_plan(planned: Plan) -> list[dict[str, Any]]:
    """For each unit that the rules give: of the learners whom they give anything, how many have `least` to less than
    `step` more, how many from there to less than `step` more, and so on."""
    found = []
    for unit in ("credits", "flowers"):
        before: Counter[int] = Counter()
        after: Counter[int] = Counter()
        for each in planned.ground.events:
            before[each.learner] += _sum(each.booked, unit)
            after[each.learner] += _sum(planned.replayed.given[each.number], unit)
        everyone = sorted(learner for learner in before if before[learner] or after[learner])
        if everyone:
            amounts = [before[learner] for learner in everyone], [after[learner] for learner in everyone]
            low, high = min(map(min, amounts)), max(map(max, amounts))
            step = _step(low, high)
            was, would_be = (Counter(amount // step for amount in each) for each in amounts)
            places = range(low // step, high // step + 1)
            found.append(
                {
                    "unit": unit,
                    "least": low // step * step,
                    "step": step,
                    "before": [was[place] for place in places],
                    "after": [would_be[place] for place in places],
                }
            )
    return found


def _sum(gifts: Gifts, unit: str) -> int:
    return sum(amount for _, of, amount in gifts if (of == CREDITS) == (unit == "credits"))


def _step(low: int, high: int) -> int:
    """1, 2 or 5 times a power of ten, so that there are not too many."""
    power = 1
    while True:
        for step in (power, 2 * power, 5 * power):
            if high // step - low // step < MAX_STEPS:
                return step
        power *= 10
