"""GET /v1/leaderboards/stream: a board at once, and again whenever it changes."""

import errno
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from wsgiref.handlers import format_date_time
from wsgiref.types import WSGIEnvironment

from flask import Response, request
from marshmallow import fields, validate

from api import board_auth
from api.app_state import State, state
from api.leaderboards import BoardQuery
from api.openapi import Resource
from api.streams import text
from api.streams.connections import SEND_BUFFER_BYTES, STALLED_SECONDS, Connection
from api.streams.line import Line
from api.streams.text import Shown
from api.streams.watching import Right
from pointsbank.leaderboards import boards
from pointsbank.leaderboards.reading import View

blp = Resource("Live leaderboards", __name__, url_prefix="/v1/leaderboards/stream", description="As they change")

MAX_EVENT_ID_CHARACTERS = 200

_BOARD = (
    "An event without a name is the board, as GET /v1/leaderboards answers it: one at once, and one at each change, "
    "at most ten a second. An event `as_of` says, where nothing else was sent for 15 seconds, that the board still "
    'holds: `{"number", "at"}`. A stream does not end by itself; who loses it comes back with the id of the last '
    "event, after as long as `retry` says."
)
_RESPONSE = {
    "200": {
        "description": "Server-sent events. " + _BOARD,
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}
_LAST_EVENT_ID = {
    "in": "header",
    "name": "Last-Event-ID",
    "schema": {"type": "string", "maxLength": MAX_EVENT_ID_CHARACTERS},
    "description": "The id of the last event, as EventSource sends it: a board that has not changed is not sent again.",
}


class StreamQuery(BoardQuery):
    last_event_id = fields.String(
        load_default=None,
        validate=validate.Length(max=MAX_EVENT_ID_CHARACTERS),
        metadata={"description": "For clients that cannot send the header Last-Event-ID."},
    )


@blp.route("", methods=["GET"])
@board_auth.reads_boards
@blp.arguments(StreamQuery, location="query")
@blp.doc(parameters=[_LAST_EVENT_ID], responses=_RESPONSE)
def stream_leaderboard(query: dict[str, Any]) -> Response:
    """A board, live

    Server-sent events: the board at once, and again whenever it changes. The stream of a key or token that is
    revoked ends within seconds.
    """
    last_event_id = query.pop("last_event_id") or request.headers.get("Last-Event-ID")
    board = boards.parse({name: query[name] for name in boards.DEFAULTS})
    board_auth.reader().check(board)
    view = View(board, query["limit"], query["offset"], query["around"])
    company_id, watch = board_auth.reader().company_id, state().watch
    watch.check_room()
    shown, at = watch.current(company_id, view)
    first = text.retry() + (text.still if shown.state == last_event_id else text.board)(shown, at)
    response = Response(mimetype="text/event-stream")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"  # nginx would gather events until its buffer is full
    opening = Opening(request.environ, response, board_auth.credential(), company_id, view, shown, at, first)
    response.response = _body(state(), opening)
    return response


@dataclass(frozen=True, slots=True)
class Opening:
    """A stream that was asked for and granted, and its first events."""

    environ: WSGIEnvironment
    response: Response
    right: Right
    company_id: int
    view: View
    shown: Shown
    at: datetime
    first: bytes


def _body(held: State, opening: Opening) -> Iterator[bytes]:
    """Begins when the server has taken the response's head, after all that is done to a response was done to it."""
    client = opening.environ.get("gunicorn.socket")
    if type(client) is socket.socket:  # and not one of TLS, or of another library's loop
        connection = Connection(held.connections, _taken_over(client), _head(opening) + opening.first, opening.right)
        held.watch.join(connection, opening.company_id, opening.view, opening.shown, opening.at)
        held.connections.add(connection)
        # To gunicorn the client is gone: it logs that for debugging, if at all, writes nothing, and closes.
        raise BrokenPipeError(errno.EPIPE, "the connection was taken over")
    line = Line(opening.right)
    held.watch.join(line, opening.company_id, opening.view, opening.shown, opening.at)
    yield from line.body(opening.first, held.watch.leave)


def _taken_over(client: socket.socket) -> socket.socket:
    """The connection as a socket of our own. gunicorn, which shuts a connection down before it closes it, is left
    with one that leads nowhere under the same number."""
    ours = client.dup()
    with socket.socket(client.family) as nowhere:
        os.dup2(nowhere.fileno(), client.fileno(), inheritable=False)
    ours.setblocking(False)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    if ours.family != socket.AF_UNIX:
        ours.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # a client that vanished acknowledges nothing
            ours.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(STALLED_SECONDS * 1_000))
    return ours


def _head(opening: Opening) -> bytes:
    """What gunicorn would have written. The body ends with the connection, which HTTP/1.0 understands, too."""
    status = HTTPStatus(opening.response.status_code)
    headers = [
        *opening.response.get_wsgi_headers(opening.environ),
        ("Date", format_date_time(time.time())),
        ("Connection", "close"),
    ]
    lines = [f"{opening.environ['SERVER_PROTOCOL']} {status.value} {status.phrase}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
