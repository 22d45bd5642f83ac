"""What happened, by type of event: how often, to how many, and what it brought.

An award to a team happens once to each who got it. What the service books for itself, such as allotments and
certificates, is left out; a stand-in counts for the event that it corrects, and what was reversed does not.
"""

from dataclasses import dataclass, field
from datetime import date

from pointsbank.database import Session
from pointsbank.matches import settling
from pointsbank.reports.selection import STANDS, Selection

OWN = "pointsbank:"
"""What sources of the service itself begin with."""
_OF_LEARNERS = ("pointsbank:awards", "pointsbank:corrections", settling.SOURCE)


@dataclass(slots=True)
class Happening:
    """A type of event; `months` counts it by the first day of the month."""

    kind: str
    events: int = 0
    learners: int = 0
    credits: int = 0
    flowers: int = 0
    months: dict[date, int] = field(default_factory=dict)


def happenings(session: Session, selection: Selection) -> list[Happening]:
    """The most frequent first."""
    found: dict[str, Happening] = {}
    parameters = selection.parameters()
    entries = counted_entries(selection)
    for row in session.sql(_HAPPENINGS.format(entries=entries), parameters):
        happening = found.setdefault(row.kind, Happening(row.kind))
        if row.month is None:
            happening.events, happening.learners = row.events, row.learners
        else:
            happening.months[row.month] = row.events
    for unit in ("credits", "flowers"):
        statement = _BROUGHT.format(earned=selection.earned(unit, entries=True), stands=STANDS)
        for row in session.sql(statement, parameters):
            setattr(found.setdefault(row.kind, Happening(row.kind)), unit, row.amount)
    return sorted(found.values(), key=lambda each: (-each.events, each.kind))


def counted_entries(selection: Selection) -> str:
    """`FROM … WHERE …` of the entries that are events of learners: `e`, with each learner whose it is in `h.who`."""
    conditions = ""
    if selection.team is not None:
        conditions += _IN_TEAM
    if selection.course is not None:
        conditions += " AND e.course = %(course)s"
    if selection.first is not None:
        conditions += " AND e.occurred_at >= %(from_at)s"
    if selection.last is not None:
        conditions += " AND e.occurred_at < %(until_at)s"
    others = ", ".join(f"'{each}'" for each in _OF_LEARNERS)
    return _ENTRIES.format(stands=STANDS, own=OWN, others=others) + conditions


_ENTRIES = """
      FROM entries AS e
     CROSS JOIN LATERAL unnest(coalesce(e.holders, ARRAY[e.learner])) AS h (who)
     WHERE e.company_id = %(company)s AND e.programme = %(programme)s AND h.who IS NOT NULL AND {stands}
       AND e.source NOT IN (SELECT no FROM terms WHERE company_id = %(company)s
                               AND starts_with(term, '{own}') AND term NOT IN ({others}))"""
_IN_TEAM = """
       AND EXISTS (SELECT FROM memberships AS s
                    WHERE s.company_id = %(company)s AND s.programme = %(programme)s AND s.learner = h.who
                      AND s.team = %(team)s AND s.from_at <= e.occurred_at
                      AND e.occurred_at < coalesce(s.until_at, 'infinity'))"""

# Rows of two kinds: of each type in all, and of each type and month.
_HAPPENINGS = """
WITH each AS MATERIALIZED (
    SELECT kind, month, who, count(*) AS events
      FROM (SELECT e.kind, h.who, date_trunc('month', e.occurred_at AT TIME ZONE %(zone)s)::date AS month{entries}
           ) AS happened
     GROUP BY 1, 2, 3
), counted AS (
    SELECT kind, NULL::date AS month, sum(events)::bigint AS events, count(DISTINCT who) AS learners
      FROM each GROUP BY kind
    UNION ALL
    SELECT kind, month, sum(events)::bigint, 0 FROM each GROUP BY kind, month
)
SELECT term AS kind, month, events, learners
  FROM counted JOIN terms ON company_id = %(company)s AND no = counted.kind"""

_BROUGHT = """
SELECT term AS kind, amount
  FROM (SELECT e.kind, sum(t.amount * t.earning)::bigint AS amount{earned} AND {stands}
         GROUP BY 1) AS brought
  JOIN terms ON company_id = %(company)s AND no = brought.kind"""
