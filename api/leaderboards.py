"""Who stands where."""

import re
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache, wraps
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl

import orjson
from flask import Response, request
from marshmallow import Schema, ValidationError, fields, pre_load, validate, validates_schema
from webargs.multidictproxy import MultiDictProxy
from werkzeug.datastructures import MultiDict

from api import board_auth
from api.app_state import state
from api.fields import Key, QuerySchema
from api.openapi import Resource
from ledger.accounts import MAX_AMOUNT
from pointsbank.leaderboards import boards
from pointsbank.leaderboards.boards import DEFAULT_ROWS, DEFAULTS, MAX_ROWS, Board
from pointsbank.leaderboards.periods import Window
from pointsbank.leaderboards.reading import Leaderboards, Page, View

blp = Resource("Leaderboards", __name__, url_prefix="/v1/leaderboards", description="Who stands where")


MIMETYPE = "application/json"
MAX_PAGES_SHOWN = 500
"""Kept by a worker as JSON."""


class BoardChoice(QuerySchema):
    """Which board, not which page of it."""

    scope = fields.String(
        load_default=DEFAULTS["scope"],
        metadata={
            "description": "The company, a programme or a course of one: " + boards.SCOPE_FORMS,
            "pattern": "^(company|programme:[^/]+|course:[^/]+/[^/]+)$",
            "example": "programme:2021",
        },
    )
    unit = fields.String(
        load_default=DEFAULTS["unit"],
        metadata={
            "description": "Flowers of a programme are those of all its courses.",
            "enum": ["credits", "flowers"],
        },
    )
    members = fields.String(
        load_default=DEFAULTS["members"],
        metadata={
            "description": "Teams only in a programme or course.",
            "enum": ["learners", "teams"],
        },
    )
    period = fields.String(
        load_default=DEFAULTS["period"],
        metadata={
            "description": "In the company's time zone. all, day, week (ISO), month: the one that is running; "
            "a day, an ISO week, a month; or FROM..TO, of two days, both included, or of two RFC 3339 times, "
            "the second excluded.",
            "example": "2021-10",
        },
    )
    score = fields.String(
        load_default=DEFAULTS["score"],
        metadata={
            "description": "`mean` only of teams: per member of the team at the end of the period.",
            "enum": ["sum", "mean"],
        },
    )


class BoardQuery(BoardChoice):
    limit = fields.Integer(
        load_default=DEFAULT_ROWS,
        validate=validate.Range(1, MAX_ROWS, error=f"must be an integer from 1 to {MAX_ROWS}."),
        metadata={"description": "How many rows."},
    )
    offset = fields.Integer(
        load_default=0,
        validate=validate.Range(0, MAX_AMOUNT, error=f"must be an integer from 0 to {MAX_AMOUNT}."),
        metadata={"description": "How many rows to leave out before."},
    )
    around = Key(
        load_default=None,
        metadata={
            "description": "Instead of an offset: the page that has this learner or team in its middle.",
            "example": "20210001",
        },
    )

    @pre_load
    def _without_credential(self, data: MultiDictProxy, **_: Any) -> MultiDictProxy:
        """`token` is a credential, which api.board_auth reads; it is no part of what is asked."""
        asked = [(name, value) for name, value in MultiDict(data.data).items(multi=True) if name != board_auth.TOKEN]
        return MultiDictProxy(MultiDict(asked), self)

    @validates_schema(skip_on_field_errors=True)
    def _one_place(self, data: dict[str, Any], **_: Any) -> None:
        if data["around"] is not None and data["offset"]:
            raise ValidationError({"offset": ["does not go with around, which has a place of its own."]})


TIME = {"type": "string", "format": "date-time"}
TIME_OR_NULL = {"type": ["string", "null"], "format": "date-time"}


