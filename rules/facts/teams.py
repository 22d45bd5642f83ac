"""The rank of the learner's team on the programme's or the course's board of teams, as it stood at the cut-off.

The team is the one in which the learner was at the last instant before the cut-off. The board is the one that
`/v1/leaderboards` shows: what was earned counts for the team that the learner was in at the time, and equal scores
have the same rank. The rank rests on the entries with which the team earned its score.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from pointsbank.leaderboards import scores
from pointsbank.leaderboards.boards import Board, Scope
from pointsbank.leaderboards.frame import INSTANT, of_scope
from pointsbank.leaderboards.periods import Instants
from pointsbank.leaderboards.standings import standings
from rules.criteria import Fact
from rules.explanation import Found
from rules.facts.ground import Findings, Ground

FACTS = ("team_rank",)

_FIRST = datetime(1, 1, 1, tzinfo=UTC)


def find(ground: Ground, facts: list[Fact]) -> Findings:
    teams = _teams(ground)
    findings: dict[tuple[Fact, int], Found] = {}
    for fact in facts:
        found = _of_board(ground, fact, {key: no for no, key in teams.values()}) if teams else {}
        missing = Found(None)
        for learner in ground.learners:
            findings[fact, learner] = found[teams[learner][1]] if learner in teams else missing
    return findings


def _teams(ground: Ground) -> dict[int, tuple[int, str]]:
    """Number and key of each learner's team."""
    rows = ground.session.sql(
        """SELECT m.learner, g.no, g.key
             FROM memberships AS m JOIN teams AS g ON g.company_id = %(company)s AND g.no = m.team
            WHERE m.company_id = %(company)s AND m.programme = %(programme)s
              AND m.learner = ANY (%(learners)s::integer[])
              AND m.from_at <= %(last)s AND coalesce(m.until_at, 'infinity') > %(last)s""",
        {**ground.parameters(), "last": ground.as_of.cut_off - INSTANT},
    )
    return {learner: (no, key) for learner, no, key in rows}


def _of_board(ground: Ground, fact: Fact, teams: Mapping[str, int]) -> dict[str, Found]:
    """By the teams' keys."""
    assert fact.scope is not None and fact.unit is not None and fact.score is not None, "the parser sees to it"  # noqa: PT018
    session, as_of = ground.session, ground.as_of
    scope = Scope(ground.programme.key, fact.scope.key)
    until = Instants(f"..{as_of.cut_off.isoformat()}", _FIRST, as_of.cut_off)
    board = Board(scope, fact.unit, "teams", until, fact.score)
    ranks = {row.member: row.rank for row in standings(session, board, limit=None, up_to=as_of.number).rows}
    frame = of_scope(session, scope, fact.unit, "teams").of_period(until, ground.programme.zone, as_of.cut_off)
    entries = scores.entries_of(session, frame, list(teams.values()), as_of.number)
    return {key: Found(ranks[key], entries.get(no, ())) for key, no in teams.items()}
