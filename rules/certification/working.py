"""Working on a run, step by step, until it is over, whoever is killed meanwhile.

A step is a transaction or two, and short. Its first statement renews the lease, and locks the run's row: so two
workers are never in a step of the same run at once, and one whose lease was taken over finds out before it writes.
What a step begins with it reads from the run's row, so a step that was cut off is done again from there.
"""

import logging
import os
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Self

import orjson

from pointsbank.database import Database, Session
from pointsbank.errors import PointsBankError, Unavailable
from pointsbank.settings import Settings
from rules.certification import evaluating, issuing, warnings
from rules.certification.evaluating import Evaluated
from rules.certification.run import LEASE_SECONDS, Run, Stage, numbered

log = logging.getLogger(__name__)

INTERVAL_SECONDS = 1
"""How often a worker asks what is due."""
SLICE_SECONDS = 0.5
"""Worked at a turn in the background: matches are to be settled, too."""
RETRY_SECONDS = 10
"""After which a step that failed is tried again."""
MAX_ATTEMPTS = 3
"""In a row, after which the run has failed."""
WATCH_SECONDS = 0.2
"""Between two looks at a run that another worker works on."""


class Lost(Exception):
    """Another worker has taken the run over."""


@dataclass(frozen=True, slots=True)
class Worker:
    """Who works: `name` tells it from any other, also from one before it with the same process id."""

    database: Database
    settings: Settings
    name: str


def worker(database: Database, settings: Settings) -> Worker:
    return Worker(database, settings, f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}")


def carry_out(who: Worker, company_id: int, no: int) -> Iterator[Run]:
    """Works on the run until it is over, and gives it after each step; watches while another works on it.

    Raises what a step raises; the run is put off then, and the background tries it again.
    """
    with _Ahead(who.database, company_id) as ahead:
        while True:
            run, ours = who.database.run(company_id, lambda session: _take_up(session, no, who.name))
            yield run
            if run.is_over:
                return
            if ours:
                step(who, company_id, run, ahead.judged)
            else:
                time.sleep(WATCH_SECONDS)


def continue_due(who: Worker) -> int:
    """Works for a moment on the runs of any company that were begun and that nobody works on; returns how many.

    One that fails is logged and stops no other. Raises Unavailable without a database.
    """
    until = time.monotonic() + SLICE_SECONDS
    due = _due(who)
    for company_id, no in due:
        try:
            while time.monotonic() < until and _took_a_step(who, company_id, no):
                pass
        except Unavailable:
            raise
        except Exception:  # whatever it is, the others go on
            log.exception("certification run %d of company %d has failed, for now", no, company_id)
    return len(due)


def _took_a_step(who: Worker, company_id: int, no: int) -> bool:
    run, ours = who.database.run(company_id, lambda session: _take_up(session, no, who.name))
    if ours and not run.is_over:
        step(who, company_id, run)
        return True
    return False


def step(who: Worker, company_id: int, run: Run, judged: Callable[[Run], Evaluated] | None = None) -> None:
    """One step of the run, which `who` has taken up. Nothing, if somebody else has by now.

    `judged` is asked for the next learners, if they are not to be judged here and now.
    """
    try:
        if run.stage == "evaluating":
            _write(who, company_id, run, judged(run) if judged else _judged(who.database, company_id, run))
        else:
            who.database.run(company_id, lambda session: _issue(session, run.no, who))
    except Lost:
        return
    except Exception as error:
        problem = _problem(error)
        who.database.run(company_id, lambda session: _put_off(session, run.no, who.name, problem))
        raise


def _due(who: Worker) -> list[tuple[int, int]]:
    """Also those that this worker has a lease on: it has not finished them in its slice."""
    with who.database.transaction(0) as session:
        session.sql("SET LOCAL app.every_company = 'on'")
        rows = session.sql(
            """SELECT company_id, no FROM certification_runs
                WHERE due_at IS NOT NULL AND (due_at <= clock_timestamp() OR worker = %(worker)s) ORDER BY due_at""",
            {"worker": who.name},
        )
        return [(row.company_id, row.no) for row in rows]


