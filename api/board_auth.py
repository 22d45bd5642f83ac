"""Who may read a board: an API key with the scope `read`, or a widget token for exactly this board.

A token comes as `Authorization: Bearer pbw_…` or, from browsers, as `?token=pbw_…`: EventSource sends no headers, and a
header would have to be asked for by a preflight, which carries no token, so that we could not tell whose origins to
look into. Preflights are therefore answered without a word of CORS, whoever asks.

Answers to a token carry `Access-Control-Allow-Origin` for an origin that the token's company lists, problems as well,
so that the widget can say what is wrong. Before a token is proven genuine nothing tells whether an origin is listed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

from flask import Flask, Response, g, request

from api.app_state import database
from api.auth import bearer, documented, key_of
from pointsbank import widgets
from pointsbank.database import Database
from pointsbank.errors import Forbidden, OriginNotListed, OtherBoard, Unauthorised
from pointsbank.leaderboards.boards import Board

Handler = TypeVar("Handler", bound=Callable[..., Any])

TOKEN = "token"
"""The query parameter."""


@dataclass(frozen=True, slots=True)
class Reader:
    """A company, and the one board of it that may be read; None: any."""

    company_id: int
    board: Board | None

    def check(self, board: Board) -> None:
        """Raises OtherBoard."""
        if self.board not in (None, board):
            raise OtherBoard("This widget token is for another board.")


@dataclass(frozen=True, slots=True)
class Credential:
    """What a request shows. It can be held against the database again while a stream is open: rights are revoked."""

    text: str
    origin: str | None

    @property
    def is_token(self) -> bool:
        return self.text.startswith(widgets.PREFIX)

    def lists_origin(self, bank: Database) -> bool:
        """Whether it is a genuine token, over or not, of a company that lists the request's origin."""
        return (
            self.is_token and self.origin is not None and self.origin in widgets.authenticate(bank, self.text).origins
        )

    def reader(self, bank: Database) -> Reader:
        """Raises Unauthorised or Forbidden, or what tells apart the faults of a token."""
        if not self.is_token:
            return Reader(key_of(bank, self.text, "read").company_id, None)
        grant = widgets.authenticate(bank, self.text)
        grant.check()
        if self.origin is not None and self.origin not in grant.origins:
            raise OriginNotListed("Widgets with this token are not for pages of this origin.")
        return Reader(grant.company_id, grant.board)

    def holds(self, bank: Database) -> bool:
        """Whether it is still good, for a stream that it opened."""
        try:
            self.reader(bank)
        except (Unauthorised, Forbidden):
            return False
        return True


def reads_boards(handler: Handler) -> Handler:
    """The handler runs only for who may read boards; which board, `reader().check` tells."""

    @wraps(handler)
    def checked(*args: Any, **kwargs: Any) -> Any:
        shown, bank = credential(), database()
        if shown.is_token:
            g.origin_of_token = shown.origin if shown.lists_origin(bank) else None
        g.reader = shown.reader(bank)
        return handler(*args, **kwargs)

    return documented(checked, handler, "read", widget=True)  # type: ignore[return-value]  # same signature


def credential() -> Credential:
    """The request's; a token in the query counts before a header."""
    query = request.query_string
    token = request.args.get(TOKEN) if b"token" in query or b"%" in query else None
    if token is not None and not token.startswith(widgets.PREFIX):
        token = widgets.PREFIX  # nothing else is taken out of a query, least of all an API key
    return Credential(bearer() if token is None else token, request.headers.get("Origin"))


def reader() -> Reader:
    found = g.reader
    assert isinstance(found, Reader)
    return found


def register(app: Flask) -> None:
    @app.after_request
    def share(response: Response) -> Response:
        origin = g.get("origin_of_token", _NO_TOKEN)
        if origin is not _NO_TOKEN:
            response.vary.add("Origin")
            if origin is not None:
                response.headers["Access-Control-Allow-Origin"] = origin
        return response


_NO_TOKEN = object()
