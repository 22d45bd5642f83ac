"""The OpenAPI 3.1 document, made from the resources: scopes, problems and the credential in one place."""

from typing import Any
from urllib.parse import unquote_to_bytes

import flask_smorest
import webargs
from flask import Flask, Request, request
from webargs.flaskparser import FlaskParser

from api import cloudevents
from api.bodies import read_body
from api.fields import KeyBesideBatch, KeyInPath
from pointsbank.directory.faults import MAX_KEY_CHARACTERS
from pointsbank.errors import Malformed, UnsupportedMediaType

MAX_BODY_BYTES = 16 * 1024 * 1024
"""Of a request that is no batch, unpacked: room for the longest ids of as many as it may name."""

CONFIG = {
    "API_TITLE": "Points bank",
    "API_VERSION": "v1",
    "OPENAPI_VERSION": "3.1.0",
    "OPENAPI_URL_PREFIX": "/",
    "OPENAPI_JSON_PATH": "openapi.json",
    "API_SPEC_OPTIONS": {
        "info": {
            "description": (
                "Credits (积分), red flowers (小红花) and certificates of training programmes.\n\n"
                "Errors are RFC 9457 problems with a stable `type`; writes are idempotent; lists page by an opaque "
                "cursor; amounts are integers of a unit's smallest part; times are RFC 3339 with offset. Fields and "
                "query parameters that are not known are refused (422), so that a misspelt one is never ignored."
            )
        },
        "components": {
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "An API key, `pb_…`."},
                "widget": {
                    "type": "apiKey",
                    "in": "query",
                    "name": "token",
                    "description": "A widget token, `pbw_…`, for one board; also as a bearer token.",
                },
            },
            "schemas": {
                "Problem": {
                    "type": "object",
                    "description": "RFC 9457 problem details.",
                    "properties": {
                        "type": {"type": "string", "examples": ["http://127.0.0.1:8000/problems/validation"]},
                        "title": {"type": "string", "examples": ["Validation failed"]},
                        "status": {"type": "integer", "examples": [422]},
                        "detail": {"type": "string", "examples": ["data.score: is missing"]},
                        "instance": {"type": "string", "examples": ["/v1/events"]},
                        "errors": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "properties": {"path": {"type": "string"}, "message": {"type": "string"}},
                                "required": ["path", "message"],
                            },
                        },
                    },
                    "required": ["type", "title", "status", "detail"],
                }
            },
        },
    },
}

PROBLEMS = {
    400: ("malformed", "malformed: the body is not what its content type says"),
    401: ("unauthorised", "unauthorised: the key is missing, unknown or revoked; token-unknown, -expired, -revoked"),
    403: ("forbidden", "forbidden: the key lacks the scope; other-board, origin-not-listed: of widget tokens"),
    404: ("not-found", "not-found: there is no such thing in this company"),
    405: ("method-not-allowed", "method-not-allowed: `Allow` names the methods that there are"),
    409: ("conflict", "conflict, closed, key-conflict, already-reversed: it contradicts what is booked"),
    413: ("too-large", "too-large: the body, or the number of items, is beyond the limit"),
    414: ("too-large", "too-large: the request line is longer than a server takes"),
    415: ("unsupported-media-type", "unsupported-media-type: the content type is not taken here"),
    422: ("validation", "validation, insufficient-funds: `errors` names each field and what to do about it"),
    429: ("rate-limited", "rate-limited: try again after `Retry-After`"),
    503: ("unavailable", "unavailable: nothing was lost, try again"),
}
_PUBLIC = (404, 405, 414, 503)
_WITHOUT_BODY = (401, 403, 404, 405, 414, 422, 429, 503)


class Api(flask_smorest.Api):
    """flask-smorest without its own error format: `api.problems` is the one place where errors leave."""

    def _register_error_handlers(self) -> None:
        pass


class Arguments(FlaskParser):
    """webargs drops unknown query parameters without a word; here the schema decides, and refuses them."""

    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {  # noqa: RUF012  # webargs has it so
        "query": None,
        "json": None,
        "headers": None,
    }

    def load_json(self, req: Request, schema: Any) -> Any:
        """As events are read: bounded, unpacked, and told where it is no JSON. Also where the body may be absent, one
        of another type is refused and not overlooked."""
        body = read_body(req, MAX_BODY_BYTES)
        if not body:
            return webargs.missing
        if not req.is_json:
            raise UnsupportedMediaType("Send the body as application/json.")
        return cloudevents.parse(body)


class Resource(flask_smorest.Blueprint):
    """A blueprint whose operations document their scope and their problems."""

    ARGUMENTS_PARSER = Arguments()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prepare_doc_cbks.append(_document_operation)
        self.before_request(_refuse_other_encodings)


def _refuse_other_encodings() -> None:
    """Ids in GBK would come as so many marks of replacement, and any two of the same length be one."""
    try:
        request.environ["PATH_INFO"].encode("latin-1").decode()
        unquote_to_bytes(request.query_string).decode()
    except UnicodeError:
        raise Malformed("The address is not UTF-8; percent-encode the UTF-8 of what it holds.") from None


