"""Facts that are read off a learner's own entries: credits, flowers, events, scores, attendance, awards.

One statement for all of them and all learners. Which entries count for which fact stands in `rules.facts.wanted`.
"""

import dataclasses
from decimal import Decimal
from typing import Any

from ledger import terms
from rules.criteria import Fact
from rules.explanation import PASS_SCORE, Found, Number
from rules.facts.ground import Findings, Ground
from rules.facts.wanted import Wanted, event_types, wanted

FACTS = ("credits", "flowers", "events", "passed", "attendance", "award")


def find(ground: Ground, facts: list[Fact]) -> Findings:
    kinds = terms.find(ground.session, sorted({kind for fact in facts for kind in event_types(fact)}))
    rows = [each for leaf, fact in enumerate(facts) for each in wanted(ground, fact, leaf, kinds)]
    if not rows:
        return {}
    columns = {field.name: [getattr(row, field.name) for row in rows] for field in dataclasses.fields(Wanted)}
    reads = [row for row in rows if row.member is not None or row.scored]
    found = ground.session.sql(
        _FOUND,
        {
            **ground.parameters(),
            **{f"w_{name}": column for name, column in columns.items()},
            "pass_score": PASS_SCORE,
            "read": sorted({row.kind for row in reads if row.kind is not None}),
            "read_all": any(row.kind is None for row in reads),
        },
    )
    return {(facts[row.leaf], row.learner): _found(facts[row.leaf], row) for row in found}


def _found(fact: Fact, row: Any) -> Found:
    if fact.fact == "attendance":
        return Found(row.attended, row.numbers, len(row.numbers))
    if fact.fact == "passed":
        best = max(row.scores)
        those = [number for number, score in zip(row.numbers, row.scores, strict=True) if score == best]
        return Found(_plain(best), those)
    if fact.fact in ("credits", "flowers"):  # by several rules an entry has several transfers
        return Found(int(row.total), list(dict.fromkeys(row.numbers)))
    return Found(len(row.numbers) if fact.sum is None else _plain(row.total), row.numbers)


def _plain(number: Decimal) -> Number:
    return int(number) if number == number.to_integral_value() else number


# `own` has a row for each transfer of a learner's entry, or one if it has none; `first` is one row of each entry.
# A reversal is an entry of the same learner, and so is found among the learner's own. Whether an entry is reversed is
# asked of a set (NOT IN): a join would be one of everything with everything if the planner expects few rows.
# Data is read only of entries of which something is wanted. The subqueries for each learner cannot be taken apart, so
# that each is a range of an index whatever the planner knows of the tables.
_FOUND = """
WITH wanted AS MATERIALIZED (
    SELECT * FROM unnest(%(w_leaf)s::integer[], %(w_programme)s::integer[], %(w_unit)s::integer[],
                         %(w_from_at)s::timestamptz[], %(w_until_at)s::timestamptz[], %(w_kind)s::integer[],
                         %(w_course)s::integer[], %(w_role)s::text[], %(w_member)s::text[], %(w_attended)s::boolean[],
                         %(w_scored)s::boolean[], %(w_judged)s::boolean[])
           AS w (leaf, programme, unit, from_at, until_at, kind, course, role, member, attended, scored, judged)
), own AS MATERIALIZED (
    SELECT l.no AS learner, t.*
      FROM unnest(%(learners)s::integer[]) AS l (no)
     CROSS JOIN LATERAL (
        SELECT t.number, t.unit, t.occurred_at,
               t.number IS DISTINCT FROM lag(t.number) OVER (ORDER BY t.number) AS first,
               CASE WHEN t.unit <> 0 THEN t.amount * t.earning
                    WHEN t.credit >> 32 = 4 THEN t.amount ELSE -t.amount END AS amount,
               e.kind, e.programme, e.course, e.awarder, e.reverses,
               CASE WHEN %(read_all)s OR e.kind = ANY (%(read)s::integer[]) THEN e.data END AS data
          FROM transfers AS t
          JOIN entries AS e ON e.company_id = %(company)s AND e.number = t.number
         WHERE t.company_id = %(company)s AND t.learner = l.no
           AND t.number <= %(number)s AND t.occurred_at < %(cut_off)s
        OFFSET 0) AS t
    UNION ALL
    SELECT l.no, e.number, NULL, e.occurred_at, true, 0, e.kind, e.programme, e.course,
           e.awarder, e.reverses, CASE WHEN %(read_all)s OR e.kind = ANY (%(read)s::integer[]) THEN e.data END
      FROM unnest(%(learners)s::integer[]) AS l (no)
     CROSS JOIN LATERAL (
        SELECT * FROM entries
         WHERE company_id = %(company)s AND learner = l.no AND transfers = 0
           AND number <= %(number)s AND occurred_at < %(cut_off)s
        OFFSET 0) AS e
), counted AS MATERIALIZED (
    SELECT w.leaf, o.learner, o.number, w.attended, w.scored, w.member,
           CASE WHEN w.unit IS NOT NULL THEN o.amount
                WHEN w.member IS NOT NULL AND jsonb_typeof(o.data -> w.member) = 'number'
                THEN (o.data ->> w.member)::numeric END AS part,
           CASE WHEN NOT w.scored OR (w.judged AND o.data -> 'passed' = 'false') THEN NULL
                WHEN w.judged AND o.data -> 'passed' = 'true'
                THEN greatest(%(pass_score)s, CASE WHEN jsonb_typeof(o.data -> 'score') = 'number'
                                                   THEN (o.data ->> 'score')::numeric END)
                WHEN jsonb_typeof(o.data -> 'score') = 'number' THEN (o.data ->> 'score')::numeric END AS score
      FROM own AS o
      JOIN wanted AS w
        ON CASE WHEN w.unit IS NULL THEN o.first ELSE w.unit = o.unit AND o.amount <> 0 END
       AND (w.kind IS NULL OR w.kind = o.kind) AND (w.course IS NULL OR w.course = o.course)
       AND (w.programme IS NULL OR w.programme = o.programme)
       AND (w.from_at IS NULL OR (o.occurred_at >= w.from_at AND o.occurred_at < w.until_at))
       AND (w.role IS NULL OR w.role = (SELECT role FROM awarders WHERE company_id = %(company)s AND no = o.awarder))
     WHERE o.reverses IS NULL AND o.number NOT IN (SELECT reverses FROM own WHERE reverses IS NOT NULL)
)
SELECT leaf, learner, count(*) FILTER (WHERE attended) AS attended, sum(part) AS total,
       array_agg(number ORDER BY number) AS numbers, array_agg(score ORDER BY number) FILTER (WHERE scored) AS scores
  FROM counted
 WHERE (member IS NULL OR part IS NOT NULL) AND (NOT scored OR score IS NOT NULL)
 GROUP BY leaf, learner
"""
