"""Who asks, and what they may: API keys, scopes, and transactions of the caller's company."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any, TypeVar

from flask import g, request

from api.app_state import database
from pointsbank import keys, widgets
from pointsbank.database import Database, Session
from pointsbank.errors import Forbidden, TokenUnknown, Unauthorised

Handler = TypeVar("Handler", bound=Callable[..., Any])


def requires(scope: str) -> Callable[[Handler], Handler]:
    """The handler runs only for a key that has the scope (or `admin`); else 401 or 403."""

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        def checked(*args: Any, **kwargs: Any) -> Any:
            authenticate(scope)
            return handler(*args, **kwargs)

        return documented(checked, handler, scope)  # type: ignore[return-value]  # same signature

    return decorate


def documented(
    checked: Callable[..., Any], handler: Callable[..., Any], scope: str | None, **more: Any
) -> Callable[..., Any]:
    """`checked`, in place of `handler`, with what api.openapi reads. A scope of None: anybody may."""
    known: Any = checked
    known._apidoc = {**getattr(handler, "_apidoc", {}), "scope": scope, "name": handler.__name__, **more}
    return checked


def public(handler: Handler) -> Handler:
    """The handler runs for anybody."""
    return documented(handler, handler, None)  # type: ignore[return-value]  # it is itself


def authenticate(scope: str) -> keys.Key:
    """The key of the request. Raises Unauthorised, or Forbidden if it lacks the scope."""
    g.key = key_of(database(), bearer(), scope)
    return g.key  # type: ignore[no-any-return]  # flask does not know what is in it


def bearer() -> str:
    """The text after `Authorization: Bearer`, or nothing."""
    return bearer_of(request.headers.get("Authorization", ""))


def bearer_of(header: str) -> str:
    kind, _, text = header.partition(" ")
    return text.strip() if kind.lower() == "bearer" else ""


def key_of(bank: Database, text: str, scope: str) -> keys.Key:
    """The key with this text. Raises Unauthorised, or Forbidden if it lacks the scope."""
    if not text:
        raise Unauthorised("Send an API key: Authorization: Bearer pb_…")
    if text.startswith(widgets.PREFIX):
        raise TokenUnknown("A widget token reads its board, and nothing else. Send an API key.")
    key = keys.authenticate(bank, text)
    if key is None:
        raise Unauthorised("This API key is unknown or revoked.")
    if scope not in key.scopes and "admin" not in key.scopes:
        raise Forbidden(f"This API key lacks the scope {scope}; it has {', '.join(sorted(key.scopes)) or 'none'}.")
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
