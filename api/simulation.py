"""Trying a draft on what is booked, what became of a re-evaluation, and what differs between versions."""

from dataclasses import asdict
from typing import Any

from marshmallow import Schema, fields

from api import progress
from api.app_state import database, state
from api.auth import company_id, requires, snapshot
from api.entries import TimeShown
from api.openapi import Resource
from pointsbank.directory import programmes
from pointsbank.errors import NotFound, Unavailable
from rules import differences, reevaluation, versions
from rules.simulation.report import MAX_ITEMS
from rules.simulation.simulating import Steps, simulate

blp = Resource(
    "Rulebook simulation",
    __name__,
    url_prefix="/v1/programmes/<key:programme>/rulebook",
    description="Before it counts",
)

MAX_WAIT_SECONDS = 30
"""For another simulation of the same worker."""
DRAFT = "draft"
_LISTED = f"At most {MAX_ITEMS} items; `total` is how many there are."


class GivenSchema(Schema):
    """What rules give: entries, and amounts in the unit's smallest part."""

    entries = fields.Integer(metadata={"example": 1200})
    credits = fields.Integer(metadata={"example": 5160})
    flowers = fields.Integer(metadata={"example": 0})


class RuleComparedSchema(Schema):
    rule = fields.String(metadata={"example": "scored"})
    before = fields.Nested(GivenSchema, metadata={"description": "As it is booked."})
    after = fields.Nested(GivenSchema)


class LearnerComparedSchema(Schema):
    learner = fields.String(metadata={"example": "20210001"})
    corrections = fields.Integer(metadata={"description": "Entries of the learner that change.", "example": 3})
    before = fields.Nested(GivenSchema)
    after = fields.Nested(GivenSchema)


class LearnersComparedSchema(Schema):
    total = fields.Integer()
    items = fields.List(
        fields.Nested(LearnerComparedSchema),
        metadata={"description": f"Those first for whom most changes. {_LISTED}"},
    )


class ShortSchema(Schema):
    """A learner who is left as is, because an account could not pay all of the learner's corrections."""

    learner = fields.String(metadata={"example": "20210001"})
    account = fields.String(metadata={"example": "holding:20210001"})
    unit = fields.String(metadata={"example": "credits"})
    available = fields.Integer(metadata={"example": 1})
    required = fields.Integer(metadata={"example": 7})


class ShortsSchema(Schema):
    total = fields.Integer()
    items = fields.List(fields.Nested(ShortSchema), metadata={"description": _LISTED})


class FailureSchema(Schema):
    """An event that is booked and that a rule cannot judge. It keeps what it was given."""

    entry_id = fields.UUID(metadata={"description": "Of the event's first entry."})
    rule = fields.String(metadata={"example": "scored"})
    reason = fields.String(metadata={"example": "'data.score >= 40' has no value: data.score is missing"})


class FailuresSchema(Schema):
    total = fields.Integer()
    items = fields.List(fields.Nested(FailureSchema), metadata={"description": _LISTED})


class LeftAloneSchema(Schema):
    course = fields.String(metadata={"example": "service"})
    events = fields.Integer(metadata={"example": 480})


class LeftAsIsSchema(Schema):
    as_of = fields.Integer(metadata={"description": "Number of the journal's last entry then."})
    short = fields.Nested(ShortsSchema)
    failures = fields.Nested(FailuresSchema)
    courses_left_alone = fields.List(
        fields.Nested(LeftAloneSchema), metadata={"description": "Closed courses, and their events."}
    )


class CertificateComparedSchema(Schema):
    certificate = fields.String(metadata={"example": "points"})
    before = fields.Integer(metadata={"description": "How many qualify now, by the version in force."})
    after = fields.Integer()
    newly = fields.List(fields.String(), metadata={"description": f"Ids of learners, at most {MAX_ITEMS}."})
    newly_total = fields.Integer()
    no_longer = fields.List(fields.String(), metadata={"description": f"Ids of learners, at most {MAX_ITEMS}."})
    no_longer_total = fields.Integer()


class DistributionSchema(Schema):
    """Of the learners whom rules give anything of a unit."""

    unit = fields.String(metadata={"enum": ["credits", "flowers"], "example": "credits"})
    least = fields.Integer(metadata={"description": "Where the first number begins.", "example": 160})
    step = fields.Integer(metadata={"description": "From one number to the next.", "example": 20})
    before = fields.List(
        fields.Integer(),
        metadata={
            "description": "How many have `least` to less than `step` more, how many the next `step`, and so on."
        },
    )
    after = fields.List(fields.Integer())


