"""What is wrong with the writing of an expression, in words for whoever wrote it: the parser speaks to programmers.

The parser's own words stay where there are no better ones.
"""

import re

from pointsbank.saying import Said, say

# Of what the parser says; it may repeat the expression.
MAX_REASON_CHARS = 300

_FAULT = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")
_UNEXPECTED = re.compile(
    r"Syntax error: (?:(?:mismatched|extraneous) input|token recognition error at:|no viable alternative at input) "
    r"'(.+?)\s*'?(?: expecting .*)?\Z"
)
_MISSING = re.compile(r"Syntax error: missing ('.') at '<EOF>'")
_INSTEAD = {
    "=": "==",
    "&": "&&",
    "and": "&&",
    "且": "&&",
    "|": "||",
    "or": "||",
    "或": "||",
    "not": "!",
    "≥": ">=",
    "≤": "<=",
    "≠": "!=",
    "×": "*",
    "÷": "/",
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
    "，": ",",
    "（": "(",
    "）": ")",
    "：": ":",
    "？": "?",
}
"""What people write for a sign of CEL, and the sign."""
_SPLIT = {("=", "<"), ("=", ">"), ("=", "!"), ("=", "=")}
"""A sign with a space within."""


def in_words(source: str, said: str) -> Said:
    """The first fault that tells what to do; `said` is the parser's message."""
    faults = _FAULT.findall(said)
    if any("Recursion limit" in what for _, _, what in faults):
        return say("nests brackets too deeply")
    syntax = [each for each in faults if each[2].startswith("Syntax error")]
    line, column, what = next(iter(syntax or faults), ("1", "1", said[:MAX_REASON_CHARS]))
    at = sum(len(each) + 1 for each in source.split("\n")[: int(line) - 1]) + int(column)
    before = source[: at - 1].rstrip()[-1:]
    if missing := _MISSING.match(what):
        return say("is not a CEL expression: at its end %(what)s is missing", what=missing[1])
    if "'<EOF>'" in what:
        return say("is not a CEL expression: it ends too soon")
    unexpected = _UNEXPECTED.match(what)
    if unexpected is None:
        reason = f"{line}:{column}: {what}" if faults else what
        return say("is not a CEL expression: %(reason)s", reason=reason[:MAX_REASON_CHARS])
    return _unexpected(unexpected[1][:MAX_REASON_CHARS], at, before)


def _unexpected(what: str, at: int, before: str) -> Said:
    """`before` is the character before it."""
    if what in _INSTEAD and (what, before) not in _SPLIT:
        return say(
            "is not a CEL expression: at character %(at)s write %(instead)s instead of %(what)s",
            at=at,
            instead=_INSTEAD[what],
            what=what,
        )
    if what[0] in "'\"":
        return say("is not a CEL expression: at character %(at)s a text has no end, or is not expected", at=at)
    return say("is not a CEL expression: at character %(at)s %(what)s is not expected", at=at, what=what)
