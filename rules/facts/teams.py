"""The rank of the learner's team on the programme's or the course's board of teams, as it stood at the cut-off.

The team is the one in which the learner was at the last instant before the cut-off. The board is the one that
`/v1/leaderboards` shows: what was earned counts for the team that the learner was in at the time, and equal scores
have the same rank. A rank that suffices rests on the entries with which the team earned its score: the fewer there
are, the worse it is. One that does not suffice rests on none.
"""

from pointsbank.leaderboards import scores, team_ranks
from pointsbank.leaderboards.boards import Scope
from pointsbank.leaderboards.frame import INSTANT, of_scope
from pointsbank.leaderboards.periods import Window
from rules.criteria import Fact
from rules.explanation import Found
from rules.facts.ground import Findings, Ground

FACTS = ("team_rank",)

_NO_TEAM = Found(None)


def find(ground: Ground, facts: list[Fact]) -> Findings:
    teams = _teams(ground)
    findings: dict[tuple[Fact, int], Found] = {}
    for fact in facts:
        found = _of_board(ground, fact, {key: no for no, key in teams.values()}) if teams else {}
        for learner in ground.learners:
            findings[fact, learner] = found[teams[learner][1]] if learner in teams else _NO_TEAM
    return findings


def _teams(ground: Ground) -> dict[int, tuple[int, str]]:
    """Number and key of each learner's team."""
    rows = ground.session.sql(
        """SELECT l.no AS learner, g.no, g.key
             FROM unnest(%(learners)s::integer[]) AS l (no)
            CROSS JOIN LATERAL (
               SELECT team FROM memberships
                WHERE company_id = %(company)s AND programme = %(programme)s AND learner = l.no
                  AND from_at <= %(last)s AND coalesce(until_at, 'infinity') > %(last)s
               OFFSET 0) AS m
             JOIN teams AS g ON g.company_id = %(company)s AND g.no = m.team""",
        {**ground.parameters(), "last": ground.as_of.cut_off - INSTANT},
    )
    return {learner: (no, key) for learner, no, key in rows}


def _of_board(ground: Ground, fact: Fact, teams: dict[str, int]) -> dict[str, Found]:
    """By the teams' keys; `teams` are their numbers."""
    assert fact.scope is not None, "the parser sees to it"
    session, as_of = ground.session, ground.as_of
    frame = of_scope(session, Scope(ground.programme.key, fact.scope.key), fact.unit or "credits", "teams")
    ranks = team_ranks.ranks(session, frame, fact.score or "sum", as_of.cut_off, as_of.number)
    first = {key: no for key, no in teams.items() if ranks[key] <= (fact.at_most or 0)}
    window = Window(None, as_of.cut_off)
    entries = scores.entries_of(session, frame._replace(window=window), list(first.values()), as_of.number)
    return {key: Found(ranks[key], entries.get(first.get(key, 0), ())) for key in teams}
