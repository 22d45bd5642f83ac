"""Files that are not read at all, each with what to do about it."""

from pointsbank.errors import Invalid
from pointsbank.saying import Said


class Unreadable(Invalid):
    """The whole file, or the sheet that was chosen, cannot be read as a table."""

    def __init__(self, message: Said) -> None:
        super().__init__(message, errors=[("file", message)])
