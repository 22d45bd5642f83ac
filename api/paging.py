"""Lists by opaque cursor: `{"items": […], "next": cursor | null}`."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any

import orjson
from marshmallow import fields, validate

from api.fields import QuerySchema
from pointsbank.errors import NotFound

DEFAULT_LIMIT = 50
MAX_LIMIT = 500
MIN_CURSOR_CHARACTERS, MAX_CURSOR_CHARACTERS = 2, 1_000
CURSOR_PATTERN = "^W[A-Za-z0-9_-]+$"
"""A JSON array in URL-safe Base64."""
_NOT_OURS = "is not one that this service gave; start again without it"


class PageQuery(QuerySchema):
    limit = fields.Integer(
        load_default=DEFAULT_LIMIT,
        validate=validate.Range(1, MAX_LIMIT, error=f"must be an integer from 1 to {MAX_LIMIT}."),
        metadata={"description": f"How many items, at most {MAX_LIMIT}.", "example": 50},
    )
    cursor = fields.String(
        load_default=None,
        validate=[
            validate.Length(min=MIN_CURSOR_CHARACTERS, max=MAX_CURSOR_CHARACTERS),
            validate.Regexp(CURSOR_PATTERN, error=_NOT_OURS),
        ],
        metadata={"description": "`next` of the page before."},
    )


def encode_cursor(position: Sequence[Any]) -> str:
    """`position` is what the next page starts after: integers, strings."""
    return base64.urlsafe_b64encode(orjson.dumps(list(position))).rstrip(b"=").decode()


def no_such_page() -> NotFound:
    return NotFound(f"cursor: {_NOT_OURS}", errors=[("cursor", _NOT_OURS)])


def decode_cursor(cursor: str, types: Sequence[type]) -> list[Any]:
    """The position in a cursor of ours. Raises NotFound for any other: there is no such page."""
    try:
        raw = base64.b64decode(cursor.encode() + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        position = orjson.loads(raw)
    except (binascii.Error, ValueError):
        position = None
    if (
        not isinstance(position, list)
        or len(position) != len(types)
        or any(type(value) is not expected for value, expected in zip(position, types, strict=True))
        or any(type(value) is int and not 0 <= value < 2**62 for value in position)
    ):
        raise no_such_page()
    return position
