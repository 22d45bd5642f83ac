"""The company of the API key."""

from typing import Any

from marshmallow import fields, validate

from api.app_state import database
from api.auth import company_id, requires, snapshot
from api.fields import Name, StrictSchema, Zone
from api.openapi import Resource
from pointsbank import company
from pointsbank.origins import FORM, MAX_ORIGIN_CHARACTERS, MAX_ORIGINS, PATTERN

blp = Resource("Company", __name__, url_prefix="/v1", description="The company (公司) that the API key belongs to")


class CompanySchema(StrictSchema):
    """Amounts are integers of the smallest part: with a scale of 2, 8650 is shown as 86.50."""

    id = fields.String(attribute="key", dump_only=True, metadata={"example": "demo"})
    name = Name(required=True, metadata={"example": "示范公司"})
    timezone = Zone(load_default=company.DEFAULT_TIMEZONE, metadata={"example": "Asia/Shanghai"})
    credits_scale = fields.Integer(
        strict=True,
        load_default=0,
        validate=validate.Range(0, company.MAX_CREDITS_SCALE),
        metadata={"description": "Decimals with which credits are shown; fixed once any are booked.", "example": 0},
    )
    origins = fields.List(
        fields.String(
            validate=[
                validate.Length(min=1, max=MAX_ORIGIN_CHARACTERS),
                validate.Regexp(PATTERN, error=FORM),
            ],
        ),
        load_default=(),
        validate=validate.Length(max=MAX_ORIGINS),
        metadata={
            "description": "Of the pages on which widgets may be shown: scheme, host, and port unless it is the usual "
            "one. Absent: none.",
            "example": ["https://intranet.example.com"],
        },
    )


@blp.route("/company", methods=["PUT"])
@requires("directory:write")
@blp.arguments(CompanySchema)
@blp.response(200, CompanySchema)
def put_company(body: dict[str, Any]) -> company.Company:
    """Change the company"""
    return database().run(company_id(), lambda session: company.put(session, **body))


@blp.route("/company", methods=["GET"])
@requires("read")
@blp.response(200, CompanySchema)
def get_company() -> company.Company:
    """Read the company"""
    with snapshot() as session:
        return company.get(session)
