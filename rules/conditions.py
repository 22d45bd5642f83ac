"""CEL expressions as people say them every day: comparisons joined by "and" or by "or", amounts by factor or by case.

An expression of another form is none of these, and is shown as it is. Nothing is evaluated here.
"""

import re
from typing import Literal, NamedTuple


class Comparison(NamedTuple):
    """`data.<field>` with a value, which is the text between quotes or the number as it is written; "" for `has`.

    `operator` is ==, !=, >=, >, <=, <, contains, startsWith or has.
    """

    field: str
    operator: str
    value: str


class Comparisons(NamedTuple):
    joined: Literal["all", "any"]
    parts: tuple[Comparison, ...]


class Factor(NamedTuple):
    """`factor` (as it is written) for each of `data.<field>`."""

    field: str
    factor: str


class Cases(NamedTuple):
    """The amount of the first case whose comparison holds, else `otherwise`."""

    cases: tuple[tuple[Comparison, int], ...]
    otherwise: int


_FIELD = r"data\.([A-Za-z_]\w*)"
_TEXT = r"'([^'\\]*)'|\"([^\"\\]*)\""
_COMPARISON = re.compile(
    rf"\s*(?:{_FIELD}\s*(==|!=|>=|>|<=|<)\s*(?:(-?\d+(?:\.\d+)?|true|false)|{_TEXT})"
    rf"|{_FIELD}\.(contains|startsWith)\(\s*(?:{_TEXT})\s*\)"
    rf"|(has)\(\s*{_FIELD}\s*\))\s*",
    re.ASCII,
)
_FACTOR = re.compile(rf"\s*double\(\s*{_FIELD}\s*\)\s*\*\s*(\d+\.\d+)\s*\Z", re.ASCII)
_FIELD_ALONE = re.compile(rf"\s*{_FIELD}\s*\Z", re.ASCII)
_AMOUNT = re.compile(r"\s*(\d+)\s*", re.ASCII)


def comparisons(source: str) -> Comparisons | None:
    """`data.score >= 60 && data.attempt == 1`."""
    parts: list[Comparison] = []
    joined: set[str] = set()
    at = 0
    while found := _COMPARISON.match(source, at):
        parts.append(_comparison(found))
        at = found.end()
        if at == len(source):
            return Comparisons("any" if "||" in joined else "all", tuple(parts)) if len(joined) <= 1 else None
        joined.add(source[at : at + 2])
        if not joined <= {"&&", "||"}:
            return None
        at += 2
    return None


def factor(source: str) -> Factor | None:
    """`double(data.hours) * 2.0`, or `data.hours` alone, whose factor is 1."""
    if alone := _FIELD_ALONE.match(source):
        return Factor(alone[1], "1")
    found = _FACTOR.match(source)
    return None if found is None else Factor(found[1], found[2])


def cases(source: str) -> Cases | None:
    """`data.position == 1 ? 5 : data.position == 2 ? 3 : 2`."""
    found: list[tuple[Comparison, int]] = []
    at = 0
    while compared := _COMPARISON.match(source, at):
        amount = _AMOUNT.match(source, compared.end() + 1)
        if source[compared.end() : compared.end() + 1] != "?" or amount is None or source[amount.end() :][:1] != ":":
            return None
        found.append((_comparison(compared), int(amount[1])))
        at = amount.end() + 1
    last = _AMOUNT.fullmatch(source, at)
    return Cases(tuple(found), int(last[1])) if found and last else None


def _comparison(found: re.Match[str]) -> Comparison:
    field, operator, plain, single, double, in_text, function, text, other_text, has, there = found.groups()
    if has:
        return Comparison(there, "has", "")
    if function:
        return Comparison(in_text, function, text if text is not None else other_text)
    value = next(each for each in (plain, single, double, "") if each is not None)
    return Comparison(field, operator, value)
