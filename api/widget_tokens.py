"""Tokens with which web pages read one board each."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Response
from markupsafe import Markup
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from api.app_state import database, state
from api.auth import company_id, requires, snapshot, transaction
from api.fields import Instant, Name
from api.leaderboards import TIME, TIME_OR_NULL, BoardChoice, ChosenBoardSchema
from api.listing import listing, number_after, page_schema
from api.openapi import Resource
from api.paging import PageQuery
from pointsbank import widgets
from pointsbank.leaderboards import boards
from pointsbank.leaderboards.boards import DEFAULT_ROWS, DEFAULTS, MAX_ROWS
from pointsbank.widgets import MAX_TTL_SECONDS, Token

blp = Resource("Widget tokens", __name__, url_prefix="/v1/widget-tokens", description="Boards on other web pages")

_EMBED = Markup(
    '<script type="module" src="{base}/widgets/leaderboard.js"></script>\n'
    '<points-leaderboard src="{base}" board="{board}" limit="{limit}" token="{token}"></points-leaderboard>'
)


class WidgetTokenRequestSchema(BoardChoice):
    scope = fields.String(required=True, metadata=BoardChoice().fields["scope"].metadata)
    limit = fields.Integer(
        strict=True,
        load_default=DEFAULT_ROWS,
        validate=validate.Range(1, MAX_ROWS, error=f"must be an integer from 1 to {MAX_ROWS}."),
        metadata={"description": "How many rows the widget of `embed` shows; the token reads any page."},
    )
    name = Name(
        load_default=None, metadata={"description": "Where the widget stands, for the list.", "example": "Intranet"}
    )
    expires_at = Instant(
        load_default=None, metadata={"description": "Absent, and no `ttl_seconds`: in a year.", "example": None}
    )
    ttl_seconds = fields.Integer(
        strict=True,
        load_default=None,
        validate=validate.Range(1, MAX_TTL_SECONDS, error=f"must be an integer from 1 to {MAX_TTL_SECONDS}."),
        metadata={"description": "Instead: how long the token is good for.", "example": 7_776_000},
    )

    @validates_schema(skip_on_field_errors=True)
    def _one_end(self, data: dict[str, Any], **_: Any) -> None:
        if data["expires_at"] is not None and data["ttl_seconds"] is not None:
            raise ValidationError({"ttl_seconds": ["does not go with expires_at, which is an end of its own."]})


class WidgetTokenSchema(Schema):
    id = fields.String(metadata={"example": "3f1c09a7be5d2486"})
    name = fields.String(allow_none=True, metadata={"example": "Intranet"})
    board = fields.Nested(ChosenBoardSchema)
    created_at = fields.Raw(metadata=TIME)
    expires_at = fields.Raw(metadata=TIME)
    revoked_at = fields.Raw(metadata={**TIME_OR_NULL, "description": "Null: it is not revoked."})


class NewWidgetTokenSchema(WidgetTokenSchema):
    token = fields.String(metadata={"description": "Cannot be had again.", "example": "pbw_…"})
    embed = fields.String(metadata={"description": "The HTML that shows the board on a page."})


@blp.route("", methods=["POST"])
@requires("admin")
@blp.arguments(WidgetTokenRequestSchema)
@blp.response(201, NewWidgetTokenSchema)
def post_widget_token(body: dict[str, Any]) -> dict[str, Any]:
    """Make a token for one board

    Whoever has it reads the board, any page of it, until it expires or is revoked; a page in a browser only if its
    origin is one of the company's.
    """
    board = boards.parse({name: body[name] for name in DEFAULTS})
    expires_at = body["expires_at"]
    if body["ttl_seconds"] is not None:
        expires_at = datetime.now(UTC) + timedelta(seconds=body["ttl_seconds"])
    with transaction() as session:
        made, text = widgets.create(session, board, body["name"], expires_at)
    return {**_shown(made), "token": text, "embed": embed(made, text, body["limit"])}


@blp.route("", methods=["GET"])
@requires("read")
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_schema(WidgetTokenSchema))
def list_widget_tokens(query: dict[str, Any]) -> dict[str, Any]:
    """List tokens in the order of their making, without their texts"""
    with snapshot() as session:
        found = widgets.page(session, query["limit"] + 1, number_after(query))
    page = listing(found, query["limit"], lambda each: each.no)
    return {**page, "items": [_shown(each) for each in page["items"]]}


@blp.route("/<key:token>", methods=["DELETE"])
@requires("admin")
@blp.response(204)
def delete_widget_token(token: str) -> Response:
    """Revoke a token

    Within a second no worker takes it any more. To revoke it again is no fault.
    """
    database().run(company_id(), lambda session: widgets.revoke(session, token))
    return Response(status=204)


def _shown(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "board": boards.query(token.board),
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "revoked_at": token.revoked_at,
    }


def embed(token: Token, text: str, limit: int) -> str:
    """The HTML that shows the token's board on a page."""
    chosen = {name: value for name, value in boards.query(token.board).items() if value != DEFAULTS[name]}
    board = urlencode(chosen, safe=":/")
    return str(_EMBED.format(base=state().settings.base_url, board=board, limit=limit, token=text))
