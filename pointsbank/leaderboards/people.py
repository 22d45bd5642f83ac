"""How many people the teams of a programme have, over time: what a mean is divided by."""

from collections.abc import Mapping

import orjson

from pointsbank.database import Session
from pointsbank.leaderboards.frame import micros

STAYS = """
    SELECT team, from_at, until_at
      FROM (SELECT m.team, m.from_at,
                   least(m.until_at, (l.left_on + 1)::timestamp AT TIME ZONE p.timezone) AS until_at
              FROM memberships AS m
              JOIN learners AS l ON l.company_id = %(company)s AND l.no = m.learner
              JOIN programmes AS p ON p.company_id = %(company)s AND p.no = m.programme
             WHERE m.company_id = %(company)s AND m.programme = %(programme)s) AS stays
     WHERE until_at IS NULL OR until_at > from_at"""
"""Who is in which team from when until when: not after the last day in the company, which may come before that in the
team. A query, of the `programme`."""

Changes = Mapping[str, list[tuple[int, int]]]
"""Of each team by key: when (microseconds since 1970) how many came or, negative, went."""


def load(session: Session, programme: int) -> str:
    """Of all teams that ever had anybody, as a text for `parse`."""
    rows = session.sql(
        f"""WITH stays AS ({STAYS})
           SELECT g.key, c.at, sum(c.people)::integer
             FROM (SELECT team, from_at AS at, 1 AS people FROM stays
                   UNION ALL
                   SELECT team, until_at, -1 FROM stays WHERE until_at IS NOT NULL) AS c
             JOIN teams AS g ON g.company_id = %(company)s AND g.no = c.team
            GROUP BY g.key, c.at ORDER BY c.at""",  # noqa: S608 - a constant
        {"programme": programme},
    )
    changes: dict[str, list[tuple[int, int]]] = {}
    for key, at, people in rows:
        changes.setdefault(key, []).append((micros(at), people))
    return orjson.dumps(changes).decode()


def parse(text: str) -> Changes:
    changes: Changes = orjson.loads(text)
    return changes


def count(changes: Changes, team: str, at: int) -> int:
    return sum(people for since, people in changes.get(team, ()) if since <= at)
