"""A certification run from the command line: a bar on the terminal, and what it came to in a few lines."""

import sys
from collections.abc import Iterator
from datetime import datetime

import click

from pointsbank.database import Database
from pointsbank.directory import programmes
from pointsbank.settings import DEFAULT_BASE_URL, Settings
from rules.certification import run as runs
from rules.certification import working
from rules.certification.run import Run, Wanted

_SHARE_OF_ISSUING = 0.5
"""Of the bar: judging and issuing take about as long."""
_ONLY_HERE = (
    f"the certificates name {DEFAULT_BASE_URL} for good, which nobody else can open. "
    "Before real ones are issued, set POINTSBANK_BASE_URL."
)


def certify(database: Database, settings: Settings, company_id: int, programme: str, wanted: Wanted) -> Iterator[str]:
    """Lines to be read. A run of just this that was begun and is not finished is gone on with.

    Raises what a run raises, and ClickException if it has failed, or was stopped by warnings that nobody has confirmed.
    """
    who = working.worker(database, settings)
    with database.transaction(company_id) as session:
        run = runs.unfinished(session, programmes.get(session, programme), wanted)
    if run is None:
        run = database.run(company_id, lambda session: runs.start(session, programme, wanted, who.name), writes=True)
    else:
        yield f"going on with run {run.no}, of which {run.evaluated} of {run.learners} learners are judged"
    with click.progressbar(length=1000, label="Certifying", file=sys.stderr) as bar:
        for state in working.carry_out(who, company_id, run.no):
            run = state
            bar.update(round(_share(run) * 1000) - bar.pos)
    for warning in run.warnings:
        yield f"warning: {warning['detail']}"
    if run.stage == "stopped":
        raise click.ClickException("Nothing was issued. See to the warnings, or issue all the same with --confirm.")
    if run.stage == "failed":
        raise click.ClickException(f"Run {run.no} has failed: {(run.problem or {}).get('detail')}")
    if run.issued and settings.base_url == DEFAULT_BASE_URL:
        click.echo(f"note: {_ONLY_HERE}", err=True)
    yield _summary(run)


def _share(run: Run) -> float:
    """How much is done, from 0 to 1."""
    if run.is_over:
        return 1.0
    judged = run.evaluated / run.learners if run.learners else 1.0
    issued = run.issued / (run.issued + run.to_issue) if run.stage == "issuing" and run.to_issue else 0.0
    share = _SHARE_OF_ISSUING if run.issues else 0.0
    return judged * (1 - share) + issued * share


def _summary(run: Run) -> str:
    counts: list[tuple[int, str]] = [(run.qualified, "qualified"), (run.short, "short")]
    counts.append((run.issued, "issued") if run.issues else (run.to_issue, "would be issued"))
    counts += [(run.held, "held already"), (run.revoked, "revoked")]
    said = ", ".join(f"{count} {what}" for count, what in counts)
    kind = "run" if run.issues else "preview"
    return f"{kind} {run.no}: {run.learners} learners by version {run.rulebook_version} of the rulebook: {said}"


def time_of(text: str) -> datetime:
    """Raises click.BadParameter for what is no time with an offset."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise click.BadParameter(f"{text!r} is no time with an offset, such as 2022-07-01T00:00:00+08:00.")
    return at
