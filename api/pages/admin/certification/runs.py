"""Previews and runs: begun, watched, and what they found of everybody."""

from collections.abc import Iterator
from typing import Any

from flask import Response, redirect, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from api.app_state import database, state
from api.pages import csv_files, forms
from api.pages.access import allows, visitor
from api.pages.admin.certification import warned
from api.pages.admin.certification.section import (
    BASE,
    ROWS,
    blp,
    cut_off_of,
    default_of_cut_off,
    get_run,
    next_position,
    once,
    position,
    wanted,
    with_fault,
)
from api.pages.admin.shell import MANAGERS, render_admin, way_to
from api.pages.forms import Form
from api.pages.frame import language
from api.progress import answer
from pointsbank.database import Session
from pointsbank.directory import programmes, teams
from pointsbank.directory.programmes import Programme
from pointsbank.directory.teams import MAX_TEAMS
from pointsbank.errors import Invalid, NotFound
from rules import versions
from rules.certification import register, results, working
from rules.certification import run as certification_runs
from rules.certification.results import Narrowed
from rules.certification.run import Run, Standing, Wanted
from rules.parts import CertificateRule, Rulebook
from rules.simulation.progress import Progress

RUNS = 20
"""Of a page."""
CSV_LEARNERS = 250
"""Read at once."""
STANDINGS: tuple[Standing, ...] = ("short", "new", "issued", "held", "revoked")


@blp.get(BASE)
@allows(*MANAGERS)
def show(programme: str) -> AnyResponse:
    return _show(programme)


def _show(key: str, form: Form | None = None) -> AnyResponse:
    with database().snapshot(visitor().company_id) as session:
        programme = programmes.get(session, key)
        found = certification_runs.page(session, programme, RUNS + 1, position())
        values = {
            "form": form or default_of_cut_off(session, programme),
            "rulebook": in_force(session, programme),
            "runs": found[:RUNS],
            "older": next_position(found[RUNS - 1].no if len(found) > RUNS else None),
            "counts": register.counts(session, key),
        }
    return render_admin(
        "pages/admin/certification.html",
        422 if form else 200,
        programme=programme,
        way_to_rulebook=way_to("admin_rulebook.show", programme=key),
        **values,
    )


@blp.post(BASE)
@allows(*MANAGERS)
def begin(programme: str) -> AnyResponse:
    """A preview: nothing is issued. Its own page works on it, and so does the background."""
    form = forms.sent()

    def start(session: Session) -> Run | str:
        cut_off = cut_off_of(session, programmes.get(session, programme), form.values)
        if isinstance(cut_off, str):
            return cut_off
        key = f"{form.value('key')}:{cut_off.isoformat() if form.value('when') == 'other' else form.value('when')}"
        begun = Wanted(cut_off)
        if form.value("when") == "now":  # the same form, sent again, asks for the same moment
            before = certification_runs.of_key(session, key)
            begun = begun if before is None else Wanted(before.cut_off)
        return certification_runs.start(session, programme, begun, None, key)

    try:
        run = database().run(visitor().company_id, start, writes=True)
    except Invalid as error:
        return _show(programme, forms.refused(form, error, ["cut_off"]))
    if isinstance(run, str):
        return _show(programme, with_fault(form, "cut_off", run))
    return redirect(url_for("admin_certification.show_run", programme=programme, run=run.no), 303)


def in_force(session: Session, programme: Programme) -> tuple[int, Rulebook] | None:
    try:
        return versions.rulebook_in_force(session, programme.no)
    except NotFound:
        return None


# --- one run ---


@blp.get(f"{BASE}/runs/<key:run>")
@allows(*MANAGERS)
def show_run(programme: str, run: str) -> AnyResponse:
    return show_one(programme, run)


