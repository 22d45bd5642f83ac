"""Teams of a programme, one by one and in batches."""

from typing import Any

from marshmallow import ValidationError, fields, validate

from api.app_state import database
from api.auth import company_id, requires, snapshot
from api.fields import Date, Key, Name, StrictSchema
from api.learners import MAX_BATCH_BYTES, LearnerResultsSchema, read_array
from api.listing import key_after, listing, page_schema
from api.openapi import Resource
from api.paging import PageQuery
from api.problems import field_errors
from pointsbank.directory import programmes, teams
from pointsbank.directory.faults import refuse
from pointsbank.directory.learners import STATUSES
from pointsbank.directory.teams import MAX_MEMBERS, MAX_TEAMS, Team, TeamChange

blp = Resource("Teams", __name__, url_prefix="/v1", description="Teams (小组) and their members over time")


class TeamSchema(StrictSchema):
    """Exactly these members, from the start of the day `from` in the programme's time zone, else from now.

    Someone's first team without `from` counts from their enrolment, else from the programme's start.
    """

    id = fields.String(attribute="key", dump_only=True, metadata={"example": "team-1"})
    name = Name(required=True, metadata={"example": "一组"})
    members = fields.List(
        Key(),
        required=True,
        validate=validate.Length(max=MAX_MEMBERS),
        metadata={"description": "Ids of learners.", "uniqueItems": True, "example": ["20210001", "20210002"]},
    )
    from_on = Date(data_key="from", load_only=True, load_default=None, allow_none=True)


class TeamItemSchema(TeamSchema):
    """One of a batch."""

    id = Key(required=True, attribute="key", metadata={"example": "team-1"})


class TeamSizeSchema(StrictSchema):
    """A team in a list; its members are in the team itself."""

    id = fields.String(attribute="key", metadata={"example": "team-1"})
    name = fields.String(metadata={"example": "一组"})
    size = fields.Integer(metadata={"description": "How many members it has now.", "example": 8})


_BATCH_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "array",
                "description": f"At most {MAX_TEAMS}, else 413.",
                "items": TeamItemSchema,
            },
            "example": [{"id": "team-1", "name": "一组", "members": ["20210001", "20210002"]}],
        }
    },
}


@blp.route("/programmes/<key:programme>/teams/<key_beside_batch:team>", methods=["PUT"])
@requires("directory:write")
@blp.arguments(TeamSchema)
@blp.response(200, TeamSchema)
@blp.alt_response(201, schema=TeamSchema, description="Made")
def put_team(body: dict[str, Any], programme: str, team: str) -> tuple[Team, int]:
    """Make or change a team and its members

    Who is not listed leaves it; who is listed leaves any other team of the programme, and is enrolled.
    """
    change = TeamChange(key=team, **body)
    made, status = database().run(company_id(), lambda session: teams.put(session, programme, change))
    return made, 201 if status == "created" else 200


@blp.route("/programmes/<key:programme>/teams/batch", methods=["PUT"])
@requires("directory:write")
@blp.response(200, LearnerResultsSchema)
@blp.doc(requestBody=_BATCH_BODY)
def put_teams(programme: str) -> dict[str, Any]:
    """Make or change up to 1,000 teams, all or none

    Teams take members from each other, so one that is wrong stops all of them.
    """
    items = read_array(MAX_BATCH_BYTES, MAX_TEAMS)
    try:
        loaded = TeamItemSchema(many=True).load(items)
    except ValidationError as error:
        refuse(field_errors(error))
        raise
    changes = [TeamChange(**item) for item in loaded]
    statuses = database().run(company_id(), lambda session: teams.put_batch(session, programme, changes))
    results = [
        {"index": index, "id": change.key, "status": status}
        for index, (change, status) in enumerate(zip(changes, statuses, strict=True))
    ]
    return {**{status: statuses.count(status) for status in STATUSES}, "rejected": 0, "results": results}


@blp.route("/programmes/<key:programme>/teams/<key_beside_batch:team>", methods=["GET"])
@requires("read")
@blp.response(200, TeamSchema)
def get_team(programme: str, team: str) -> Team:
    """Read a team with its members of now"""
    with snapshot() as session:
        return teams.get(session, programmes.get(session, programme), team)


@blp.route("/programmes/<key:programme>/teams", methods=["GET"])
@requires("read")
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_schema(TeamSizeSchema))
def list_teams(query: dict[str, Any], programme: str) -> dict[str, Any]:
    """List a programme's teams by their ids"""
    with snapshot() as session:
        found = teams.page(session, programmes.get(session, programme), query["limit"] + 1, key_after(query))
    return listing(found, query["limit"], lambda each: each.key)
