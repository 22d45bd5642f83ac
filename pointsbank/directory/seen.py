"""Two people at one form: who saves last is told what was changed since the form was made, instead of undoing it.

A form carries the `mark` of what it was made from. Whoever saves compares it under the company's lock, so nothing
comes in between.
"""

from hashlib import blake2b

import orjson

from pointsbank.errors import Conflict, FieldError
from pointsbank.saying import say

_MARK_BYTES = 12


class ChangedMeanwhile(Conflict):
    """Somebody else saved another version since the form was made."""


def mark(content: object) -> str:
    """Tells two contents apart: of dataclasses, dates, numbers and texts."""
    return blake2b(orjson.dumps(content), digest_size=_MARK_BYTES).hexdigest()


def refuse_changed(seen: str, now: object) -> None:
    """Raises ChangedMeanwhile unless `seen` is the mark of what stands there now."""
    if seen != mark(now):
        raise ChangedMeanwhile(say("Somebody else has changed this in the meantime."))


def refuse_taken(path: str, is_taken: bool) -> None:
    """Raises Conflict for the id of something new that something else has."""
    if is_taken:
        fault: FieldError = (path, say("is taken already."))
        raise Conflict(f"{path}: {fault[1]}", errors=[fault])
