"""Participation by department: whether those whom a department sent take part, and who has not been heard of.

A learner takes part by earning: with an event or an award that brought credits or flowers and was not reversed. Prizes
of matches are a team's and do not count here, and conversion is no earning. The department is the one that the
directory has now.
"""

from dataclasses import dataclass, field
from datetime import date, datetime

from pointsbank.database import Session
from pointsbank.reports.concentration import share
from pointsbank.reports.happenings import counted_entries
from pointsbank.reports.selection import Selection, population


@dataclass(frozen=True, slots=True)
class Silent:
    """`last_at` is when something was last earned in the period; `days` since then, or since it began for them."""

    key: str
    name: str
    department: str | None
    last_at: datetime | None
    days: int


@dataclass(slots=True)
class Department:
    """`name` None: of learners without one. `active` by the first day of the week or month; `kinds` counts events."""

    name: str | None
    learners: int = 0
    taking_part: int = 0
    credits: int = 0
    flowers: int = 0
    silent: list[Silent] = field(default_factory=list)
    active: dict[date, int] = field(default_factory=dict)
    kinds: dict[str, int] = field(default_factory=dict)

    @property
    def share(self) -> float:
        return share(self.taking_part, self.learners)

    @property
    def events(self) -> int:
        return sum(self.kinds.values())


@dataclass(frozen=True, slots=True)
class Participation:
    """Departments with the smallest share that takes part first; `end` is when silence is looked back from."""

    departments: list[Department]
    months: list[date]
    end: datetime

    @property
    def silent(self) -> list[Silent]:
        """Longest first."""
        found = [each for department in self.departments for each in department.silent]
        return sorted(found, key=lambda each: (-each.days, each.key))


def participation(session: Session, selection: Selection, silent_days: int) -> Participation:
    """Who is `silent` has earned nothing for so many days, and is still there."""
    parameters = {**selection.parameters(), "silent_days": silent_days}
    statement = _PARTICIPATION.format(
        population=population(selection),
        columns=_COLUMNS,
        credits=selection.earned("credits"),
        flowers=selection.earned("flowers"),
    )
    found: dict[str | None, Department] = {}
    for row in session.sql(statement, parameters):
        department = found.setdefault(row.department, Department(row.department))
        if row.month is not None:
            department.active[row.month] = row.taking_part
            continue
        department.learners += 1
        department.taking_part += row.taking_part
        department.credits += row.credits
        department.flowers += row.flowers
        if row.days is not None:
            department.silent.append(Silent(row.key, row.name, row.department, row.last_at, row.days))
    for row in session.sql(_KINDS.format(entries=counted_entries(selection)), parameters):
        if row.department in found:
            found[row.department].kinds[row.kind] = row.events
    months = sorted({month for each in found.values() for month in each.active})
    ordered = sorted(found.values(), key=lambda each: (each.name is None, each.share, each.name or ""))
    return Participation(ordered, months, parameters["end"])


# Rows of two kinds: one of each learner, and one of each department and month with `month` set.
_PARTICIPATION = """
WITH aside AS MATERIALIZED (
    SELECT prize_number AS number FROM matches
     WHERE company_id = %(company)s AND programme = %(programme)s AND prize_number IS NOT NULL
    UNION ALL
    SELECT reverses FROM entries WHERE company_id = %(company)s AND reverses IS NOT NULL
), people AS MATERIALIZED ({population}
), each AS MATERIALIZED (
    SELECT {columns}, sum(t.amount * t.earning) AS credits, 0 AS flowers{credits}
     GROUP BY 1, 2
    UNION ALL
    SELECT {columns}, 0, sum(t.amount * t.earning){flowers}
     GROUP BY 1, 2
), whole AS (
    SELECT no, sum(credits)::bigint AS credits, sum(flowers)::bigint AS flowers, max(last_at) AS last_at
      FROM each GROUP BY no
)
SELECT nullif(trim(p.department), '') AS department, NULL::date AS month, p.key, p.name,
       (w.last_at IS NOT NULL)::integer AS taking_part,
       coalesce(w.credits, 0) AS credits, coalesce(w.flowers, 0) AS flowers, w.last_at,
       CASE WHEN p.is_there AND %(end)s - quiet.since >= make_interval(days => %(silent_days)s)
            THEN extract(day FROM %(end)s - quiet.since)::integer END AS days
  FROM people AS p
  LEFT JOIN whole AS w USING (no)
 CROSS JOIN LATERAL (SELECT coalesce(w.last_at, greatest(p.enrolled_at, %(from_at)s::timestamptz)) AS since) AS quiet
 WHERE p.was_there OR w.no IS NOT NULL
UNION ALL
SELECT nullif(trim(p.department), ''), each.month, NULL, NULL, count(DISTINCT p.no)::integer, 0, 0, NULL, NULL
  FROM each JOIN people AS p USING (no)
 WHERE each.last_at IS NOT NULL
 GROUP BY 1, 2"""

_COLUMNS = """t.learner AS no, date_trunc('month', t.occurred_at AT TIME ZONE %(zone)s)::date AS month,
           max(t.occurred_at) FILTER (WHERE t.earning > 0 AND t.number NOT IN (SELECT number FROM aside)) AS last_at"""

_KINDS = """
SELECT nullif(trim(l.department), '') AS department, k.term AS kind, sum(each.events)::bigint AS events
  FROM (SELECT h.who, e.kind, count(*) AS events{entries} GROUP BY 1, 2) AS each
  JOIN learners AS l ON l.company_id = %(company)s AND l.no = each.who
  JOIN terms AS k ON k.company_id = %(company)s AND k.no = each.kind
 GROUP BY 1, 2"""