class SimulationSchema(LeftAsIsSchema):
    version = fields.Integer(metadata={"description": "The draft's.", "example": 4})
    against = fields.Integer(allow_none=True, metadata={"description": "The version in force.", "example": 3})
    events = fields.Integer(metadata={"description": "That rules looked at or gave something for."})
    corrections = fields.Integer(metadata={"description": "What re-evaluation would book.", "example": 12})
    rules = fields.List(fields.Nested(RuleComparedSchema))
    learners = fields.Nested(LearnersComparedSchema)
    distribution = fields.List(fields.Nested(DistributionSchema))
    certificates = fields.List(fields.Nested(CertificateComparedSchema))


class ReEvaluationSchema(Schema):
    version = fields.Integer(metadata={"example": 4})
    status = fields.String(metadata={"enum": ["scheduled", "running", "done", "superseded"], "example": "done"})
    asked_at = TimeShown()
    finished_at = TimeShown(allow_none=True)
    corrections = fields.Integer(metadata={"description": "Booked so far.", "example": 12})
    report = fields.Dict(
        keys=fields.String(),
        allow_none=True,
        metadata={
            "description": "Once it is done: what was left as it is, as in a simulation (`as_of`, `short`, `failures`, "
            "`courses_left_alone`), or the `problem` that ended it."
        },
    )


class DifferenceSchema(Schema):
    section = fields.String(metadata={"enum": ["earning", "conversion", "certificates"]})
    rule = fields.String(allow_none=True, metadata={"description": "Key of the rule or certificate."})
    change = fields.String(metadata={"enum": ["added", "removed", "changed"]})
    path = fields.String(
        metadata={
            "description": "Into the later document; of what was removed, into the earlier one.",
            "example": "earning[0].cap.amount",
        }
    )
    before = fields.Raw(allow_none=True, metadata={"description": "JSON of any kind."})
    after = fields.Raw(allow_none=True, metadata={"description": "JSON of any kind."})
    in_words = fields.String(metadata={"example": 'Rule "scored": cap.amount is 300 instead of 200.'})


class DifferencesSchema(Schema):
    items = fields.List(fields.Nested(DifferenceSchema))


@blp.route("/draft/simulate", methods=["POST"])
@requires("rules:write")
@blp.response(200, SimulationSchema)
@blp.doc(responses=progress.documented(SimulationSchema))
def simulate_draft(programme: str) -> Any:
    """Try the draft on what is booked

    What activating it with `re_evaluate` would do now: by rule, by learner, and who would newly qualify for a
    certificate or no longer. Nothing is written, and nobody has to wait.
    """
    steps = one_at_a_time(simulate(database(), company_id(), programme))
    return progress.answer(steps, lambda report: report)


def one_at_a_time(steps: Steps) -> Steps:
    """Of each worker; raises Unavailable for who has waited long enough."""
    turn = state().simulation_turn
    if not turn.acquire(timeout=MAX_WAIT_SECONDS):
        raise Unavailable("Another simulation is running. Nothing was lost; send the request again.")
    try:
        yield from steps
    finally:
        turn.release()


@blp.route("/re-evaluation", methods=["GET"])
@requires("read")
@blp.response(200, ReEvaluationSchema)
def get_re_evaluation(programme: str) -> dict[str, Any]:
    """What became of the last re-evaluation"""
    with snapshot() as session:
        return asdict(reevaluation.latest(session, programmes.get(session, programme).no))


@blp.route("/versions/<key:before>/diff/<key:after>", methods=["GET"])
@requires("read")
@blp.response(200, DifferencesSchema)
def get_differences(programme: str, before: str, after: str) -> dict[str, Any]:
    """What differs between two versions

    Each a number, or `draft`. Rules and certificates are compared by their keys.
    """
    with snapshot() as session:
        number = programmes.get(session, programme).no
        was, now = (_document(session, number, version) for version in (before, after))
    return {"items": [each._asdict() for each in differences.compare(was, now)]}


def _document(session: Any, programme: int, version: str) -> dict[str, Any]:
    if version == DRAFT:
        found = versions.draft(session, programme)
    elif version.isascii() and version.isdigit() and int(version) <= versions.LAST_VERSION:
        found = versions.of_version(session, programme, int(version))
    else:
        raise NotFound(f"The rulebook has no version {version}.")
    document: dict[str, Any] = found["document"]
    return document
