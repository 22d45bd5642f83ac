"""A certification run: who of a programme qualifies at a cut-off, and, if it is to issue, their certificates.

Whoever starts one pins the journal's number and the rulebook's version, so that all of it judges the same facts,
however long it takes and whoever finishes it. What it has done so far stands in its row and its results;
`rules.certification.working` does the rest.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from ledger.errors import KeyConflict
from pointsbank.database import Session
from pointsbank.directory import programmes
from pointsbank.directory.programmes import Programme
from pointsbank.errors import Invalid, NotFound
from pointsbank.saying import say
from rules import versions
from rules.explanation import with_ids

Stage = Literal["evaluating", "issuing", "finished", "stopped", "failed"]
Standing = Literal["short", "new", "issued", "held", "revoked"]

LEASE_SECONDS = 5
"""So long nobody else takes up a run that a worker has written something of."""


KEPT_FOR = timedelta(days=30)
"""The results of a run that issued nothing: previews are made by the dozen, and each has a row for everybody."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """`issues` False: a preview. `confirmed`: warnings do not stop it. `reissues`: also what was revoked."""

    cut_off: datetime
    issues: bool = False
    confirmed: bool = False
    reissues: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """`programme` is its number, `programme_key` HR's id. What was booked after `number` does not count.

    All but `learners` and `evaluated` count learners and certificates: who qualifies for two counts twice. `held` and
    `revoked` are of those that qualify. `problem` is why it failed: `slug`, `title`, `status`, `detail`.
    """

    no: int
    programme: int
    programme_key: str
    rulebook_version: int
    cut_off: datetime
    number: int
    issues: bool
    confirmed: bool
    reissues: bool
    stage: Stage
    learners: int
    evaluated: int
    last_learner: int
    qualified: int
    short: int
    held: int
    revoked: int
    issued: int
    warnings: list[dict[str, Any]]
    problem: dict[str, Any] | None
    started_at: datetime
    finished_at: datetime | None
    forgotten_at: datetime | None

    @property
    def is_over(self) -> bool:
        return self.finished_at is not None

    @property
    def to_issue(self) -> int:
        """How many would be issued, or still are to be."""
        return self.qualified - self.held - self.revoked - self.issued


def start(
    session: Session, programme_key: str, wanted: Wanted, worker: str | None, request_key: str | None = None
) -> Run:
    """A new run, which `worker` is to work on, or whoever comes first (None); with a `request_key` that was used
    before, the run of that time.

    Raises NotFound for the programme or if no rulebook is in force, Invalid for a cut-off that is not over yet, and
    KeyConflict if the key is of a run of something else.
    """
    programme = programmes.get(session, programme_key)
    journal = session.lock_journal()
    if request_key is not None and (before := of_key(session, request_key)) is not None:
        if (before.programme, _wanted_of(before)) != (programme.no, wanted):
            raise KeyConflict(f"The key {request_key} is of a run of something else. Use a new one.")
        return before
    if wanted.cut_off > _now(session):
        raise Invalid.field("cut_off", say("lies in the future: what has not happened yet cannot be judged."))
    version = versions.in_force(session, programme.no)["version"]
    row = session.sql(
        """INSERT INTO certification_runs (company_id, no, programme, rulebook_version, cut_off, number, issues,
                                           confirmed, reissues, request_key, stage, learners, worker, due_at)
           SELECT %(company)s,
                  (SELECT coalesce(max(no), 0) + 1 FROM certification_runs WHERE company_id = %(company)s),
                  %(programme)s, %(version)s, %(cut_off)s, %(number)s, %(issues)s, %(confirmed)s, %(reissues)s,
                  %(request_key)s, 'evaluating', count(*), %(worker)s,
                  clock_timestamp() + make_interval(secs => %(lease)s)
             FROM enrolments
            WHERE company_id = %(company)s AND programme = %(programme)s AND from_at < %(cut_off)s
           RETURNING no""",
        {
            "programme": programme.no,
            "version": version,
            "cut_off": wanted.cut_off,
            "number": journal.last_number,
            "issues": wanted.issues,
            "confirmed": wanted.confirmed,
            "reissues": wanted.reissues,
            "request_key": request_key,
            "worker": worker,
            "lease": 0 if worker is None else LEASE_SECONDS,
        },
    ).fetchone()
    assert row is not None, "it was inserted"
    return numbered(session, row.no)


def unfinished(session: Session, programme: Programme, wanted: Wanted) -> Run | None:
    """The latest run of just this that was begun and has not come to its end."""
    rows = session.sql(
        f"""{_SELECT} AND r.programme = %(programme)s AND r.due_at IS NOT NULL AND r.cut_off = %(cut_off)s
             ORDER BY r.no DESC""",
        {"programme": programme.no, "cut_off": wanted.cut_off},
    )
    return next((run for run in map(_read, rows) if _wanted_of(run) == wanted), None)


def get(session: Session, run: str) -> Run:
    """Raises NotFound."""
    found = None
    if run.isascii() and run.isdigit() and len(run) <= MAX_ID_DIGITS and not run.startswith("0"):
        found = session.sql(f"{_SELECT} AND r.no = %(no)s", {"no": int(run)}).fetchone()
    if found is None:
        raise NotFound(f"There is no certification run {run[:64]}.")
    return _read(found)


MAX_ID_DIGITS = 9


def page(session: Session, programme: Programme, limit: int, before: int | None = None) -> list[Run]:
    """At most `limit` runs of the programme, the newest first, those numbered below `before` if that is given."""
    rows = session.sql(
        f"""{_SELECT} AND r.programme = %(programme)s AND (%(before)s::bigint IS NULL OR r.no < %(before)s::bigint)
             ORDER BY r.no DESC LIMIT %(limit)s""",
        {"programme": programme.no, "before": before, "limit": limit},
    )
    return [_read(row) for row in rows]


def numbered(session: Session, no: int) -> Run:
    """The run with the company's number `no`, which is there."""
    row = session.sql(f"{_SELECT} AND r.no = %(no)s", {"no": no}).fetchone()
    assert row is not None, "runs are never deleted"
    return _read(row)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run found of one learner and one certificate, all by HR's ids.

    `number` is that of the certificate issued, held or revoked. `position` is where the next page begins.
    """

    learner: str
    rule: str
    qualified: bool
    standing: Standing
    number: str | None
    explanation: dict[str, Any]
    position: tuple[int, int]


def outcomes(
    session: Session,
    run: Run,
    limit: int,
    after: tuple[int, int] = (0, 0),
    qualified: bool | None = None,
    learner: str | None = None,
    rule: str | None = None,
) -> list[Outcome]:
    """At most `limit` in the order of learners and of the rulebook, beginning after that position.

    Raises NotFound if they are not kept any more.
    """
    if run.forgotten_at is not None:
        raise NotFound(
            f"Run {run.no} issued nothing, and its results were kept for {KEPT_FOR.days} days. Make a new preview."
        )
    conditions = {
        "qualified": (qualified, "r.qualified = %(qualified)s"),
        "learner": (
            learner,
            "r.learner = (SELECT no FROM learners WHERE company_id = %(company)s AND key = %(learner)s)",
        ),
        "rule": (rule, "r.rule = %(rule)s"),
    }
    asked = {name: value for name, (value, _) in conditions.items() if value is not None}
    where = "".join(f" AND {conditions[name][1]}" for name in asked)
    rows = session.sql(
        f"""SELECT r.learner AS learner_no, l.key AS learner, r.place, r.rule, r.qualified, r.standing, c.number,
                   r.explanation
              FROM certification_results AS r
              JOIN learners AS l ON l.company_id = %(company)s AND l.no = r.learner
              LEFT JOIN certificates AS c ON c.company_id = %(company)s AND c.no = r.certificate
             WHERE r.company_id = %(company)s AND r.run = %(run)s
               AND (r.learner, r.place) > (%(after_learner)s, %(after_place)s){where}
             ORDER BY r.learner, r.place LIMIT %(limit)s""",  # noqa: S608 - conditions of our own
        {**asked, "run": run.no, "limit": limit, "after_learner": after[0], "after_place": after[1]},
    )
    return [
        Outcome(
            row.learner,
            row.rule,
            row.qualified,
            row.standing,
            row.number,
            with_ids(row.explanation, session.company_id),
            (row.learner_no, row.place),
        )
        for row in rows
    ]


def of_key(session: Session, request_key: str) -> Run | None:
    """The run that was begun with it."""
    row = session.sql(f"{_SELECT} AND r.request_key = %(key)s", {"key": request_key}).fetchone()
    return None if row is None else _read(row)


def _wanted_of(run: Run) -> Wanted:
    return Wanted(run.cut_off, run.issues, run.confirmed, run.reissues)


def _now(session: Session) -> datetime:
    row = session.sql("SELECT clock_timestamp() AS at").fetchone()
    assert row is not None
    at: datetime = row.at
    return at


_COLUMNS = [name for name in Run.__dataclass_fields__ if name != "programme_key"]
_SELECT = f"""SELECT {", ".join(f"r.{name}" for name in _COLUMNS)}, p.key AS programme_key
                FROM certification_runs AS r
                JOIN programmes AS p ON p.company_id = %(company)s AND p.no = r.programme
               WHERE r.company_id = %(company)s"""  # noqa: S608 - columns


def _read(row: Any) -> Run:
    return Run(**row._asdict())
