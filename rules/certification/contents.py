"""What a certificate says, as it is kept with it."""

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from credentials.content import Content, Equal, Result


def written(content: Content) -> bytes:
    """As JSON."""
    members = {field.name: getattr(content, field.name) for field in dataclasses.fields(content)}
    return orjson.dumps(members, default=_plain)


def read(kept: Mapping[str, Any]) -> Content:
    """The content out of its parsed JSON."""
    members = dict(kept)
    members["results"] = tuple(Result(**each) for each in kept["results"])
    members["equals"] = tuple(Equal(**each) for each in kept["equals"])
    for name in ("cut_off", "issued_at", "valid_until"):
        members[name] = None if kept[name] is None else datetime.fromisoformat(kept[name])
    members["timezone"] = ZoneInfo(kept["timezone"])
    return Content(**members)


def _plain(value: object) -> object:
    if isinstance(value, ZoneInfo):
        return value.key
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no part of a content")
