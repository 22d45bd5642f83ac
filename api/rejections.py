"""Events that were refused, for whoever looks after a sender."""

from typing import Any

from marshmallow import Schema, fields

from api.auth import requires, snapshot
from api.fields import Text
from api.leaderboards import TIME
from api.openapi import Resource
from api.paging import PageQuery, decode_cursor, encode_cursor
from pointsbank.arrivals import reading
from pointsbank.arrivals.gathered import MAX_FAULTS, MAX_PAYLOAD_CHARACTERS
from pointsbank.arrivals.reading import Unbooked

blp = Resource("Rejections", __name__, url_prefix="/v1/rejections", description="Events that were refused")

_AS_SENT = {"description": "As sent; null where it could not be read."}


class FaultSchema(Schema):
    path = fields.String(metadata={"example": "data.score"})
    message = fields.String(metadata={"example": "is missing"})


class RejectionSchema(Schema):
    number = fields.Integer(metadata={"description": "Grows with time; not without gaps.", "example": 17})
    arrived_at = fields.Raw(metadata=TIME)
    times = fields.Integer(
        metadata={"description": "How many were refused: this one, and those beside it that are not kept."}
    )
    source = fields.String(allow_none=True, metadata={**_AS_SENT, "example": "urn:lms:scores"})
    id = fields.String(allow_none=True, metadata={**_AS_SENT, "example": "result-8650"})
    type = fields.String(allow_none=True, metadata={**_AS_SENT, "example": "lms.assessment.scored"})
    subject = fields.String(allow_none=True, metadata={**_AS_SENT, "example": "20210001"})
    slug = fields.String(metadata={"description": "The last part of the problem's type.", "example": "validation"})
    detail = fields.String(metadata={"example": "subject: there is no learner 20210001"})
    errors = fields.List(fields.Nested(FaultSchema), metadata={"description": f"At most {MAX_FAULTS}."})
    payload = fields.String(
        allow_none=True, metadata={"description": f"What was sent, its first {MAX_PAYLOAD_CHARACTERS} characters."}
    )


class RejectionPageSchema(Schema):
    items = fields.List(fields.Nested(RejectionSchema))
    next = fields.String(allow_none=True, metadata={"description": "The next page's `cursor`."})


class RejectionsQuery(PageQuery):
    source = Text(load_default=None, metadata={"example": "urn:lms:scores"})
    type = Text(load_default=None, metadata={"example": "lms.assessment.scored"})


@blp.route("", methods=["GET"])
@requires("read")
@blp.arguments(RejectionsQuery, location="query")
@blp.response(200, RejectionPageSchema)
def list_rejections(query: dict[str, Any]) -> dict[str, Any]:
    """Events that were refused, newest first

    They are there within a second of their answer. The newest 5,000 of a company are kept, for 30 days; a help for
    repairing senders, not a record.
    """
    limit = query["limit"]
    before = None if query["cursor"] is None else decode_cursor(query["cursor"], [int])[0]
    with snapshot() as session:
        found = reading.find(
            session, limit + 1, status="rejected", source=query["source"], kind=query["type"], before=before
        )
    more = len(found) > limit
    items = [_shown(each) for each in found[:limit]]
    return {"items": items, "next": encode_cursor([found[limit - 1].number]) if more else None}


def _shown(each: Unbooked) -> dict[str, Any]:
    problem = each.problem or {}
    return {
        "number": each.number,
        "arrived_at": each.arrived_at,
        "times": each.times,
        "source": each.source,
        "id": each.event_id,
        "type": each.kind,
        "subject": each.learner,
        "slug": problem.get("slug"),
        "detail": problem.get("message"),
        "errors": [{"path": error["path"], "message": error["message"]} for error in problem.get("errors", [])],
        "payload": each.payload,
    }
