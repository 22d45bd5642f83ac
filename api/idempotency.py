"""The header Idempotency-Key, by which a write that has no key of its own is booked once."""

from contextlib import suppress
from typing import Any

from flask import request
from marshmallow import ValidationError

from api.fields import check_text
from pointsbank.directory.faults import MAX_KEY_CHARACTERS
from pointsbank.errors import Invalid

IDEMPOTENCY_KEY: dict[str, Any] = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "description": "The same key with the same body books once; with another body it is a conflict.",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY_CHARACTERS},
    "example": "award-20211018-0007",
}
"""As an OpenAPI parameter."""


def idempotency_key() -> str | None:
    """The request's key. Raises Invalid if it cannot be one."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    with suppress(UnicodeDecodeError):  # headers are Latin-1 by the standard, and mostly UTF-8 in disguise
        key = key.encode("latin-1").decode()
    try:
        check_text(key, MAX_KEY_CHARACTERS)
    except ValidationError as error:
        raise Invalid.field("Idempotency-Key", str(error.messages[0])) from error
    return key