def _take_up(session: Session, no: int, name: str) -> tuple[Run, bool]:
    """The run, and whether it is this worker's now."""
    found = session.sql(
        """UPDATE certification_runs
              SET worker = %(worker)s, due_at = clock_timestamp() + make_interval(secs => %(lease)s)
            WHERE company_id = %(company)s AND no = %(no)s AND due_at IS NOT NULL
              AND (worker = %(worker)s OR due_at <= clock_timestamp())""",
        {"no": no, "worker": name, "lease": LEASE_SECONDS},
    )
    return numbered(session, no), found.rowcount == 1


def hold(session: Session, no: int, name: str) -> Run:
    """The run as it is, locked until this transaction ends. Raises Lost if another worker has it."""
    run, ours = _take_up(session, no, name)
    if not ours:
        raise Lost
    return run


def _judged(database: Database, company_id: int, run: Run) -> Evaluated:
    """Judging takes longest, and is done in a snapshot that locks nothing."""
    with database.snapshot(company_id) as session:
        return evaluating.evaluate_some(session, run)


class _Ahead:
    """Judges the learners after those that were asked for, while these are written down: on a connection of its own."""

    def __init__(self, database: Database, company_id: int) -> None:
        self._database = database
        self._company_id = company_id
        self._thread = ThreadPoolExecutor(1, "judging")
        self._next: tuple[int, Future[Evaluated]] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown()

    def judged(self, run: Run) -> Evaluated:
        ahead, self._next = self._next, None  # what has failed is not asked again
        if ahead is not None and ahead[0] == run.last_learner:
            found = ahead[1].result()
        else:
            found = _judged(self._database, self._company_id, run)
        if found.learners:
            last = found.learners[-1]
            after = replace(run, last_learner=last)
            self._next = last, self._thread.submit(_judged, self._database, self._company_id, after)
        return found


def _write(who: Worker, company_id: int, run: Run, evaluated: Evaluated) -> None:
    def write(session: Session) -> None:
        held = hold(session, run.no, who.name)
        if held.stage == "evaluating" and evaluated.learners:
            evaluating.write(session, held, evaluated)
        elif held.stage == "evaluating":
            found = warnings.of(session, held)
            stage: Stage = "finished"
            if held.issues:
                stage = "stopped" if found and not held.confirmed else "issuing"
            _enter(session, held, stage, found)

    who.database.run(company_id, write)


def _issue(session: Session, no: int, who: Worker) -> None:
    run = hold(session, no, who.name)
    if run.stage == "issuing" and not issuing.issue_some(session, run, who.settings):
        _enter(session, run, "finished", run.warnings)


def _enter(session: Session, run: Run, stage: Stage, found: list[dict[str, Any]]) -> None:
    session.sql(
        """UPDATE certification_runs
              SET stage = %(stage)s, warnings = %(warnings)s::jsonb, attempts = 0,
                  finished_at = CASE WHEN %(over)s THEN clock_timestamp() END,
                  due_at = CASE WHEN NOT %(over)s THEN due_at END
            WHERE company_id = %(company)s AND no = %(no)s""",
        {"no": run.no, "stage": stage, "warnings": orjson.dumps(found).decode(), "over": stage != "issuing"},
    )


def _problem(error: Exception) -> dict[str, Any]:
    if isinstance(error, PointsBankError):
        return {"slug": error.slug, "title": error.title, "status": error.status, "detail": error.detail}
    return {"slug": "internal", "title": "Internal error", "status": 500, "detail": "Something failed; see the log."}


def _put_off(session: Session, no: int, name: str, problem: dict[str, Any]) -> None:
    session.sql(
        """UPDATE certification_runs
              SET attempts = attempts + 1, problem = %(problem)s::jsonb,
                  stage = CASE WHEN attempts + 1 >= %(most)s THEN 'failed' ELSE stage END,
                  finished_at = CASE WHEN attempts + 1 >= %(most)s THEN clock_timestamp() END,
                  due_at = CASE WHEN attempts + 1 < %(most)s THEN clock_timestamp() + %(pause)s END, worker = NULL
            WHERE company_id = %(company)s AND no = %(no)s AND worker = %(worker)s AND due_at IS NOT NULL""",
        {
            "no": no,
            "worker": name,
            "problem": orjson.dumps(problem).decode(),
            "most": MAX_ATTEMPTS,
            "pause": timedelta(seconds=RETRY_SECONDS),
        },
    )
