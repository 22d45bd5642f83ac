"""Credits and flowers: what moved learners' holdings.

Credits of a programme or of a phase are what its entries moved, in and out, so what flowers were converted into is
among them; those of the company are the balance of the holding. Flowers are those that were earned: their
conversion and expiry take nothing away.
"""

from datetime import UTC, datetime

from ledger.accounts import CREDITS
from pointsbank.directory.days import end_of, start_of
from rules.criteria import Fact
from rules.explanation import Found
from rules.facts.ground import Findings, Ground

FACTS = ("credits", "flowers")

_ALWAYS = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
_Row = tuple[int, int, int | None, datetime, datetime]


def find(ground: Ground, facts: list[Fact]) -> Findings:
    rows = [(leaf, *row) for leaf, fact in enumerate(facts) for row in _wanted(ground, fact)]
    if not rows:
        return {}
    leaves, units, programmes, from_at, until_at = (list(column) for column in zip(*rows, strict=True))
    found = ground.session.sql(
        _MOVED,
        {
            **ground.parameters(),
            "leaves": leaves,
            "units": units,
            "programmes": programmes,
            "from_at": from_at,
            "until_at": until_at,
        },
    )
    return {(facts[leaf], learner): Found(value, numbers) for leaf, learner, value, numbers in found}


def _wanted(ground: Ground, fact: Fact) -> list[tuple[int, int | None, datetime, datetime]]:
    """Of which units, of which programme's entries (None: all), from when until when."""
    assert fact.scope is not None, "credits and flowers are always somewhere"
    kind, key = fact.scope.kind, fact.scope.key
    if fact.fact == "flowers":
        own = [course for course in ground.courses.values() if key in (None, course.key)]
        return [(course.unit, None, *_ALWAYS) for course in own]
    if kind == "company":
        return [(CREDITS, None, *_ALWAYS)]
    if kind == "programme":
        return [(CREDITS, ground.programme.no, *_ALWAYS)]
    zone = ground.programme.zone
    return [
        (CREDITS, ground.programme.no, start_of(phase.starts_on, zone), end_of(phase.ends_on, zone))
        for phase in ground.programme.phases
        if phase.key == key
    ]


# A reversal is an entry of the same learner, so that it is found among the learner's own. An entry of several rules
# has several transfers.
_MOVED = """
WITH wanted AS MATERIALIZED (
    SELECT * FROM unnest(%(leaves)s::integer[], %(units)s::integer[], %(programmes)s::integer[],
                         %(from_at)s::timestamptz[], %(until_at)s::timestamptz[])
                  AS w (leaf, unit, programme, from_at, until_at)
), own AS MATERIALIZED (
    SELECT t.learner, t.number, t.unit, t.occurred_at, e.programme, e.reverses,
           CASE WHEN t.unit <> 0 THEN t.amount * t.earning
                WHEN t.credit >> 32 = 4 THEN t.amount ELSE -t.amount END AS amount
      FROM unnest(%(learners)s::integer[]) AS l (no)
      JOIN transfers AS t ON t.company_id = %(company)s AND t.learner = l.no AND t.number <= %(number)s
       AND t.occurred_at < %(cut_off)s AND t.unit IN (SELECT unit FROM wanted)
      JOIN entries AS e ON e.company_id = %(company)s AND e.number = t.number
)
SELECT w.leaf, o.learner, sum(o.amount)::bigint, array_agg(DISTINCT o.number ORDER BY o.number)
  FROM own AS o
  JOIN wanted AS w ON w.unit = o.unit AND (w.programme IS NULL OR w.programme = o.programme)
   AND o.occurred_at >= w.from_at AND o.occurred_at < w.until_at
 WHERE o.amount <> 0 AND o.reverses IS NULL
   AND NOT EXISTS (SELECT FROM own AS r WHERE r.learner = o.learner AND r.reverses = o.number)
 GROUP BY w.leaf, o.learner
"""
