"""What is to be said about a cell, a row or a file before anything of it is written."""

from typing import Any, Literal, NamedTuple, get_args

from pointsbank.rosters.columns import Field
from pointsbank.saying import Said

Grade = Literal["fault", "warning", "note"]
"""A row with a fault is not taken; a warning is for whoever knows better; a note says what was read otherwise than it
stands there."""

GRADES: tuple[Grade, ...] = get_args(Grade)
MAX_SHOWN_CHARACTERS = 80


class Problem(NamedTuple):
    """`column` has letters, "" for a whole row; `value` is what stands in the cell; `form` and `values` are of the text
    (`pointsbank.saying`), so that it can be said in any language later."""

    row: int
    column: str
    field: Field | None
    value: str
    grade: Grade
    form: str
    values: dict[str, Any]

    @property
    def said(self) -> str:
        """In English."""
        return self.form % self.values if self.values else self.form


def problem(row: int, column: str, field: Field | None, value: str, grade: Grade, message: str) -> Problem:
    form, values = (message.form, message.values) if isinstance(message, Said) else (message, {})
    return Problem(row, column, field, _shown(value), grade, form, values)


def _shown(value: str) -> str:
    return value if len(value) <= MAX_SHOWN_CHARACTERS else value[: MAX_SHOWN_CHARACTERS - 1] + "…"
