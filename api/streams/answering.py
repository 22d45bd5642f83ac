"""The response that is a stream: on the client's own socket, taken over from the server, or written by its thread."""

import errno
import os
import socket
import time
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar
from wsgiref.handlers import format_date_time
from wsgiref.types import WSGIEnvironment

from flask import Response, request

from api.streams import text
from api.streams.connections import SEND_BUFFER_BYTES, STALLED_SECONDS, Connection, Connections
from api.streams.line import Line
from api.streams.watching import Right, Stream, Watch

V = TypeVar("V", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Opening:
    """A stream that was asked for and granted, and its first events. `join` has it offered what comes after them."""

    environ: WSGIEnvironment
    response: Response
    right: Right
    first: bytes
    join: Callable[[Stream], None]


def answer(connections: Connections, right: Right, first: bytes, join: Callable[[Stream], None]) -> Response:
    """Server-sent events: `first` at once, and then what the stream is offered."""
    response = Response(mimetype="text/event-stream")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"  # nginx would gather events until its buffer is full
    response.response = _body(connections, Opening(request.environ, response, right, first, join))
    return response


def watched(
    connections: Connections, watch: Watch[Any, V], right: Right, company_id: int, view: V, last_event_id: str | None
) -> Response:
    """What the view shows, at once unless the client has it, and then each change.

    Raises NotFound as the subject does, and Unavailable where there is no room.
    """
    watch.check_room()
    shown, at = watch.current(company_id, view)
    first = text.retry() + (text.still if shown.state == last_event_id else text.board)(shown, at)

    def join(stream: Stream) -> None:
        watch.join(stream, company_id, view, shown, at)

    return answer(connections, right, first, join)


def _body(connections: Connections, opening: Opening) -> Iterator[bytes]:
    """Begins when the server has taken the response's head, after all that is done to a response was done to it."""
    client = opening.environ.get("gunicorn.socket")
    if type(client) is socket.socket:  # and not one of TLS, or of another library's loop
        connection = Connection(connections, _taken_over(client), _head(opening) + opening.first, opening.right)
        opening.join(connection)
        connections.add(connection)
        # To gunicorn the client is gone: it logs that for debugging, if at all, writes nothing, and closes.
        raise BrokenPipeError(errno.EPIPE, "the connection was taken over")
    line = Line(opening.right)
    opening.join(line)
    yield from line.body(opening.first, Stream.leave)


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
