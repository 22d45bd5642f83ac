"""Certificates judged again by what is booked by now, and flagged for a review with what was found."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

import orjson

from pointsbank.database import Session
from rules.as_of import AsOf
from rules.certification import numbers
from rules.certification.evaluating import judged_by
from rules.eligibility import evaluate

EVALUATED_TOGETHER = 250
"""Learners; a company that corrects thousands of entries at once does not hold them all in memory."""


class Judged(NamedTuple):
    """A certificate by its serial, what its criteria say now (entries by their numbers), and whether it qualifies."""

    no: int
    explanation: dict[str, Any]
    qualified: bool


def judge(session: Session, serials: Sequence[int]) -> list[Judged]:
    """By each one's own cut-off and version of the rulebook. The session is a snapshot, or the company's one writer."""
    rows = session.sql(
        """SELECT c.no, c.learner, c.rule, c.rulebook_version, c.cut_off, p.key AS programme_key,
                  j.last_number
             FROM certificates AS c
             JOIN programmes AS p ON p.company_id = %(company)s AND p.no = c.programme
             JOIN journals AS j ON j.company_id = %(company)s
            WHERE c.company_id = %(company)s AND c.no = ANY (%(serials)s::bigint[])
            ORDER BY c.programme, c.rulebook_version, c.cut_off, c.learner, c.no""",
        {"serials": list(serials)},
    ).fetchall()
    found = []
    for (programme_key, version, cut_off), group in groupby(
        rows, lambda row: (row.programme_key, row.rulebook_version, row.cut_off)
    ):
        alike = list(group)
        programme, rulebook = judged_by(session, programme_key, version)
        as_of = AsOf(cut_off, alike[0].last_number)
        for start in range(0, len(alike), EVALUATED_TOGETHER):
            together = alike[start : start + EVALUATED_TOGETHER]
            judged = evaluate(session, programme, rulebook, sorted({row.learner for row in together}), as_of)
            for row in together:
                [now] = [each for each in judged[row.learner] if each.rule.key == row.rule]
                found.append(Judged(row.no, now.explanation.as_json(None), now.qualified))
    return found


def flag(session: Session, flagged: Sequence[tuple[Judged, str]]) -> None:
    """Each with the reason. One that was flagged before keeps its `since`, and says the rest anew."""
    if not flagged:
        return
    changes = numbers.take_changes(session, len(flagged))
    rows = [
        {"no": judged.no, "why": why, "explanation": judged.explanation, "change": change}
        for (judged, why), change in zip(flagged, changes, strict=True)
    ]
    session.sql(
        """UPDATE certificates AS c
              SET review_since = coalesce(c.review_since, clock_timestamp()), review_why = f.why,
                  review = f.explanation, changed_at = clock_timestamp(), changed_in = f.change
             FROM json_to_recordset(%(rows)s::json) AS f (no bigint, why text, explanation jsonb, change bigint)
            WHERE c.company_id = %(company)s AND c.no = f.no""",
        {"rows": orjson.dumps(rows).decode()},
    )
