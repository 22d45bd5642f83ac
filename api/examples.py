"""Examples in the OpenAPI document, and bodies that marshmallow does not describe. The tests send them."""

from typing import Any

from api.cloudevents import MAX_BATCH_EVENTS, MAX_NDJSON_EVENTS
from api.fields import KEY_PATTERN, TEXT_PATTERN
from rules.cloudevent import (
    MAX_ID_LENGTH,
    MAX_KEY_LENGTH,
    MAX_SOURCE_LENGTH,
    MAX_TYPE_LENGTH,
    RESERVED_SOURCE,
    RESERVED_TYPES,
)
from rules.schemas import MAX_CERTIFICATES, MAX_EARNING_RULES

EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "result-8650",
    "source": "urn:lms:scores",
    "type": "lms.assessment.scored",
    "subject": "20210001",
    "time": "2021-10-18T09:30:00+08:00",
    "data": {"programme": "2021", "course": "service", "score": 86, "weight": 18},
}

RULEBOOK: dict[str, Any] = {
    "earning": [
        {
            "key": "scored",
            "on": "lms.assessment.scored",
            "when": "data.score >= 40",
            "award": {
                "unit": "credits",
                "amount": "double(data.score) * double(data.weight) / 100.0",
                "round": "half_up",
            },
            "cap": {"per": "learner", "within": "programme", "amount": 200},
        },
        {
            "key": "debate",
            "on": "debate.topic.prepared",
            "when": "data.quality >= 4",
            "award": {"unit": "flowers", "amount": "data.position == 1 ? 5 : 2"},
            "first": 3,
        },
    ],
    "conversion": {"flowers_per_credit": 10, "round": "down", "cap_credits": 20, "remainder": "expire"},
    "certificates": [
        {
            "key": "points",
            "kind": "points",
            "name": {"zh": "积分证", "en": "Points certificate"},
            "criteria": {"fact": "credits", "in": "programme", "at_least": 40},
        }
    ],
}

_KEY = {"type": "string", "minLength": 1, "maxLength": MAX_KEY_LENGTH, "pattern": KEY_PATTERN}

_EVENT_SCHEMA = {
    "type": "object",
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "minLength": 1, "maxLength": MAX_ID_LENGTH, "pattern": TEXT_PATTERN},
        "source": {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_SOURCE_LENGTH,
            "pattern": r"^[^\s\u0000-\u001f\u007f-\u009f]+$",
            "not": {"pattern": f"^{RESERVED_SOURCE}"},
            "description": f"A URI reference; those that begin with `{RESERVED_SOURCE}` are the bank's own.",
        },
        "type": {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_TYPE_LENGTH,
            "pattern": TEXT_PATTERN,
            "not": {"enum": sorted(RESERVED_TYPES)},
            "description": "What happened; the names of the bank's own entries are not taken.",
        },
        "subject": {**_KEY, "description": "The learner."},
        "time": {"type": ["string", "null"], "format": "date-time", "description": "When it happened; absent: now."},
        "datacontenttype": {"type": ["string", "null"], "pattern": "^application/json$"},
        "data": {
            "type": "object",
            "properties": {
                "programme": _KEY,
                "course": {**_KEY, "type": ["string", "null"]},
                "reason": {"description": "Text is kept as the entry's reason."},
            },
            "required": ["programme"],
            "description": "The programme, the course if it belongs to one, and the facts that rules look at.",
        },
    },
    "required": ["specversion", "id", "source", "type", "subject", "data"],
}

EVENTS_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/cloudevents+json": {"schema": _EVENT_SCHEMA, "example": EVENT},
        "application/cloudevents-batch+json": {
            "schema": {
                "type": "array",
                "description": f"At most {MAX_BATCH_EVENTS}, else 413.",
                "items": {"anyOf": [_EVENT_SCHEMA, {"description": "Anything else is rejected in its place."}]},
            },
            "example": [EVENT],
        },
        "application/x-ndjson": {
            "schema": {
                "type": "string",
                "description": f"One structured event a line, at most {MAX_NDJSON_EVENTS}.",
            },
        },
    },
}

_ENTRY = {"$ref": "#/components/schemas/Entry"}
_ONE = {
    "type": "object",
    "properties": {
        "status": {"enum": ["booked", "duplicate", "ignored"]},
        "entry": _ENTRY,
        "reason": {"type": ["string", "null"], "description": "Why no rule gave anything."},
    },
    "required": ["status", "entry"],
}
_MANY = {
    "type": "object",
    "properties": {
        **{name: {"type": "integer"} for name in ("booked", "duplicate", "ignored", "rejected")},
        "results": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "index": {"type": "integer"},
                    "id": {"type": ["string", "null"]},
                    "status": {"enum": ["booked", "duplicate", "ignored", "rejected"]},
                    "entry_id": {"type": "string"},
                    "reason": {"type": ["string", "null"]},
                    "problem": {"$ref": "#/components/schemas/Problem"},
                },
                "required": ["index", "id", "status"],
            },
        },
    },
    "required": ["booked", "duplicate", "ignored", "rejected", "results"],
}

EVENTS_RESPONSES: dict[str, Any] = {
    "201": {"description": "One event, booked.", "content": {"application/json": {"schema": _ONE}}},
    "200": {
        "description": "One event that is a duplicate or ignored; or many, each with its result.",
        "content": {"application/json": {"schema": {"anyOf": [_ONE, _MANY]}}},
    },
}

_PART = {"type": "object"}
_RULEBOOK_SCHEMA = {
    "type": "object",
    "description": "Its expressions (CEL) and criteria are checked beyond this schema.",
    "properties": {
        "earning": {"type": "array", "items": _PART, "maxItems": MAX_EARNING_RULES},
        "conversion": {"type": ["object", "null"]},
        "certificates": {"type": "array", "items": _PART, "maxItems": MAX_CERTIFICATES},
    },
    "additionalProperties": False,
}

RULEBOOK_BODY: dict[str, Any] = {
    "required": True,
    "content": {"application/json": {"schema": _RULEBOOK_SCHEMA, "example": RULEBOOK}},
}
