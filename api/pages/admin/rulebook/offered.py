"""What the editor offers to choose from: events that really come, courses, phases, facts and their members."""

from typing import Any, get_args

from api.pages.admin.rulebook.ground import Ground
from api.pages.frame import language
from pointsbank.database import Session
from rules import received, schemas
from rules.criteria import FACTS, MAX_CRITERIA_DEPTH, MAX_CRITERIA_IN_GROUP, ROLES, SCORES, UNITS
from rules.parts import Period, Rounding

SCOPES: dict[str, tuple[str, ...]] = {
    "credits": ("programme", "company", "phase"),
    "flowers": ("course", "programme"),
    "passed": ("course",),
    "attendance": ("programme", "course"),
    "team_rank": ("programme", "course"),
    "award": ("programme", "course"),
    "events": ("programme", "course"),
}
"""Where a fact can be looked for, what is usual first."""
DEFAULTS: dict[str, dict[str, Any]] = {
    "credits": {"in": "programme", "at_least": 0},
    "flowers": {"at_least": 1},
    "passed": {},
    "attendance": {"in": "programme", "at_least": 90},
    "team_rank": {"in": "programme", "at_most": 3},
    "match_won": {},
    "award": {},
    "events": {"type": "", "at_least": 1},
    "certificate": {"key": ""},
}
"""What a fact begins with; a course is the programme's first."""


def offered(session: Session, ground: Ground) -> dict[str, Any]:
    """As the scripts read it."""
    return {
        "kinds": [
            {"type": each.type, "events": each.events, "fields": each.fields}
            for each in received.kinds(session, ground.programme.no)
        ],
        "courses": [[each.key, each.name] for each in ground.courses],
        "phases": [[each.key, each.name] for each in ground.programme.phases],
        "facts": {
            fact: {"members": list(members), "scopes": SCOPES.get(fact, ()), "defaults": DEFAULTS[fact]}
            for fact, members in FACTS.items()
        },
        "roles": ROLES,
        "units": UNITS,
        "scores": SCORES,
        "roundings": get_args(Rounding),
        "periods": get_args(Period),
        "limits": {
            "earning": schemas.MAX_EARNING_RULES,
            "certificates": schemas.MAX_CERTIFICATES,
            "bands": schemas.MAX_BANDS,
            "equals": schemas.MAX_EQUALS,
            "criteria": MAX_CRITERIA_IN_GROUP,
            "depth": MAX_CRITERIA_DEPTH,
        },
        "language": language(),
    }
