"""Conditions and amounts of rules: CEL expressions, compiled once, given only what they read, and remembered.

Handing CEL an event costs more than computing with it, since every value is converted. So an expression is
first looked through for what it reads (`rules.reads`): `data.score >= 40` is given `score` alone. And since
there are few different scores, results are kept by the values that they follow from.
"""

from datetime import timedelta
from typing import Any

import cel

from pointsbank.saying import say
from rules import syntax
from rules.cloudevent import Event
from rules.errors import ExpressionFailed, ExpressionInvalid
from rules.reads import Reads, find_reads

MAX_EXPRESSION_CHARS = 1000
# `a.all(x, b.exists(y, …))` is two. With the limit on steps it bounds how long an expression can take.
MAX_NESTED_MACROS = 2
# Measured: the core copies a list at each step over it, so n elements take n^2 steps, nested twice n^3,
# and 100,000 steps take some 10 milliseconds.
MAX_MACRO_STEPS = 100_000
# The same where lists or texts are put together, and macros go over what they have become: some 0.3 seconds.
MAX_GROWN_STEPS = 3_000_000
# Of all the texts that macros may make, each put together of what the event has.
MAX_GROWN_CHARS = 32_000_000
# What a pattern may cost in a macro: it is compiled for each element.
MATCH_STEPS = 20
# Results kept per expression: some 3 MB at the very most. When it is full it is emptied.
MAX_REMEMBERED = 10_000
# A longer text is not used as a part of a key, or the memory held would be unbounded.
MAX_REMEMBERED_CHARS = 64

VARIABLES = ("data", "type", "source", "time")
# What the compiler takes; it would notice another name only when an event comes.
FUNCTIONS = frozenset(
    (
        "size",
        "contains",
        "startsWith",
        "endsWith",
        "matches",
        "int",
        "uint",
        "double",
        "string",
        "bytes",
        "type",
        "dyn",
        "duration",
        "timestamp",
        "getFullYear",
        "getMonth",
        "getDate",
        "getDayOfMonth",
        "getDayOfWeek",
        "getDayOfYear",
        "getHours",
        "getMinutes",
        "getSeconds",
        "getMilliseconds",
    )
)
_TYPE_NAMES = frozenset(("bool", "bytes", "double", "int", "list", "map", "null_type", "string", "uint"))

Value = Any
"""What CEL gives: bool, int, float, str, bytes, None, list, dict, datetime or timedelta."""

_Key = tuple[tuple[Any, ...], tuple[type, ...]]
_MISSING = object()
_SMALL = frozenset((bool, int, float))
_KINDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a decimal number",
    str: "text",
    type(None): "null",
    list: "a list",
    dict: "an object",
}