class BoardSchema(Schema):
    scope = fields.String(required=True, metadata={"example": "programme:2021"})
    unit = fields.String(required=True, metadata={"enum": ["credits", "flowers"]})
    members = fields.String(required=True, metadata={"enum": ["learners", "teams"]})
    period = fields.String(required=True, metadata={"example": "2021-10"})
    score = fields.String(required=True, metadata={"enum": ["sum", "mean"]})
    scale = fields.Integer(
        required=True,
        metadata={"description": "Decimals with which scores are to be shown: 2 shows 8650 as 86.50.", "example": 0},
    )
    from_at = fields.Raw(
        required=True,
        metadata={**TIME_OR_NULL, "description": "The first instant of the period; null: all time."},
    )
    until_at = fields.Raw(
        required=True, metadata={**TIME_OR_NULL, "description": "The first instant after it; null: all time."}
    )


class ChosenBoardSchema(Schema):
    """What BoardChoice chooses, as it is shown."""

    scope = fields.String(metadata={"example": "programme:2021"})
    unit = fields.String(metadata={"enum": ["credits", "flowers"]})
    members = fields.String(metadata={"enum": ["learners", "teams"]})
    period = fields.String(metadata={"example": "all"})
    score = fields.String(metadata={"enum": ["sum", "mean"]})


class AsOfSchema(Schema):
    number = fields.Integer(
        required=True, metadata={"description": "The last journal entry that counts.", "example": 8650}
    )
    at = fields.Raw(required=True, metadata=TIME)


class MemberSchema(Schema):
    id = fields.String(required=True, metadata={"example": "20210001"})
    name = fields.String(required=True, metadata={"example": "李雷"})


class RowSchema(Schema):
    rank = fields.Integer(
        required=True, metadata={"description": "Equal scores have the same rank: 1, 2, 2, 4.", "example": 1}
    )
    member = fields.Nested(MemberSchema, required=True)
    score = fields.Raw(
        required=True,
        metadata={
            "type": ["integer", "string"],
            "description": "In smallest parts of the unit; a mean is a text with two decimals.",
            "example": 8650,
        },
    )
    reached_at = fields.Raw(
        required=True,
        metadata={**TIME_OR_NULL, "description": "When the score was reached; null if it is zero."},
    )
    moved = fields.Integer(
        required=True,
        metadata={
            "description": "Ranks risen (negative: fallen) since today, or the period if later, began.",
            "example": 2,
        },
    )


class AheadSchema(Schema):
    rank = fields.Integer(required=True, metadata={"example": 3})
    distance = fields.Raw(
        required=True,
        metadata={"type": ["integer", "string"], "description": "By how much the score is better.", "example": 120},
    )


class StandingsSchema(Schema):
    board = fields.Nested(BoardSchema, required=True)
    source = fields.String(required=True, metadata={"enum": ["ledger", "redis"], "example": "ledger"})
    as_of = fields.Nested(AsOfSchema, required=True)
    size = fields.Integer(
        required=True,
        metadata={"description": "Members on the whole board, also with nothing earned.", "example": 48},
    )
    ahead = fields.Nested(
        AheadSchema,
        required=True,
        allow_none=True,
        metadata={"description": "With `around`: the next better rank; null for who is first, and without."},
    )
    rows = fields.List(fields.Nested(RowSchema), required=True)


def views_a_board(handler: Callable[[int, View], Any]) -> Callable[[], Any]:
    """Hands the reader's company, and the view that the query asks for, to the handler. Raises what reading the
    query raises, and OtherBoard.

    Most queries are like one a moment ago but for where on the board they look; so what they say of the board is
    read once and remembered.
    """

    @wraps(blp.arguments(BoardQuery, location="query")(handler))  # for the documentation
    def with_view() -> Any:
        view, reader = _view(), board_auth.reader()
        reader.check(view.board)
        return handler(reader.company_id, view)

    return with_view


def _view() -> View:
    view = plain_view(request.query_string)
    if view is None:
        asked = ((name, text) for name, text in request.args.items(multi=True) if name != board_auth.TOKEN)
        view = _parsed(tuple(asked))
    if view is None:
        blp.ARGUMENTS_PARSER.parse(BoardQuery(), request, location="query")  # which refuses it as any other
    assert view is not None, "what the schema does not take is refused"
    return view


