"""A programme's rulebook: draft, activate, versions."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from flask import request
from marshmallow import Schema, fields

from api import examples, progress
from api.app_state import database
from api.auth import company_id, requires, snapshot, transaction
from api.cloudevents import parse_json
from api.fields import Flag, Instant, StrictSchema
from api.openapi import Resource
from api.paging import PageQuery, decode_cursor, encode_cursor
from api.simulation import ReEvaluationSchema
from pointsbank.directory import programmes
from pointsbank.errors import UnsupportedMediaType
from rules import reevaluation, versions
from rules.simulation.progress import Progress

blp = Resource("Rulebook", __name__, url_prefix="/v1/programmes/<key:programme>/rulebook", description="Rules")


class ActivationSchema(StrictSchema):
    from_at = Instant(
        data_key="from",
        load_default=None,
        allow_none=True,
        metadata={"description": "When it comes into force, later than now; absent: now."},
    )
    re_evaluate = Flag(
        load_default=False,
        metadata={"description": "Brings what is booked in the programme to what this version gives."},
    )


class VersionSchema(Schema):
    version = fields.Integer(required=True, metadata={"example": 3})
    status = fields.String(
        required=True, metadata={"enum": ["draft", "scheduled", "active", "retired"], "example": "draft"}
    )
    created_at = fields.Raw(required=True, metadata={"type": "string", "format": "date-time"})
    active_from = fields.Raw(
        required=True,
        metadata={"type": ["string", "null"], "format": "date-time", "description": "Null: a draft."},
    )


class RulebookSchema(VersionSchema):
    document = fields.Raw(required=True, metadata={"type": "object", "example": examples.RULEBOOK})


class ActivatedSchema(RulebookSchema):
    re_evaluation = fields.Nested(
        ReEvaluationSchema, required=True, allow_none=True, metadata={"description": "null: none was asked for."}
    )


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
@blp.arguments(ActivationSchema, required=False)
@blp.response(200, ActivatedSchema)
@blp.doc(responses=progress.documented(ActivatedSchema))
def activate(body: dict[str, Any], programme: str) -> Any:
    """Put the draft in force

    Events recorded from then on are judged by it, and the version in force until then is retired. With `re_evaluate`
    the differences between what is booked and what this version gives are booked as corrections, and the answer comes
    when that is done; if it is cut off, it goes on by itself. Of a version that is ahead of time it begins by itself.
    """
    with transaction() as session:
        found = programmes.get(session, programme)
        shown = versions.activate(session, found.no, body["from_at"])
        if body["re_evaluate"]:
            reevaluation.ask(session, found, shown["version"], body["from_at"])
    steps: Iterator[Progress] = iter(())
    if body["re_evaluate"] and body["from_at"] is None:
        steps = reevaluation.run(database(), company_id(), programme, shown["version"])
    return progress.answer(steps, lambda _: {**shown, "re_evaluation": _re_evaluation(found.no, body["re_evaluate"])})


def _re_evaluation(programme: int, was_asked_for: bool) -> dict[str, Any] | None:
    if not was_asked_for:
        return None
    with snapshot() as session:
        return asdict(reevaluation.latest(session, programme))


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
    before = versions.LAST_VERSION if query["cursor"] is None else decode_cursor(query["cursor"], [int])[0]
    with snapshot() as session:
        number = programmes.get(session, programme).no
        items = versions.all_versions(session, number, min(before, versions.LAST_VERSION), query["limit"] + 1)
    more = len(items) > query["limit"]
    items = items[: query["limit"]]
    return {"items": items, "next": encode_cursor([items[-1]["version"]]) if more else None}


@blp.route("/versions/<int:number>", methods=["GET"])
@requires("read")
@blp.response(200, RulebookSchema)
def get_version(programme: str, number: int) -> dict[str, Any]:
    """One version with its document"""
    with snapshot() as session:
        return versions.of_version(session, programmes.get(session, programme).no, min(number, versions.LAST_VERSION))
