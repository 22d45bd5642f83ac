"""Who asks, and what they may: API keys, scopes, and transactions of the caller's company."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any, TypeVar

from flask import g, request

from api.app_state import database
from pointsbank import keys
from pointsbank.database import Session
from pointsbank.errors import Forbidden, Unauthorised

Handler = TypeVar("Handler", bound=Callable[..., Any])


def requires(scope: str) -> Callable[[Handler], Handler]:
    """The handler runs only for a key that has the scope (or `admin`); else 401 or 403."""

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        def checked(*args: Any, **kwargs: Any) -> Any:
            authenticate(scope)
            return handler(*args, **kwargs)

        documented: Any = checked
        # Read by api.openapi.
        documented._apidoc = {**getattr(handler, "_apidoc", {}), "scope": scope, "name": handler.__name__}
        return documented  # type: ignore[no-any-return]  # same signature as the handler

    return decorate


def authenticate(scope: str) -> keys.Key:
    """The key of the request. Raises Unauthorised, or Forbidden if it lacks the scope."""
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not text:
        raise Unauthorised("Send an API key: Authorization: Bearer pb_…")
    key = keys.authenticate(database(), text.strip())
    if key is None:
        raise Unauthorised("This API key is unknown or revoked.")
    if scope not in key.scopes and "admin" not in key.scopes:
        raise Forbidden(f"This API key lacks the scope {scope}; it has {', '.join(sorted(key.scopes)) or 'none'}.")
    g.key = key
    return key


def company_id() -> int:
    key = g.key
    assert isinstance(key, keys.Key)
    return key.company_id


def may(scope: str) -> bool:
    """Whether the request's key has a further scope."""
    return scope in g.key.scopes or "admin" in g.key.scopes


def transaction() -> AbstractContextManager[Session]:
    """A transaction of the caller's company."""
    return database().transaction(company_id())


def snapshot() -> AbstractContextManager[Session]:
    """A read-only transaction of the caller's company that sees one state throughout."""
    return database().snapshot(company_id())
