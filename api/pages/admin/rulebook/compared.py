"""What differs between two documents, rule by rule: what each said and says in words, and what of the JSON it is."""

from dataclasses import dataclass, field
from typing import Any

import orjson
from flask_babel import gettext as _

from api.pages.admin.rulebook.ground import Ground, names_of_rules
from rules.differences import Difference, compare

MAX_SHOWN_CHARACTERS = 300
"""Of a value."""


@dataclass(slots=True)
class Part:
    """A rule, a certificate or the conversion that differs; `before` and `after` are in words, "" for what is not."""

    section: str
    name: str
    change: str
    before: str = ""
    after: str = ""
    values: list[tuple[str, str, str]] = field(default_factory=list)
    """Path, and the JSON before and after."""

    def told(self) -> dict[str, Any]:
        return {"section": self.section, "name": self.name, "change": self.change, "after": self.after}


def compared(on: Ground, before: dict[str, Any], after: dict[str, Any]) -> list[Part]:
    was, now = on.in_words(before), on.in_words(after)
    names = names_of_rules(after, before)
    parts: dict[tuple[str, str | None], Part] = {}
    for each in compare(before, after):
        part = parts.get((each.section, each.rule))
        if part is None:
            part = parts[each.section, each.rule] = Part(
                each.section, _name(each, names), _change(each), *_said(each, before, after, was, now)
            )
        part.values.append((each.path, _json(each.before), _json(each.after)))
    return list(parts.values())


def _name(each: Difference, names: dict[str, str]) -> str:
    return str(_("Conversion")) if each.rule is None else names[each.rule]


def _change(each: Difference) -> str:
    """Of the whole part, whatever of it the first difference is."""
    return each.change if each.path.count(".") == 0 else "changed"


def _said(
    each: Difference, before: dict[str, Any], after: dict[str, Any], was: dict[str, str], now: dict[str, str]
) -> tuple[str, str]:
    return was.get(_path(each, before), ""), now.get(_path(each, after), "")


def _path(each: Difference, document: dict[str, Any]) -> str:
    """Of the part in this document."""
    if each.rule is None:
        return each.section
    keys = [part["key"] for part in document.get(each.section) or ()]
    return f"{each.section}[{keys.index(each.rule)}]" if each.rule in keys else ""


def _json(value: Any) -> str:
    text = "" if value is None else orjson.dumps(value).decode()
    return text if len(text) <= MAX_SHOWN_CHARACTERS else text[: MAX_SHOWN_CHARACTERS - 1] + "…"
