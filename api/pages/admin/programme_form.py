"""The form of a programme: its fields, and a row of fields for each phase.

A row can be added and taken away by buttons that send the form, so it works without scripts; `programme.js` does the
same without sending it.
"""

import re
from typing import Any

from flask_babel import gettext as _

from api.pages import forms
from api.pages.forms import SEEN, Form
from api.pages.typed import Typed, shown_credits
from pointsbank.directory.programmes import MAX_PHASES, Phase, Programme
from pointsbank.directory.seen import mark

_ROW = re.compile(r"phases\[([0-9]{1,6})\]\.(key|name|starts_on|ends_on)")
_OF_PHASE = ("key", "name", "starts_on", "ends_on")
_ADD = "add"


def sent() -> Form:
    """What came, with the rows of phases numbered from 0 and empty ones left out."""
    form = forms.sent()
    values = {name: value for name, value in form.values.items() if not _ROW.fullmatch(name)}
    found: dict[int, dict[str, str]] = {}
    for name, value in form.values.items():
        if (row := _ROW.fullmatch(name)) is not None:
            found.setdefault(int(row[1]), {})[row[2]] = value
    removed = values.get("remove", "")
    kept = [found[at] for at in sorted(found) if str(at) != removed and any(map(str.strip, found[at].values()))]
    for index, phase in enumerate(kept[: MAX_PHASES + 1]):
        values |= {f"phases[{index}].{name}": phase.get(name, "") for name in _OF_PHASE}
    return Form(values)


def rows_changed(form: Form) -> Form | None:
    """The form with a row more, or one less, if that is what its button asked for; None if it is to be saved."""
    if not {"remove", _ADD} & form.values.keys():
        return None
    values = {name: value for name, value in form.values.items() if name not in ("remove", _ADD)}
    if _ADD in form.values:
        values |= {f"phases[{rows(form)}].{name}": "" for name in _OF_PHASE}
    return Form(values)


def rows(form: Form) -> int:
    found = [int(row[1]) for name in form.values if (row := _ROW.fullmatch(name)) is not None]
    return max(found, default=-1) + 1


def read(form: Form) -> tuple[str, dict[str, Any]]:
    """The programme's key, and what `programmes.put` takes. Raises Invalid."""
    typed = Typed(form)
    key = typed.key("programme")
    content = {
        "name": typed.name("name"),
        "starts_on": typed.day("starts_on"),
        "ends_on": typed.day("ends_on"),
        "timezone": typed.text("timezone") or "",
        "allotment": typed.credits_if_any("allotment"),
        "phases": [_phase(typed, index) for index in range(rows(form))],
    }
    typed.refuse()
    return key, content


def _phase(typed: Typed, index: int) -> Phase:
    path = f"phases[{index}]"
    return Phase(
        typed.key(f"{path}.key"),
        typed.name(f"{path}.name"),
        typed.day(f"{path}.starts_on"),
        typed.day(f"{path}.ends_on"),
    )


def values_of(programme: Programme, least_rows: int = 0) -> dict[str, str]:
    """As the fields hold it, with the mark of what it was; `least_rows` of phases, if only empty ones."""
    values = {
        "programme": programme.key,
        "name": programme.name,
        "starts_on": str(programme.starts_on),
        "ends_on": str(programme.ends_on),
        "timezone": programme.timezone,
        "allotment": shown_credits(programme.allotment),
        SEEN: mark(programme),
    }
    for index in range(max(least_rows, len(programme.phases))):
        phase = programme.phases[index] if index < len(programme.phases) else None
        for name in _OF_PHASE:
            values[f"phases[{index}].{name}"] = "" if phase is None else str(getattr(phase, name))
    return values


def labels(form: Form) -> dict[str, str]:
    """By field."""
    found = {
        "programme": _("ID"),
        "name": _("Name"),
        "starts_on": _("First day"),
        "ends_on": _("Last day"),
        "timezone": _("Time zone"),
        "allotment": _("Credits to give"),
        "phases": _("Phases"),
    }
    of_phase = {"key": _("ID"), "name": _("Name"), "starts_on": _("First day"), "ends_on": _("Last day")}
    for index in range(rows(form)):
        for name, label in of_phase.items():
            found[f"phases[{index}].{name}"] = _("Phase %(number)s, %(field)s", number=index + 1, field=label)
    return found
