"""How credits or flowers are spread over the learners."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from pointsbank.database import Session
from pointsbank.leaderboards.boards import Unit
from pointsbank.reports.concentration import gini, share
from pointsbank.reports.selection import Selection, population

BINS = 12
"""About so many columns of a histogram."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A learner with what was earned in the period; `team` is the name of that at its end."""

    key: str
    name: str
    department: str | None
    team: str | None
    amount: int


@dataclass(frozen=True, slots=True)
class Summary:
    """Of a group of learners. Quartiles are medians of the lower and the upper half, as a box plot has them."""

    name: str | None
    learners: int
    total: int
    least: int
    lower: Decimal
    median: Decimal
    upper: Decimal
    most: int

    @property
    def mean(self) -> Decimal:
        return Decimal(self.total) / self.learners if self.learners else Decimal(0)


@dataclass(frozen=True, slots=True)
class Bin:
    """So many `learners` have `least` or more, and less than `below`."""

    least: int
    below: int
    learners: int


@dataclass(frozen=True, slots=True)
class Distribution:
    """`holders` with the largest amount first; `teams` by their medians, the largest first."""

    holders: list[Holder]
    overall: Summary
    teams: list[Summary]
    bins: list[Bin]

    @property
    def gini(self) -> float:
        return gini(each.amount for each in self.holders)

    @property
    def share_of_top_tenth(self) -> float:
        """What part of everything the tenth of the learners with most has; at least one learner."""
        top = self.holders[: max(1, round(len(self.holders) / 10))]
        return share(sum(each.amount for each in top), self.overall.total)


def distribution(session: Session, selection: Selection, unit: Unit, scale: int = 0) -> Distribution:
    """`scale` is how many decimals the unit is shown with: columns begin at round figures of what is shown."""
    rows = session.sql(
        _HOLDERS.format(population=population(selection), earned=selection.earned(unit)), selection.parameters()
    )
    holders = [Holder(*row) for row in rows]
    by_team: dict[str | None, list[int]] = {}
    for each in holders:
        by_team.setdefault(each.team, []).append(each.amount)
    teams = [summary(name, amounts) for name, amounts in by_team.items()]
    return Distribution(
        holders,
        summary(None, [each.amount for each in holders]),
        sorted(teams, key=lambda each: (each.name is None, -each.median, each.name or "")),
        _bins([each.amount for each in holders], 10**scale),
    )


_HOLDERS = """
WITH people AS ({population}
), total AS (
    SELECT t.learner AS no, sum(t.amount * t.earning)::bigint AS amount{earned}
     GROUP BY 1
)
SELECT p.key, p.name, p.department, g.name AS team, coalesce(total.amount, 0) AS amount
  FROM people AS p
  LEFT JOIN total USING (no)
  LEFT JOIN memberships AS m
    ON m.company_id = %(company)s AND m.programme = %(programme)s AND m.learner = p.no
   AND m.from_at < %(end)s AND coalesce(m.until_at, 'infinity') >= %(end)s
  LEFT JOIN teams AS g ON g.company_id = %(company)s AND g.no = m.team
 WHERE p.was_there OR total.amount IS NOT NULL
 ORDER BY 5 DESC, p.key"""


def summary(name: str | None, amounts: Sequence[int]) -> Summary:
    ordered = sorted(amounts)
    half = len(ordered) // 2
    return Summary(
        name,
        len(ordered),
        sum(ordered),
        ordered[0] if ordered else 0,
        _median(ordered[:half] or ordered),
        _median(ordered),
        _median(ordered[-half:] if half else ordered),
        ordered[-1] if ordered else 0,
    )


def _median(ordered: Sequence[int]) -> Decimal:
    if not ordered:
        return Decimal(0)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return Decimal(ordered[middle])
    return Decimal(ordered[middle - 1] + ordered[middle]) / 2


def _bins(amounts: Sequence[int], one: int) -> list[Bin]:
    """Columns of equal width, a round figure of at least one whole unit, that hold everybody."""
    if not amounts:
        return []
    width = _round_width(max(amounts) - min(amounts), one)
    first = min(amounts) // width * width
    counts = [0] * ((max(amounts) - first) // width + 1)
    for amount in amounts:
        counts[(amount - first) // width] += 1
    return [Bin(first + place * width, first + (place + 1) * width, count) for place, count in enumerate(counts)]


def _round_width(spread: int, one: int) -> int:
    width = one
    while True:
        for step in (1, 2, 5):
            if spread // (width * step) < BINS + 3:
                return width * step
        width *= 10
