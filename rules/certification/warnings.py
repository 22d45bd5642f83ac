"""What HR should know before anything is issued: a run that has warnings stops there unless they are confirmed."""

from collections.abc import Iterator, Sequence
from typing import Any

from credentials import paper
from pointsbank import company
from pointsbank.database import Session
from rules.certification.evaluating import judged_by
from rules.certification.run import Run
from rules.parts import Rulebook

MAX_NAMES = 200
"""Names that cannot be shown, each a warning of its own; how many more there are, one warning says."""


def of(session: Session, run: Run) -> list[dict[str, Any]]:
    """Each with its `warning` (a slug), a `detail` to read, and what it is about. The run is evaluated."""
    programme, rulebook = judged_by(session, run.programme_key, run.rulebook_version)
    found = list(_unconverted(session, run, rulebook))
    if run.to_issue:
        shared = [company.get(session).name, programme.name, *_of_rulebook(rulebook)]
        found += _unprintable(session, run, shared)
    return found


def _unconverted(session: Session, run: Run, rulebook: Rulebook) -> Iterator[dict[str, Any]]:
    """Courses whose flowers are still to become credits, and would count."""
    if rulebook.conversion is None:
        return
    rows = session.sql(
        """SELECT c.key, c.name, count(*) AS learners, sum(a.credits - a.debits)::bigint AS flowers
             FROM courses AS c
             JOIN programmes AS p ON p.company_id = %(company)s AND p.no = c.programme
             JOIN accounts AS a ON a.company_id = %(company)s AND a.unit = c.unit AND a.id >> 32 = 4
              AND a.credits > a.debits
            WHERE c.company_id = %(company)s AND c.programme = %(programme)s AND c.closed_at IS NULL
              AND c.opens_on <= (%(cut_off)s AT TIME ZONE p.timezone)::date
            GROUP BY c.key, c.name ORDER BY c.key""",
        {"programme": run.programme, "cut_off": run.cut_off},
    )
    for row in rows:
        yield {
            "warning": "course-open",
            "detail": f"The course {row.key} ({row.name}) is open: {row.flowers} flowers of {row.learners} learners "
            "are not converted into credits yet. Close it first, or confirm that they are not to count.",
            "course": row.key,
            "flowers": row.flowers,
            "learners": row.learners,
        }


def _of_rulebook(rulebook: Rulebook) -> Iterator[str]:
    """What stands on paper out of it."""
    for rule in rulebook.certificates:
        yield from rule.name.values()
        if rule.level is not None:
            yield rule.level
        for equal in rule.equals:
            yield from (equal.system, equal.level)
    for earning in rulebook.earning:
        yield from [earning.key] if earning.name is None else earning.name.values()


def _unprintable(session: Session, run: Run, shared: Sequence[str]) -> list[dict[str, Any]]:
    """What would stand on the paper, and cannot be shown: names of holders, and what many certificates share."""
    holders = _holders(session, run)
    try:
        missing = paper.missing_glyphs({*shared, *holders.values()})
    except paper.PaperNotInstalled as error:
        return [{"warning": "not-printable", "detail": f"Whether all names can be shown is not known: {error.detail}"}]
    found = [_of_name(text, missing[text]) for text in dict.fromkeys(shared) if text in missing]
    unshown = [_of_name(name, missing[name], learner) for learner, name in holders.items() if name in missing]
    found += unshown[:MAX_NAMES]
    if len(unshown) > MAX_NAMES:
        more = len(unshown) - MAX_NAMES
        found.append({"warning": "glyph-missing", "detail": f"So it is with the names of {more} more learners."})
    return found


def _holders(session: Session, run: Run) -> dict[str, str]:
    """Ids and names of those who are to get a certificate."""
    rows = session.sql(
        """SELECT l.key, l.name FROM learners AS l
            WHERE l.company_id = %(company)s
              AND l.no IN (SELECT learner FROM certification_results
                            WHERE company_id = %(company)s AND run = %(run)s AND standing = 'new')
            ORDER BY l.no""",
        {"run": run.no},
    )
    return {row.key: row.name for row in rows}


def _of_name(text: str, characters: list[str], learner: str | None = None) -> dict[str, Any]:
    what = f"The text {text}" if learner is None else f"The name {text} of the learner {learner}"
    found: dict[str, Any] = {
        "warning": "glyph-missing",
        "detail": f"{what} cannot be shown whole: there is no glyph for {', '.join(characters)}.",
        "text": text,
        "characters": characters,
    }
    return found if learner is None else found | {"learner": learner}