def plain_view(query: bytes) -> View | None:
    """What a query asks for in which nothing is escaped; None for any other, and for one that does not hold.
    Raises Invalid."""
    plain = _PLAIN.fullmatch(query)
    if plain is None:
        return None
    before, around, offset, after = plain.groups()
    view = _of_plain(before + after)
    if view is None or view.around is not None or view.offset:
        return None
    return View(view.board, view.limit, int(offset or 0), None if around is None else around.decode())


_PLAIN = re.compile(
    rb"((?:[a-z]+=[\w:/.-]+(?:&|$))*?)(?:around=([\w.-]{1,128})|offset=(\d{1,15}))?((?:&[a-z]+=[\w:/.-]+)*)", re.ASCII
)
"""Whom a query wants the page around, or after how many rows, apart from the rest."""


@lru_cache(maxsize=2_000)
def _of_plain(query: bytes) -> View | None:
    return _parsed(tuple((name, text) for name, text in parse_qsl(query.decode()) if name != board_auth.TOKEN))


@lru_cache(maxsize=2_000)
def _parsed(asked: tuple[tuple[str, str], ...]) -> View | None:
    """None for what the schema does not take. Raises Invalid."""
    schema = BoardQuery()
    try:
        query = schema.load(MultiDictProxy(MultiDict(asked), schema))
    except ValidationError:
        return None
    board = boards.parse({name: query[name] for name in DEFAULTS})
    return View(board, query["limit"], query["offset"], query["around"])


@blp.route("", methods=["GET"])
@board_auth.reads_boards
@views_a_board
@blp.response(200, StandingsSchema)
def get_leaderboard(company_id: int, view: View) -> Response:
    """A page of a board

    What was earned counts: awards less deductions and reversals, in the period in which they happened, for the
    team of the learner at that time. Among equals stands first who reached the score first.
    """
    return Response(answer(state().leaderboards, company_id, view), mimetype=MIMETYPE)


def answer(of: Leaderboards, company_id: int, view: View) -> bytes:
    """What GET answers. Raises NotFound."""
    return orjson.dumps(shown(company_id, view, of.page(company_id, view)), option=orjson.OPT_UTC_Z)


def shown(company_id: int, view: View, found: Page) -> dict[str, Any]:
    """The page as clients see it, here and in the stream, for orjson."""
    page = found.standings
    return {
        "board": orjson.Fragment(_board_of(view.board, found.scale, page.window)),
        "source": found.source,
        "as_of": {"number": page.number, "at": page.at},
        "size": page.size,
        "ahead": None if page.ahead is None else {"rank": page.ahead.rank, "distance": page.ahead.distance},
        "rows": orjson.Fragment(_rows_of(company_id, view, found)),
    }


@lru_cache(maxsize=2_000)
def _board_of(board: Board, scale: int, window: Window) -> bytes:
    shown = {**boards.query(board), "scale": scale, "from_at": window.from_at, "until_at": window.until_at}
    return orjson.dumps(shown, option=orjson.OPT_UTC_Z)


_rows_shown: OrderedDict[tuple[int, View, str], bytes] = OrderedDict()
_rows_lock = Lock()


def _rows_of(company_id: int, view: View, found: Page) -> bytes:
    """The rows as JSON, made once for a state of the board. (Means change with time, too.)"""
    key = (company_id, view, found.state)
    kept = _rows_shown.get(key)
    if kept is not None and view.board.score == "sum":
        return kept
    rows = [
        {
            "rank": row.rank,
            "member": {"id": row.member, "name": row.name},
            "score": row.score,
            "reached_at": row.reached_at,
            "moved": row.moved,
        }
        for row in found.standings.rows
    ]
    made = orjson.dumps(rows, option=orjson.OPT_UTC_Z)
    with _rows_lock:
        _rows_shown[key] = made
        while len(_rows_shown) > MAX_PAGES_SHOWN:
            _rows_shown.popitem(last=False)
    return made
