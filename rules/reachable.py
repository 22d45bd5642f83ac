"""Criteria that nobody can ever meet, because they ask for something and rule it out at the same time."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from pointsbank.errors import FieldError
from pointsbank.saying import Said, say
from rules.criteria import Criterion, Fact, Group
from rules.explanation import PASS_SCORE

_Literal = tuple[Fact, str, bool]
_Part = tuple[Criterion, str, bool]


@dataclass(slots=True)
class _Bounds:
    """What has to be found: at least `low`, and less than `high`, which is asked for at the path `at`."""

    low: float
    high: float = math.inf
    at: str = ""


def contradictions(criterion: Criterion, path: str) -> list[FieldError]:
    """Of each set of criteria in the tree that have to hold together."""
    return list(_contradictions((criterion, path, True)))


def _contradictions(part: _Part) -> Iterator[FieldError]:
    together: list[_Literal] = []
    choices: list[_Part] = []
    _take_apart(part, together, choices)
    bounds: dict[Fact, _Bounds] = {}
    for fact, at, wanted in together:
        bound = bounds.setdefault(_without_bounds(fact), _Bounds(_least(fact)))
        if fact.at_most is not None:
            low, high = (-math.inf, fact.at_most + 1) if wanted else (fact.at_most + 1, math.inf)
        else:
            limit = _limit(fact)
            low, high = (limit, math.inf) if wanted else (-math.inf, limit)
        bound.low = max(bound.low, low)
        if high < bound.high:
            bound.high, bound.at = high, at
    for fact, bound in bounds.items():
        if bound.high <= bound.low:
            yield bound.at, _in_words(fact, bound)
    for choice in choices:
        yield from _contradictions(choice)


def _without_bounds(fact: Fact) -> Fact:
    """A course passed without a score of the criterion's own is another fact: events may say so themselves."""
    return replace(fact, at_least=None if fact.at_least is None else 0, at_most=None)


def _take_apart(part: _Part, together: list[_Literal], choices: list[_Part]) -> None:
    """Into facts that all have to hold or not to, and parts among which there is a choice."""
    criterion, path, wanted = part
    if isinstance(criterion, Fact):
        together.append((criterion, path, wanted))
        return
    member = "of" if criterion.op == "at_least" else criterion.op
    if criterion.op == "not":
        _take_apart((criterion.of[0], f"{path}.not", not wanted), together, choices)
        return
    parts: list[_Part] = [(each, f"{path}.{member}[{index}]", wanted) for index, each in enumerate(criterion.of)]
    needed = _needed(criterion)
    if (len(parts) if wanted else 1) == needed:
        for each in parts:
            _take_apart(each, together, choices)
    else:
        choices += parts


def _needed(group: Group) -> int:
    return {"all": len(group.of), "any": 1}.get(group.op, group.count or 0)


def _least(fact: Fact) -> float:
    """Below which nothing is ever found; scores and sums may be negative."""
    if fact.at_most is not None:
        return 1
    return -math.inf if fact.fact == "passed" or fact.sum is not None else 0


def _limit(fact: Fact) -> float:
    if fact.at_least is None:
        return PASS_SCORE if fact.fact == "passed" else 1
    return fact.at_least


def _in_words(fact: Fact, bound: _Bounds) -> Said:
    if fact.fact == "certificate":
        return say(
            "can never be met: the certificate %(key)s has to be held, and must not be, at the same time",
            key=repr(fact.key),
        )
    low = f"{bound.low:g}"
    if fact.fact == "team_rank":
        return say(
            "can never be met: the rank has to be %(low)s or further down, and %(high)s or better",
            low=low,
            high=f"{bound.high - 1:g}",
        )
    return say(
        "can never be met: it has to be at least %(low)s, and less than %(high)s, at the same time",
        low=low,
        high=f"{bound.high:g}",
    )
