"""Closing a course: its flowers become credits."""

from dataclasses import asdict
from typing import Any

from marshmallow import Schema, fields

from api.app_state import database
from api.auth import company_id, requires, snapshot
from api.entries import TimeShown
from api.fields import Flag, StrictSchema
from api.openapi import Resource
from rules import closing

blp = Resource("Course closing", __name__, url_prefix="/v1", description="Flowers into credits (课程结业)")


class CloseSchema(StrictSchema):
    preview = Flag(load_default=False, metadata={"description": "Only says what closing would do."})


class ConvertedSchema(Schema):
    learner = fields.String(metadata={"example": "20210001"})
    name = fields.String(metadata={"example": "李雷"})
    flowers = fields.Integer(metadata={"description": "What the learner had.", "example": 12})
    converted = fields.Integer(metadata={"example": 10})
    expired = fields.Integer(metadata={"example": 2})
    credits = fields.Integer(metadata={"example": 2})
    entry_id = fields.UUID(allow_none=True, metadata={"description": "null in a preview."})


class ClosingSchema(Schema):
    preview = fields.Boolean()
    closed_at = TimeShown(allow_none=True, metadata={"description": "null: still open."})
    rulebook_version = fields.Integer(allow_none=True, metadata={"description": "The one in force.", "example": 3})
    learners = fields.Integer(metadata={"description": "How many had flowers.", "example": 48})
    flowers = fields.Integer(metadata={"example": 512})
    converted = fields.Integer(metadata={"example": 470})
    expired = fields.Integer(metadata={"example": 42})
    credits = fields.Integer(metadata={"example": 94})
    available = fields.Integer(
        allow_none=True,
        metadata={"description": "What the programme's pool had before; null: without limit.", "example": 9000},
    )
    required = fields.Integer(metadata={"description": "What this request takes from the pool.", "example": 94})
    short = fields.List(
        fields.String(),
        metadata={
            "description": "In a preview: the learners whom the pool would not reach, so that nothing is closed."
        },
    )
    items = fields.List(fields.Nested(ConvertedSchema), metadata={"description": "By the learners' ids."})


@blp.route("/programmes/<key:programme>/courses/<key:course>/close", methods=["POST"])
@requires("directory:write")
@blp.arguments(CloseSchema, required=False)
@blp.response(200, ClosingSchema)
def post_close(body: dict[str, Any], programme: str, course: str) -> dict[str, Any]:
    """Close a course and convert its flowers

    By the rulebook in force: flowers to `retired:converted` and credits from the programme's pool, one entry a
    learner; what is left over to `retired:expired`. All or nothing: a pool that runs short is a 422
    `insufficient-funds` that names whom it would not reach. The course takes nothing more. Asked again, it answers the
    same.
    """
    if body["preview"]:
        with snapshot() as session:
            done = closing.preview(session, programme, course)
    else:
        done = database().run(company_id(), lambda session: closing.close(session, programme, course), writes=True)
    return {
        "preview": body["preview"],
        "closed_at": done.closed_at,
        "rulebook_version": done.rulebook_version,
        "learners": len(done.items),
        **{
            name: sum(getattr(item, name) for item in done.items)
            for name in ("flowers", "converted", "expired", "credits")
        },
        "available": done.available,
        "required": done.required,
        "short": done.short,
        "items": [asdict(item) for item in done.items],
    }
