"""Forms of pages: what was typed stays, and what is wrong stands beside its field, in the page's language."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from flask import request
from flask_babel import gettext

from pointsbank.errors import PointsBankError
from pointsbank.saying import Said

_HEAD = re.compile(r"^[^.\[]+")


def said(message: str) -> str:
    """What the domain says, in the page's language where the catalogue has it."""
    if isinstance(message, Said):
        return str(gettext(message.form, **message.values))
    return message


@dataclass(frozen=True, slots=True)
class Form:
    """`values` as the fields hold them; `faults` by field; `others` belong to no field that there is."""

    values: Mapping[str, str] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)
    others: tuple[str, ...] = ()

    def value(self, name: str) -> str:
        return self.values.get(name, "")

    @property
    def has_faults(self) -> bool:
        return bool(self.faults or self.others)


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
