"""Matches (PK) of a programme: put, live score, result."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from api.app_state import database, state
from api.auth import company_id, requires, snapshot
from api.entries import TimeShown
from api.fields import Amount, Instant, Key, Name, StrictSchema
from api.leaderboards import AsOfSchema, MemberSchema
from api.listing import key_after, listing, page_schema
from api.openapi import Resource
from api.paging import PageQuery
from ledger.identity import entry_id
from pointsbank.database import Session
from pointsbank.directory import programmes
from pointsbank.matches import match as matches
from pointsbank.matches import planning, score
from pointsbank.matches.match import GRACE_SECONDS, Match
from pointsbank.matches.planning import (
    MAX_CONTESTANTS,
    MAX_GRACE_SECONDS,
    MIN_CONTESTANTS,
    MatchWanted,
    PrizeWanted,
)
from pointsbank.matches.score import Result

blp = Resource("Matches", __name__, url_prefix="/v1", description="Matches (分组PK) of teams or learners")

_UNITS = ("credits", "flowers")
_STATUSES = ("upcoming", "running", "ended", "settled")


class MatchPrizeSchema(StrictSchema):
    """For each member of the winning team; teams that draw get `amount` divided by their number, rounded down."""

    unit = fields.String(required=True, validate=validate.OneOf(_UNITS), metadata={"example": "flowers"})
    amount = Amount(required=True, metadata={"example": 2})
    course = Key(
        load_default=None,
        allow_none=True,
        metadata={"description": "Whose pool gives the flowers; absent: the match's.", "example": "service"},
    )


def _contestants(description: str, example: list[str]) -> Any:
    return fields.List(
        Key(),
        validate=validate.Length(MIN_CONTESTANTS, MAX_CONTESTANTS),
        metadata={"description": description, "uniqueItems": True, "example": example},
    )


class MatchSchema(StrictSchema):
    """Either teams or learners. What was earned from `starts_at` until before `ends_at` counts."""

    name = Name(required=True, metadata={"example": "第三周小组PK"})
    teams = _contestants("Ids of teams.", ["team-1", "team-2"])
    learners = _contestants("Ids of learners who are enrolled.", ["20210001", "20210002"])
    unit = fields.String(required=True, validate=validate.OneOf(_UNITS), metadata={"example": "credits"})
    course = Key(
        load_default=None,
        allow_none=True,
        metadata={"description": "Only what was earned in it counts; absent: in all of the programme."},
    )
    starts_at = Instant(required=True, metadata={"example": "2021-10-18T09:00:00+08:00"})
    ends_at = Instant(required=True, metadata={"example": "2021-10-18T10:30:00+08:00"})
    grace_seconds = fields.Integer(
        strict=True,
        load_default=GRACE_SECONDS,
        validate=validate.Range(0, MAX_GRACE_SECONDS, error=f"must be an integer from 0 to {MAX_GRACE_SECONDS}."),
        metadata={"description": "How long after the end late events are waited for."},
    )
    prize = fields.Nested(MatchPrizeSchema, load_default=None, allow_none=True)

    @validates_schema(skip_on_field_errors=True)
    def _one_kind(self, data: dict[str, Any], **_: Any) -> None:
        if ("teams" in data) == ("learners" in data):
            raise ValidationError({"teams": ["name teams or learners, one of the two."]})


class PlannedMatchSchema(Schema):
    """A match as it was put, with where it stands."""

    id = fields.String(metadata={"example": "pk-3"})
    name = fields.String(metadata={"example": "第三周小组PK"})
    teams = fields.List(fields.String(), metadata={"description": "Absent from a match of learners."})
    learners = fields.List(fields.String(), metadata={"description": "Absent from a match of teams."})
    unit = fields.String(metadata={"enum": list(_UNITS)})
    course = fields.String(allow_none=True)
    starts_at = TimeShown()
    ends_at = TimeShown()
    grace_seconds = fields.Integer()
    prize = fields.Nested(MatchPrizeSchema, allow_none=True)
    status = fields.String(
        metadata={"enum": list(_STATUSES), "description": "`ended`: over, and late events are still waited for."}
    )


class PlaceSchema(Schema):
    rank = fields.Integer(metadata={"description": "Equal scores have the same rank: 1, 2, 2, 4.", "example": 1})
    member = fields.Nested(MemberSchema)
    score = fields.Integer(metadata={"example": 86})
    reached_at = TimeShown(allow_none=True, metadata={"description": "null if the score is zero."})


class PrizeGivenSchema(Schema):
    """What became of the prize. What could not be given is tried again until it can."""

    unit = fields.String(metadata={"enum": list(_UNITS)})
    amount = fields.Integer(metadata={"example": 2})
    course = fields.String(allow_none=True, metadata={"example": "service"})
    share = fields.Integer(metadata={"description": "For each receiver; 0 if there is nothing to give.", "example": 2})
    receivers = fields.Integer(metadata={"description": "How many learners get it.", "example": 8})
    entry_id = fields.UUID(allow_none=True, metadata={"description": "null: nothing was given, or not yet."})
    reversed_by = fields.UUID(allow_none=True, metadata={"description": "The entry that took it back."})
    problem = fields.Dict(
        keys=fields.String(),
        allow_none=True,
        metadata={"description": "Why it could not be given when it was last tried; as a problem of a request."},
    )


class ResultSchema(Schema):
    entry_id = fields.UUID()
    winners = fields.List(fields.String(), metadata={"description": "Ids; nobody without a score above 0."})
    settled_at = TimeShown()
    reversed_by = fields.UUID(allow_none=True, metadata={"description": "The entry that withdrew the result."})
    prize = fields.Nested(PrizeGivenSchema, allow_none=True)


class MatchShownSchema(PlannedMatchSchema):
    """With the live score, or the one that the result has fixed."""

    as_of = fields.Nested(AsOfSchema)
    standings = fields.List(fields.Nested(PlaceSchema))
    result = fields.Nested(ResultSchema, allow_none=True, metadata={"description": "null until it is settled."})


@blp.route("/programmes/<key:programme>/matches/<key:match>", methods=["PUT"])
@requires("directory:write")
@blp.arguments(MatchSchema)
@blp.response(200, MatchShownSchema)
@blp.alt_response(201, schema=MatchShownSchema, description="Made")
def put_match(body: dict[str, Any], programme: str, match: str) -> tuple[dict[str, Any], int]:
    """Make or change a match

    Once it has started only its name may change (409), once it is settled nothing (409). Its result is fixed, and
    its prize booked, by itself: `grace_seconds` after its end.
    """
    prize = body.pop("prize")
    wanted = MatchWanted(match, prize=None if prize is None else PrizeWanted(**prize), **body)
    is_new = database().run(company_id(), lambda session: planning.put(session, programme, wanted))
    with snapshot() as session:
        return _shown_now(session, programme, match), 201 if is_new else 200


@blp.route("/programmes/<key:programme>/matches/<key:match>", methods=["GET"])
@requires("read")
@blp.response(200, MatchShownSchema)
def get_match(programme: str, match: str) -> dict[str, Any]:
    """Read a match with its live score, or its result"""
    with snapshot() as session:
        return _shown_now(session, programme, match)


@blp.route("/programmes/<key:programme>/matches", methods=["GET"])
@requires("read")
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_schema(PlannedMatchSchema))
def list_matches(query: dict[str, Any], programme: str) -> dict[str, Any]:
    """List a programme's matches by their ids"""
    with snapshot() as session:
        found = matches.page(session, programmes.get(session, programme), query["limit"] + 1, key_after(query))
        now = matches.now(session)
    page = listing(found, query["limit"], lambda each: each.key)
    return {**page, "items": [_planned(each) | {"status": each.status_at(now)} for each in page["items"]]}


