"""What people call the things that have HR's ids: many of all kinds, in one statement."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from pointsbank.database import Session

What = Literal["learner", "programme", "course", "team", "awarder", "unit"]


@dataclass(slots=True)
class Wanted:
    """Ids to find names for; of what belongs to a programme, pairs of the programme's id and its own. `units` are codes
    of flowers."""

    learners: set[str] = field(default_factory=set)
    programmes: set[str] = field(default_factory=set)
    courses: set[tuple[str, str]] = field(default_factory=set)
    teams: set[tuple[str, str]] = field(default_factory=set)
    awarders: set[tuple[str, str]] = field(default_factory=set)
    units: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Names:
    found: Mapping[tuple[str, str | None, str], str]

    def of(self, what: What, key: str, programme: str | None = None) -> str:
        """The name; the id itself if nothing has it. A unit of flowers is called as its course."""
        return self.found.get((what, programme, key), key)


def find(session: Session, wanted: Wanted) -> Names:
    values = {
        "learners": sorted(wanted.learners),
        "programmes": sorted(wanted.programmes),
        "units": sorted(wanted.units),
        **_pairs("courses", wanted.courses),
        **_pairs("teams", wanted.teams),
        **_pairs("awarders", wanted.awarders),
    }
    rows = session.sql(_NAMES, values)
    return Names({(row.what, row.programme, row.key): row.name for row in rows})


def _pairs(name: str, pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    ordered = sorted(pairs)
    return {f"{name}_in": [programme for programme, _ in ordered], name: [key for _, key in ordered]}


_IN_PROGRAMME = """
SELECT '{what}' AS what, p.key AS programme, t.key, t.name
  FROM unnest(%({table}_in)s::text[], %({table})s::text[]) AS wanted (programme, key)
  JOIN programmes AS p ON p.company_id = %(company)s AND p.key = wanted.programme COLLATE "C"
  JOIN {table} AS t ON t.company_id = %(company)s AND t.programme = p.no AND t.key = wanted.key COLLATE "C"
"""
_NAMES = """
SELECT 'learner' AS what, NULL AS programme, key, name FROM learners
 WHERE company_id = %(company)s AND key = ANY (%(learners)s::text[])
UNION ALL
SELECT 'programme', NULL, key, name FROM programmes
 WHERE company_id = %(company)s AND key = ANY (%(programmes)s::text[])
UNION ALL
SELECT 'unit', NULL, u.code, c.name FROM units AS u
  JOIN courses AS c ON c.company_id = %(company)s AND c.unit = u.no
 WHERE u.company_id = %(company)s AND u.code = ANY (%(units)s::text[])
""" + "".join(
    f"UNION ALL {_IN_PROGRAMME.format(what=what, table=table)}"
    for what, table in (("course", "courses"), ("team", "teams"), ("awarder", "awarders"))
)
