"""Eligibility of one learner and of everybody, against bare SQL that finds the same credits and their entries."""

import statistics
import time
from collections.abc import Callable

from bench.ground import LEARNERS, Ground
from pointsbank.directory import programmes, teams
from pointsbank.directory.teams import TeamChange
from rules import eligibility
from rules.parts import Rulebook
from rules.rulebook import parse

TEAM_SIZE = 20
LEARNERS_AT_ONCE = 500  # as a certification run asks
READS = 50
CREDITS = {"fact": "credits", "in": "programme", "at_least": 120_000}
EVENTS = {"fact": "events", "type": "lms.assessment.scored"}
NAME = {"zh": "积分证", "en": "Points certificate"}
DOCUMENT = {
    "certificates": [
        {"key": "points", "kind": "points", "name": NAME, "criteria": CREDITS},
        {
            "key": "service",
            "kind": "qualification",
            "name": NAME,
            "criteria": {
                "all": [
                    {"fact": "certificate", "key": "points"},
                    {**EVENTS, "at_least": 80},
                    {"any": [{**EVENTS, "sum": "score", "at_least": 7_000}, {"fact": "match_won"}]},
                    {"not": {"fact": "attendance", "in": "programme", "at_least": 50}},
                    {"fact": "team_rank", "in": "programme", "at_most": 250},
                ]
            },
        },
    ]
}
RULEBOOK = parse(DOCUMENT)
BARE = """
SELECT t.learner, sum(t.amount), array_agg(t.number ORDER BY t.number)
  FROM transfers AS t JOIN entries AS e ON e.company_id = %(company)s AND e.number = t.number
 WHERE t.company_id = %(company)s AND t.learner BETWEEN %(first)s AND %(last)s AND t.unit = 0
   AND e.programme = 1 AND t.occurred_at < now()
 GROUP BY t.learner
"""


def put_teams(ground: Ground) -> None:
    members = [f"2021{number:05d}" for number in range(LEARNERS)]
    with ground.database.transaction(ground.company_id) as session:
        everyone = [members[start : start + TEAM_SIZE] for start in range(0, LEARNERS, TEAM_SIZE)]
        teams.put_batch(session, "2021", [TeamChange(f"t{n}", f"t{n}", each) for n, each in enumerate(everyone)])


def of_one(ground: Ground) -> tuple[float, float]:
    """Median seconds of the bare SQL and of eligibility, for one learner after the other."""
    bare, judged = [], []
    _judge(ground, RULEBOOK, 1, 1)  # the board of teams is computed once, and then moved on
    for _ in range(READS):
        learner = ground.dice.randint(1, LEARNERS)
        bare.append(_timed(lambda learner=learner: _bare(ground, learner, learner)))
        judged.append(_timed(lambda learner=learner: _judge(ground, RULEBOOK, learner, learner)))
    return statistics.median(bare), statistics.median(judged)


def of_everybody(ground: Ground) -> tuple[float, float]:
    """Seconds of the bare SQL, in one statement, and of eligibility."""
    return _timed(lambda: _bare(ground, 1, LEARNERS)), _timed(lambda: _judge(ground, RULEBOOK, 1, LEARNERS))


def _bare(ground: Ground, first: int, last: int) -> None:
    parameters = {"company": ground.company_id, "first": first, "last": last}
    assert ground.floor.execute(BARE.encode(), parameters).fetchall()


def _judge(ground: Ground, rulebook: Rulebook, first: int, last: int) -> None:
    with ground.database.snapshot(ground.company_id) as session:
        programme, as_of = programmes.get(session, "2021"), eligibility.as_of(session)
        for start in range(first, last + 1, LEARNERS_AT_ONCE):
            learners = range(start, min(start + LEARNERS_AT_ONCE, last + 1))
            assert eligibility.evaluate(session, programme, rulebook, learners, as_of)


def _timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
