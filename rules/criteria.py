"""What a certificate asks for: one tree of conditions over facts.

A node is a group (`all`, `any`, `at_least` n `of`, `not`) or a fact. `FACTS` is the closed list of facts
with the members that each of them takes; whoever evaluates a tree finds the same names in `Fact`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from marshmallow import ValidationError

from rules.cloudevent import MAX_TYPE_LENGTH, is_key

# A tree that a person can still read.
MAX_CRITERIA_DEPTH = 8
MAX_CRITERIA_IN_GROUP = 50
# No programme gives more of anything; also keeps sums far within a bigint.
MAX_REQUIRED = 2**53 - 1

FactName = Literal[
    "credits", "flowers", "passed", "attendance", "team_rank", "match_won", "award", "events", "certificate"
]
ROLES = ("trainer", "mentor", "committee")
_COURSE = "course:"


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a fact is looked for; `course` is the course's key when `kind` is course."""

    kind: Literal["company", "programme", "course"]
    course: str | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """A leaf. Members that its fact does not take are None.

    `at_least` is an amount (credits, flowers: smallest part), a score (passed), per cent of sessions
    (attendance) or a count (match_won, award, events); `at_most` a rank (team_rank), from 1.
    `key` is a match's (match_won) or a certificate's (certificate); `role` that of the awarder (award).
    """

    fact: FactName
    scope: Scope | None = None
    at_least: float | None = None
    at_most: int | None = None
    key: str | None = None
    type: str | None = None
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """`count` is how many of `of` must hold: set for op at_least alone. `not` has one criterion."""

    op: Literal["all", "any", "at_least", "not"]
    of: tuple["Criterion", ...]
    count: int | None = None


Criterion = Fact | Group


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a fact: how it is read, and what it is when left out (`required` has no such value)."""

    read: Callable[[Any], Any]
    required: bool = True
    default: Any = None


def _whole(minimum: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if type(value) is not int or not minimum <= value <= MAX_REQUIRED:
            raise ValidationError(f"must be a whole number of at least {minimum}")
        return value

    return read


def _number(maximum: float | None = None) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        if type(value) not in (int, float) or not 0 <= value <= (MAX_REQUIRED if maximum is None else maximum):
            raise ValidationError("must be a number from 0" + ("" if maximum is None else f" to {maximum:g}"))
        return float(value) if type(value) is float else int(value)

    return read


def _scope(*kinds: str) -> Callable[[Any], Scope]:
    shown = " or ".join('"course:" and a course\'s id' if kind == "course" else f'"{kind}"' for kind in kinds)

    def read(value: Any) -> Scope:
        if isinstance(value, str):
            if value in kinds and value != "course":
                return Scope("company" if value == "company" else "programme")
            if "course" in kinds and value.startswith(_COURSE) and is_key(value.removeprefix(_COURSE)):
                return Scope("course", value.removeprefix(_COURSE))
        raise ValidationError(f"must be {shown}")

    return read


def _key(value: Any) -> str:
    if not is_key(value):
        raise ValidationError("must be an id: text of 1 to 128 characters without '/' and control characters")
    return str(value)


def _event_type(value: Any) -> str:
    if not isinstance(value, str) or not value or len(value) > MAX_TYPE_LENGTH:
        raise ValidationError(f"must be an event type: text of 1 to {MAX_TYPE_LENGTH} characters")
    return value


def _role(value: Any) -> str:
    if value not in ROLES:
        raise ValidationError(f"must be one of {', '.join(ROLES)}")
    return str(value)


_ANYWHERE = Member(_scope("programme", "course"), required=False, default=Scope("programme"))
_ONCE = Member(_whole(1), required=False, default=1)

FACTS: Mapping[str, Mapping[str, Member]] = {
    "credits": {"in": Member(_scope("programme", "company")), "at_least": Member(_whole(0))},
    "flowers": {"in": Member(_scope("course")), "at_least": Member(_whole(0))},
    "passed": {"in": Member(_scope("course")), "at_least": Member(_number(), required=False)},
    "attendance": {"in": Member(_scope("programme", "course")), "at_least": Member(_number(100))},
    "team_rank": {"in": Member(_scope("programme", "course")), "at_most": Member(_whole(1))},
    "match_won": {"key": Member(_key, required=False), "at_least": _ONCE},
    "award": {"in": _ANYWHERE, "role": Member(_role, required=False), "at_least": _ONCE},
    "events": {"type": Member(_event_type), "in": _ANYWHERE, "at_least": Member(_whole(1))},
    "certificate": {"key": Member(_key)},
}


def parse_criterion(node: object, depth: int = MAX_CRITERIA_DEPTH) -> Criterion:
    """A node of the document; raises ValidationError whose messages are nested like the document."""
    if not isinstance(node, dict):
        raise ValidationError("must be an object: a group (all, any, at_least with of, not) or a fact")
    if depth < 1:
        raise ValidationError(f"criteria are nested more than {MAX_CRITERIA_DEPTH} deep")
    if "fact" in node:
        return _parse_fact(node)
    if node.keys() in ({"all"}, {"any"}):
        op: Literal["all", "any"] = "all" if "all" in node else "any"
        return Group(op, _parse_list(node[op], op, depth))
    if node.keys() == {"not"}:
        return Group("not", (_nested("not", node["not"], depth),))
    if node.keys() == {"at_least", "of"}:
        return _parse_at_least(node, depth)
    raise ValidationError(
        'must be one of {"all": […]}, {"any": […]}, {"at_least": n, "of": […]}, {"not": …}, {"fact": …}'
    )


def facts_in(criterion: Criterion) -> Iterator[Fact]:
    """Every leaf, in the document's order."""
    if isinstance(criterion, Fact):
        yield criterion
    else:
        for part in criterion.of:
            yield from facts_in(part)


