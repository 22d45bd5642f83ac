"""Matches won: those of the programme whose result names the learner, or the team the learner was in at its end.

Who draws for the first rank has won, as for the prize. A match counts once it is settled, and no more once its result
is withdrawn.
"""

from pointsbank.leaderboards.frame import INSTANT
from rules.criteria import Fact
from rules.explanation import Found
from rules.facts.ground import Findings, Ground

FACTS = ("match_won",)


def find(ground: Ground, facts: list[Fact]) -> Findings:
    won: dict[int, list[tuple[int, str]]] = {}
    for learner, number, key in ground.session.sql(_WON, {**ground.parameters(), "instant": INSTANT}):
        won.setdefault(learner, []).append((number, key))
    findings: dict[tuple[Fact, int], Found] = {}
    for fact in facts:
        for learner, results in won.items():
            numbers = [number for number, key in results if fact.key in (None, key)]
            findings[fact, learner] = Found(len(numbers), numbers)
    return findings


_WON = """
WITH results AS (
    SELECT m.key, m.members, m.ends_at, e.number, winner.key AS winner
      FROM matches AS m
      JOIN entries AS e ON e.company_id = %(company)s AND e.number = m.result_number
     CROSS JOIN LATERAL jsonb_array_elements_text(e.data -> 'winners') AS winner (key)
     WHERE m.company_id = %(company)s AND m.programme = %(programme)s
       AND e.number <= %(number)s AND e.occurred_at < %(cut_off)s
       AND NOT EXISTS (SELECT FROM entries AS r
                        WHERE r.company_id = %(company)s AND r.reverses = e.number AND r.number <= %(number)s)
)
SELECT s.learner, r.number, r.key
  FROM results AS r
  JOIN teams AS g ON g.company_id = %(company)s AND g.programme = %(programme)s AND g.key = r.winner COLLATE "C"
  JOIN memberships AS s ON s.company_id = %(company)s AND s.programme = %(programme)s AND s.team = g.no
   AND s.from_at <= r.ends_at - %(instant)s AND coalesce(s.until_at, 'infinity') > r.ends_at - %(instant)s
 WHERE r.members = 'teams' AND s.learner = ANY (%(learners)s::integer[])
UNION ALL
SELECT l.no, r.number, r.key
  FROM results AS r
  JOIN learners AS l ON l.company_id = %(company)s AND l.key = r.winner COLLATE "C"
 WHERE r.members = 'learners' AND l.no = ANY (%(learners)s::integer[])
 ORDER BY 2
"""
