"""What a certificate asks for: one tree of conditions over facts.

A node is a group (`all`, `any`, `at_least` n `of`, `not`) or a fact. `FACTS` is the closed list of facts
with the members that each of them takes; whoever evaluates a tree finds the same names in `Fact`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from marshmallow import ValidationError

from pointsbank.saying import Said, say
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
UNITS = ("credits", "flowers")
SCORES = ("sum", "mean")
ATTENDANCE = "attendance"
"""What the types of attendance events begin with, unless a criterion says otherwise."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a fact is looked for; `key` is that of the course or of the programme's phase."""

    kind: Literal["company", "programme", "course", "phase"]
    key: str | None = None

    def __str__(self) -> str:
        return self.kind if self.key is None else f"{self.kind}:{self.key}"


@dataclass(frozen=True, slots=True)
class Fact:
    """A leaf. Members that its fact does not take are None.

    `at_least` is an amount (credits, flowers: smallest part), a score (passed; None: as `rules.facts.wanted` has
    it), per cent of sessions (attendance), a count (match_won, award, events) or a sum (events with `sum`);
    `at_most` a rank (team_rank), from 1. `key` is a match's (match_won) or a certificate's (certificate); `role`
    that of the awarder (award). `type` is an event's; of attendance, what its event types begin with. `sum` names
    a member of the events' data; `unit` and `score` are those of the team board.
    """

    fact: FactName
    scope: Scope | None = None
    at_least: float | None = None
    at_most: int | None = None
    key: str | None = None
    type: str | None = None
    role: str | None = None
    sum: str | None = None
    unit: Literal["credits", "flowers"] | None = None
    score: Literal["sum", "mean"] | None = None


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
            raise ValidationError(say("must be a whole number of at least %(least)s", least=minimum))
        return value

    return read


def _number(maximum: float = MAX_REQUIRED, above: bool = False) -> Callable[[Any], float]:
    """From 0, or above it, to the maximum."""

    def fault() -> Said:
        if above:
            return say("must be a number above 0")
        return say("must be a number from 0") if maximum == MAX_REQUIRED else say("must be a number from 0 to 100")

    def read(value: Any) -> float:
        if type(value) not in (int, float) or not 0 <= value <= maximum or (above and value == 0):
            raise ValidationError(fault())
        return float(value) if type(value) is float else int(value)

    return read


_SHOWN = {
    "company": '"company"',
    "programme": '"programme"',
    "course": '"course:" and a course\'s id',
    "phase": '"phase:" and the key of a phase of the programme',
}


def _scope(*kinds: Literal["company", "programme", "course", "phase"]) -> Callable[[Any], Scope]:
    shown = " or ".join(_SHOWN[kind] for kind in kinds)

    def read(value: Any) -> Scope:
        if isinstance(value, str):
            for kind in kinds:
                if kind in ("company", "programme"):
                    if value == kind:
                        return Scope(kind)
                elif value.startswith(f"{kind}:") and is_key(key := value.removeprefix(f"{kind}:")):
                    return Scope(kind, key)
        raise ValidationError(say("must be %(shown)s", shown=shown))

    return read


def _key(value: Any) -> str:
    if not is_key(value):
        raise ValidationError(say("must be an id: text of 1 to 128 characters without '/' and control characters"))
    return str(value)


def _event_type(value: Any) -> str:
    if not isinstance(value, str) or not value or len(value) > MAX_TYPE_LENGTH:
        raise ValidationError(say("must be an event type: text of 1 to %(most)s characters", most=MAX_TYPE_LENGTH))
    return value


