"""The rulebook document's structure, as marshmallow schemas which load into the values of `rules.parts`."""

import re
from collections.abc import Mapping
from typing import Any, get_args

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from pointsbank.saying import say
from rules.cloudevent import MAX_TYPE_LENGTH, is_key
from rules.criteria import Criterion, parse_criterion
from rules.errors import ExpressionInvalid
from rules.expressions import Expression
from rules.parts import (
    MAX_AMOUNT,
    AwardRule,
    Band,
    Banded,
    Cap,
    CertificateRule,
    Conversion,
    EarningRule,
    Equal,
    Period,
    Rounding,
    Rulebook,
    Unit,
)

# A rulebook that a person can still read; an event is judged by every rule of its type.
MAX_EARNING_RULES = 200
MAX_BANDS = 50
MAX_CERTIFICATES = 50
MAX_EQUALS = 20
MAX_NAME_LENGTH = 200

_DURATION = re.compile(r"P(?=\d*[1-9])(?:\d{1,4}W|(?:\d{1,3}Y)?(?:\d{1,3}M)?(?:\d{1,4}D)?)\Z", re.ASCII)


class _Part(Schema):
    """A JSON object in which every member is known."""

    error_messages = {"type": say("must be a JSON object")}  # noqa: RUF012  # marshmallow has it so

    def handle_error(self, error: ValidationError, data: Any, **options: Any) -> None:
        """Says for an unknown member which ones there are."""
        if isinstance(data, Mapping) and isinstance(error.messages, dict):
            for name in data.keys() - self.load_fields.keys():
                known = ", ".join(self.load_fields)
                error.messages[name] = [say("is not known here; there are %(known)s", known=known)]


_REQUIRED: dict[str, str | list[Any] | dict[Any, Any]] = {
    "required": say("is required"),
    "null": say("must not be null"),
}


def _text(max_length: int, *, required: bool = True) -> fields.String:
    wrong = say("must be text of 1 to %(most)s characters", most=max_length)
    length = validate.Length(1, max_length, error=wrong)
    messages = {**_REQUIRED, "invalid": wrong}
    if required:
        return fields.String(required=True, validate=length, error_messages=messages)
    return fields.String(load_default=None, allow_none=True, validate=length, error_messages=messages)


def _choice(choices: tuple[str, ...], default: str | None = None) -> fields.String:
    wrong = say("must be one of %(choices)s", choices=", ".join(choices))
    one_of = validate.OneOf(choices, error=wrong)
    messages = {**_REQUIRED, "invalid": wrong}
    if default is None:
        return fields.String(required=True, validate=one_of, error_messages=messages)
    return fields.String(load_default=default, validate=one_of, error_messages=messages)


def _several(schema: type[Schema], minimum: int, maximum: int, **options: Any) -> fields.List[Any]:
    return fields.List(
        fields.Nested(schema, error_messages={"null": say("must not be null"), "type": say("must be a JSON object")}),
        validate=validate.Length(
            minimum, maximum, error=say("must be a list of %(least)s to %(most)s parts", least=minimum, most=maximum)
        ),
        error_messages={**_REQUIRED, "invalid": say("must be a list")},
        **options,
    )


def _one(schema: type[Schema], **options: Any) -> fields.Nested:
    return fields.Nested(schema, error_messages={**_REQUIRED, "type": say("must be a JSON object")}, **options)


class _Whole(fields.Field[int]):
    """A whole number as JSON writes it: neither 3.0 nor "3" nor true."""

    default_error_messages = _REQUIRED

    def __init__(self, minimum: int, **options: Any) -> None:
        super().__init__(**options)
        self._minimum = minimum

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> int:
        if type(value) is not int or not self._minimum <= value <= MAX_AMOUNT:
            raise ValidationError(
                say("must be a whole number from %(least)s to %(most)s", least=self._minimum, most=MAX_AMOUNT)
            )
        return value


class _Number(fields.Field[float]):
    default_error_messages = _REQUIRED

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> float:
        if type(value) is not int and type(value) is not float:
            raise ValidationError(say("must be a number"))
        return value


class _Cel(fields.Field[Expression]):
    default_error_messages = _REQUIRED

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> Expression:
        if not isinstance(value, str):
            raise ValidationError(say("must be a CEL expression, as text"))
        try:
            return Expression(value)
        except ExpressionInvalid as error:
            raise ValidationError(error.detail) from error


class _Amount(fields.Field[Expression | int]):
    """A whole number, or an expression that gives one."""

    default_error_messages = _REQUIRED

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> Expression | int:
        if isinstance(value, str):
            return _Cel()._deserialize(value, attr, data)
        if type(value) is int and 0 <= value <= MAX_AMOUNT:
            return value
        raise ValidationError(
            say("must be a whole number from 0 to %(most)s, or a CEL expression as text", most=MAX_AMOUNT)
        )


class _Key(fields.Field[str]):
    default_error_messages = _REQUIRED

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> str:
        if not is_key(value):
            raise ValidationError(say("must be text of 1 to 128 characters, without '/' and control characters"))
        return str(value)


