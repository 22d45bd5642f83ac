"""What is wrong with what HR sent: every fault at once, each with its path."""

import re
from collections.abc import Sequence

from pointsbank.errors import FieldError, Invalid
from pointsbank.saying import say

MAX_KEY_CHARACTERS = 128
MAX_NAME_CHARACTERS = 200
FIRST_YEAR, LAST_YEAR = 1900, 2199
"""Dates outside are mistakes, and would overflow when moved between time zones."""

_NAMED_FAULTS = 3
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def refuse(faults: Sequence[FieldError]) -> None:
    """Raises Invalid with all of them, if there are any."""
    if faults:
        detail = "; ".join(f"{path}: {message}" for path, message in faults[:_NAMED_FAULTS])
        more = f"; and {len(faults) - _NAMED_FAULTS} more" if len(faults) > _NAMED_FAULTS else ""
        raise Invalid(detail + more, errors=faults)


def fault_of_text(value: object, longest: int = MAX_NAME_CHARACTERS) -> str | None:
    """What is wrong with a line of text; None if nothing is."""
    if not isinstance(value, str):
        return say("must be text.")
    if len(value) > longest:
        return say("must have at most %(most)s characters.", most=longest)
    if _CONTROL.search(value):
        return say("must not contain control characters or half of a surrogate pair.")
    if not value.strip():
        return say("must not be empty.")
    return None


def fault_of_key(value: object) -> str | None:
    """What is wrong with HR's id of something; None if nothing is."""
    fault = fault_of_text(value, MAX_KEY_CHARACTERS)
    if fault is None and isinstance(value, str):
        if "/" in value:
            return say("must not contain a slash.")
        if value != value.strip():
            return say("must not begin or end with a space.")
        if value in (".", ".."):
            return say("must not be . or .., which an address cannot end with.")
    return fault
