"""What a CEL expression reads, found by looking at its words.

The compiler tells names but not which fields of `data` follow them. This scan does, and is careful: where a
use of `data` is anything but `data.<field>`, the expression is taken to read all of it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

MACROS = frozenset(("all", "exists", "exists_one", "existsOne", "map", "filter"))
_ROOTS = frozenset(("data", "type", "source", "time"))
_CONSTANTS = frozenset(("true", "false", "null", "in"))
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_WORD = re.compile(
    r"""
    (?P<skip>\s+|//[^\n]*)
    |(?P<text>
        (?:[rR][bB]?|[bB][rR])(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"[^"]*"|'[^']*')
        |[bB]?(?:\"{3}(?:\\.|[^\\])*?\"{3}|'{3}(?:\\.|[^\\])*?'{3}|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
    )
    |(?P<number>0[xX][0-9a-fA-F]+[uU]?|(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[uU]?)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<sign>.)
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Reads:
    """`fields` are those of `data`, unless `whole_data`. `variables` are sorted, of type, source and time.

    `bound` are the variables of macros such as `x` in `all(x, …)`; `unbound` are names used outside of the
    macro that binds them, or bound nowhere.

    `growth` is how many times as long as what it is made of a list or a text may become: by `+`, and by each macro
    that puts its variable into a list several times, since it may go over what another macro made.
    `matches_in_macros`: whether `matches` is called for each element of something.
    """

    fields: frozenset[str]
    whole_data: bool
    variables: tuple[str, ...]
    bound: frozenset[str]
    unbound: frozenset[str]
    nested_macros: int
    growth: int
    matches_in_macros: bool


def find_reads(source: str) -> Reads:
    """What an expression that compiles reads."""
    words = [*_words(source), "", "", ""]
    fields: set[str] = set()
    roots: set[str] = set()
    bound: set[str] = set()
    unbound: set[str] = set()
    whole_data = False
    nested = 0
    # For each bracket that is open, the variable that its macro binds, or "".
    scopes: list[str] = []
    for at, word in enumerate(words):
        before, after = words[at - 1] if at else "", words[at + 1] if at + 1 < len(words) else ""
        if word and word in "([{":
            variable = _macro_variable(words, at)
            scopes.append(variable)
            bound.add(variable)
            nested = max(nested, sum(map(bool, scopes)))
        elif word and word in ")]}":
            if scopes:
                scopes.pop()
        elif not _NAME.match(word) or before == "." or after == "(" or word in _CONSTANTS:
            continue
        elif word == "data":
            if after == "." and _NAME.match(words[at + 2]) and words[at + 3] != "(":
                fields.add(words[at + 2])
            else:
                whole_data = True
        elif word in _ROOTS:
            roots.add(word)
        elif word not in scopes:
            unbound.add(word)
    bound.discard("")
    return Reads(
        frozenset(fields),
        whole_data,
        tuple(sorted(roots)),
        frozenset(bound),
        frozenset(unbound),
        nested,
        *_puts_together(words),
    )


def _puts_together(words: list[str]) -> tuple[int, bool]:
    """`growth` and `matches_in_macros`."""
    # How often something is put together outside of macros and in each of them, where the comma behind the variable
    # does not count. `within`: for each bracket that is open, in which of them we are.
    joins = [0]
    within = [0]
    matches = False
    for at, word in enumerate(words):
        if word and word in "([{":
            in_macro = bool(_macro_variable(words, at))
            within.append(len(joins) if in_macro else within[-1])
            joins += [-1] * in_macro
        elif word and word in ")]}" and len(within) > 1:
            within.pop()
        elif word in ("+", ","):
            joins[within[-1]] += _joins(words, at, in_macro=within[-1] > 0)
        elif word == "matches" and within[-1] > 0:
            matches = True
    return prod(max(1, 1 + each) for each in joins), matches


def _joins(words: list[str], at: int, in_macro: bool) -> bool:
    """Whether this `+` or `,` may make something longer by more than is written down.

    Outside of macros a list has as many parts as there are commas, and those are counted as they are.
    """
    word, after, then = words[at : at + 3]
    is_written = after == '"' or after[:1].isdigit() or after in _CONSTANTS
    if word == "+":
        return not is_written
    return in_macro and not (is_written and then in (",", "]"))


def _macro_variable(words: list[str], bracket: int) -> str:
    """The name that a macro binds whose arguments open at this bracket, or ""."""
    if bracket >= 2 and words[bracket] == "(" and words[bracket - 1] in MACROS and words[bracket - 2] == ".":
        variable = words[bracket + 1]
        if words[bracket + 2] == "," and _NAME.match(variable):
            return variable
    return ""


def _words(source: str) -> Iterator[str]:
    for match in _WORD.finditer(source):
        if match.lastgroup != "skip":
            # A text is never read, only stepped over.
            yield '"' if match.lastgroup == "text" else match[0]
