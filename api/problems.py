"""Every error leaves through here, as RFC 9457 `application/problem+json`."""

import logging
import uuid
from http import HTTPStatus
from typing import Any

import orjson
import psycopg
import sqlalchemy
from flask import Flask, Response, request
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException

from api.app_state import state
from pointsbank.database import is_transient, unavailable
from pointsbank.errors import (
    FieldError,
    Invalid,
    Malformed,
    NotFound,
    PointsBankError,
    RateLimited,
    TooLarge,
    Unavailable,
    UnsupportedMediaType,
)

log = logging.getLogger(__name__)

MAX_ERRORS = 100
"""Field errors listed in one problem; who has more of them has them for the same reason."""

SLUGS = {
    400: "malformed",
    404: "not-found",
    405: "method-not-allowed",
    406: "not-acceptable",
    413: "too-large",
    414: "too-large",
    415: "unsupported-media-type",
    422: "validation",
    429: "rate-limited",
    431: "too-large",
    503: "unavailable",
}
TITLES = {
    kind.slug: kind.title
    for kind in (Malformed, NotFound, TooLarge, UnsupportedMediaType, Invalid, RateLimited, Unavailable)
}
"""So that a type has the same title whoever found the fault (RFC 9457, 3.1.3)."""
RETRY_AFTER_SECONDS = 1


def register(app: Flask) -> None:
    app.register_error_handler(PointsBankError, _of_domain)
    app.register_error_handler(HTTPException, of_http)
    app.register_error_handler(psycopg.Error, _of_database)
    app.register_error_handler(sqlalchemy.exc.SQLAlchemyError, _of_database)
    app.register_error_handler(Exception, _unexpected)


def as_problem(error: PointsBankError, instance: str | None = None) -> dict[str, Any]:
    """The problem's members, also for one item of a batch (which has no instance)."""
    problem = _problem(error.slug, error.title, error.status, error.detail, error.errors)
    if instance is not None:
        problem["instance"] = instance
    return problem | error.extra


def _problem(slug: str, title: str, status: int, detail: str, errors: list[FieldError]) -> dict[str, Any]:
    problem: dict[str, Any] = {
        "type": f"{state().settings.base_url}/problems/{slug}",
        "title": title,
        "status": status,
        "detail": detail,
    }
    if errors:
        problem["errors"] = [{"path": path, "message": message} for path, message in errors[:MAX_ERRORS]]
    return problem


def _respond(problem: dict[str, Any]) -> Response:
    problem.setdefault("instance", request.path)
    response = Response(orjson.dumps(problem), problem["status"], mimetype="application/problem+json")
    if problem["status"] in (429, 503):
        response.headers["Retry-After"] = str(problem.get("retry_after_seconds", RETRY_AFTER_SECONDS))
    if problem["status"] == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _of_domain(error: PointsBankError) -> Response:
    return _respond(as_problem(error, request.path))


def of_http(error: HTTPException) -> Response:
    """What went wrong before or beside the domain, as a problem."""
    status = error.code or 500
    if status < 400:
        return Response(error.get_body(), status, error.get_headers())
    data = getattr(error, "data", None) or {}
    errors = [] if status == 400 else list(_flattened(data.get("messages", {})))
    detail = "; ".join(f"{path}: {message}" if path else message for path, message in errors[:3]) or error.description
    slug = SLUGS.get(status, "internal" if status >= 500 else "validation")
    response = _respond(_problem(slug, TITLES.get(slug, HTTPStatus(status).phrase), status, detail or "", errors))
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def _of_database(error: psycopg.Error | sqlalchemy.exc.SQLAlchemyError) -> Response:
    if is_transient(error) or isinstance(error, psycopg.errors.QueryCanceled | sqlalchemy.exc.TimeoutError):
        return _of_domain(unavailable(error))
    return _unexpected(error)


def unexpected(error: Exception) -> dict[str, Any]:
    """The problem's members; the error goes to the log."""
    reference = uuid.uuid4().hex
    log.error("unexpected error %s at %s %s", reference, request.method, request.path, exc_info=error)
    detail = f"Something failed that should not have. It is in our log as {reference}."
    return _problem("internal", "Internal error", 500, detail, [])


def _unexpected(error: Exception) -> Response:
    return _respond(unexpected(error))


def field_errors(error: ValidationError) -> list[FieldError]:
    return list(_flattened({"json": error.messages}))


LOCATIONS = {"json", "query", "query_string", "path", "headers", "form"}


def _flattened(messages: Any, path: str = "") -> list[FieldError]:
    """marshmallow's nested messages as paths: {"members": {3: ["…"]}} is members[3]."""
    if isinstance(messages, str):
        return [(path, messages)]
    if isinstance(messages, list):
        return [found for message in messages for found in _flattened(message, path)]
    found: list[FieldError] = []
    for key, inner in messages.items():
        if (not path and key in LOCATIONS) or key == "_schema":
            step = path
        elif isinstance(key, int):
            step = f"{path}[{key}]"
        else:
            step = f"{path}.{key}" if path else str(key)
        found += _flattened(inner, step)
    return found
