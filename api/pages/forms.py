"""Forms of pages: what was typed stays, and what is wrong stands beside its field, in the page's language."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from flask import request
from flask_babel import gettext

from pointsbank.errors import PointsBankError
from pointsbank.saying import Said

SEEN = "seen"
"""The field with the mark of what the form was made from."""

MOST_BYTES = 2 * 2**20
"""Of a form, unless its view takes more."""

View = TypeVar("View", bound=Callable[..., Any])

_HEAD = re.compile(r"^[^.\[]+")


def takes(most: int) -> Callable[[View], View]:
    """The view's form may bring so many bytes, and no more."""

    def declare(view: View) -> View:
        view.most_bytes = most  # type: ignore[attr-defined]  # a function takes attributes
        return view

    return declare


def most_bytes(view: object) -> int:
    return int(getattr(view, "most_bytes", MOST_BYTES))


def said(message: str) -> str:
    """What the domain says, in the page's language where the catalogue has it."""
    if isinstance(message, Said):
        return str(gettext(message.form, **message.values))
    return message


@dataclass(frozen=True, slots=True)
class Form:
    """`values` as the fields hold them; `faults` by field; `others` belong to no field that there is. `now` is what
    somebody else saved meanwhile in fields where it is not what was typed."""

    values: Mapping[str, str] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    now: Mapping[str, str] = field(default_factory=dict)

    def value(self, name: str) -> str:
        return self.values.get(name, "")

    @property
    def has_faults(self) -> bool:
        return bool(self.faults or self.others or self.now)


def sent() -> Form:
    """What this request brings, without its token; of fields that came more than once the first."""
    return Form({name: value for name, value in request.form.items() if name != "csrf"})


def refused(
    form: Form, error: PointsBankError, fields: Iterable[str], renamed: Mapping[str, str] | None = None
) -> Form:
    """The form once more, with what is wrong. A fault belongs to the field that its path names, or whose name the
    path begins with; `renamed` maps paths to fields. What names none of `fields` stands above the form."""
    known, found, others = set(fields), dict(form.faults), []
    for path, message in error.errors:
        name = (renamed or {}).get(path, path)
        if name not in known and (head := _HEAD.match(name)):
            name = head[0]
        if name not in known:
            others.append(f"{path}: {said(message)}")
        elif name not in found:
            found[name] = said(message)
    if not error.errors:
        others.append(said(error.detail))
    return Form(form.values, found, (*form.others, *others))


def meanwhile(form: Form, now: Mapping[str, str]) -> Form:
    """The form once more, beside what stands there now, so that sending it again is a choice; `now` has a value for
    every field, and the mark of what it was read from."""
    differs = {name: value for name, value in now.items() if name != SEEN and value != form.value(name)}
    return replace(form, values={**form.values, SEEN: now[SEEN]}, now=differs)
