"""Certificates: found by what a talent system asks for, in each of their forms, revoked, reviewed."""

from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate

from api.app_state import database
from api.auth import company_id, requires, snapshot
from api.eligibility import EXPLANATION
from api.entries import TimeShown
from api.fields import Instant, Key, Name, StrictSchema, Text
from api.idempotency import IDEMPOTENCY_KEY, idempotency_key
from api.openapi import Resource
from api.paging import PageQuery, decode_cursor, encode_cursor
from credentials import badge, paper
from credentials.issuing import MEDIA_TYPE
from ledger.identity import entry_id
from pointsbank.database import Session
from rules.certification import register, revoking, statement, verification
from rules.certification.register import STATUSES, Certificate, Filters
from rules.explanation import with_ids

blp = Resource("Certificates", __name__, url_prefix="/v1/certificates", description="Certificates (证书)")

REQUEST_KEY = IDEMPOTENCY_KEY | {
    "description": "The same key with the same body does nothing again; with another body it is a conflict.",
    "example": "hr-20220701-0001",
}
_NUMBER = "PB-2022-000123-7KQ4MX9T"


class LevelSchema(Schema):
    system = fields.String(metadata={"example": "talent"})
    level = fields.String(metadata={"example": "P2"})


class CertificateNameSchema(Schema):
    zh = fields.String(metadata={"example": "积分证"})
    en = fields.String(metadata={"example": "Points certificate"})


class ReviewShownSchema(Schema):
    since = TimeShown()
    why = fields.String()
    explanation = fields.Raw(metadata=EXPLANATION | {"description": "What its criteria say by what is booked since."})


class CertificateShownSchema(Schema):
    number = fields.String(metadata={"example": _NUMBER})
    status = fields.String(metadata={"enum": list(STATUSES), "example": "valid"})
    key = fields.String(metadata={"description": "In the rulebook.", "example": "points"})
    kind = fields.String(metadata={"enum": ["points", "qualification"]})
    level = fields.String(allow_none=True, metadata={"example": "初级"})
    name = fields.Nested(CertificateNameSchema)
    equals = fields.List(fields.Nested(LevelSchema), metadata={"description": "对等转化: as good as these levels."})
    programme = fields.String(metadata={"example": "2021"})
    learner = fields.String(metadata={"example": "20210001"})
    holder = fields.String(metadata={"description": "The name as on the paper.", "example": "李雷"})
    credits = fields.String(metadata={"description": "In the programme, as shown.", "example": "86"})
    edition = fields.Integer(metadata={"description": "From 2: issued again after it expired or was revoked."})
    rulebook_version = fields.Integer(metadata={"example": 3})
    run = fields.String(metadata={"description": "The certification run that issued it.", "example": "12"})
    cut_off = TimeShown()
    issued_at = TimeShown()
    valid_until = TimeShown(allow_none=True, metadata={"description": "Its last second; null: for ever."})
    entry_id = fields.UUID(metadata={"description": "The entry of the journal that issued it."})
    revoked_at = TimeShown(allow_none=True)
    revoked_reason = fields.String(allow_none=True)
    review = fields.Nested(
        ReviewShownSchema,
        allow_none=True,
        metadata={"description": "Not null: something that it rests on was taken back, and HR is to look at it."},
    )
    changed_at = TimeShown(metadata={"description": "When it was issued, revoked, flagged or kept last."})
    verify_url = fields.String(metadata={"example": f"http://127.0.0.1:8000/verify/{_NUMBER}"})


class CertificateWholeSchema(CertificateShownSchema):
    explanation = fields.Raw(metadata=EXPLANATION | {"description": "What its criteria said when it was issued."})
    entries_total = fields.Integer(metadata={"description": "Entries of the journal that it rests on.", "example": 41})


class CertificatePageSchema(Schema):
    items = fields.List(fields.Nested(CertificateShownSchema))
    next = fields.String(allow_none=True, metadata={"description": "The next page's `cursor`."})


class CertificatesQuery(PageQuery):
    learner = Key(metadata={"example": "20210001"})
    programme = Key(metadata={"example": "2021"})
    rule = Key(data_key="key", metadata={"description": "Its key in the rulebook.", "example": "service-1"})
    status = fields.String(validate=validate.OneOf(STATUSES))
    level = Name(metadata={"example": "初级"})
    system = Name(metadata={"description": "Equal to some level of this talent system.", "example": "talent"})
    equals_level = Name(metadata={"description": "Equal to this level (of `system`, if given).", "example": "P2"})
    in_review = fields.Boolean(
        data_key="review", truthy={"true"}, falsy={"false"}, metadata={"description": "Flagged for a review, or not."}
    )
    changed_since = Instant(metadata={"description": "Issued, revoked, flagged or kept at or after."})


class RevocationSchema(StrictSchema):
    reason = Text(required=True, metadata={"example": "成绩经复核无效"})


class ReviewedSchema(StrictSchema):
    outcome = fields.String(
        required=True, validate=validate.OneOf(["keep"]), metadata={"description": "To revoke it, revoke it."}
    )
    reason = Text(required=True, metadata={"example": "补考成绩已达标"})