def show_one(key: str, run: str, form: Form | None = None) -> AnyResponse:
    """`form` is what was sent to issue by it, and is shown again."""
    narrowed = _narrowed()
    with database().snapshot(visitor().company_id) as session:
        programme = programmes.get(session, key)
        found = get_run(session, programme, run)
        judged = results.page(session, found, narrowed, ROWS + 1, position() or 0) if found.is_over else []
        values = {
            "rules": rules_of(session, found),
            "counts": results.counts(session, found) if found.is_over else {},
            "teams": teams.page(session, programme, MAX_TEAMS),
            "warnings": warned.in_words(session, programme, found.warnings),
            "since": _since(session, programme, found),
        }
    further = judged[ROWS - 1].no if len(judged) > ROWS else None
    return render_admin(
        "pages/admin/certification_run.html",
        422 if form else 200,
        programme=programme,
        run=found,
        form=form or Form({"key": once()}),
        judged=judged[:ROWS],
        further=next_position(further),
        narrowed=narrowed,
        said=language(),
        **values,
    )


def rules_of(session: Session, run: Run) -> dict[str, CertificateRule]:
    """By their keys, in the order of the rulebook that the run goes by."""
    rulebook = versions.rulebook_of_version(session, run.programme, run.rulebook_version)
    return {rule.key: rule for rule in rulebook.certificates}


def _since(session: Session, programme: Programme, run: Run) -> dict[str, Any]:
    """What has changed since the run pinned it: entries booked, and whether another rulebook is in force."""
    rulebook = in_force(session, programme)
    last = session.sql("SELECT last_number FROM journals WHERE company_id = %(company)s").fetchone()
    assert last is not None, "every company has a journal"
    return {
        "entries": last.last_number - run.number,
        "rulebook": rulebook is not None and rulebook[0] != run.rulebook_version,
    }


def _narrowed() -> Narrowed:
    show = wanted("show")
    standing = next((each for each in STANDINGS if each == show), None)
    return Narrowed(
        True if show == "qualified" else None, standing, wanted("certificate"), wanted("team"), None, wanted("who")
    )


@blp.post(f"{BASE}/runs/<key:run>/progress")
@allows(*MANAGERS)
def work(programme: str, run: str) -> Any:
    """Works on the run for as long as the page that asks for it is there, line by line; the background goes on."""
    company_id = visitor().company_id
    with database().snapshot(company_id) as session:
        no = get_run(session, programmes.get(session, programme), run).no
    who = working.worker(database(), state().settings)
    return answer(_steps(working.carry_out(who, company_id, no)), lambda last: {"stage": last.stage if last else None})


def _steps(runs: Iterator[Run]) -> Iterator[Progress | Run]:
    for run in runs:
        if run.is_over:
            yield run
        elif run.stage == "issuing":
            yield Progress("issuing", run.issued, run.issued + run.to_issue)
        else:
            yield Progress("evaluating", run.evaluated, run.learners)


@blp.get(f"{BASE}/runs/<key:run>/results.csv")
@allows(*MANAGERS)
def as_csv(programme: str, run: str) -> Response:
    """Everything that the page would show, on however many pages: a line for each learner and certificate."""
    narrowed, company_id, said = _narrowed(), visitor().company_id, language()
    with database().snapshot(company_id) as session:
        found = get_run(session, programmes.get(session, programme), run)
        rules = rules_of(session, found)
    names = standing_names()

    def rows() -> Iterator[list[csv_files.Value]]:
        after = 0
        while True:
            with database().snapshot(company_id) as session:
                judged = results.page(session, found, narrowed, CSV_LEARNERS, after)
            for each in judged:
                learner = [each.key, each.name, each.department, each.team]
                for one in each.results:
                    name = rules[one.rule].name[said]
                    yield [*learner, name, names[one.standing], one.number, one.explanation["words"][said]]
            if len(judged) < CSV_LEARNERS:
                return
            after = judged[-1].no

    heads = [_("ID"), _("Name"), _("Department"), _("Team"), _("Certificate"), _("Result"), _("Number"), _("Why")]
    return csv_files.answer(f"certification-{found.no}.csv", heads, rows())


def standing_names() -> dict[str, str]:
    return {
        "short": _("Short"),
        "new": _("Qualified"),
        "issued": _("Issued"),
        "held": _("Held already"),
        "revoked": _("Revoked before"),
    }
