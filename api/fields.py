"""Fields of requests: bounded, and free of what cannot be stored or shown."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import marshmallow
from marshmallow import ValidationError, fields, validate
from werkzeug.routing import BaseConverter

from ledger.accounts import MAX_AMOUNT
from pointsbank.directory.faults import (
    FIRST_YEAR,
    LAST_YEAR,
    MAX_KEY_CHARACTERS,
    MAX_NAME_CHARACTERS,
    fault_of_key,
    fault_of_text,
)

MAX_TEXT_CHARACTERS = 1_000

# What the directory refuses, as regular expressions of JSON Schema, for the OpenAPI document; half of a surrogate pair
# is no character there.
_NEVER = r"\u0000-\u001f\u007f-\u009f\ufffe\uffff"
TEXT_PATTERN = rf"^[^{_NEVER}]*[^\s{_NEVER}][^{_NEVER}]*$"
KEY_PATTERN = rf"^(?!\.{{1,2}}$)[^\s/{_NEVER}]([^/{_NEVER}]*[^\s/{_NEVER}])?$"


def check_text(value: str, longest: int) -> None:
    """Raises ValidationError for control characters, half of a surrogate pair, too much, or only space."""
    if fault := fault_of_text(value, longest):
        raise ValidationError(fault)


def check_key(value: str) -> None:
    """Raises ValidationError unless it can be HR's id of something: 1 to 128 characters, without "/"."""
    if fault := fault_of_key(value):
        raise ValidationError(fault)


class StrictSchema(marshmallow.Schema):
    """Unknown fields are refused, so that a misspelt one is not silently ignored."""

    class Meta:
        unknown = marshmallow.RAISE


class QuerySchema(marshmallow.Schema):
    """Query parameters: unknown ones are refused, too."""

    class Meta:
        unknown = marshmallow.RAISE


class Flag(fields.Boolean):
    """true or false, and nothing that only looks like it."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError("must be true or false.")
        return value


class Text(fields.String):
    """One line of text of bounded length."""

    longest = MAX_TEXT_CHARACTERS
    pattern = TEXT_PATTERN

    def __init__(self, **kwargs: Any) -> None:
        kwargs["metadata"] = {"pattern": self.pattern, **kwargs.get("metadata", {})}
        kwargs.setdefault("validate", validate.Length(min=1, max=self.longest))
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        check_text(text, self.longest)
        return text


class Name(Text):
    longest = MAX_NAME_CHARACTERS


class Key(Text):
    """HR's own id."""

    longest = MAX_KEY_CHARACTERS
    pattern = KEY_PATTERN

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        check_key(text)
        return text


class Zone(Name):
    """The IANA name of a time zone; whether there is one of this name is for the directory to say."""

    pattern = "^[A-Za-z0-9_+/-]+$"


class Date(fields.Date):
    """A calendar date, YYYY-MM-DD."""

    _FORM = re.compile(r"\d{4}-\d\d-\d\d")

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> date:
        if not isinstance(value, str) or not self._FORM.fullmatch(value):
            raise ValidationError("must be a date such as 2021-07-01.")
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise ValidationError("is not a date of the calendar.") from None
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise ValidationError(f"must lie in the years {FIRST_YEAR} to {LAST_YEAR}.")
        return day


class Instant(fields.AwareDateTime):
    """An RFC 3339 time with offset. In a query a "+" that arrived as a space is understood."""

    _FORM = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> datetime:
        text = re.sub(r" (\d\d:\d\d)$", r"+\1", value) if isinstance(value, str) else ""
        if not self._FORM.fullmatch(text):
            raise ValidationError("must be a time with offset such as 2021-07-01T08:00:00+08:00.")
        try:
            instant = datetime.fromisoformat(text.upper())
        except ValueError:
            raise ValidationError("is not a time of the calendar.") from None
        if not FIRST_YEAR <= instant.year <= LAST_YEAR:
            raise ValidationError(f"must lie in the years {FIRST_YEAR} to {LAST_YEAR}.")
        return instant


class Amount(fields.Integer):
    """An integer of the smallest part of a unit, `least` (1) to 2^53 - 1; neither text nor a fraction."""

    def __init__(self, least: int = 1, **kwargs: Any) -> None:
        message = f"must be an integer from {least} to {MAX_AMOUNT}."
        kwargs.setdefault("validate", validate.Range(min=least, max=MAX_AMOUNT, error=message))
        super().__init__(strict=True, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        if isinstance(value, bool | str):
            raise ValidationError("must be an integer.")
        return int(super()._deserialize(value, attr, data, **kwargs))


class KeyInPath(BaseConverter):
    """`<key:programme>`: one path segment. What no object can have as its key is simply not found."""

    regex = "[^/]+"


class KeyBesideBatch(KeyInPath):
    """A key where `…/batch` is a resource of its own, and so nobody's key."""

    regex = "(?!batch$)[^/]+"
