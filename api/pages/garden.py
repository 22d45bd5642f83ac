"""The garden: a bed for each course, with a flower for each red flower that was earned there."""

import random
from dataclasses import dataclass
from typing import NamedTuple

MOST_DRAWN = 21
"""Of a bed; how many there are stands beside it."""
WIDTH, HEIGHT = 240, 112
_ROWS = 3
_MARGIN = 30


class Bloom(NamedTuple):
    """Where a flower's stem leaves the ground, how large it is, and how far it leans (degrees)."""

    x: float
    y: float
    size: float
    lean: float


@dataclass(frozen=True, slots=True)
class Bed:
    """`earned` ever, `in_hand` not yet converted."""

    course: str
    earned: int
    in_hand: int
    is_closed: bool
    blooms: tuple[Bloom, ...]


def bed(course: str, unit: str, earned: int, in_hand: int, is_closed: bool) -> Bed:
    return Bed(course, earned, in_hand, is_closed, tuple(_blooms(unit, min(earned, MOST_DRAWN))))


def _blooms(seed: str, count: int) -> list[Bloom]:
    """The same each time; those at the back first, and smaller."""
    dice = random.Random(seed)
    per_row = -(-MOST_DRAWN // _ROWS)
    step = (WIDTH - 2 * _MARGIN) / (per_row - 1)
    places = [(row, seat) for seat in range(per_row) for row in range(_ROWS)]
    dice.shuffle(places)
    blooms = [
        Bloom(
            round(_MARGIN + seat * step + (row % 2 - 0.5) * step / 2 + dice.uniform(-4, 4), 1),
            round(84 + row * 11 + dice.uniform(-2, 2), 1),
            round(0.62 + row * 0.14 + dice.uniform(-0.05, 0.05), 2),
            round(dice.uniform(-9, 9), 1),
        )
        for row, seat in places[:count]
    ]
    return sorted(blooms, key=lambda each: each.y)
