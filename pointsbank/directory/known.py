"""What the directory knows of many learners at once, as seen from one programme."""

from collections.abc import Sequence
from typing import NamedTuple

import orjson

from pointsbank.database import Session
from pointsbank.directory import enrolments
from pointsbank.directory.learners import Learner
from pointsbank.directory.programmes import Programme


class Known(NamedTuple):
    """`team` is the key of the learner's team now, or when the programme begins."""

    learner: Learner
    is_enrolled: bool
    team: str | None


def find(session: Session, programme: Programme, keys: Sequence[str]) -> dict[str, Known]:
    """By the keys of those that there are."""
    rows = session.sql(
        """SELECT l.key, l.name, l.email, l.department, l.joined_on, l.left_on, e.from_at IS NOT NULL AS enrolled,
                  t.key AS team
             FROM json_array_elements_text(%(keys)s::json) AS wanted (key)
             JOIN learners AS l ON l.company_id = %(company)s AND l.key = wanted.key COLLATE "C"
             LEFT JOIN enrolments AS e
               ON e.company_id = %(company)s AND e.programme = %(programme)s AND e.learner = l.no
             LEFT JOIN memberships AS m
               ON m.company_id = %(company)s AND m.programme = %(programme)s AND m.learner = l.no
              AND m.from_at <= %(at)s AND (m.until_at IS NULL OR m.until_at > %(at)s)
             LEFT JOIN teams AS t ON t.company_id = %(company)s AND t.no = m.team""",
        {
            "keys": orjson.dumps(list(keys)).decode(),
            "programme": programme.no,
            "at": enrolments.present(programme),
        },
    )
    return {row[0]: Known(Learner(*row[:6]), row[6], row[7]) for row in rows}


def teams(session: Session, programme: Programme) -> list[tuple[str, str]]:
    """Keys and names of all teams of the programme."""
    rows = session.sql(
        "SELECT key, name FROM teams WHERE company_id = %(company)s AND programme = %(programme)s ORDER BY no",
        {"programme": programme.no},
    )
    return [(row.key, row.name) for row in rows]


def apart_from_zeros(session: Session, keys: Sequence[str]) -> dict[str, list[str]]:
    """For each key the learners whose key is the same but for zeros in front: `123` and `00123`."""
    rows = session.sql(
        """SELECT wanted.key AS wanted, l.key
             FROM json_array_elements_text(%(keys)s::json) AS wanted (key)
             JOIN learners AS l ON l.company_id = %(company)s AND ltrim(l.key, '0') = ltrim(wanted.key, '0')
            WHERE l.key <> wanted.key COLLATE "C" ORDER BY l.key""",
        {"keys": orjson.dumps([key for key in keys if key.strip("0")]).decode()},
    )
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row.wanted, []).append(row.key)
    return found
