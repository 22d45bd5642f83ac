"""GET /v1/leaderboards/stream: a board at once, and again whenever it changes."""

from typing import Any

from flask import Response, request
from marshmallow import fields, validate

from api import board_auth
from api.app_state import state
from api.leaderboards import BoardQuery
from api.openapi import Resource
from api.streams import answering
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
    right, company_id = board_auth.credential(), board_auth.reader().company_id
    return answering.watched(state().connections, state().watch, right, company_id, view, last_event_id)
