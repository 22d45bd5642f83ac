"""What PostgreSQL's jsonb keeps exactly: text without NUL, numbers within bounds, nesting within a limit.

JSON that passes here is stored as sent. What would be changed or refused on the way down (NUL, half of a
surrogate pair, an integer that turns into a float) is refused here instead, with its path.
"""

import math
import re
from typing import Any

from pointsbank.errors import FieldError
from pointsbank.saying import say

# How deep objects and lists may stand within each other; the outermost object is level 1.
MAX_DEPTH = 16
# Reported faults of one document; whoever sends more has one mistake many times.
MAX_FAULTS = 50
# Integers are those of PostgreSQL's bigint and CEL's int. Parsers turn a longer integer into a float,
# so floats of that size are refused too: nobody can tell them from an integer that lost its last digits.
INTEGER_LIMIT = 2**63

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def is_plain(value: Any, depth: int) -> bool:
    """Whether every number is in bounds and nesting is at most `depth` levels; looks at no text.

    The quick test of the good path: False means only that `unstorable` has to be asked.
    """
    if depth < 1:
        return False
    for item in value.values() if type(value) is dict else value:
        kind = type(item)
        if kind is str or kind is bool or item is None:
            continue
        if kind is int or kind is float:
            if not -INTEGER_LIMIT <= item < INTEGER_LIMIT:
                return False
        elif (kind is not dict and kind is not list) or not is_plain(item, depth - 1):
            return False
    return True


def unstorable(value: Any, path: str, *, max_depth: int = MAX_DEPTH) -> list[FieldError]:
    """Every fault in a parsed JSON value, at most `MAX_FAULTS`, with paths such as `data.scores[2]`."""
    faults: list[FieldError] = []
    _walk(value, path, max_depth, faults)
    return faults


def _walk(value: Any, path: str, depth: int, faults: list[FieldError]) -> None:
    if len(faults) >= MAX_FAULTS:
        return
    if isinstance(value, str):
        if _UNSTORABLE.search(value):
            faults.append((path, say("in text there may be neither NUL (U+0000) nor half of a surrogate pair")))
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int | float):
        _walk_number(value, path, faults)
    elif isinstance(value, dict | list):
        if depth < 1:
            faults.append((path, say("objects and lists are nested too deeply")))
            return
        if isinstance(value, list):
            for index, item in enumerate(value):
                _walk(item, f"{path}[{index}]", depth - 1, faults)
            return
        _walk_members(value, path, depth, faults)
    else:
        faults.append((path, f"{type(value).__name__} is not a JSON value"))


def _walk_members(value: dict[str, Any], path: str, depth: int, faults: list[FieldError]) -> None:
    for key, item in value.items():
        if _UNSTORABLE.search(key):
            wrong = say(
                "in the name %(name)s there may be neither NUL (U+0000) nor half of a surrogate pair", name=ascii(key)
            )
            faults.append((path, wrong))
        else:
            _walk(item, f"{path}.{key}", depth - 1, faults)


def _walk_number(value: float, path: str, faults: list[FieldError]) -> None:
    if not math.isfinite(value):
        faults.append((path, say("must be a finite number")))
    elif not -INTEGER_LIMIT <= value < INTEGER_LIMIT:
        faults.append((path, say("numbers must lie from -2^63 to 2^63 - 1; send a longer one as text")))
