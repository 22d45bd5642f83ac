"""One page of a list in the order of one key or number."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import marshmallow
from marshmallow import fields

from api.paging import decode_cursor, encode_cursor, no_such_page
from pointsbank.directory.faults import fault_of_key

Item = TypeVar("Item")


def page_schema(item: type[marshmallow.Schema]) -> type[marshmallow.Schema]:
    """The schema of a list of these."""
    name = item.__name__.removesuffix("Schema")
    return marshmallow.Schema.from_dict(
        {
            "items": fields.List(fields.Nested(item)),
            "next": fields.String(
                allow_none=True, metadata={"description": "The `cursor` of the next page; null: this is the last."}
            ),
        },
        name=f"{name}PageSchema",
    )


def key_after(query: dict[str, Any]) -> str | None:
    """The key after which the page begins, out of its cursor. Raises NotFound for a cursor that is not ours."""
    if query["cursor"] is None:
        return None
    [key] = decode_cursor(query["cursor"], [str])
    if fault_of_key(key) is not None:
        raise no_such_page()
    return str(key)


def number_after(query: dict[str, Any]) -> int:
    """The number after which the page begins, out of its cursor. Raises NotFound for a cursor that is not ours."""
    if query["cursor"] is None:
        return 0
    [number] = decode_cursor(query["cursor"], [int])
    if number >= 2**31:
        raise no_such_page()
    return int(number)


def listing(items: Sequence[Item], limit: int, position: Callable[[Item], str | int]) -> dict[str, Any]:
    """A page of at most `limit`; `items` has one more if the list goes on."""
    more = len(items) > limit
    return {"items": items[:limit], "next": encode_cursor([position(items[limit - 1])]) if more else None}
