"""Awards by hand: flowers from an awarder's allowance, credits from the programme's pool."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from api.app_state import database
from api.auth import company_id, may, requires, snapshot
from api.entries import BookedSchema
from api.fields import Amount, Instant, Key, StrictSchema, Text
from api.idempotency import IDEMPOTENCY_KEY, idempotency_key
from api.openapi import Resource
from ledger import entries
from pointsbank.errors import Forbidden
from rules import awards

blp = Resource("Awards", __name__, url_prefix="/v1", description="Flowers and credits given by hand")


class AwardSchema(StrictSchema):
    """To one learner, or the amount to each of several or to each member of a team."""

    awarder = Key(load_default=None, metadata={"example": "li-trainer", "description": "Needed for flowers."})
    learner = Key(metadata={"example": "20210001"})
    learners = fields.List(
        Key(),
        validate=validate.Length(min=1, max=awards.MAX_LEARNERS),
        metadata={"description": "Several, all or none.", "example": ["20210001", "20210002"]},
    )
    team = Key(metadata={"example": "team-1"})
    programme = Key(required=True, metadata={"example": "2021"})
    course = Key(load_default=None, metadata={"example": "service", "description": "Needed for flowers."})
    unit = fields.String(required=True, validate=validate.OneOf(["flowers", "credits"]))
    amount = Amount(required=True, metadata={"example": 2})
    reason = Text(required=True, metadata={"example": "带队复盘，发言精彩"})
    time = Instant(metadata={"description": "When it was given; absent: now."})

    @validates_schema(skip_on_field_errors=True)
    def _one_receiver(self, data: dict[str, Any], **_: Any) -> None:
        if sum(name in data for name in ("learner", "learners", "team")) != 1:
            raise ValidationError({"learner": ["name a learner, learners or a team, one of the three."]})


@blp.route("/awards", methods=["POST"])
@requires("awards:write")
@blp.arguments(AwardSchema)
@blp.response(201, BookedSchema)
@blp.alt_response(200, schema=BookedSchema, description="Booked before under this Idempotency-Key")
@blp.doc(parameters=[IDEMPOTENCY_KEY])
def post_award(body: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """Give flowers or credits

    Flowers come from the awarder's allowance in the course; credits come from the programme's pool and need the
    scope `admin`. To a team or to several learners, each gets the amount, all or none, in one entry.
    """
    if body["unit"] == "credits" and not may("admin"):
        raise Forbidden("Giving credits by hand needs the scope admin.")
    content = {name: value.isoformat() if name == "time" else value for name, value in body.items()}
    award = awards.Award(
        awarder=body["awarder"],
        learner=body.get("learner"),
        learners=body.get("learners", ()),
        team=body.get("team"),
        programme=body["programme"],
        course=body["course"],
        unit=body["unit"],
        amount=body["amount"],
        reason=body["reason"],
        time=body.get("time"),
    )
    key = idempotency_key()
    given = database().run(company_id(), lambda session: awards.give(session, award, key, content), writes=True)
    with snapshot() as session:
        (entry,) = entries.load(session, [given.number])
    return {"status": "booked" if given.is_new else "duplicate", "entry": entry}, 201 if given.is_new else 200
