"""Which events a programme receives, and what is in them: for whoever writes a rule about them."""

from dataclasses import dataclass, field
from typing import Any

from pointsbank.database import Session
from rules.cloudevent import RESERVED_SOURCE

MAX_ENTRIES = 20_000
"""Looked at: the last ones of the company's journal."""
MAX_EVENTS_OF_KIND = 50
"""Whose data is looked at."""
MAX_FIELDS = 40
MAX_EXAMPLES = 6
MAX_EXAMPLE_CHARACTERS = 40


@dataclass(slots=True)
class Kind:
    """An event type: how many of its events were lately booked, and the members of their data with examples."""

    type: str
    events: int
    fields: dict[str, list[Any]] = field(default_factory=dict)


def kinds(session: Session, programme: int) -> list[Kind]:
    """Those that came most often first."""
    rows = session.sql(
        """WITH lately AS (
               SELECT e.kind, e.number, e.data,
                      row_number() OVER (PARTITION BY e.kind ORDER BY e.number DESC) AS place,
                      count(*) OVER (PARTITION BY e.kind) AS events
                 FROM entries AS e
                WHERE e.company_id = %(company)s AND e.programme = %(programme)s AND e.learner IS NOT NULL
                  AND e.reverses IS NULL
                  AND e.number > (SELECT last_number FROM journals WHERE company_id = %(company)s) - %(most)s
                  AND e.source NOT IN (SELECT no FROM terms
                                        WHERE company_id = %(company)s AND starts_with(term, %(own)s))
           )
           SELECT t.term, lately.events, lately.data
             FROM lately JOIN terms AS t ON t.company_id = %(company)s AND t.no = lately.kind
            WHERE lately.place <= %(each)s ORDER BY lately.events DESC, t.term, lately.number""",
        {"programme": programme, "most": MAX_ENTRIES, "each": MAX_EVENTS_OF_KIND, "own": RESERVED_SOURCE},
    )
    found: dict[str, Kind] = {}
    for term, events, data in rows:
        _add(found.setdefault(term, Kind(term, events)), data)
    return list(found.values())


def _add(kind: Kind, data: object) -> None:
    for name, value in data.items() if isinstance(data, dict) else ():
        if name not in kind.fields and len(kind.fields) >= MAX_FIELDS:
            continue
        examples = kind.fields.setdefault(name, [])
        is_short = isinstance(value, bool | int | float) or (
            isinstance(value, str) and len(value) <= MAX_EXAMPLE_CHARACTERS
        )
        if is_short and value not in examples and len(examples) < MAX_EXAMPLES:
            examples.append(value)
