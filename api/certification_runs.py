"""Certification runs: preview, issue, progress, results."""

import uuid
from collections.abc import Iterator
from typing import Any

import orjson
from flask import Response, request, stream_with_context
from marshmallow import Schema, fields

from api.app_state import database, state
from api.auth import company_id, requires, snapshot
from api.certificates import REQUEST_KEY
from api.eligibility import EXPLANATION
from api.entries import TimeShown
from api.fields import Flag, Instant, Key, StrictSchema
from api.idempotency import idempotency_key
from api.listing import listing, page_schema
from api.openapi import Resource
from api.paging import PageQuery, decode_cursor, encode_cursor, no_such_page
from api.problems import as_problem
from pointsbank.directory import programmes
from pointsbank.errors import PointsBankError
from rules.certification import run as runs
from rules.certification import working
from rules.certification.run import Run, Wanted

blp = Resource("Certification", __name__, url_prefix="/v1", description="Who qualifies, and certificates for them")

NDJSON = "application/x-ndjson"
_MAX_POSITION = 2**31 - 1


class RunWantedSchema(StrictSchema):
    cut_off = Instant(
        required=True,
        metadata={"description": "What happened before it counts; it must be over.", "example": "2022-07-01T00:00:00Z"},
    )
    issue = Flag(load_default=False, metadata={"description": "false: a preview."})
    confirm = Flag(load_default=False, metadata={"description": "Issue in spite of warnings."})
    reissue = Flag(
        load_default=False,
        metadata={"description": "Also to those who qualify and whose certificate was revoked: with a new number."},
    )


class RunSchema(Schema):
    """All counts but `learners` and `evaluated` are of learners and certificates: two for one makes two."""

    id = fields.String(metadata={"example": "12"})
    programme = fields.String(metadata={"example": "2021"})
    rulebook_version = fields.Integer(metadata={"example": 3})
    cut_off = TimeShown()
    number = fields.Integer(metadata={"description": "Of the last entry of the journal that counts.", "example": 5230})
    issue = fields.Boolean()
    confirm = fields.Boolean()
    reissue = fields.Boolean()
    stage = fields.String(
        metadata={
            "enum": ["evaluating", "issuing", "finished", "stopped", "failed"],
            "description": "`stopped`: its warnings were not confirmed. `failed`: `problem` says why.",
        }
    )
    learners = fields.Integer(metadata={"description": "Enrolled before the cut-off.", "example": 48})
    evaluated = fields.Integer(metadata={"example": 48})
    qualified = fields.Integer(metadata={"example": 61})
    short = fields.Integer(metadata={"example": 35})
    issued = fields.Integer(metadata={"description": "By this run.", "example": 0})
    already_held = fields.Integer(metadata={"description": "Qualified, with one that is valid.", "example": 0})
    revoked = fields.Integer(metadata={"description": "Qualified, and the one they had is revoked.", "example": 0})
    to_issue = fields.Integer(metadata={"description": "What is left to issue, or would be issued.", "example": 61})
    warnings = fields.List(
        fields.Raw(
            metadata={
                "type": "object",
                "properties": {
                    "warning": {"enum": ["course-open", "glyph-missing", "not-printable"]},
                    "detail": {"type": "string"},
                },
                "required": ["warning", "detail"],
            }
        ),
        metadata={"description": "Each stops an issue unless it is confirmed."},
    )
    problem = fields.Raw(metadata={"type": ["object", "null"], "description": "Why its last step failed."})
    results_url = fields.String(metadata={"example": "http://127.0.0.1:8000/v1/certification-runs/12/results"})
    started_at = TimeShown()
    finished_at = TimeShown(allow_none=True)


class RunResultSchema(Schema):
    learner = fields.String(metadata={"example": "20210001"})
    certificate = fields.String(metadata={"description": "Its key in the rulebook.", "example": "points"})
    qualified = fields.Boolean()
    standing = fields.String(
        metadata={
            "enum": ["short", "new", "issued", "held", "revoked"],
            "description": "`new`: qualified and has none; `held`: has one that is valid; `revoked`: had one.",
        }
    )
    number = fields.String(allow_none=True, metadata={"description": "Of the certificate issued, held or revoked."})
    explanation = fields.Raw(metadata=EXPLANATION)


class ResultPageSchema(Schema):
    items = fields.List(fields.Nested(RunResultSchema))
    next = fields.String(allow_none=True, metadata={"description": "The next page's `cursor`."})


class ResultsQuery(PageQuery):
    qualified = fields.Boolean(truthy={"true"}, falsy={"false"}, metadata={"description": "Only those, or the others."})
    learner = Key(metadata={"example": "20210001"})
    certificate = Key(metadata={"description": "Its key in the rulebook.", "example": "points"})