class Expression:
    """One compiled expression; raises ExpressionInvalid with the parser's reason if it does not hold."""

    __slots__ = ("_fields", "_program", "_rememberable", "_remembered", "_variables", "reads", "source")

    def __init__(self, source: str) -> None:
        self.source = source
        self._program = _compile(source)
        self.reads: Reads = find_reads(source)
        _check_names(self._program, self.reads)
        if self.reads.nested_macros > MAX_NESTED_MACROS:
            raise ExpressionInvalid(
                say("nests macros (all, exists, map, filter) more than %(most)s deep", most=MAX_NESTED_MACROS)
            )
        if self.reads.nested_macros and self.reads.growth ** (self.reads.nested_macros + 1) > MAX_GROWN_STEPS:
            raise ExpressionInvalid(
                say("puts lists or texts together, with + or [ , ], in so many macros that they grow beyond measure")
            )
        self._fields = tuple(sorted(self.reads.fields))
        self._variables = self.reads.variables
        # Times hardly ever come again.
        self._rememberable = not self.reads.whole_data and "time" not in self.reads.variables
        self._remembered: dict[_Key, Value] = {}

    def __repr__(self) -> str:
        return f"Expression({self.source!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and other.source == self.source

    def __hash__(self) -> int:
        return hash(self.source)

    def evaluate(self, event: Event) -> Value:
        """Its value for an event; raises ExpressionFailed with the reason in words, naming fields."""
        if not self._rememberable:
            return self._execute(event)
        data = event.data
        values = tuple(map(data.get, self._fields))
        if None in values:
            # A field that is missing is not the same as one that is null.
            values = tuple([data.get(field, _MISSING) for field in self._fields])
        if self._variables:
            values += tuple([getattr(event, name) for name in self._variables])
        # 1, 1.0 and true are equal in Python and differ in CEL.
        key = (values, tuple(map(type, values)))
        try:
            return self._remembered[key]
        except KeyError:
            value = self._execute(event)
            if type(value) in _SMALL and all(map(_is_rememberable, values)):
                self._remember(key, value)
            return value
        except TypeError:
            # A list or an object, which cannot be a part of a key.
            return self._execute(event)

    def _remember(self, key: _Key, value: Value) -> None:
        if len(self._remembered) >= MAX_REMEMBERED:
            self._remembered.clear()
        self._remembered[key] = value

    def _execute(self, event: Event) -> Value:
        data = event.data
        if not self.reads.whole_data:
            data = {field: data[field] for field in self._fields if field in data}
        variables: dict[str, Any] = {name: getattr(event, name) for name in self._variables}
        if variables.get("time", _MISSING) is None:
            raise ExpressionFailed(f"{self.source!r} reads time, and the event has none")
        variables["data"] = data
        if self.reads.nested_macros:
            self._check_steps(data)
        try:
            return self._program.execute(variables)
        except Exception as error:
            # Whatever CEL raises, it is about this event, and the client is told.
            raise ExpressionFailed(f"{self.source!r} has no value: {self._reason(error, data)}") from error
        except BaseException as error:
            # A panic of the Rust core passes by `Exception` so that it is not overlooked; this is looking.
            if type(error).__name__ != "PanicException":
                raise
            raise ExpressionFailed(f"{self.source!r} cannot be computed for this event") from error

    def _check_steps(self, data: dict[str, Any]) -> None:
        # Lists written into the expression count too.
        elements = max(1, _elements(data) + self.source.count(","))
        nested, growth = self.reads.nested_macros, self.reads.growth
        steps = elements ** (nested + 1) * (MATCH_STEPS if self.reads.matches_in_macros else 1)
        grown = elements * growth
        if steps > MAX_MACRO_STEPS or grown ** (nested + 1) > MAX_GROWN_STEPS:
            raise ExpressionFailed(f"{self.source!r} would take too long; the event's lists are too long")
        if _characters(data) * growth * grown**nested > MAX_GROWN_CHARS:
            raise ExpressionFailed(f"{self.source!r} would take too much memory; the event's texts are too long")

    def _reason(self, error: Exception, data: dict[str, Any]) -> str:
        if isinstance(error, KeyError):
            name = str(error.args[0])
            path = f"data.{name}" if name in self._fields and name not in data else name
            return f"{path} is missing"
        if isinstance(error, ZeroDivisionError):
            return f"it divides by zero{self._given(data)}"
        if isinstance(error, OverflowError):
            return f"a number in it becomes too large{self._given(data)}"
        if isinstance(error, IndexError):
            return f"a list in it is too short{self._given(data)}"
        if isinstance(error, TypeError) or str(error).startswith("Undefined"):
            # Known functions are "undefined" for arguments of a wrong type.
            return f"wrong type{self._given(data)}; convert it (double, int, string) or send the right one"
        return f"{str(error).splitlines()[0]}{self._given(data)}"

    def _given(self, data: dict[str, Any]) -> str:
        named = [
            f"data.{field} is {_KINDS.get(type(data[field]), 'something else')}"
            + (f" ({data[field]!r:.40})" if isinstance(data[field], int | float | str) else "")
            for field in self._fields
            if field in data
        ]
        return f", where {', '.join(named)}" if named else ""


def _compile(source: str) -> cel.Program:
    if not source.strip():
        raise ExpressionInvalid(say("must not be empty"))
    if len(source) > MAX_EXPRESSION_CHARS:
        raise ExpressionInvalid(say("must have at most %(most)s characters", most=MAX_EXPRESSION_CHARS))
    try:
        return cel.compile(source)
    except Exception as error:
        # The parser has one kind of error for its users, and it is about the text.
        raise ExpressionInvalid(syntax.in_words(source, str(error))) from error


def _check_names(program: cel.Program, reads: Reads) -> None:
    unknown = {name for name in program.variables() if name not in VARIABLES and name not in _TYPE_NAMES}
    unknown -= reads.bound
    if unknown or reads.unbound - _TYPE_NAMES:
        name = min(unknown or reads.unbound - _TYPE_NAMES)
        known = ", ".join(VARIABLES)
        raise ExpressionInvalid(
            say("reads %(name)s, which is unknown; there are %(known)s", name=repr(name), known=known)
        )
    if shadowed := reads.bound & {*VARIABLES, *_TYPE_NAMES}:
        raise ExpressionInvalid(
            say("uses %(name)s as the variable of a macro; call it x, say", name=repr(min(shadowed)))
        )
    functions = {name for name in program.functions() if name.isidentifier() and not name.startswith("_")}
    if undefined := functions - FUNCTIONS:
        known = ", ".join(sorted(FUNCTIONS))
        raise ExpressionInvalid(
            say("calls %(name)s, which is unknown; there are %(known)s", name=repr(min(undefined)), known=known)
        )


def _is_rememberable(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= MAX_REMEMBERED_CHARS
    # 0.0 == -0.0, but one divided by them is not the same.
    return type(value) is not float or value != 0


def _elements(value: object) -> int:
    if isinstance(value, dict):
        return len(value) + sum(_elements(item) for item in value.values())
    if isinstance(value, list):
        return len(value) + sum(_elements(item) for item in value)
    return 0


def _characters(value: object) -> int:
    if isinstance(value, dict):
        return sum(len(name) + _characters(item) for name, item in value.items())
    if isinstance(value, list):
        return sum(map(_characters, value))
    return len(value) if isinstance(value, str) else 0


def is_number(value: Value) -> bool:
    """Whether CEL gave a number; true and false are none, and a duration is none."""
    return isinstance(value, int | float) and not isinstance(value, bool | timedelta)
