"""Awarders and their allowances of flowers."""

import uuid
from typing import Any

from marshmallow import fields, validate

from api.app_state import database
from api.auth import company_id, requires, snapshot
from api.entries import BookedSchema
from api.fields import Amount, Key, Name, StrictSchema
from api.idempotency import IDEMPOTENCY_KEY, idempotency_key
from api.listing import key_after, listing, page_schema
from api.openapi import Resource
from api.paging import PageQuery
from ledger import entries
from pointsbank.directory import allowances, awarders, programmes
from pointsbank.directory.awarders import Awarder

blp = Resource("Awarders", __name__, url_prefix="/v1", description="Who may give flowers (讲师/导师/委员)")

MAX_ALLOWANCES = 1_000
"""Courses named in one request."""


class AwarderSchema(StrictSchema):
    """`allowances` are flowers given in all, by course; `left` is what of them has yet to be handed out."""

    id = fields.String(attribute="key", dump_only=True, metadata={"example": "li-trainer"})
    name = Name(required=True, metadata={"example": "李老师"})
    role = fields.String(required=True, validate=validate.OneOf(awarders.ROLES), metadata={"example": "trainer"})
    allowances = fields.Dict(
        keys=Key(),
        values=Amount(least=0),
        validate=validate.Length(max=MAX_ALLOWANCES),
        metadata={
            "description": "A course that is not named is lowered to 0; absent: they stay as they are.",
            "example": {"service": 200},
        },
    )
    left = fields.Dict(
        keys=fields.String(), values=fields.Integer(), dump_only=True, metadata={"example": {"service": 150}}
    )


class AllowanceSchema(StrictSchema):
    awarder = Key(required=True, metadata={"example": "li-trainer"})
    programme = Key(required=True, metadata={"example": "2021"})
    course = Key(required=True, metadata={"example": "service"})
    amount = Amount(required=True, metadata={"description": "Flowers to add.", "example": 50})


@blp.route("/programmes/<key:programme>/awarders/<key:awarder>", methods=["PUT"])
@requires("directory:write")
@blp.arguments(AwarderSchema)
@blp.response(200, AwarderSchema)
@blp.alt_response(201, schema=AwarderSchema, description="Made")
def put_awarder(body: dict[str, Any], programme: str, awarder: str) -> tuple[Awarder, int]:
    """Make or change an awarder and the allowances

    The differences are booked from and to the courses' pools; lowering one below what was handed out is a 409.
    """
    made, is_new = database().run(company_id(), lambda session: awarders.put(session, programme, awarder, **body))
    return made, 201 if is_new else 200


@blp.route("/programmes/<key:programme>/awarders/<key:awarder>", methods=["GET"])
@requires("read")
@blp.response(200, AwarderSchema)
def get_awarder(programme: str, awarder: str) -> Awarder:
    """Read an awarder with the allowances"""
    with snapshot() as session:
        return awarders.get(session, programmes.get(session, programme), awarder)


@blp.route("/programmes/<key:programme>/awarders", methods=["GET"])
@requires("read")
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_schema(AwarderSchema))
def list_awarders(query: dict[str, Any], programme: str) -> dict[str, Any]:
    """List a programme's awarders by their ids"""
    with snapshot() as session:
        found = awarders.page(session, programmes.get(session, programme), query["limit"] + 1, key_after(query))
    return listing(found, query["limit"], lambda each: each.key)


@blp.route("/allowances", methods=["POST"])
@requires("awards:write")
@blp.arguments(AllowanceSchema)
@blp.response(201, BookedSchema)
@blp.alt_response(200, schema=BookedSchema, description="Booked before under this Idempotency-Key")
@blp.doc(parameters=[IDEMPOTENCY_KEY])
def post_allowance(body: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """Add to an awarder's allowance

    From the course's pool; 422 `insufficient-funds` says what that has left.
    """
    key = idempotency_key() or str(uuid.uuid4())  # made here: a transaction that is tried again books once
    given = database().run(company_id(), lambda session: allowances.give(session, **body, key=key))
    with snapshot() as session:
        (entry,) = entries.load(session, [given.number])
    return {"status": "booked" if given.is_new else "duplicate", "entry": entry}, 201 if given.is_new else 200
