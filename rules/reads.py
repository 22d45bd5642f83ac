"""What a CEL expression reads, found by looking at its words.

The compiler tells names but not which fields of `data` follow them. This scan does, and is careful: where a
use of `data` is anything but `data.<field>`, the expression is taken to read all of it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MACROS = frozenset(("all", "exists", "exists_one", "existsOne", "map", "filter"))
_ROOTS = frozenset(("data", "type", "source", "time"))
_CONSTANTS = frozenset(("true", "false", "null", "in"))
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_TOKEN = re.compile(
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
    """

    fields: frozenset[str]
    whole_data: bool
    variables: tuple[str, ...]
    bound: frozenset[str]
    unbound: frozenset[str]
    nested_macros: int


def find_reads(source: str) -> Reads:
    """What an expression that compiles reads."""
    tokens = [*_tokens(source), "", "", ""]
    fields: set[str] = set()
    roots: set[str] = set()
    bound: set[str] = set()
    unbound: set[str] = set()
    whole_data = False
    nested = 0
    # For each bracket that is open, the variable that its macro binds, or "".
    scopes: list[str] = []
    for at, token in enumerate(tokens):
        before, after = tokens[at - 1] if at else "", tokens[at + 1] if at + 1 < len(tokens) else ""
        if token and token in "([{":
            variable = _macro_variable(tokens, at)
            scopes.append(variable)
            bound.add(variable)
            nested = max(nested, sum(map(bool, scopes)))
        elif token and token in ")]}":
            if scopes:
                scopes.pop()
        elif not _NAME.match(token) or before == "." or after == "(" or token in _CONSTANTS:
            continue
        elif token == "data":
            if after == "." and _NAME.match(tokens[at + 2]) and tokens[at + 3] != "(":
                fields.add(tokens[at + 2])
            else:
                whole_data = True
        elif token in _ROOTS:
            roots.add(token)
        elif token not in scopes:
            unbound.add(token)
    bound.discard("")
    return Reads(frozenset(fields), whole_data, tuple(sorted(roots)), frozenset(bound), frozenset(unbound), nested)


def _macro_variable(tokens: list[str], bracket: int) -> str:
    """The name that a macro binds whose arguments open at this bracket, or ""."""
    if bracket >= 2 and tokens[bracket] == "(" and tokens[bracket - 1] in MACROS and tokens[bracket - 2] == ".":
        variable = tokens[bracket + 1]
        if tokens[bracket + 2] == "," and _NAME.match(variable):
            return variable
    return ""


def _tokens(source: str) -> Iterator[str]:
    for match in _TOKEN.finditer(source):
        if match.lastgroup != "skip":
            # A text is never read, only stepped over.
            yield '"' if match.lastgroup == "text" else match[0]