def _shown_now(session: Session, programme: str, match: str) -> dict[str, Any]:
    found = matches.get(session, programmes.get(session, programme), match)
    now = score.of(session, found)
    return {
        **_planned(found),
        "status": now.status,
        "as_of": {"number": now.number, "at": now.at},
        "standings": [
            {
                "rank": place.rank,
                "member": {"id": place.member, "name": place.name},
                "score": place.score,
                "reached_at": place.reached_at,
            }
            for place in now.places
        ],
        "result": None if now.result is None else _result(found, now.result),
    }


def _planned(match: Match) -> dict[str, Any]:
    return {
        "id": match.key,
        "name": match.name,
        match.members: [contestant.key for contestant in match.contestants],
        "unit": match.unit,
        "course": None if match.course is None else match.course.key,
        "starts_at": match.starts_at,
        "ends_at": match.ends_at,
        "grace_seconds": match.grace_seconds,
        "prize": _prize(match),
    }


def _prize(match: Match) -> dict[str, Any] | None:
    prize = match.prize
    if prize is None:
        return None
    course = None if prize.course is None else prize.course.key
    return {"unit": prize.unit, "amount": prize.amount, "course": course}


def _result(match: Match, result: Result) -> dict[str, Any]:
    prize, problem = result.prize, match.prize_problem
    given = _prize(match)
    if given is not None and prize is not None:
        given |= {
            "share": prize.amount,
            "receivers": len(prize.receivers),
            "entry_id": _entry(prize.number),
            "reversed_by": _entry(prize.reversed_by),
            "problem": None if problem is None else _problem(problem),
        }
    return {
        "entry_id": _entry(result.number),
        "winners": result.winners,
        "settled_at": result.settled_at,
        "reversed_by": _entry(result.reversed_by),
        "prize": given,
    }


def _entry(number: int | None) -> str | None:
    return None if number is None else entry_id(company_id(), number)


def _problem(kept: dict[str, Any]) -> dict[str, Any]:
    members = {name: value for name, value in kept.items() if name != "slug"}
    return {"type": f"{state().settings.base_url}/problems/{kept['slug']}", **members}
