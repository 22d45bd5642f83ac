"""Programmes."""

from typing import Any

from marshmallow import fields, post_load, validate

from api.app_state import database
from api.auth import company_id, requires, snapshot
from api.fields import Amount, Date, Key, Name, StrictSchema, Zone
from api.listing import key_after, listing, page_schema
from api.openapi import Resource
from api.paging import PageQuery
from pointsbank import company
from pointsbank.database import Session
from pointsbank.directory import programmes
from pointsbank.directory.programmes import MAX_PHASES, Phase, Programme

blp = Resource("Programmes", __name__, url_prefix="/v1", description="Training programmes (培训项目)")


class PhaseSchema(StrictSchema):
    key = Key(required=True, metadata={"example": "integration"})
    name = Name(required=True, metadata={"example": "融入期"})
    starts_on = Date(required=True, metadata={"example": "2021-07-01"})
    ends_on = Date(required=True, metadata={"example": "2021-09-30"})

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Phase:
        return Phase(**data)


class ProgrammeSchema(StrictSchema):
    """Takes events from the start of `starts_on` to the end of `ends_on`, in its time zone."""

    id = fields.String(attribute="key", dump_only=True, metadata={"example": "2021"})
    name = Name(required=True, metadata={"example": "2021届大学生创客训练营"})
    starts_on = Date(required=True, metadata={"example": "2021-07-01"})
    ends_on = Date(required=True, metadata={"example": "2022-06-30"})
    timezone = Zone(metadata={"description": "Absent: the company's.", "example": "Asia/Shanghai"})
    allotment = Amount(
        least=0,
        allow_none=True,
        load_default=None,
        metadata={
            "description": "Credits that may be earned in it; null: without limit, straight from issuance.",
            "example": 100000,
        },
    )
    phases = fields.List(fields.Nested(PhaseSchema), load_default=list, validate=validate.Length(max=MAX_PHASES))
    closed_at = fields.AwareDateTime(dump_only=True, allow_none=True)


@blp.route("/programmes/<key:programme>", methods=["PUT"])
@requires("directory:write")
@blp.arguments(ProgrammeSchema)
@blp.response(200, ProgrammeSchema)
@blp.alt_response(201, schema=ProgrammeSchema, description="Made")
def put_programme(body: dict[str, Any], programme: str) -> tuple[Programme, int]:
    """Make or change a programme

    Another allotment books the difference; one that is lower than what was given is a 409.
    """

    def put(session: Session) -> tuple[Programme, bool]:
        body.setdefault("timezone", company.get(session).timezone)
        return programmes.put(session, programme, **body)

    made, is_new = database().run(company_id(), put)
    return made, 201 if is_new else 200


@blp.route("/programmes/<key:programme>", methods=["GET"])
@requires("read")
@blp.response(200, ProgrammeSchema)
def get_programme(programme: str) -> Programme:
    """Read a programme"""
    with snapshot() as session:
        return programmes.get(session, programme)


@blp.route("/programmes", methods=["GET"])
@requires("read")
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_schema(ProgrammeSchema))
def list_programmes(query: dict[str, Any]) -> dict[str, Any]:
    """List programmes by their ids"""
    with snapshot() as session:
        found = programmes.page(session, query["limit"] + 1, key_after(query))
    return listing(found, query["limit"], lambda each: each.key)
