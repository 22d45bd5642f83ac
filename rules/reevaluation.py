"""What is booked in a programme, brought to what the version in force gives: the differences are booked as corrections.

The state of the ledger says what is left to do: a plan of the differences is made in a snapshot, booked in chunks,
and made again, until nothing differs. So whoever is killed on the way leaves nothing half done, nothing is booked
twice, and any worker can go on. Events are taken and booked meanwhile; what they change is found by the next plan.

A learner's corrections are booked together or not at all. Who cannot pay them is left as is, and reported.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import orjson

from ledger import journal, terms
from ledger.accounts import holding
from ledger.draft import Transfer
from ledger.errors import InsufficientFunds
from ledger.journal import Booked
from pointsbank.database import Database, Session
from pointsbank.directory import programmes
from pointsbank.directory.programmes import Programme
from pointsbank.errors import Closed, NotFound, PointsBankError, Unavailable
from rules import correcting, versions
from rules.correcting import Correction, Place
from rules.rulebook import parse
from rules.simulation import happened, planning, report
from rules.simulation.planning import Change, Plan, Short, giver
from rules.simulation.progress import Progress

log = logging.getLogger(__name__)

CHUNK = 2_000
"""Corrections booked in one transaction, or as many as one learner has."""
MAX_ROUNDS = 10
"""Plans made one after the other, as events change what is booked, before a worker goes on with it later."""
LEASE = timedelta(seconds=60)
"""After which another worker goes on with what nobody seems to work on."""
INTERVAL_SECONDS = 2
"""How often a worker asks what is due."""
MAX_DUE = 100


class _Superseded(Exception):
    """Another version is in force by now."""


@dataclass(frozen=True, slots=True)
class ReEvaluation:
    """`report` is there once it is done: what was left as it is, as of which number."""

    version: int
    status: str
    asked_at: datetime
    finished_at: datetime | None
    corrections: int
    report: Mapping[str, Any] | None


def ask(session: Session, programme: Programme, version: int, from_at: datetime | None) -> None:
    """Notes that everything is to be brought to this version once it is in force.

    Without a time it is in force already, and whoever asks is expected to `run` it. Raises Closed.
    """
    if programme.closed_at is not None:
        raise Closed(f"Programme {programme.key} is closed: what is booked in it stays.")
    session.sql(
        """INSERT INTO re_evaluations (company_id, programme, version, due_at)
           VALUES (%(company)s, %(programme)s, %(version)s, coalesce(%(from_at)s, clock_timestamp() + %(lease)s))""",
        {"programme": programme.no, "version": version, "from_at": from_at, "lease": LEASE},
    )


def latest(session: Session, programme: int) -> ReEvaluation:
    """The last one that was asked for. Raises NotFound."""
    row = session.sql(
        """SELECT version, asked_at, finished_at, corrections, report, superseded,
                  (SELECT active_from > %(now)s FROM rulebooks AS b
                    WHERE b.company_id = %(company)s AND b.programme = r.programme AND b.version = r.version) AS ahead
             FROM re_evaluations AS r WHERE company_id = %(company)s AND programme = %(programme)s
            ORDER BY version DESC LIMIT 1""",
        {"programme": programme, "now": versions.clock(session)},
    ).fetchone()
    if row is None:
        raise NotFound("Nothing of this programme was ever re-evaluated.")
    status = "scheduled" if row.ahead else "running"
    if row.finished_at is not None:
        status = "superseded" if row.superseded else "done"
    return ReEvaluation(row.version, status, row.asked_at, row.finished_at, row.corrections, row.report)


def run(database: Database, company_id: int, programme_key: str, version: int) -> Iterator[Progress]:
    """Brings everything to the version, unless another one is in force by now.

    Raises Unavailable if events change what is booked all the time; a worker goes on with it then.
    """
    with database.snapshot(company_id) as session:
        programme = programmes.get(session, programme_key).no
        rulebook = parse(versions.of_version(session, programme, version)["document"])
    database.run(company_id, lambda session: terms.intern(session, [rule.key for rule in rulebook.earning]))
    refused: dict[int, Short] = {}
    finish = partial(_finish, programme=programme, version=version)
    for _ in range(MAX_ROUNDS):
        try:
            with database.snapshot(company_id) as session:
                _check_version(session, programme, version)
                on = happened.ground(session, programme_key, rulebook)
                for number in happened.read(session, on):
                    yield Progress("reading", number, on.number)
                planned = planning.plan(session, on, refused)
                left = report.left_as_is(session, planned)
                names = report.rules_named(session, planned)
            yield from _book(database, company_id, version, planned, names, refused)
        except _Superseded:
            database.run(company_id, partial(finish, left=None))
            return
        if planned.is_done:
            database.run(company_id, partial(finish, left=left))
            return
    raise Unavailable("Events change what is booked faster than it is re-evaluated. It goes on by itself in a minute.")


def run_due(database: Database) -> int:
    """Goes on with what is due in any company: what was scheduled, and what nobody works on any more; how many."""
    with database.transaction(0) as session:
        session.sql("SET LOCAL app.every_company = 'on'")
        due = session.sql(
            """SELECT company_id, programme, version FROM re_evaluations
                WHERE due_at <= now() ORDER BY due_at LIMIT %(limit)s""",
            {"limit": MAX_DUE},
        ).fetchall()
    for company_id, programme, version in due:
        named = {"programme": programme, "version": version}
        try:
            key = database.run(company_id, partial(_claim, **named))
            if key is not None:
                for _ in run(database, company_id, key, version):
                    pass
        except Unavailable as error:
            log.warning("re-evaluation of programme %d of company %d is put off: %s", programme, company_id, error)
        except PointsBankError as problem:  # a programme that is closed by now, say
            database.run(company_id, partial(_finish, **named, left={"problem": problem.detail}))
        except Exception:  # whatever it is, the others go on, and this one is tried again
            log.exception("re-evaluation of programme %d of company %d failed", programme, company_id)
    return len(due)


def _claim(session: Session, programme: int, version: int) -> str | None:
    """The programme's key, if nobody was quicker."""
    row = session.sql(
        """UPDATE re_evaluations AS r SET due_at = clock_timestamp() + %(lease)s
             FROM programmes AS p
            WHERE r.company_id = %(company)s AND r.programme = %(programme)s AND r.version = %(version)s
              AND r.due_at <= now() AND p.company_id = %(company)s AND p.no = r.programme
        RETURNING p.key""",
        {"programme": programme, "version": version, "lease": LEASE},
    ).fetchone()
    return None if row is None else row.key


