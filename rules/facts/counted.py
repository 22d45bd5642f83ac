"""Facts that are counted in entries of the programme: events, what they add up to, scores, attendance, awards.

An entry is a learner's if it is about the learner or moves the learner's holding: an award to a team is one of
each member's. Event types are the kinds of entries.

A course is passed by the best score: the number `score` in the data of events of the course, of the criterion's
`type` or of any. Where the criterion names no score of its own, an event that says `"passed": true` has at least
`PASS_SCORE`, and one that says `"passed": false` does not count.

Attendance is of sessions: events `attendance.present`, `attendance.late` and `attendance.absent` (with a `type` in
the criterion, `<type>.present` and so on). Only who was present attended.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from decimal import Decimal
from typing import Any

from ledger import terms
from rules import awards
from rules.criteria import Fact
from rules.explanation import PASS_SCORE, Found, Number
from rules.facts.ground import Findings, Ground

FACTS = ("events", "passed", "attendance", "award")
PRESENT, LATE, ABSENT = "present", "late", "absent"


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Entries that count for the fact with this index, None being any. `attended`: as a session with the learner.

    `member` is the member of the data that is added up. `scored`: their scores are asked for; `judged`: an event may
    say itself that it is passed.
    """

    leaf: int
    kind: int | None
    course: int | None
    role: str | None = None
    member: str | None = None
    attended: bool = False
    scored: bool = False
    judged: bool = False


def find(ground: Ground, facts: list[Fact]) -> Findings:
    kinds = terms.find(ground.session, sorted({kind for fact in facts for kind in _kinds(fact)}))
    wanted = [each for leaf, fact in enumerate(facts) for each in _wanted(ground, kinds, leaf, fact)]
    if not wanted:
        return {}
    names = ("leaves", "kinds", "courses", "roles", "members", "attended", "scored", "judged")
    columns = dict(zip(names, (list(column) for column in zip(*map(astuple, wanted), strict=True)), strict=True))
    rows = ground.session.sql(
        _COUNTED, {**ground.parameters(), **columns, "pass_score": PASS_SCORE, "any_kind": None in columns["kinds"]}
    )
    return {(facts[row.leaf], row.learner): _found(facts[row.leaf], row) for row in rows}


def _kinds(fact: Fact) -> Sequence[str]:
    """The event types that count; none: any."""
    if fact.fact == "award":
        return (awards.KIND,)
    if fact.fact == "attendance":
        return [f"{fact.type}.{how}" for how in (PRESENT, LATE, ABSENT)]
    return () if fact.type is None else (fact.type,)


def _wanted(ground: Ground, numbers: dict[str, int], leaf: int, fact: Fact) -> list[_Wanted]:
    assert fact.scope is not None, "these facts are always somewhere"
    course = None
    if fact.scope.kind == "course":
        found = ground.courses.get(fact.scope.key or "")
        if found is None:
            return []
        course = found.no
    names = _kinds(fact)
    if fact.fact == "passed":
        kinds: list[int | None] = [numbers[name] for name in names if name in numbers] if names else [None]
        return [_Wanted(leaf, kind, course, scored=True, judged=fact.at_least is None) for kind in kinds]
    return [
        _Wanted(leaf, numbers[name], course, fact.role, fact.sum, attended=name.endswith(f".{PRESENT}"))
        for name in names
        if name in numbers
    ]


def _found(fact: Fact, row: Any) -> Found:
    if fact.fact == "attendance":
        return Found(row.attended, row.numbers, row.entries)
    if fact.fact == "passed":
        best = max(row.scores)
        return Found(
            _plain(best), [number for number, score in zip(row.numbers, row.scores, strict=True) if score == best]
        )
    return Found(row.entries if fact.sum is None else _plain(row.total), row.numbers)


def _plain(number: Decimal) -> Number:
    return int(number) if number == number.to_integral_value() else number


# What is not counted is left out before it is joined. Data that is no number, or not there, adds nothing up.
_COUNTED = """
WITH wanted AS MATERIALIZED (
    SELECT * FROM unnest(%(leaves)s::integer[], %(kinds)s::integer[], %(courses)s::integer[], %(roles)s::text[],
                         %(members)s::text[], %(attended)s::boolean[], %(scored)s::boolean[], %(judged)s::boolean[])
                  AS w (leaf, kind, course, role, member, attended, scored, judged)
), numbers AS (
    SELECT t.learner, t.number
      FROM unnest(%(learners)s::integer[]) AS l (no)
      JOIN transfers AS t ON t.company_id = %(company)s AND t.learner = l.no AND t.number <= %(number)s
       AND t.occurred_at < %(cut_off)s
     GROUP BY t.learner, t.number
    UNION ALL
    SELECT e.learner, e.number
      FROM unnest(%(learners)s::integer[]) AS l (no)
      JOIN entries AS e ON e.company_id = %(company)s AND e.learner = l.no AND e.transfers = 0
       AND e.number <= %(number)s AND e.occurred_at < %(cut_off)s
), own AS MATERIALIZED (
    SELECT n.learner, n.number, e.kind, e.course, e.awarder, e.reverses, e.data
      FROM numbers AS n
      JOIN entries AS e ON e.company_id = %(company)s AND e.number = n.number
     WHERE e.programme = %(programme)s
       AND (%(any_kind)s OR e.kind = ANY (%(kinds)s::integer[]) OR e.reverses IS NOT NULL)
), counted AS (
    SELECT w.leaf, w.attended, w.scored, w.member, o.learner, o.number,
           CASE WHEN jsonb_typeof(o.data -> w.member) = 'number' THEN (o.data ->> w.member)::numeric END AS part,
           CASE WHEN w.judged AND o.data -> 'passed' = 'true'
                THEN greatest(%(pass_score)s, score.value)
                WHEN w.judged AND o.data -> 'passed' = 'false' THEN NULL
                ELSE score.value END AS score
      FROM own AS o
      JOIN wanted AS w ON (w.kind IS NULL OR w.kind = o.kind) AND (w.course IS NULL OR w.course = o.course)
      LEFT JOIN awarders AS a ON a.company_id = %(company)s AND a.no = o.awarder
     CROSS JOIN LATERAL (SELECT CASE WHEN jsonb_typeof(o.data -> 'score') = 'number'
                                     THEN (o.data ->> 'score')::numeric END AS value) AS score
     WHERE o.reverses IS NULL AND (w.role IS NULL OR w.role = a.role)
       AND NOT EXISTS (SELECT FROM own AS r WHERE r.learner = o.learner AND r.reverses = o.number)
)
SELECT leaf, learner, count(*) AS entries, count(*) FILTER (WHERE attended) AS attended, sum(part) AS total,
       array_agg(number ORDER BY number) AS numbers, array_agg(score ORDER BY number) FILTER (WHERE scored) AS scores
  FROM counted
 WHERE (NOT scored OR score IS NOT NULL) AND (member IS NULL OR part IS NOT NULL)
 GROUP BY leaf, learner
"""