class _Criteria(fields.Field[Criterion]):
    default_error_messages = _REQUIRED

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> Criterion:
        return parse_criterion(value)


class BandSchema(_Part):
    at_least = _Number(required=True)
    amount = _Whole(0, required=True)

    @post_load
    def _made(self, data: dict[str, Any], **options: Any) -> Band:
        return Band(**data)


class AwardSchema(_Part):
    unit = _choice(get_args(Unit))
    amount = _Amount()
    bands = _several(BandSchema, 1, MAX_BANDS)
    by = _Cel()
    round = _choice(get_args(Rounding), default="half_up")
    to = _choice(("learner",), default="learner")

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _one_amount(self, _: Any, original: Any, **options: Any) -> None:
        if not isinstance(original, Mapping):
            return
        given = {"amount", "bands", "by"} & original.keys()
        if "amount" in given and len(given) > 1:
            raise ValidationError([say("give either amount, or bands with by, not both")], "amount")
        if not given:
            raise ValidationError([say("is required: a whole number or a CEL expression; or bands with by")], "amount")
        if given == {"bands"}:
            raise ValidationError([say("is required beside bands: the CEL expression that they measure")], "by")
        if given == {"by"}:
            raise ValidationError([say("is required beside by")], "bands")

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _different_bands(self, _: Any, original: Any, **options: Any) -> None:
        bands = original.get("bands") if isinstance(original, Mapping) else None
        seen: set[float] = set()
        faults = {}
        for index, band in enumerate(bands if isinstance(bands, list) else ()):
            least = band.get("at_least") if isinstance(band, Mapping) else None
            if isinstance(least, bool) or not isinstance(least, int | float):
                continue
            if least in seen:
                faults[index] = {"at_least": [say("is that of an earlier band")]}
            seen.add(least)
        if faults:
            raise ValidationError({"bands": faults})

    @post_load
    def _made(self, data: dict[str, Any], **options: Any) -> AwardRule:
        bands = data.pop("bands", None)
        if bands is not None:
            highest_first = sorted(bands, key=lambda band: band.at_least, reverse=True)
            data["amount"] = Banded(data.pop("by"), tuple(highest_first))
        return AwardRule(**data)


class CapSchema(_Part):
    per = _choice(("learner",), default="learner")
    within = _choice(get_args(Period))
    amount = _Whole(0, required=True)

    @post_load
    def _made(self, data: dict[str, Any], **options: Any) -> Cap:
        return Cap(**data)


class NameSchema(_Part):
    zh = _text(MAX_NAME_LENGTH)
    en = _text(MAX_NAME_LENGTH)


class EarningRuleSchema(_Part):
    key = _Key(required=True)
    name = _one(NameSchema, load_default=None, allow_none=True)
    on = _text(MAX_TYPE_LENGTH)
    when = _Cel(load_default=None, allow_none=True)
    award = _one(AwardSchema, required=True)
    cap = _one(CapSchema, load_default=None, allow_none=True)
    first = _Whole(1, load_default=None, allow_none=True)

    @post_load
    def _made(self, data: dict[str, Any], **options: Any) -> EarningRule:
        return EarningRule(**data)


class ConversionSchema(_Part):
    flowers_per_credit = _Whole(1, required=True)
    credits = _Whole(1, load_default=1)
    round = _choice(get_args(Rounding), default="down")
    cap_credits = _Whole(0, load_default=None, allow_none=True)
    remainder = _choice(("expire",), default="expire")

    @post_load
    def _made(self, data: dict[str, Any], **options: Any) -> Conversion:
        return Conversion(**data)


class EqualSchema(_Part):
    system = _text(MAX_NAME_LENGTH)
    level = _text(MAX_NAME_LENGTH)

    @post_load
    def _made(self, data: dict[str, Any], **options: Any) -> Equal:
        return Equal(**data)


class CertificateSchema(_Part):
    key = _Key(required=True)
    kind = _choice(("points", "qualification"))
    level = _text(MAX_NAME_LENGTH, required=False)
    name = _one(NameSchema, required=True)
    criteria = _Criteria(required=True)
    valid_for = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Regexp(
            _DURATION, error=say("must be an ISO 8601 duration in weeks, or in years to days: P2Y")
        ),
        error_messages={"invalid": say("must be text, an ISO 8601 duration such as P2Y")},
    )
    equals = _several(EqualSchema, 0, MAX_EQUALS, load_default=())

    @post_load
    def _made(self, data: dict[str, Any], **options: Any) -> CertificateRule:
        data["equals"] = tuple(data["equals"])
        return CertificateRule(**data)


class RulebookSchema(_Part):
    earning = _several(EarningRuleSchema, 0, MAX_EARNING_RULES, load_default=())
    conversion = _one(ConversionSchema, load_default=None, allow_none=True)
    certificates = _several(CertificateSchema, 0, MAX_CERTIFICATES, load_default=())

    @post_load
    def _made(self, data: dict[str, Any], **options: Any) -> Rulebook:
        return Rulebook(tuple(data["earning"]), data["conversion"], tuple(data["certificates"]))
