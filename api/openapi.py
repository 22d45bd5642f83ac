"""The OpenAPI 3.1 document, made from the resources: scopes, problems and the credential in one place."""

from typing import Any, ClassVar

import flask_smorest
from flask import Flask
from webargs.flaskparser import FlaskParser

from api.fields import MAX_KEY_CHARACTERS, KeyInPath

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
                "cursor; amounts are integers of a unit's smallest part; times are RFC 3339 with offset."
            )
        },
        "components": {
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "An API key, `pb_…`."},
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
    400: "malformed: the body is not what its content type says",
    401: "unauthorised: the key is missing, unknown or revoked",
    403: "forbidden: the key lacks the scope",
    404: "not-found",
    409: "conflict, closed, key-conflict, already-reversed",
    413: "too-large",
    415: "unsupported-media-type",
    422: "validation, insufficient-funds",
    429: "rate-limited",
    503: "unavailable: nothing was lost, try again",
}
_OF_READS = (401, 403, 404, 422, 429, 503)


class Api(flask_smorest.Api):  # type: ignore[misc]  # flask-smorest has no types
    """flask-smorest without its own error format: `api.problems` is the one place where errors leave."""

    def _register_error_handlers(self) -> None:
        pass


class Arguments(FlaskParser):
    """webargs drops unknown query parameters without a word; here the schema decides, and refuses them."""

    DEFAULT_UNKNOWN_BY_LOCATION: ClassVar[dict[str, str | None]] = {"query": None, "json": None, "headers": None}


class Resource(flask_smorest.Blueprint):  # type: ignore[misc]  # flask-smorest has no types
    """A blueprint whose operations document their scope and their problems."""

    ARGUMENTS_PARSER = Arguments()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prepare_doc_cbks.append(_document_operation)


def _document_operation(doc: dict[str, Any], doc_info: dict[str, Any], *, method: str, **_: Any) -> dict[str, Any]:
    responses = doc.setdefault("responses", {})
    responses.pop("default", None)
    scope = doc_info.get("scope")
    statuses: tuple[int, ...] = _OF_READS if method.upper() == "GET" else tuple(PROBLEMS)
    if scope is None:
        statuses = ()
    else:
        doc["security"] = [{"key": []}]
        doc["description"] = f"{doc.get('description', '')}\n\nScope: `{scope}`.".strip()
    for status in statuses:
        existing = responses.get(str(status), responses.get(status))
        if existing is None or "content" not in existing:
            responses.pop(status, None)
            responses[str(status)] = {
                "description": PROBLEMS[status],
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            }
    return doc


def prepare(rest: Api) -> None:
    """Before resources are registered: how a key in a path is documented."""
    rest.register_converter(
        KeyInPath,
        lambda _converter: {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_KEY_CHARACTERS,
            "pattern": "^[^/]+$",
        },
    )


def served_routes(app: Flask) -> list[str]:
    """`METHOD /path` of each route under /v1, for the tests that go over all of them."""
    return sorted(
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/v1/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    )