def _parse_at_least(node: Mapping[str, Any], depth: int) -> Group:
    of = _parse_list(node["of"], "of", depth)
    count = node["at_least"]
    if type(count) is not int or not 1 <= count <= len(of):
        raise ValidationError({"at_least": [f"must be a whole number from 1 to {len(of)}, the number of criteria"]})
    return Group("at_least", of, count)


def _parse_list(nodes: object, member: str, depth: int) -> tuple[Criterion, ...]:
    if not isinstance(nodes, list) or not 1 <= len(nodes) <= MAX_CRITERIA_IN_GROUP:
        raise ValidationError({member: [f"must be a list of 1 to {MAX_CRITERIA_IN_GROUP} criteria"]})
    parsed: list[Criterion] = []
    faults: dict[int, Any] = {}
    for index, node in enumerate(nodes):
        try:
            parsed.append(parse_criterion(node, depth - 1))
        except ValidationError as error:
            faults[index] = error.messages
    if faults:
        raise ValidationError({member: faults})
    return tuple(parsed)


def _nested(member: str, node: object, depth: int) -> Criterion:
    try:
        return parse_criterion(node, depth - 1)
    except ValidationError as error:
        raise ValidationError({member: error.messages}) from error


def _parse_fact(node: Mapping[str, Any]) -> Fact:
    fact = node["fact"]
    members = FACTS.get(fact) if isinstance(fact, str) else None
    if members is None:
        raise ValidationError({"fact": [f"is unknown; there are {', '.join(FACTS)}"]})
    faults: dict[str, list[Any]] = {
        name: [f"is not a member of the fact {fact}; it takes {', '.join(members)}"]
        for name in node
        if name != "fact" and name not in members
    }
    values: dict[str, Any] = {}
    for name, member in members.items():
        if name not in node:
            values[name] = member.default
            if member.required:
                faults[name] = ["is required"]
            continue
        try:
            values[name] = member.read(node[name])
        except ValidationError as error:
            faults[name] = list(error.messages)
    if faults:
        raise ValidationError(dict(faults))
    scope = values.pop("in", None)
    return Fact(node["fact"], scope=scope, **values)
