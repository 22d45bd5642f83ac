"""What the pages of rosters call things."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from flask_babel import gettext
from flask_babel import gettext as _

from pointsbank.rosters.cells import letters
from pointsbank.rosters.columns import Field
from pointsbank.rosters.grids import Grid
from pointsbank.rosters.kept import Status
from pointsbank.rosters.problems import Grade

_PLACE = re.compile(r"%\(\w+\)s")
EXAMPLES = 2
"""Of a column's values."""
MAX_EXAMPLE_CHARACTERS = 24


class Column(NamedTuple):
    """`number` from 0; `head` is what stands in the row of the header."""

    number: int
    letters: str
    head: str
    examples: str


def said(form: str, values: Mapping[str, Any]) -> str:
    """What the domain has said, in the page's language."""
    return str(gettext(form, **values) if values else gettext(form))


def general(form: str) -> str:
    """The same without what is particular to one case."""
    return _PLACE.sub("…", gettext(form))


def labels() -> dict[Field, str]:
    """Of the fields, and heads of the columns of a template: each is recognised when it comes back."""
    return {
        "id": _("Learner id"),
        "name": _("Full name"),
        "department": _("Department"),
        "team": _("Team"),
        "email": _("E-mail address"),
        "joined_on": _("Joined on"),
        "left_on": _("Left on"),
    }


def notes() -> dict[Field, str]:
    """In the template."""
    return {
        "id": _("Needed. The column is text, so that zeros in front stay."),
        "name": _("Needed."),
        "team": _("The name or id of a team. A team that there is not is made."),
        "joined_on": _("As 2021-07-01."),
        "left_on": _("As 2021-07-01: the last day. Empty for who is still there."),
    }


def grades() -> dict[Grade, str]:
    return {"fault": _("Fault"), "warning": _("Warning"), "note": _("Hint")}


def statuses() -> dict[Status, str]:
    return {
        "uploaded": _("Columns to be chosen"),
        "chosen": _("Not looked through yet"),
        "checked": _("To be confirmed"),
        "taking": _("Interrupted, to be gone on with"),
        "taken": _("Taken over"),
        "forgotten": _("File no longer kept"),
    }


def stages() -> dict[str, str]:
    """Attributes of a form whose work shows how far it has come, for the script."""
    return {
        "data-reading": _("Reading the file"),
        "data-comparing": _("Comparing with what is there"),
        "data-writing": _("Writing"),
        "data-failed": _("That did not work. Nothing is lost; please try again."),
    }


def columns_of(grid: Grid, header: int) -> list[Column]:
    """Those that hold anything in the first rows."""
    heads = {at: cell.text for row in grid.head if row.number == header for at, cell in row.cells.items()}
    below = [row for row in grid.head if row.number > header]
    found = []
    for at in sorted({at for row in grid.head for at in row.cells}):
        values = [row.cells[at].text for row in below if at in row.cells][:EXAMPLES]
        shortened = [
            each if len(each) <= MAX_EXAMPLE_CHARACTERS else each[:MAX_EXAMPLE_CHARACTERS] + "…" for each in values
        ]
        found.append(Column(at, letters(at), heads.get(at, ""), ", ".join(shortened)))
    return found
