"""Boards that a programme pins: Redis keeps them ready before anybody looks."""

from typing import Any

from marshmallow import Schema, fields, validate

from api.app_state import database, state
from api.auth import company_id, requires, snapshot
from api.fields import StrictSchema
from api.leaderboards import BoardChoice, ChosenBoardSchema
from api.openapi import Resource
from pointsbank.leaderboards import boards, pins
from pointsbank.leaderboards.boards import Board
from pointsbank.leaderboards.pins import MAX_PINNED

blp = Resource("Pinned boards", __name__, url_prefix="/v1", description="Boards that are ready before anybody looks")

PATH = "/programmes/<key:programme>/leaderboards/pinned"


class PinnedBoardSchema(BoardChoice):
    """As in `GET /v1/leaderboards`; without a scope it is a board of the programme."""

    scope = fields.String(
        metadata={
            **BoardChoice().fields["scope"].metadata,
            "description": "The company, this programme or one of its courses; absent: this programme.",
        },
    )


class PinnedBoardsSchema(StrictSchema):
    boards = fields.List(fields.Nested(PinnedBoardSchema), required=True, validate=validate.Length(0, MAX_PINNED))


class PinnedBoardsShownSchema(Schema):
    boards = fields.List(fields.Nested(ChosenBoardSchema))


@blp.route(PATH, methods=["PUT"])
@requires("directory:write")
@blp.arguments(PinnedBoardsSchema)
@blp.response(200, PinnedBoardsShownSchema)
def put_pinned_boards(body: dict[str, Any], programme: str) -> dict[str, Any]:
    """Pin boards, instead of those before

    Redis has them from the first event on, whether anybody looks or not, until seven days after their period.
    """
    pinned = database().run(company_id(), lambda session: pins.put(session, programme, body["boards"]))
    state().leaderboards.pins_changed(company_id())
    return _shown(pinned)


@blp.route(PATH, methods=["GET"])
@requires("read")
@blp.response(200, PinnedBoardsShownSchema)
def get_pinned_boards(programme: str) -> dict[str, Any]:
    """Read which boards are pinned"""
    with snapshot() as session:
        return _shown(pins.of(session, programme))


def _shown(pinned: list[Board]) -> dict[str, Any]:
    return {"boards": [boards.query(each) for each in pinned]}
