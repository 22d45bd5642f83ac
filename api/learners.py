"""Learners, one by one and in batches."""

from typing import Any

import orjson
from flask import request
from marshmallow import fields, validate

from api.app_state import database
from api.auth import company_id, requires, snapshot
from api.bodies import read_body
from api.fields import Date, Key, Name, StrictSchema, Text
from api.listing import key_after, listing, page_schema
from api.openapi import Resource
from api.paging import PageQuery
from api.problems import as_problem
from pointsbank.database import Session
from pointsbank.directory import learners
from pointsbank.directory.learners import MAX_EMAIL_CHARACTERS, MAX_LEARNERS, STATUSES, Learner, Status
from pointsbank.errors import Invalid, Malformed, TooLarge, UnsupportedMediaType

blp = Resource("Learners", __name__, url_prefix="/v1", description="Learners (大学生创客) of the company")

MAX_BATCH_BYTES = 16 * 1024 * 1024
"""Of a batch's body, unpacked: room for the longest texts that so many learners are likely to have."""


class Email(Text):
    longest = MAX_EMAIL_CHARACTERS


class LearnerSchema(StrictSchema):
    """`left_on` is the last day of which events are taken."""

    id = fields.String(attribute="key", dump_only=True, metadata={"example": "20210001"})
    name = Name(required=True, metadata={"example": "李雷"})
    email = Email(load_default=None, allow_none=True, metadata={"example": "li.lei@example.com"})
    department = Name(load_default=None, allow_none=True, metadata={"example": "研发部"})
    joined_on = Date(load_default=None, allow_none=True, metadata={"example": "2021-07-01"})
    left_on = Date(load_default=None, allow_none=True, metadata={"example": None})


class LearnerItemSchema(LearnerSchema):
    """One of a batch."""

    id = Key(required=True, metadata={"example": "20210001"})


class LearnerResultSchema(StrictSchema):
    index = fields.Integer(metadata={"example": 0})
    id = fields.String(allow_none=True, metadata={"example": "20210001"})
    status = fields.String(validate=validate.OneOf([*STATUSES, "rejected"]), metadata={"example": "created"})
    problem = fields.Dict(metadata={"description": "Why it was rejected, as RFC 9457 problem details."})


class LearnerResultsSchema(StrictSchema):
    created = fields.Integer(metadata={"example": 1})
    updated = fields.Integer(metadata={"example": 0})
    unchanged = fields.Integer(metadata={"example": 0})
    rejected = fields.Integer(metadata={"example": 0})
    results = fields.List(fields.Nested(LearnerResultSchema))


_BATCH_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "array",
                "description": f"At most {MAX_LEARNERS}, else 413.",
                "items": {"anyOf": [LearnerItemSchema, {"description": "Anything else is rejected in its place."}]},
            },
            "example": [{"id": "20210001", "name": "李雷", "department": "研发部"}],
        }
    },
}


@blp.route("/learners/<key_beside_batch:learner>", methods=["PUT"])
@requires("directory:write")
@blp.arguments(LearnerSchema)
@blp.response(200, LearnerSchema)
@blp.alt_response(201, schema=LearnerSchema, description="Made")
def put_learner(body: dict[str, Any], learner: str) -> tuple[Learner, int]:
    """Make or change a learner"""
    wanted = Learner(key=learner, **body)
    status = database().run(company_id(), lambda session: learners.put(session, wanted))
    return wanted, 201 if status == "created" else 200


@blp.route("/learners/batch", methods=["POST"])
@requires("directory:write")
@blp.response(200, LearnerResultsSchema)
@blp.doc(requestBody=_BATCH_BODY)
def post_learners() -> dict[str, Any]:
    """Make or change up to 10,000 learners

    The good ones are stored; each of the others is reported with its problem.
    """
    outcomes: list[Learner | Status | Invalid] = []
    items = read_array(MAX_BATCH_BYTES, MAX_LEARNERS)
    for item in items:
        try:
            outcomes.append(learners.parse(item))
        except Invalid as error:
            outcomes.append(error)

    def put(session: Session) -> list[Status | Invalid]:
        return learners.put_batch(session, [each for each in outcomes if isinstance(each, Learner)])

    stored = iter(database().run(company_id(), put))
    results = [
        _result(index, item, next(stored) if isinstance(outcome, Learner) else outcome)
        for index, (item, outcome) in enumerate(zip(items, outcomes, strict=True))
    ]
    statuses = [result["status"] for result in results]
    counts = {status: statuses.count(status) for status in (*STATUSES, "rejected")}
    return {**counts, "results": results}


def _result(index: int, item: Any, outcome: Status | Invalid) -> dict[str, Any]:
    key = item.get("id") if isinstance(item, dict) else None
    result = {"index": index, "id": key if isinstance(key, str) else None}
    if isinstance(outcome, Invalid):
        return result | {"status": "rejected", "problem": as_problem(outcome)}
    return result | {"status": outcome}


def read_array(max_bytes: int, max_items: int) -> list[Any]:
    """The body's JSON array. Raises UnsupportedMediaType, TooLarge, Malformed, Invalid."""
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("Send a JSON array as application/json.")
    try:
        items = orjson.loads(read_body(request, max_bytes))
    except orjson.JSONDecodeError as error:
        raise Malformed(f"The body is not JSON: {error}.") from error
    if not isinstance(items, list):
        raise Invalid("The body must be an array.")
    if len(items) > max_items:
        raise TooLarge(f"A batch has at most {max_items} items; send these {len(items)} in several.")
    return items


@blp.route("/learners/<key_beside_batch:learner>", methods=["GET"])
@requires("read")
@blp.response(200, LearnerSchema)
def get_learner(learner: str) -> Learner:
    """Read a learner"""
    with snapshot() as session:
        return learners.get(session, learner)


@blp.route("/learners", methods=["GET"])
@requires("read")
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_schema(LearnerSchema))
def list_learners(query: dict[str, Any]) -> dict[str, Any]:
    """List learners by their ids"""
    with snapshot() as session:
        found = learners.page(session, query["limit"] + 1, key_after(query))
    return listing(found, query["limit"], lambda each: each.key)