@blp.route("/programmes/<key:programme>/certification-runs", methods=["POST"])
@requires("certificates:issue")
@blp.arguments(RunWantedSchema)
@blp.response(200, RunSchema)
@blp.doc(parameters=[REQUEST_KEY])
def post_run(body: dict[str, Any], programme: str) -> Any:
    """Judge everybody in a programme, and issue certificates if told to

    By the rulebook in force and by what is booked now. Without `issue` a preview: nothing is issued. Whoever has a
    valid certificate gets no second one, however often it runs. Warnings stop an issue (`stage` is `stopped`, and
    nothing is issued) unless `confirm` is true. With `Accept: application/x-ndjson` the answer is a line of progress
    after each step, and the run, or a problem, on the last. A run that was begun is carried to its end, whatever
    becomes of the request.
    """
    wanted = Wanted(body["cut_off"], body["issue"], body["confirm"], body["reissue"])
    key = idempotency_key() or str(uuid.uuid4())
    who = working.worker(database(), state().settings)
    started = database().run(
        company_id(), lambda session: runs.start(session, programme, wanted, who.name, key), writes=True
    )
    steps = working.carry_out(who, company_id(), started.no)
    if request.accept_mimetypes.best_match(["application/json", NDJSON]) == NDJSON:
        return Response(stream_with_context(_progress(steps)), mimetype=NDJSON)
    for run in steps:
        if run.is_over:
            return shown(run)
    raise AssertionError("a run is carried out until it is over")


@blp.route("/programmes/<key:programme>/certification-runs", methods=["GET"])
@requires("read")
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_schema(RunSchema))
def list_runs(query: dict[str, Any], programme: str) -> dict[str, Any]:
    """A programme's certification runs and previews, the newest first"""
    before = None if query["cursor"] is None else decode_cursor(query["cursor"], [int])[0]
    with snapshot() as session:
        found = runs.page(session, programmes.get(session, programme), query["limit"] + 1, before)
    page = listing(found, query["limit"], lambda each: each.no)
    return {**page, "items": [shown(each) for each in page["items"]]}


@blp.route("/certification-runs/<key:run>", methods=["GET"])
@requires("read")
@blp.response(200, RunSchema)
def get_run(run: str) -> dict[str, Any]:
    """A certification run: how far it is, or what it came to"""
    with snapshot() as session:
        return shown(runs.get(session, run))


@blp.route("/certification-runs/<key:run>/results", methods=["GET"])
@requires("read")
@blp.arguments(ResultsQuery, location="query")
@blp.response(200, ResultPageSchema)
def list_results(query: dict[str, Any], run: str) -> dict[str, Any]:
    """What a run found of each learner and certificate, with the whole explanation"""
    limit, cursor = query.pop("limit"), query.pop("cursor")
    after = (0, 0) if cursor is None else tuple(decode_cursor(cursor, [int, int]))
    if max(after) > _MAX_POSITION:
        raise no_such_page()
    asked = {"rule" if name == "certificate" else name: value for name, value in query.items()}
    with snapshot() as session:
        found = runs.outcomes(session, runs.get(session, run), limit + 1, (after[0], after[1]), **asked)
    items = [
        {
            "learner": each.learner,
            "certificate": each.rule,
            "qualified": each.qualified,
            "standing": each.standing,
            "number": each.number,
            "explanation": each.explanation,
        }
        for each in found[:limit]
    ]
    return {"items": items, "next": encode_cursor(found[limit - 1].position) if len(found) > limit else None}


def shown(run: Run) -> dict[str, Any]:
    return {
        "id": str(run.no),
        "programme": run.programme_key,
        "rulebook_version": run.rulebook_version,
        "cut_off": run.cut_off,
        "number": run.number,
        "issue": run.issues,
        "confirm": run.confirmed,
        "reissue": run.reissues,
        "stage": run.stage,
        "learners": run.learners,
        "evaluated": run.evaluated,
        "qualified": run.qualified,
        "short": run.short,
        "issued": run.issued,
        "already_held": run.held,
        "revoked": run.revoked,
        "to_issue": run.to_issue,
        "warnings": run.warnings,
        "problem": run.problem,
        "results_url": f"{state().settings.base_url}/v1/certification-runs/{run.no}/results",
        "started_at": run.started_at,
        "finished_at": run.finished_at,
    }


def _progress(steps: Iterator[Run]) -> Iterator[bytes]:
    """A line for each step: what a bar needs; the whole run, or a problem, at the end."""
    try:
        for run in steps:
            said = shown(run) if run.is_over else {name: shown(run)[name] for name in _OF_A_STEP}
            yield _line(said)
    except PointsBankError as error:
        yield _line(as_problem(error, request.path))


_OF_A_STEP = ("id", "stage", "learners", "evaluated", "qualified", "to_issue", "issued")


def _line(said: dict[str, Any]) -> bytes:
    return orjson.dumps(said, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE)
