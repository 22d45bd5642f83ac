"""What a learner qualifies for, and what is missing for the rest."""

from datetime import datetime
from typing import Any

from marshmallow import Schema, fields

from api.auth import requires, snapshot
from api.entries import TimeShown
from api.fields import Instant, Key, QuerySchema
from api.openapi import Resource
from ledger import balances
from ledger.identity import entry_id
from pointsbank.directory import enrolments, programmes
from pointsbank.errors import NotFound
from rules import eligibility, versions
from rules.criteria import FACTS
from rules.explanation import MAX_ENTRIES_SHOWN

blp = Resource("Eligibility", __name__, url_prefix="/v1", description="Who qualifies, and why or why not")


class EligibilityQuery(QuerySchema):
    programme = Key(required=True, metadata={"example": "2021"})
    cut_off = Instant(
        load_default=None,
        metadata={"description": "Counts what happened before it. Absent: now; one in the future is refused."},
    )


_NUMBER = {"type": ["number", "null"]}
_WORDS = {
    "zh": "本项目积分不少于 60：还差 12 积分（现有 48）",
    "en": "at least 60 credits in the programme: 12 credits short (48 so far)",
}
EXPLANATION: dict[str, Any] = {
    "type": "object",
    "description": "A criterion, judged. A group has `op`; a fact has `fact` and its members as in the rulebook.",
    "properties": {
        "op": {"enum": ["all", "any", "at_least", "not"]},
        "fact": {"enum": list(FACTS)},
        "required": {"type": "number"},
        "found": _NUMBER | {"description": "Null: nothing to be measured, such as a score or a team."},
        "missing": _NUMBER
        | {
            "description": "Precisely what has to be added (at_most: taken away) for it to hold. Null: no number would."
        },
        "holds": {"type": "boolean"},
        "sessions": {"type": "integer", "description": "Of attendance: how many there were; `found` were attended."},
        "state": {
            "enum": ["held", "qualified", "short", "expired", "revoked"],
            "description": "Of a certificate. `qualified`: it was never issued, and its criteria hold.",
        },
        "entries": {
            "type": "array",
            "items": {"type": "string", "format": "uuid"},
            "maxItems": MAX_ENTRIES_SHOWN,
            "description": "What it rests on: the last of them, in the order of the journal.",
        },
        "entries_total": {"type": "integer", "description": "How many there are."},
        "words": {
            "type": "object",
            "properties": {"zh": {"type": "string"}, "en": {"type": "string"}},
            "required": ["zh", "en"],
        },
        "of": {"type": "array", "items": {"type": "object"}, "description": "The criteria of a group, each like this."},
    },
    "required": ["required", "found", "missing", "holds", "entries", "entries_total", "words", "of"],
    "example": {
        "fact": "credits",
        "in": "programme",
        "at_least": 60,
        "required": 60,
        "found": 48,
        "missing": 12,
        "holds": False,
        "entries": [entry_id(1, 9)],
        "entries_total": 1,
        "words": _WORDS,
        "of": [],
    },
}


class CertificateSchema(Schema):
    certificate = fields.String(metadata={"description": "Its key in the rulebook.", "example": "points"})
    qualified = fields.Boolean()
    explanation = fields.Raw(metadata=EXPLANATION)


class EligibilitySchema(Schema):
    learner = fields.String(metadata={"example": "20210001"})
    programme = fields.String(metadata={"example": "2021"})
    rulebook_version = fields.Integer(metadata={"example": 3})
    cut_off = TimeShown()
    number = fields.Integer(metadata={"description": "Of the last entry in the journal.", "example": 5230})
    items = fields.List(fields.Nested(CertificateSchema))


@blp.route("/learners/<key:learner>/eligibility", methods=["GET"])
@requires("read")
@blp.arguments(EligibilityQuery, location="query")
@blp.response(200, EligibilitySchema)
def get_eligibility(query: dict[str, Any], learner: str) -> dict[str, Any]:
    """What a learner qualifies for, and what is missing

    By the rulebook in force, every certificate of the programme with its whole explanation.
    """
    cut_off: datetime | None = query["cut_off"]
    with snapshot() as session:
        programme = programmes.get(session, query["programme"])
        no = balances.learner_no(session, learner)
        if no not in enrolments.find(session, programme, [no]):
            raise NotFound(f"The learner {learner} is not enrolled in the programme {programme.key}.")
        as_of = eligibility.as_of(session, cut_off)
        version, rulebook = versions.rulebook_in_force(session, programme.no)
        found = eligibility.evaluate(session, programme, rulebook, [no], as_of)[no]
        company_id = session.company_id
    return {
        "learner": learner,
        "programme": programme.key,
        "rulebook_version": version,
        "cut_off": as_of.cut_off,
        "number": as_of.number,
        "items": [
            {
                "certificate": each.rule.key,
                "qualified": each.qualified,
                "explanation": each.explanation.as_json(company_id),
            }
            for each in found
        ],
    }
