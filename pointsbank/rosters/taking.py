"""Writing a confirmed roster into the directory: in batches, each with how far it has come in one transaction.

So whoever goes on after an interruption, or confirms twice, goes on where it stopped. Under the company's lock each
row is compared once more with what the preview saw; one about which the directory has changed since is left alone,
and said.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pointsbank.database import Database, Session
from pointsbank.directory import enrolments, learners, programmes, snapshot, teams
from pointsbank.directory.programmes import Programme
from pointsbank.directory.teams import TeamChange
from pointsbank.errors import Conflict, Invalid
from pointsbank.rosters import kept, planning
from pointsbank.rosters.checking import Kept
from pointsbank.rosters.kept import Terms, Upload
from pointsbank.rosters.planning import Plan, Teams
from pointsbank.saying import say
from rules.simulation.progress import Progress

BATCH_ROWS = 1_000
"""Written together: others wait for so long."""
CHECKED_ROWS = 5_000


class PreviewOutOfDate(Conflict):
    """The directory is no longer what the preview was made from."""

    def __init__(self) -> None:
        super().__init__(say("The directory has changed since this preview. Look at it again before you confirm it."))


@dataclass(frozen=True, slots=True)
class Roster:
    """One upload of a user for a programme."""

    programme: str
    user_no: int
    no: int


def take(database: Database, company_id: int, roster: Roster, terms: Terms, mark: str) -> Iterator[Progress | Upload]:
    """Steps, and last the upload as it is then. `mark` is of the preview that was looked at; on which terms counts
    when it is confirmed first. Raises NotFound, Closed, and PreviewOutOfDate."""
    with database.transaction(company_id) as session:
        of = programmes.get(session, roster.programme)
        upload = kept.get(session, of, roster.user_no, roster.no)
    if upload.status == "checked":
        yield from _refuse_out_of_date(database, company_id, roster, upload, mark)
        database.run(company_id, lambda session: _confirm(session, roster, terms, mark))
    elif upload.status != "taking":
        if upload.status != "taken":
            raise PreviewOutOfDate
        yield upload
        return
    with database.snapshot(company_id) as session:
        rows = kept.rows(session, roster.no)
    while True:
        upload = database.run(company_id, lambda session: _batch(session, roster, rows), writes=True)
        if upload.status == "taken":
            break
        yield Progress("writing", upload.taken, len(rows))
    yield upload


def _refuse_out_of_date(
    database: Database, company_id: int, roster: Roster, upload: Upload, mark: str
) -> Iterator[Progress]:
    report = upload.report or {}
    if report.get("mark") != mark:
        raise PreviewOutOfDate
    with database.snapshot(company_id) as session:
        of = programmes.get(session, roster.programme)
        enrolments.refuse_closed(of)
        if snapshot.version(session) == report["version"]:
            return
        rows = kept.rows(session, roster.no)
    for begin in range(0, len(rows), CHECKED_ROWS):
        yield Progress("comparing", begin, len(rows))
        chunk = rows[begin : begin + CHECKED_ROWS]
        with database.snapshot(company_id) as session:
            plans = planning.plan(session, of, Teams(session, of), [row[1] for row in chunk])
        if any(_differs(row, plan) for row, plan in zip(chunk, plans, strict=True)):
            raise PreviewOutOfDate


def _differs(row: Kept, plan: Plan) -> bool:
    """Whether another thing would become of the row than was shown."""
    _, _, state, _, mark = row
    return plan.mark != mark or plan.state != state or any(is_fault for _, is_fault, _ in plan.said)


def _confirm(session: Session, roster: Roster, terms: Terms, mark: str) -> None:
    of = programmes.get(session, roster.programme)
    upload = kept.get(session, of, roster.user_no, roster.no, lock=True)
    if upload.status == "checked":
        if (upload.report or {}).get("mark") != mark:
            raise PreviewOutOfDate
        kept.confirm(session, roster.no, terms)


def _batch(session: Session, roster: Roster, rows: Sequence[Kept]) -> Upload:
    """The next rows. Does nothing if all are written."""
    of = programmes.get(session, roster.programme)
    upload = kept.get(session, of, roster.user_no, roster.no, lock=True)
    if upload.status != "taking" or upload.terms is None:
        return upload
    end = min(upload.taken + BATCH_ROWS, len(rows))
    result = _write(session, of, rows[upload.taken : end], upload.terms)
    kept.advance(session, roster.no, end, _added(upload.result, result), end == len(rows))
    return kept.get(session, of, roster.user_no, roster.no)


def _write(session: Session, of: Programme, rows: Sequence[Kept], terms: Terms) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    changed: list[int] = []
    wanted = [row for row in rows if not (terms.leaves_out_warned and row[3])]
    counts["left_out"] = len(rows) - len(wanted)
    by_name = Teams(session, of)
    plans = []
    for row, plan in zip(wanted, planning.plan(session, of, by_name, [row[1] for row in wanted]), strict=True):
        if _differs(row, plan):
            changed.append(row[0])
        elif plan.state != "same":
            plans.append(plan)
        else:
            counts["same"] += 1
    for plan, outcome in zip(plans, learners.put_batch(session, [plan.learner for plan in plans]), strict=True):
        if isinstance(outcome, Invalid):
            raise outcome  # what the preview lets through, the directory takes
        counts[plan.state] += 1
    _write_teams(session, of, plans, terms, counts)
    enrolling = [plan.learner.key for plan in plans if plan.enrols and plan.team is None]
    enrolments.enrol(session, of.key, enrolling, terms.from_on)
    counts["enrols"] += sum(plan.enrols for plan in plans)
    return {**counts, "changed_meanwhile": changed}


def _write_teams(session: Session, of: Programme, plans: Sequence[Plan], terms: Terms, counts: Counter[str]) -> None:
    members: dict[tuple[str, str], list[str]] = {}
    for plan in plans:
        if plan.team is not None:
            members.setdefault((plan.team.key, plan.team.name), []).append(plan.learner.key)
            counts["joins" if plan.team_before is None else "moves"] += 1
    changes = [TeamChange(key, name, keys, terms.from_on, others_stay=True) for (key, name), keys in members.items()]
    if changes:
        counts["teams"] += teams.put_batch(session, of.key, changes).count("created")


def _added(before: Mapping[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    names = {*before, *more} - {"changed_meanwhile"}
    result = {name: before.get(name, 0) + more.get(name, 0) for name in names}
    return {**result, "changed_meanwhile": [*before.get("changed_meanwhile", []), *more["changed_meanwhile"]]}