@blp.route("", methods=["GET"])
@requires("read")
@blp.arguments(CertificatesQuery, location="query")
@blp.response(200, CertificatePageSchema)
def list_certificates(query: dict[str, Any]) -> dict[str, Any]:
    """Certificates, those that changed longest ago first

    A talent system that asks with `changed_since`, and reads on by `next`, misses no change: what changes meanwhile
    comes again at the end. Expiry is no change: `valid_until` says it beforehand.
    """
    limit, cursor = query.pop("limit"), query.pop("cursor")
    after = 0 if cursor is None else decode_cursor(cursor, [int])[0]
    with snapshot() as session:
        found = register.page(session, Filters(**query), limit + 1, after)
    items = [_shown(each) for each in found[:limit]]
    return {"items": items, "next": encode_cursor([found[limit - 1].changed_in]) if len(found) > limit else None}


@blp.route("/<key:number>", methods=["GET"])
@requires("read")
@blp.response(200, CertificateWholeSchema)
def get_certificate(number: str) -> dict[str, Any]:
    """A certificate, with what it rests on"""
    with snapshot() as session:
        return _whole(session, register.get(session, number))


@blp.route("/<key:number>/credential", methods=["GET"])
@requires("read")
@blp.response(200, {"type": "object"}, content_type=MEDIA_TYPE, description="An Open Badges 3.0 credential")
def get_credential(number: str) -> Response:
    """A certificate as a verifiable credential"""
    with snapshot() as session:
        found = register.get(session, number)
    return Response(found.credential, content_type=MEDIA_TYPE)


@blp.route("/<key:number>/pdf", methods=["GET"])
@requires("read")
@blp.response(200, {"type": "string", "format": "binary"}, content_type="application/pdf", description="A4")
def get_pdf(number: str) -> Response:
    """A certificate on paper

    With its credential attached, and for a points certificate with the statement of the credits that it rests on.
    """
    with snapshot() as session:
        found = _signed(session, number)
        lines = statement.lines(session, found)
    return _file(paper.pdf(found.content, lines, found.credential), "application/pdf", f"{found.number}.pdf")


@blp.route("/<key:number>/badge.svg", methods=["GET"])
@requires("read")
@blp.response(200, {"type": "string"}, content_type="image/svg+xml", description="With the credential in it")
def get_badge_svg(number: str) -> Response:
    """A certificate as a badge"""
    with snapshot() as session:
        found = _signed(session, number)
    return _file(badge.svg(found.content, found.credential), "image/svg+xml", f"{found.number}.svg")


@blp.route("/<key:number>/badge.png", methods=["GET"])
@requires("read")
@blp.response(200, {"type": "string", "format": "binary"}, content_type="image/png", description="600 by 600")
def get_badge_png(number: str) -> Response:
    """A certificate as a badge"""
    with snapshot() as session:
        found = _signed(session, number)
    return _file(badge.png(found.content, found.credential), "image/png", f"{found.number}.png")


@blp.route("/<key:number>/revoke", methods=["POST"])
@requires("certificates:issue")
@blp.arguments(RevocationSchema)
@blp.response(200, CertificateWholeSchema)
@blp.doc(parameters=[REQUEST_KEY])
def revoke(body: dict[str, Any], number: str) -> dict[str, Any]:
    """Revoke a certificate

    Once and for all: the status list and the page to verify it say so from now on. Again is 409 `already-revoked`. A
    run issues it again only with `reissue`.
    """
    key = idempotency_key()
    database().run(company_id(), lambda session: revoking.revoke(session, number, body["reason"], key), writes=True)
    return _now(number)


@blp.route("/<key:number>/review", methods=["POST"])
@requires("certificates:issue")
@blp.arguments(ReviewedSchema)
@blp.response(200, CertificateWholeSchema)
@blp.doc(parameters=[REQUEST_KEY])
def review(body: dict[str, Any], number: str) -> dict[str, Any]:
    """End a review: the certificate is kept as it is"""
    key = idempotency_key()
    database().run(company_id(), lambda session: revoking.keep(session, number, body["reason"], key), writes=True)
    return _now(number)


def _now(number: str) -> dict[str, Any]:
    with snapshot() as session:
        return _whole(session, register.get(session, number))


def _signed(session: Session, number: str) -> Certificate:
    found = register.get(session, number)
    verification.check_signed(session, found)
    return found


def _file(data: bytes, content_type: str, name: str) -> Response:
    response = Response(data, content_type=content_type)
    response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    return response


def _whole(session: Session, found: Certificate) -> dict[str, Any]:
    explanation, total = register.explanation(session, found)
    return {
        **_shown(found),
        "explanation": with_ids(explanation, session.company_id),
        "entries_total": total,
    }


def _shown(found: Certificate) -> dict[str, Any]:
    review = found.review
    return {
        "number": found.number,
        "status": found.status_at(register.now()),
        "key": found.rule,
        "kind": found.kind,
        "level": found.level,
        "name": dict(found.names),
        "equals": [{"system": each.system, "level": each.level} for each in found.equals],
        "programme": found.content.programme,
        "learner": found.content.learner,
        "holder": found.holder,
        "credits": found.content.credits,
        "edition": found.edition,
        "rulebook_version": found.rulebook_version,
        "run": str(found.run),
        "cut_off": found.cut_off,
        "issued_at": found.issued_at,
        "valid_until": found.valid_until,
        "entry_id": entry_id(found.company_id, found.entry_number),
        "revoked_at": found.revoked_at,
        "revoked_reason": found.revoked_reason,
        "review": None
        if review is None
        else {
            "since": review.since,
            "why": review.why,
            "explanation": with_ids(review.explanation, found.company_id),
        },
        "changed_at": found.changed_at,
        "verify_url": found.content.verify_url,
    }
