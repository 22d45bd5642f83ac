"""What differs between two versions of a rulebook: by section and rule, with paths, values and a line in words."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

import orjson

MAX_SHOWN_CHARACTERS = 200
"""Of a value in words; the whole of it stands beside."""

_NAMES = {"earning": "Rule", "certificates": "Certificate"}
_ABSENT = object()


class Difference(NamedTuple):
    """`path` is into the later document, or, for what is gone, into the earlier one. `rule` is the key of the rule or
    certificate; conversion has none. What was not there before, or is not there any more, is None.
    """

    section: str
    rule: str | None
    change: Literal["added", "removed", "changed"]
    path: str
    before: Any
    after: Any
    in_words: str


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Rules and certificates are found again by their keys; in which order they stand makes no difference."""
    return [
        *_keyed("earning", before, after),
        *_parts(
            "conversion", None, "Conversion", "conversion", _given(before, "conversion"), _given(after, "conversion")
        ),
        *_keyed("certificates", before, after),
    ]


def _given(document: Mapping[str, Any], member: str) -> Any:
    value = document.get(member)
    return _ABSENT if value is None else value


def _keyed(section: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    old = {rule["key"]: (index, rule) for index, rule in enumerate(before.get(section) or ())}
    new = {rule["key"]: (index, rule) for index, rule in enumerate(after.get(section) or ())}
    for key in dict.fromkeys([*new, *old]):
        index, _ = new.get(key) or old[key]
        name = f'{_NAMES[section]} "{key}"'
        was, now = (rules[key][1] if key in rules else _ABSENT for rules in (old, new))
        yield from _parts(section, key, name, f"{section}[{index}]", was, now)


def _parts(section: str, rule: str | None, name: str, path: str, before: Any, after: Any) -> Iterator[Difference]:
    """`name` is what is compared, in words."""
    if _same(before, after):
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for member in dict.fromkeys([*after, *before]):
            was, now = before.get(member, _ABSENT), after.get(member, _ABSENT)
            yield from _parts(section, rule, _within(name, member), f"{path}.{member}", was, now)
    elif isinstance(before, list) and isinstance(after, list):
        for index in range(max(len(before), len(after))):
            was, now = (each[index] if index < len(each) else _ABSENT for each in (before, after))
            yield from _parts(section, rule, f"{name}[{index}]", f"{path}[{index}]", was, now)
    elif before is _ABSENT:
        yield Difference(section, rule, "added", path, None, after, f"{name} is new: {_shown(after)}.")
    elif after is _ABSENT:
        yield Difference(section, rule, "removed", path, before, None, f"{name} is gone; it was {_shown(before)}.")
    else:
        words = f"{name} is {_shown(after)} instead of {_shown(before)}."
        yield Difference(section, rule, "changed", path, before, after, words)


def _same(before: Any, after: Any) -> bool:
    """As JSON: 1, 1.0 and true are equal in Python."""
    if before is _ABSENT or after is _ABSENT:
        return before is after
    return orjson.dumps(before, option=orjson.OPT_SORT_KEYS) == orjson.dumps(after, option=orjson.OPT_SORT_KEYS)


def _within(name: str, member: str) -> str:
    """`Rule "scored": cap.amount`."""
    return f"{name}.{member}" if ": " in name else f"{name}: {member}"


def _shown(value: Any) -> str:
    text = orjson.dumps(value).decode()
    return text if len(text) <= MAX_SHOWN_CHARACTERS else text[: MAX_SHOWN_CHARACTERS - 1] + "…"
