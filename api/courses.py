"""Courses of a programme."""

from typing import Any

from marshmallow import fields, validate

from api.app_state import database
from api.auth import company_id, requires, snapshot
from api.fields import Amount, Date, Name, StrictSchema
from api.listing import key_after, listing, page_schema
from api.openapi import Resource
from api.paging import PageQuery
from pointsbank.directory import courses, programmes
from pointsbank.directory.courses import Course

blp = Resource("Courses", __name__, url_prefix="/v1", description="Courses (课程), each with its own flowers")


class CourseSchema(StrictSchema):
    """Takes events from the start of `opens_on` to the end of `closes_on`, in its programme's time zone."""

    id = fields.String(attribute="key", dump_only=True, metadata={"example": "service"})
    name = Name(required=True, metadata={"example": "服务营销"})
    kind = fields.String(required=True, validate=validate.OneOf(courses.KINDS), metadata={"example": "structured"})
    flowers = Amount(
        least=0,
        load_default=0,
        metadata={"description": "Put into its pool in all, for allowances and rules.", "example": 1000},
    )
    opens_on = Date(metadata={"description": "Absent: when its programme starts.", "example": "2021-07-12"})
    closes_on = Date(metadata={"description": "Absent: when its programme ends.", "example": "2021-12-31"})
    unit = fields.String(attribute="unit_code", dump_only=True, metadata={"example": "flowers:service"})
    closed_at = fields.AwareDateTime(dump_only=True, allow_none=True)


@blp.route("/programmes/<key:programme>/courses/<key:course>", methods=["PUT"])
@requires("directory:write")
@blp.arguments(CourseSchema)
@blp.response(200, CourseSchema)
@blp.alt_response(201, schema=CourseSchema, description="Made")
def put_course(body: dict[str, Any], programme: str, course: str) -> tuple[Course, int]:
    """Make or change a course

    Another number of flowers books the difference; one that is lower than what was given is a 409.
    """
    made, is_new = database().run(company_id(), lambda session: courses.put(session, programme, course, **body))
    return made, 201 if is_new else 200


@blp.route("/programmes/<key:programme>/courses/<key:course>", methods=["GET"])
@requires("read")
@blp.response(200, CourseSchema)
def get_course(programme: str, course: str) -> Course:
    """Read a course"""
    with snapshot() as session:
        return courses.get(session, programmes.get(session, programme), course)


@blp.route("/programmes/<key:programme>/courses", methods=["GET"])
@requires("read")
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_schema(CourseSchema))
def list_courses(query: dict[str, Any], programme: str) -> dict[str, Any]:
    """List a programme's courses by their ids"""
    with snapshot() as session:
        found = courses.page(session, programmes.get(session, programme), query["limit"] + 1, key_after(query))
    return listing(found, query["limit"], lambda each: each.key)