def _document_operation(doc: dict[str, Any], doc_info: dict[str, Any], *, method: str, **_: Any) -> dict[str, Any]:
    responses = doc.setdefault("responses", {})
    responses.pop("default", None)
    scope = doc_info.get("scope")
    statuses: tuple[int, ...] = _WITHOUT_BODY if method.upper() in ("GET", "DELETE") else tuple(PROBLEMS)
    text = doc_info["docstring"]  # put into the operation after this function
    if scope is None:
        statuses = _PUBLIC
        doc["security"] = []
        text["description"] = f"{text.get('description', '')}\n\nPublic: no key is needed.".strip()
    else:
        doc["security"] = [{"key": []}, *([{"widget": []}] if doc_info.get("widget") else [])]
        text["description"] = f"{text.get('description', '')}\n\nScope: `{scope}`.".strip()
    for status in statuses:
        existing = responses.get(str(status), responses.get(status))
        if existing is None or "content" not in existing:
            responses.pop(status, None)
            responses[str(status)] = _problem(status)
    if "name" in doc_info:
        doc["operationId"] = doc_info["name"]
    return doc


def _problem(status: int) -> dict[str, Any]:
    slug, description = PROBLEMS[status]
    example: dict[str, Any] = {
        "type": f"http://127.0.0.1:8000/problems/{slug}",
        "title": slug.replace("-", " ").capitalize(),
        "status": status,
        "detail": description.partition(": ")[2],
        "instance": "/v1/programmes/2021",
    }
    if status == 422:
        fault = "must be an integer."
        example |= {"detail": f"amount: {fault}", "errors": [{"path": "amount", "message": fault}]}
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {"application/problem+json": {"schema": schema, "example": example}}}


def prepare(rest: Api) -> None:
    """Before resources are registered: how a key in a path is documented."""
    schema = {"type": "string", "minLength": 1, "maxLength": MAX_KEY_CHARACTERS}
    rest.register_converter(KeyInPath, lambda _converter: {**schema, "pattern": "^[^/]+$"})
    rest.register_converter(
        KeyBesideBatch, lambda _converter: {**schema, "pattern": "^[^/]+$", "not": {"const": "batch"}}
    )


def finish(rest: Api) -> None:
    """After resources are registered: what an answer always has is required, what nobody uses goes."""
    schemas = rest.spec.components.schemas
    for unused in ("Error", "PaginationMetadata"):
        schemas.pop(unused, None)
    for name, schema in schemas.items():
        if name not in _SENT and "properties" in schema:
            absent = _MAY_BE_ABSENT.get(name, set())
            schema["required"] = sorted(schema["properties"].keys() - absent)
    schemas["Award"] |= _AWARD
    schemas["Match"] |= _MATCH
    for operations in rest.spec._paths.values():  # apispec has no public way to what it holds, but as a copy
        for operation in operations.values():
            for parameter in operation.get("parameters", ()) if isinstance(operation, dict) else ():
                _without_null(parameter)


def _without_null(parameter: dict[str, Any]) -> None:
    """A query parameter that may be left out is text or a number all the same: null cannot be sent."""
    schema = parameter.get("schema", {})
    if isinstance(schema.get("type"), list):
        schema["type"] = schema["type"][0]
    if schema.get("default", "") is None:
        del schema["default"]


# What marshmallow checks in a method: one receiver, and who gives flowers of what.
_AWARD: dict[str, Any] = {
    "oneOf": [{"required": ["learner"]}, {"required": ["team"]}],
    "if": {"properties": {"unit": {"const": "flowers"}}},
    "then": {
        "required": ["awarder", "course"],
        "properties": {"awarder": {"type": "string"}, "course": {"type": "string"}},
    },
    "example": {
        "awarder": "li-trainer",
        "team": "team-1",
        "programme": "2021",
        "course": "service",
        "unit": "flowers",
        "amount": 2,
        "reason": "带队复盘，发言精彩",
    },
}

_MATCH: dict[str, Any] = {
    "oneOf": [{"required": ["teams"]}, {"required": ["learners"]}],
    "example": {
        "name": "第三周小组PK",
        "teams": ["team-1", "team-2"],
        "unit": "credits",
        "starts_at": "2021-10-18T09:00:00+08:00",
        "ends_at": "2021-10-18T10:30:00+08:00",
        "prize": {"unit": "flowers", "amount": 2, "course": "service"},
    },
}

_SENT = frozenset(
    [
        *("Problem", "Allowance", "Award", "Awarder", "Close", "Company", "Course", "Enrol", "Learner", "LearnerItem"),
        *("Match", "MatchPrize", "Phase", "PinnedBoard", "PinnedBoards", "Programme", "Reversal", "Revocation"),
        *("Activation", "Reviewed", "RunWanted", "Team", "TeamItem", "WidgetTokenRequest"),
    ]
)
"""Schemas of requests, which say themselves what is required. All others are of answers alone."""
_MAY_BE_ABSENT: dict[str, set[str]] = {
    "Balance": {"course"},
    "LearnerResult": {"problem"},
    "MatchShown": {"teams", "learners"},
    "PlannedMatch": {"teams", "learners"},
    "VerificationMethod": {"revoked"},
}


def served_routes(app: Flask) -> list[str]:
    """`METHOD /path` of each route under /v1, for the tests that go over all of them."""
    return sorted(
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/v1/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    )
