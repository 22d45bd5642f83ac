"""How evenly something is spread, and whether chance alone would spread it so."""

from collections.abc import Iterable
from math import exp, lgamma, log, log1p


def gini(amounts: Iterable[int]) -> float:
    """The Gini coefficient: 0 if all have the same, near 1 if one of many has everything. Below zero counts as zero.

    Half of the mean difference between two of them, relative to the mean (C. Gini, 1912).
    """
    ordered = sorted(max(0, amount) for amount in amounts)
    total, size = sum(ordered), len(ordered)
    if total == 0:
        return 0.0
    return sum((2 * place - size - 1) * amount for place, amount in enumerate(ordered, 1)) / (size * total)


def share(part: int, whole: int) -> float:
    """0 of nothing."""
    return part / whole if whole else 0.0


def chance_of_as_many(tries: int, hits: int, probability: float) -> float:
    """That of so many independent tries at least so many hit: the upper tail of the binomial distribution."""
    if hits <= 0:
        return 1.0
    if probability <= 0 or hits > tries:
        return 0.0
    if probability >= 1:
        return 1.0
    if hits <= tries * probability:  # the other tail is the short one
        return 1.0 - _beyond(tries, tries - hits + 1, 1 - probability)
    return _beyond(tries, hits, probability)


def _beyond(tries: int, hits: int, probability: float) -> float:
    """Where `hits` are more than are to be expected, each further one is less likely than the one before."""
    found = 0.0
    for each in range(hits, tries + 1):
        chance = exp(_log_chance(tries, each, probability))
        found += chance
        if chance < found * 1e-12:
            break
    return min(1.0, found)


def _log_chance(tries: int, hits: int, probability: float) -> float:
    ways = lgamma(tries + 1) - lgamma(hits + 1) - lgamma(tries - hits + 1)
    return ways + hits * log(probability) + (tries - hits) * log1p(-probability)
