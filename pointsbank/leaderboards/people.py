"""How many people the teams of a programme have, over time: what a mean is divided by."""

from collections.abc import Mapping

import orjson

from pointsbank.database import Session
from pointsbank.leaderboards.frame import micros

Changes = Mapping[str, list[tuple[int, int]]]
"""Of each team by key: when (microseconds since 1970) how many came or, negative, went."""


def load(session: Session, programme: int) -> str:
    """Of all teams that ever had anybody, as a text for `parse`."""
    rows = session.sql(
        """SELECT g.key, c.at, sum(c.people)::integer
             FROM (SELECT team, from_at AS at, 1 AS people FROM memberships
                    WHERE company_id = %(company)s AND programme = %(programme)s
                   UNION ALL
                   SELECT team, until_at, -1 FROM memberships
                    WHERE company_id = %(company)s AND programme = %(programme)s AND until_at IS NOT NULL) AS c
             JOIN teams AS g ON g.company_id = %(company)s AND g.no = c.team
            GROUP BY g.key, c.at ORDER BY c.at""",
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
