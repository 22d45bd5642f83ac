"""What a run found, as people look at it: learner by learner, each with the team of that time, and how many of what."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Any

from pointsbank.database import Session
from rules.certification.run import Run, Standing

_INSTANT = timedelta(microseconds=1)
"""A cut-off is exclusive: the team that counts is that of the moment before."""


@dataclass(frozen=True, slots=True)
class Narrowed:
    """Which learners; None: all. Those of whom one result has the `standing` (or is `qualified` or not) and is of the
    `rule`; `team` and `learner` are HR's ids, `who` is the learner's id or a part of the name."""

    qualified: bool | None = None
    standing: Standing | None = None
    rule: str | None = None
    team: str | None = None
    learner: str | None = None
    who: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """Of one certificate. `number` is that of the certificate issued, held or revoked; entries of the explanation are
    given by their numbers."""

    rule: str
    qualified: bool
    standing: Standing
    number: str | None
    explanation: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Judged:
    """A learner; `team` is the name of the one at the cut-off. `results` are in the order of the rulebook."""

    no: int
    key: str
    name: str
    department: str | None
    team: str | None
    results: tuple[Result, ...]


def page(session: Session, run: Run, narrowed: Narrowed, limit: int, after: int = 0) -> list[Judged]:
    """At most `limit` learners in the order of their numbers, beginning after that number, each with all results.

    None at all for a run whose results are not kept any more.
    """
    values = {name: getattr(narrowed, name) for name in _CONDITIONS if getattr(narrowed, name) is not None}
    of_learner = "".join(f" AND {_CONDITIONS[name]}" for name in values if name in _OF_LEARNER)
    of_result = "".join(f" AND {_CONDITIONS[name]}" for name in values if name not in _OF_LEARNER)
    rows = session.sql(
        _LEARNERS.format(of_learner=of_learner, of_result=of_result),
        {
            **values,
            "run": run.no,
            "programme": run.programme,
            "last": run.cut_off - _INSTANT,
            "after": after,
            "limit": limit,
        },
    ).fetchall()
    results = _results(session, run, [row.no for row in rows])
    return [Judged(row.no, row.key, row.name, row.department, row.team, results.get(row.no, ())) for row in rows]


def of_learner(session: Session, run: Run, learner: str) -> Judged | None:
    """What was found of the learner with this id; None if the run has no results of such a one."""
    found = page(session, run, Narrowed(learner=learner), 1)
    return found[0] if found else None


def counts(session: Session, run: Run) -> dict[str, dict[Standing, int]]:
    """By the certificates' keys in the order of the rulebook, how many learners stand how."""
    rows = session.sql(
        """SELECT rule, standing, count(*) AS count FROM certification_results
            WHERE company_id = %(company)s AND run = %(run)s GROUP BY place, rule, standing ORDER BY place, standing""",
        {"run": run.no},
    )
    return {rule: {row.standing: row.count for row in group} for rule, group in groupby(rows, lambda row: row.rule)}


def _results(session: Session, run: Run, learners: list[int]) -> dict[int, tuple[Result, ...]]:
    rows = session.sql(
        """SELECT r.learner, r.rule, r.qualified, r.standing, c.number, r.explanation
             FROM certification_results AS r
             LEFT JOIN certificates AS c ON c.company_id = %(company)s AND c.no = r.certificate
            WHERE r.company_id = %(company)s AND r.run = %(run)s AND r.learner = ANY (%(learners)s::integer[])
            ORDER BY r.learner, r.place""",
        {"run": run.no, "learners": learners},
    )
    return {
        learner: tuple(Result(*row[1:]) for row in group) for learner, group in groupby(rows, lambda row: row.learner)
    }


_OF_LEARNER = ("team", "learner", "who")
_CONDITIONS = {
    "team": "t.key = %(team)s",
    "learner": "l.key = %(learner)s",
    "who": "(l.key = %(who)s OR position(lower(%(who)s) IN lower(l.name)) > 0)",
    "qualified": "r.qualified = %(qualified)s",
    "standing": "r.standing = %(standing)s",
    "rule": "r.rule = %(rule)s",
}

_LEARNERS = """
SELECT l.no, l.key, l.name, l.department, t.name AS team
  FROM learners AS l
  LEFT JOIN memberships AS m ON m.company_id = %(company)s AND m.programme = %(programme)s AND m.learner = l.no
   AND m.from_at <= %(last)s AND coalesce(m.until_at, 'infinity') > %(last)s
  LEFT JOIN teams AS t ON t.company_id = %(company)s AND t.no = m.team
 WHERE l.company_id = %(company)s AND l.no > %(after)s {of_learner}
   AND EXISTS (SELECT FROM certification_results AS r
                WHERE r.company_id = %(company)s AND r.run = %(run)s AND r.learner = l.no {of_result})
 ORDER BY l.no LIMIT %(limit)s
"""
