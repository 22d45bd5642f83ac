"""A programme's rulebook: draft, activate, versions."""

from typing import Any

from flask import request
from marshmallow import Schema, fields

from api import examples
from api.auth import requires, snapshot, transaction
from api.cloudevents import parse_json
from api.openapi import Resource
from api.paging import PageQuery, decode_cursor, encode_cursor
from pointsbank.directory import programmes
from pointsbank.errors import UnsupportedMediaType
from rules import versions

blp = Resource("Rulebook", __name__, url_prefix="/v1/programmes/<key:programme>/rulebook", description="Rules")

LAST_VERSION = 2**31 - 1


class VersionSchema(Schema):
    version = fields.Integer(required=True, metadata={"example": 3})
    status = fields.String(required=True, metadata={"enum": ["draft", "active", "retired"], "example": "draft"})
    created_at = fields.Raw(required=True, metadata={"type": "string", "format": "date-time"})
    active_from = fields.Raw(
        required=True,
        metadata={"type": ["string", "null"], "format": "date-time", "description": "Null: a draft."},
    )


class RulebookSchema(VersionSchema):
    document = fields.Raw(required=True, metadata={"type": "object", "example": examples.RULEBOOK})


class VersionsSchema(Schema):
    items = fields.List(fields.Nested(VersionSchema), required=True)
    next = fields.String(required=True, allow_none=True)


@blp.route("/draft", methods=["PUT"])
@requires("rules:write")
@blp.response(200, RulebookSchema)
@blp.doc(requestBody=examples.RULEBOOK_BODY)
def put_draft(programme: str) -> dict[str, Any]:
    """Keep a draft of the rulebook

    The whole document; every fault is reported at once with its path. A draft that is there is replaced.
    """
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("Send the rulebook as application/json.")
    document = parse_json(request)
    with transaction() as session:
        return versions.put_draft(session, programmes.get(session, programme).no, document)


@blp.route("/draft", methods=["GET"])
@requires("read")
@blp.response(200, RulebookSchema)
def get_draft(programme: str) -> dict[str, Any]:
    """The draft"""
    with snapshot() as session:
        return versions.draft(session, programmes.get(session, programme).no)


@blp.route("/draft/activate", methods=["POST"])
@requires("rules:write")
@blp.response(200, RulebookSchema)
def activate(programme: str) -> dict[str, Any]:
    """Put the draft in force

    Events recorded from now on are judged by it. The version in force until now is retired.
    """
    with transaction() as session:
        return versions.activate(session, programmes.get(session, programme).no)


@blp.route("", methods=["GET"])
@requires("read")
@blp.response(200, RulebookSchema)
def get_in_force(programme: str) -> dict[str, Any]:
    """The version in force"""
    with snapshot() as session:
        return versions.in_force(session, programmes.get(session, programme).no)


@blp.route("/versions", methods=["GET"])
@requires("read")
@blp.arguments(PageQuery, location="query")
@blp.response(200, VersionsSchema)
def get_versions(query: dict[str, Any], programme: str) -> dict[str, Any]:
    """All versions, the newest first"""
    before = LAST_VERSION if query["cursor"] is None else decode_cursor(query["cursor"], [int])[0]
    with snapshot() as session:
        number = programmes.get(session, programme).no
        items = versions.all_versions(session, number, min(before, LAST_VERSION), query["limit"] + 1)
    more = len(items) > query["limit"]
    items = items[: query["limit"]]
    return {"items": items, "next": encode_cursor([items[-1]["version"]]) if more else None}


@blp.route("/versions/<int:number>", methods=["GET"])
@requires("read")
@blp.response(200, RulebookSchema)
def get_version(programme: str, number: int) -> dict[str, Any]:
    """One version with its document"""
    with snapshot() as session:
        return versions.of_version(session, programmes.get(session, programme).no, min(number, LAST_VERSION))