def _finish(session: Session, programme: int, version: int, left: Mapping[str, Any] | None) -> None:
    """`left` None: another version is in force."""
    session.sql(
        """UPDATE re_evaluations
              SET finished_at = clock_timestamp(), due_at = NULL, report = %(report)s::jsonb, superseded = %(other)s
            WHERE company_id = %(company)s AND programme = %(programme)s AND version = %(version)s
              AND finished_at IS NULL""",
        {
            "programme": programme,
            "version": version,
            "report": None if left is None else orjson.dumps(left).decode(),
            "other": left is None,
        },
    )


def _book(
    database: Database,
    company_id: int,
    version: int,
    planned: Plan,
    names: Mapping[int, str],
    refused: dict[int, Short],
) -> Iterator[Progress]:
    """Books the plan in chunks; who cannot pay by now is put into `refused`."""
    total = sum(map(len, planned.changes.values()))
    done = 0
    for chunk in _chunks(planned):
        correct = partial(_correct, planned=planned, version=version, names=names, chunk=chunk)
        refused |= database.run(company_id, correct, writes=True)
        done += sum(map(len, chunk))
        yield Progress("booking", done, total)
    if planned.places_taken or planned.places_left:
        database.run(company_id, partial(_move_places, planned=planned, version=version), writes=True)


def _chunks(planned: Plan) -> Iterator[list[list[Change]]]:
    """Learners together, in the plan's order."""
    chunk: list[list[Change]] = []
    size = 0
    for changes in planned.changes.values():
        chunk.append(changes)
        size += len(changes)
        if size >= CHUNK:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _check_version(session: Session, programme: int, version: int) -> None:
    """For the company's one writer, what it finds stays."""
    in_force = session.sql(versions.IN_FORCE, {"programme": programme, "at": versions.clock(session)}).fetchone()
    if in_force is None or in_force.version != version:
        raise _Superseded


def _correct(
    session: Session, planned: Plan, version: int, names: Mapping[int, str], chunk: list[list[Change]]
) -> dict[int, Short]:
    """Books what still can be; who cannot pay by now. What was reversed meanwhile, the next plan looks at again."""
    programme = planned.ground.programme.no
    journal.lock(session)
    _check_version(session, programme, version)
    good = _standing(session, chunk)
    outcomes = correcting.book(
        session, [[_correction(planned, version, names, change) for change in changes] for changes in good]
    )
    booked = 0
    refused: dict[int, Short] = {}
    for changes, outcome in zip(good, outcomes, strict=True):
        if isinstance(outcome, InsufficientFunds):
            learner = changes[0].event.learner
            account = min(account for account, amount in planning.moved(planned.ground, changes).items() if amount < 0)
            refused[learner] = Short(learner, account, outcome.extra["available"], outcome.extra["required"])
        else:
            assert isinstance(outcome, Booked), f"nothing else can refuse a correction: {outcome}"
            booked += len(changes)
    session.sql(
        """UPDATE re_evaluations
              SET corrections = corrections + %(booked)s, due_at = clock_timestamp() + %(lease)s
            WHERE company_id = %(company)s AND programme = %(programme)s AND version = %(version)s
              AND finished_at IS NULL""",
        {"programme": programme, "version": version, "booked": booked, "lease": LEASE},
    )
    return refused


def _standing(session: Session, chunk: list[list[Change]]) -> list[list[Change]]:
    """Those learners of whose entries none was reversed since the plan was made."""
    gone = journal.reversed_by(session, [change.event.number for changes in chunk for change in changes])
    return [changes for changes in chunk if not any(change.event.number in gone for change in changes)]


def _correction(planned: Plan, version: int, names: Mapping[int, str], change: Change) -> Correction:
    event = change.event
    return Correction(
        event.number,
        f"Re-evaluated by version {version} of the rulebook: {_difference(names, change)}",
        transfers=[
            Transfer(
                unit, giver(planned.ground, unit, event.course), holding(event.learner), amount, event.learner, 1, rule
            )
            for rule, unit, amount in change.after
        ],
        note=change.note,
        places=change.places,
        rulebook_version=version,
    )


def _difference(names: Mapping[int, str], change: Change) -> str:
    """In words: "scored 10 instead of 8; debate nothing instead of 2"."""
    before = {given.rule: given.amount for given in change.event.booked}
    after = {given.rule: given.amount for given in change.after}
    return "; ".join(
        f"{names[rule]} {after.get(rule) or 'nothing'} instead of {before.get(rule) or 'nothing'}"
        for rule in sorted({*before, *after})
        if before.get(rule) != after.get(rule)
    )


def _move_places(session: Session, planned: Plan, version: int) -> None:
    on = planned.ground
    _check_version(session, on.programme.no, version)
    events = {each.number: each for each in on.events}
    correcting.leave(session, planned.places_left)
    correcting.hold(
        session,
        [
            Place(on.programme.no, events[number].course, rule, number, events[number].first)
            for number, rule in planned.places_taken
        ],
    )
