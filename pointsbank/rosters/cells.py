"""What a cell of a table says, whatever file the table comes from."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

Kind = Literal["text", "number", "date", "truth", "error", "uncomputed"]
"""`error` is what a formula ended in (#N/A), `uncomputed` a formula whose result the file does not hold."""

MAX_ROWS = 100_000
"""Of a roster, empty ones aside."""
MAX_COLUMNS = 256
"""What stands further to the right is not read."""
MAX_CELL_CHARACTERS = 2_000
"""More is cut: it is a fault wherever it stands."""
LETTERS = 26


class Cell(NamedTuple):
    """`text` of a number is decimal, with the zeros in front that its format shows; of a date ISO 8601."""

    text: str
    kind: Kind = "text"


class Row(NamedTuple):
    """`number` is the row's in a spreadsheet, from 1; `cells` are by column, from 0; empty ones are absent."""

    number: int
    cells: Mapping[int, Cell]


class Merge(NamedTuple):
    """A range of cells shown as one, which holds what its first cell holds; all ends inclusive."""

    first_row: int
    first_column: int
    last_row: int
    last_column: int


def letters(column: int) -> str:
    """`0` is A, `26` is AA."""
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, LETTERS)
        name = chr(ord("A") + rest) + name
    return name


def column_of(reference: str) -> int:
    """`A7` is 0. What has no letters is -1."""
    column = 0
    for character in reference:
        if not "A" <= character <= "Z":
            break
        column = column * LETTERS + ord(character) - ord("A") + 1
    return column - 1
