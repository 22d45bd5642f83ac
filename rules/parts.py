"""What a rulebook is made of, as values; `rules.rulebook.parse` makes them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from rules.criteria import Criterion
from rules.expressions import Expression

# The largest integer that every JSON reader keeps exactly. Bounds every amount of a rule or an event.
MAX_AMOUNT = 2**53 - 1

Unit = Literal["credits", "flowers"]
Rounding = Literal["half_up", "half_even", "up", "down"]
Period = Literal["programme", "course", "day"]


@dataclass(frozen=True, slots=True)
class Band:
    """`amount` is given from `at_least` on, up to the next band."""

    at_least: float
    amount: int


@dataclass(frozen=True, slots=True)
class Banded:
    """An amount by score. `bands` are sorted, the highest first; below the lowest nothing is given."""

    by: Expression
    bands: tuple[Band, ...]


@dataclass(frozen=True, slots=True)
class AwardRule:
    """How much of what. An integer and a band are given as they are; an expression's value is rounded."""

    unit: Unit
    amount: Expression | Banded | int
    round: Rounding
    to: Literal["learner"] = "learner"


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `amount` per learner, in a programme, a course, or a day of the programme's time zone."""

    per: Literal["learner"]
    within: Period
    amount: int


@dataclass(frozen=True, slots=True)
class EarningRule:
    """`on` is the event type. `first` N: only the first N learners who meet the rule are given anything.

    `name` is by language tag, for people who read a statement; None: they read the key.
    """

    key: str
    name: Mapping[str, str] | None
    on: str
    when: Expression | None
    award: AwardRule
    cap: Cap | None
    first: int | None


@dataclass(frozen=True, slots=True)
class Conversion:
    """Flowers into credits when a course closes: `credits` for each `flowers_per_credit` flowers.

    Both credits and `cap_credits`, which is per learner and None without limit, count the smallest part.
    """

    flowers_per_credit: int
    credits: int
    round: Rounding
    cap_credits: int | None
    remainder: Literal["expire"]


@dataclass(frozen=True, slots=True)
class Equal:
    """A level of a talent system that accepts the certificate as its own."""

    system: str
    level: str


@dataclass(frozen=True, slots=True)
class CertificateRule:
    """`name` is by language tag. `valid_for` is an ISO 8601 duration, such as P2Y; None is for ever."""

    key: str
    kind: Literal["points", "qualification"]
    level: str | None
    name: Mapping[str, str]
    criteria: Criterion
    valid_for: str | None
    equals: tuple[Equal, ...]


@dataclass(frozen=True, slots=True)
class Rulebook:
    earning: tuple[EarningRule, ...] = ()
    conversion: Conversion | None = None
    certificates: tuple[CertificateRule, ...] = ()
    rules_by_type: Mapping[str, tuple[EarningRule, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_type: dict[str, tuple[EarningRule, ...]] = {}
        for rule in self.earning:
            by_type[rule.on] = (*by_type.get(rule.on, ()), rule)
        object.__setattr__(self, "rules_by_type", MappingProxyType(by_type))
