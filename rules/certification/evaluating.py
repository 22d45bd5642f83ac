"""The first half of a run: what its rulebook says of everybody, written down as results."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from pointsbank.database import Session
from pointsbank.directory import programmes
from pointsbank.directory.programmes import Programme
from rules import versions
from rules.as_of import AsOf
from rules.certification.run import Run, Standing
from rules.eligibility import evaluate
from rules.parts import Rulebook

CHUNK_LEARNERS = 250
"""Evaluated in one transaction: few enough that it is short, enough that its statements are worth their while."""
WORK_MEMORY = "64MB"
"""Of one statement: the entries of a chunk are not written to disk and read again."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What was found of the learners after `after`, in the order of their numbers; `learners` is empty if there are
    none left. `rows` are results, as they are written."""

    after: int
    learners: Sequence[int]
    rows: Sequence[dict[str, Any]]


def evaluate_some(session: Session, run: Run) -> Evaluated:
    """Evaluates the next learners. Writes nothing: give it a snapshot."""
    session.sql(f"SET LOCAL work_mem = '{WORK_MEMORY}'")
    learners = _next(session, run)
    if not learners:
        return Evaluated(run.last_learner, (), ())
    programme, rulebook = judged_by(session, run.programme_key, run.rulebook_version)
    latest = _latest(session, run, learners)
    found = evaluate(session, programme, rulebook, learners, AsOf(run.cut_off, run.number))
    rows: list[dict[str, Any]] = []
    for learner in learners:
        for place, each in enumerate(found[learner]):
            certificate, status = latest.get((learner, each.rule.key), (None, "none"))
            rows.append(
                {
                    "learner": learner,
                    "place": place,
                    "rule": each.rule.key,
                    "standing": _standing(run, each.qualified, status),
                    "qualified": each.qualified,
                    "certificate": certificate,
                    "entries": sorted(each.explanation.entries()) if each.qualified else None,
                    "explanation": each.explanation.as_json(None),
                }
            )
    return Evaluated(run.last_learner, learners, rows)


def judged_by(session: Session, programme_key: str, version: int) -> tuple[Programme, Rulebook]:
    """The programme, and its rulebook of that version."""
    programme = programmes.get(session, programme_key)
    return programme, versions.rulebook_of_version(session, programme.no, version)


def _next(session: Session, run: Run) -> list[int]:
    rows = session.sql(
        """SELECT learner FROM enrolments
            WHERE company_id = %(company)s AND programme = %(programme)s AND from_at < %(cut_off)s
              AND learner > %(after)s
            ORDER BY learner LIMIT %(limit)s""",
        {"programme": run.programme, "cut_off": run.cut_off, "after": run.last_learner, "limit": CHUNK_LEARNERS},
    )
    return [learner for (learner,) in rows]


def _latest(session: Session, run: Run, learners: Sequence[int]) -> dict[tuple[int, str], tuple[int, str]]:
    """The latest certificate of each learner and rule, and whether it is `valid`, `expired` or `revoked` now."""
    rows = session.sql(
        """SELECT DISTINCT ON (learner, rule) learner, rule, no,
                  CASE WHEN revoked_at IS NOT NULL THEN 'revoked'
                       WHEN valid_until <= now() THEN 'expired' ELSE 'valid' END AS status
             FROM certificates
            WHERE company_id = %(company)s AND programme = %(programme)s AND learner = ANY (%(learners)s::integer[])
            ORDER BY learner, rule, edition DESC""",
        {"programme": run.programme, "learners": list(learners)},
    )
    return {(row.learner, row.rule): (row.no, row.status) for row in rows}


def _standing(run: Run, qualified: bool, latest: str) -> Standing:
    if not qualified:
        return "short"
    if latest == "valid":
        return "held"
    return "revoked" if latest == "revoked" and not run.reissues else "new"


def write(session: Session, run: Run, evaluated: Evaluated) -> None:
    """Results and counts together, so each learner counts once. The session holds the run.

    Nothing if it has gone on since: another worker was quicker.
    """
    learners, rows = evaluated.learners, evaluated.rows
    if run.last_learner != evaluated.after:
        return
    session.sql(
        """INSERT INTO certification_results (company_id, run, learner, place, rule, standing, qualified, certificate,
                                              entries, explanation)
           SELECT %(company)s, %(run)s, learner, place, rule, standing, qualified, certificate,
                  CASE WHEN entries IS NOT NULL THEN ARRAY(SELECT json_array_elements_text(entries)::bigint) END,
                  explanation
             FROM json_to_recordset(%(rows)s::json)
                  AS r (learner integer, place smallint, rule text, standing text, qualified boolean,
                        certificate bigint, entries json, explanation jsonb)""",
        {"run": run.no, "rows": orjson.dumps(rows).decode()},
    )
    count = Counter(row["standing"] for row in rows)
    session.sql(
        """UPDATE certification_runs
              SET last_learner = %(last)s, evaluated = evaluated + %(learners)s, short = short + %(short)s,
                  qualified = qualified + %(qualified)s, held = held + %(held)s, revoked = revoked + %(revoked)s,
                  attempts = 0
            WHERE company_id = %(company)s AND no = %(run)s""",
        {
            "run": run.no,
            "last": learners[-1],
            "learners": len(learners),
            "short": count["short"],
            "qualified": len(rows) - count["short"],
            "held": count["held"],
            "revoked": count["revoked"],
        },
    )