def _one_of(choices: tuple[str, ...]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in choices:
            raise ValidationError(say("must be one of %(choices)s", choices=", ".join(choices)))
        return str(value)

    return read


def _name(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TYPE_LENGTH:
        raise ValidationError(
            say("must be the name of a member of the event's data, of 1 to %(most)s characters", most=MAX_TYPE_LENGTH)
        )
    return value


_ANYWHERE = Member(_scope("programme", "course"), required=False, default=Scope("programme"))
_ONCE = Member(_whole(1), required=False, default=1)
_ANY_TYPE = Member(_event_type, required=False)

FACTS: Mapping[str, Mapping[str, Member]] = {
    "credits": {"in": Member(_scope("programme", "company", "phase")), "at_least": Member(_whole(0))},
    "flowers": {"in": Member(_scope("course", "programme")), "at_least": Member(_whole(0))},
    "passed": {
        "in": Member(_scope("course")),
        "at_least": Member(_number(above=True), required=False),
        "type": _ANY_TYPE,
    },
    "attendance": {
        "in": Member(_scope("programme", "course")),
        "at_least": Member(_number(100)),
        "type": Member(_event_type, required=False, default=ATTENDANCE),
    },
    "team_rank": {
        "in": Member(_scope("programme", "course")),
        "at_most": Member(_whole(1)),
        "unit": Member(_one_of(UNITS), required=False, default="credits"),
        "score": Member(_one_of(SCORES), required=False, default="sum"),
    },
    "match_won": {"key": Member(_key, required=False), "at_least": _ONCE},
    "award": {"in": _ANYWHERE, "role": Member(_one_of(ROLES), required=False), "at_least": _ONCE},
    "events": {
        "type": Member(_event_type),
        "in": _ANYWHERE,
        "at_least": Member(_number(above=True)),
        "sum": Member(_name, required=False),
    },
    "certificate": {"key": Member(_key)},
}


def parse_criterion(node: object, depth: int = MAX_CRITERIA_DEPTH) -> Criterion:
    """A node of the document; raises ValidationError whose messages are nested like the document."""
    if not isinstance(node, dict):
        raise ValidationError(say("must be an object: a group (all, any, at_least with of, not) or a fact"))
    if depth < 1:
        raise ValidationError(say("criteria are nested more than %(most)s deep", most=MAX_CRITERIA_DEPTH))
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
        say('must be one of {"all": […]}, {"any": […]}, {"at_least": n, "of": […]}, {"not": …}, {"fact": …}')
    )


def facts_in(criterion: Criterion) -> Iterator[Fact]:
    """Every leaf, in the document's order."""
    if isinstance(criterion, Fact):
        yield criterion
    else:
        for part in criterion.of:
            yield from facts_in(part)


def _parse_at_least(node: Mapping[str, Any], depth: int) -> Group:
    faults: dict[str, Any] = {}
    of: tuple[Criterion, ...] = ()
    try:
        of = _parse_list(node["of"], "of", depth)
    except ValidationError as error:
        faults |= error.messages_dict
    count = node["at_least"]
    most = len(node["of"]) if isinstance(node["of"], list) else MAX_CRITERIA_IN_GROUP
    if type(count) is int and count > most:
        unreachable = say(
            "can never be reached: %(count)s of %(most)s criteria; ask for at most %(most)s", count=count, most=most
        )
        faults["at_least"] = [unreachable]
    elif type(count) is not int or count < 1:
        faults["at_least"] = [say("must be a whole number from 1 to %(most)s, the number of criteria", most=most)]
    if faults:
        raise ValidationError(faults)
    return Group("at_least", of, count)


def _parse_list(nodes: object, member: str, depth: int) -> tuple[Criterion, ...]:
    if not isinstance(nodes, list) or not 1 <= len(nodes) <= MAX_CRITERIA_IN_GROUP:
        raise ValidationError({member: [say("must be a list of 1 to %(most)s criteria", most=MAX_CRITERIA_IN_GROUP)]})
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
        raise ValidationError({"fact": [say("is unknown; there are %(known)s", known=", ".join(FACTS))]})
    faults: dict[str, list[Any]] = {
        name: [say("is not a member of the fact %(fact)s; it takes %(known)s", fact=fact, known=", ".join(members))]
        for name in node
        if name != "fact" and name not in members
    }
    values: dict[str, Any] = {}
    for name, member in members.items():
        if name not in node:
            values[name] = member.default
            if member.required:
                faults[name] = [say("is required")]
            continue
        try:
            values[name] = member.read(node[name])
        except ValidationError as error:
            faults[name] = list(error.messages)
    if not faults:
        faults = _faults_together(fact, values)
    if faults:
        raise ValidationError(dict(faults))
    scope = values.pop("in", None)
    return Fact(node["fact"], scope=scope, **values)


def _faults_together(fact: str, values: Mapping[str, Any]) -> dict[str, list[Any]]:
    """What is wrong with members that are right one by one."""
    at_least = values.get("at_least")
    if fact == "events" and values["sum"] is None and type(at_least) is not int:
        wrong = say("must be a whole number of at least 1: events are counted; name what to add up in sum")
        return {"at_least": [wrong]}
    if fact == "match_won" and values["key"] is not None and at_least != 1:
        return {"at_least": [say("can never be reached: one match is won once; leave at_least out, or key")]}
    return {}
