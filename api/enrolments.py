"""Who takes part in a programme."""

from typing import Any

from marshmallow import fields, validate

from api.app_state import database
from api.auth import company_id, requires, snapshot
from api.fields import Date, Key, StrictSchema
from api.listing import listing, number_after, page_schema
from api.openapi import Resource
from api.paging import PageQuery
from pointsbank.directory import enrolments, programmes
from pointsbank.directory.enrolments import MAX_LEARNERS, Counts

blp = Resource("Enrolments", __name__, url_prefix="/v1", description="Who takes part in a programme")


class EnrolSchema(StrictSchema):
    learners = fields.List(
        Key(),
        required=True,
        validate=validate.Length(max=MAX_LEARNERS),
        metadata={"uniqueItems": True, "example": ["20210001", "20210002"]},
    )
    from_on = Date(
        data_key="from",
        load_default=None,
        allow_none=True,
        metadata={"description": "Absent: from the programme's start.", "example": "2021-07-01"},
    )


class CountsSchema(StrictSchema):
    enrolled = fields.Integer(metadata={"example": 2})
    moved = fields.Integer(metadata={"description": "Were enrolled, now from earlier on.", "example": 0})
    unchanged = fields.Integer(metadata={"example": 0})


class EnrolmentSchema(StrictSchema):
    learner = fields.String(metadata={"example": "20210001"})
    name = fields.String(metadata={"example": "李雷"})
    from_at = fields.AwareDateTime(data_key="from")
    team = fields.String(allow_none=True, metadata={"description": "Of now.", "example": "team-1"})


@blp.route("/programmes/<key:programme>/enrolments", methods=["POST"])
@requires("directory:write")
@blp.arguments(EnrolSchema)
@blp.response(200, CountsSchema)
@blp.alt_response(201, schema=CountsSchema, description="Some were not enrolled before")
def post_enrolments(body: dict[str, Any], programme: str) -> tuple[Counts, int]:
    """Enrol learners

    Who is enrolled stays so; a `from` that is earlier counts.
    """
    counts = database().run(
        company_id(),
        lambda session: enrolments.enrol(session, programme, body["learners"], body["from_on"]),
    )
    return counts, 201 if counts.enrolled else 200


@blp.route("/programmes/<key:programme>/enrolments", methods=["GET"])
@requires("read")
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_schema(EnrolmentSchema))
def list_enrolments(query: dict[str, Any], programme: str) -> dict[str, Any]:
    """List who is enrolled, and in which team"""
    with snapshot() as session:
        found = enrolments.page(session, programmes.get(session, programme), query["limit"] + 1, number_after(query))
    return listing(found, query["limit"], lambda each: each.no)
