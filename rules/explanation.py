"""Why a learner qualifies, or what is missing: a tree of criteria with what was found for each of them.

Nothing here asks the database. A leaf that asks for `at_least` n of something is missing what has to be added to
what was found; one that asks for `at_most` n, by how much it has to fall. So a leaf holds if and only if nothing
is missing, and adding precisely what is missing makes it hold, while one less does not (amounts and counts have
steps of 1, scores and sums any). A group counts its criteria: `required` are those that have to hold (none for
`not`), `found` those that do.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

from ledger.identity import entry_id
from rules import wording
from rules.criteria import Criterion, Fact, Group
from rules.wording import Language, Names

PASS_SCORE = 60
"""With which a course is passed, unless the criterion names another score or the event says so itself."""

MAX_ENTRIES_SHOWN = 100
"""Of a leaf, in JSON: the last ones in the order of the journal."""

Number = int | Decimal
State = Literal["held", "qualified", "short", "expired", "revoked"]


@dataclass(frozen=True, slots=True)
class Found:
    """What there is of a fact: `value` is None if there is nothing to be measured (no score, no team).

    `entries` are the numbers of those it rests on, in the order of the journal. `out_of` is how many sessions there
    were (attendance), `state` how the certificate stands (certificate).
    """

    value: Number | None = 0
    entries: Sequence[int] = ()
    out_of: int | None = None
    state: State | None = None


NOTHING = Found()
NO_SCORE = Found(None)


@dataclass(frozen=True, slots=True)
class Explanation:
    """One criterion, judged. `missing` is None where no number would do: a learner without a team has no rank."""

    criterion: Criterion
    required: Number
    found: Number | None
    missing: Number | None
    what: Found
    of: tuple["Explanation", ...]
    names: Names

    @property
    def holds(self) -> bool:
        return self.missing == 0

    def entries(self) -> set[int]:
        """Numbers of all entries that the answer rests on: if it is yes, those of the criteria that make it so."""
        found = set(self.what.entries)
        for each in self.of:
            if each.holds or not self.holds or self._is_not():
                found |= each.entries()
        return found

    def in_words(self, language: Language) -> str:
        """One sentence: what holds, or all that is missing."""
        return wording.explained(self, language)

    def as_json(self, company_id: int | None) -> dict[str, Any]:
        """As the API shows it; without a company, entries are their numbers: the form to be kept, see `with_ids`."""
        shown = self.what.entries[-MAX_ENTRIES_SHOWN:]
        return {
            **members(self.criterion),
            "required": _json(self.required),
            "found": _json(self.found),
            "missing": _json(self.missing),
            "holds": self.holds,
            **({} if self.what.out_of is None else {"sessions": self.what.out_of}),
            **({} if self.what.state is None else {"state": self.what.state}),
            "entries": [number if company_id is None else entry_id(company_id, number) for number in shown],
            "entries_total": len(self.what.entries),
            "words": {language: self.in_words(language) for language in wording.LANGUAGES},
            "of": [each.as_json(company_id) for each in self.of],
        }

    def _is_not(self) -> bool:
        return isinstance(self.criterion, Group) and self.criterion.op == "not"


def with_ids(kept: Mapping[str, Any], company_id: int) -> dict[str, Any]:
    """What `as_json(None)` gave, as the API shows it."""
    return {
        **kept,
        "entries": [entry_id(company_id, number) for number in kept["entries"]],
        "of": [with_ids(each, company_id) for each in kept["of"]],
    }


def explain(criterion: Criterion, find: Callable[[Fact], Found], names: Names) -> Explanation:
    """Judges the whole tree, also where a part would do: who asks wants to know everything."""
    if isinstance(criterion, Fact):
        what = find(criterion)
        required = _required(criterion, what)
        return Explanation(criterion, required, what.value, _missing(criterion, required, what.value), what, (), names)
    of = tuple([explain(each, find, names) for each in criterion.of])
    holding = sum(each.holds for each in of)
    if criterion.op == "not":
        return Explanation(criterion, 0, holding, holding, NOTHING, of, names)
    required = {"all": len(of), "any": 1, "at_least": criterion.count or 0}[criterion.op]
    return Explanation(criterion, required, holding, max(0, required - holding), NOTHING, of, names)


def _required(fact: Fact, what: Found) -> Number:
    if fact.at_most is not None:
        return fact.at_most
    if fact.fact == "attendance":
        # Of no session nobody can have attended enough: at least one has to be held.
        return math.ceil(Fraction(str(fact.at_least)) * max(1, what.out_of or 0) / 100)
    if fact.at_least is None:
        return PASS_SCORE if fact.fact == "passed" else 1
    return fact.at_least if isinstance(fact.at_least, int) else Decimal(str(fact.at_least))


def _missing(fact: Fact, required: Number, found: Number | None) -> Number | None:
    if fact.at_most is None:
        return max(0, required - (found or 0))
    return None if found is None else max(0, found - required)


def members(criterion: Criterion) -> dict[str, Any]:
    """What the criterion is, as in the rulebook: `op`, or `fact` with the members that tell what is asked for."""
    if isinstance(criterion, Group):
        return {"op": criterion.op}
    found: dict[str, Any] = {"fact": criterion.fact}
    if criterion.scope is not None:
        found["in"] = str(criterion.scope)
    for name in ("key", "type", "role", "sum", "unit", "score", "at_least", "at_most"):
        value = getattr(criterion, name)
        if value is not None:
            found[name] = value
    return found


def _json(number: Number | None) -> float | None:
    """A whole number as one; any other is right to the 15 digits that JSON's readers keep."""
    if number is None or isinstance(number, int):
        return number
    return int(number) if number == number.to_integral_value() else float(number)
