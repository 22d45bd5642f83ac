"""What a stranger needs to check a certificate, without a key: the issuer and its keys, and which are revoked."""

import re
from hashlib import sha256

import orjson
from flask import Response, request
from marshmallow import Schema, fields

from api.app_state import database, state
from api.auth import public
from api.openapi import Resource
from credentials import issuer_document, issuing, signing_keys
from pointsbank import company
from pointsbank.errors import NotFound
from pointsbank.keys import company_of
from rules.certification import register

blp = Resource(
    "Issuers", __name__, url_prefix="/v1", description="What anybody needs to check a certificate; without a key"
)

DID_MEDIA_TYPE = "application/did+ld+json"
ISSUER_CACHE_SECONDS = 60
STATUS_CACHE_SECONDS = 60
"""So long may a verifier believe that nothing was revoked."""

_LIST = re.compile(r"([a-z2-7]{12})-([1-9][0-9]{0,8})")


class VerificationMethodSchema(Schema):
    id = fields.String(metadata={"example": "did:web:bank.example:v1:issuers:demo#key-1"})
    type = fields.String(metadata={"enum": ["Multikey"]})
    controller = fields.String(metadata={"example": "did:web:bank.example:v1:issuers:demo"})
    publicKeyMultibase = fields.String(metadata={"example": "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"})  # noqa: N815 - the standard's
    revoked = fields.String(metadata={"format": "date-time", "description": "Absent: it is not revoked."})


class IssuerSchema(Schema):
    contexts = fields.List(fields.String(), data_key="@context")
    id = fields.String(metadata={"example": "did:web:bank.example:v1:issuers:demo"})
    type = fields.List(fields.String(), metadata={"example": ["Profile"]})
    name = fields.String(metadata={"example": "示范公司"})
    url = fields.String(metadata={"example": "https://bank.example/v1/issuers/demo"})
    verificationMethod = fields.List(fields.Nested(VerificationMethodSchema))  # noqa: N815 - the standard's
    assertionMethod = fields.List(  # noqa: N815 - the standard's
        fields.String(), metadata={"description": "The keys whose signatures are good."}
    )


class StatusListSchema(Schema):
    contexts = fields.List(fields.String(), data_key="@context")
    id = fields.String(metadata={"example": "https://bank.example/v1/status-lists/aaaaaaaaaaaa-1"})
    type = fields.List(fields.String())
    issuer = fields.String()
    validFrom = fields.String(metadata={"format": "date-time", "description": "When it changed last."})  # noqa: N815
    credentialSubject = fields.Dict(metadata={"description": "`encodedList` has a bit for each certificate."})  # noqa: N815
    proof = fields.List(fields.Dict())


@blp.route("/issuers/<key:issuer>", methods=["GET"])
@public
@blp.response(200, IssuerSchema)
def get_issuer(issuer: str) -> Response:
    """The company as an issuer of certificates

    The did:web document with its keys and the Open Badges profile, in one; also at `…/did.json`.
    """
    return _issuer(issuer, "application/json")


@blp.route("/issuers/<key:issuer>/did.json", methods=["GET"])
@public
@blp.response(200, IssuerSchema, content_type=DID_MEDIA_TYPE)
def get_did_document(issuer: str) -> Response:
    """The company's did:web document"""
    return _issuer(issuer, DID_MEDIA_TYPE)


@blp.route("/status-lists/<key:status_list>", methods=["GET"])
@public
@blp.response(200, StatusListSchema, content_type=issuing.MEDIA_TYPE)
def get_status_list(status_list: str) -> Response:
    """Which certificates are revoked

    A Bitstring Status List: itself a signed credential of the company's. A certificate names its list and its place.
    """
    named = _LIST.fullmatch(status_list)
    if named is None:
        raise NotFound("There is no such status list.")
    company_id, number = company_of(named[1]), int(named[2])
    with database().transaction(company_id) as session:
        revoked = register.revoked_in(session, number)
        if revoked is None:
            raise NotFound("There is no such status list.")
        body = issuing.signer(session, state().settings).sign_status_list(number, revoked)
    return _public(body, issuing.MEDIA_TYPE, STATUS_CACHE_SECONDS)


def _issuer(key: str, media_type: str) -> Response:
    company_id = company.find(database(), key)
    if company_id is None:
        raise NotFound("There is no such issuer.")
    with database().snapshot(company_id) as session:
        issuer = issuing.issuer_of(session, state().settings.base_url)
        keys = signing_keys.every(session)
    return _public(orjson.dumps(issuer_document.document(issuer, keys)), media_type, ISSUER_CACHE_SECONDS)


def _public(body: bytes, media_type: str, cache_seconds: int) -> Response:
    response = Response(body, content_type=media_type)
    response.set_etag(sha256(body).hexdigest()[:32])
    response.cache_control.public = True
    response.cache_control.max_age = cache_seconds
    response.headers["Access-Control-Allow-Origin"] = "*"  # verifiers run in browsers, too
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.make_conditional(request)
    return response
