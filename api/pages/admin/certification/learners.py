"""Why, or why not, of one learner: now, at a cut-off, and as a run found it."""

from datetime import datetime
from typing import Any

from flask import redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from api.app_state import database
from api.pages import forms
from api.pages.access import allows, visitor
from api.pages.admin.certification.runs import in_force, rules_of, standing_names
from api.pages.admin.certification.section import (
    BASE,
    ROWS,
    blp,
    cut_off_of,
    get_run,
    next_position,
    position,
    wanted,
    with_fault,
)
from api.pages.admin.shell import MANAGERS, render_admin, way_to
from api.pages.forms import Form
from api.pages.frame import language
from pointsbank.database import Session
from pointsbank.directory import enrolments, programmes, teams
from pointsbank.directory import learners as directory
from pointsbank.directory.programmes import Programme
from pointsbank.errors import Invalid, NotFound
from rules import eligibility
from rules.certification import register, results
from rules.certification.register import Filters
from rules.parts import CertificateRule, Rulebook

CERTIFICATES = 50


@blp.get(f"{BASE}/learners")
@allows(*MANAGERS)
def find_learners(programme: str) -> AnyResponse:
    """Those enrolled, by id or a part of the name; the only one there is at once."""
    who, after = wanted("who"), position()
    with database().snapshot(visitor().company_id) as session:
        found = programmes.get(session, programme)
        people = enrolments.page(session, found, ROWS + 1, after or 0, who)
        names = {team.key: team.name for team in teams.page(session, found, teams.MAX_TEAMS)}
    if who is not None and after is None and len(people) == 1:
        return redirect(
            url_for("admin_certification.show_learner", programme=programme, learner=people[0].learner), 303
        )
    return render_admin(
        "pages/admin/certification_learners.html",
        programme=found,
        who=who,
        people=people[:ROWS],
        teams=names,
        further=next_position(people[ROWS - 1].no if len(people) > ROWS else None),
    )


@blp.get(f"{BASE}/learners/<key:learner>")
@allows(*MANAGERS)
def show_learner(programme: str, learner: str) -> AnyResponse:
    form = Form({"when": wanted("when") or "now", "cut_off": request.args.get("cut_off", "")})
    with database().snapshot(visitor().company_id) as session:
        found = programmes.get(session, programme)
        person = directory.get(session, learner)
        no = directory.find_numbers(session, [learner])[learner]
        if no not in enrolments.find(session, found, [no]):
            raise NotFound(f"The learner {learner} is not enrolled in the programme {programme}.")
        rulebook = in_force(session, found)
        cut_off = cut_off_of(session, found, form.values)
        judged: list[tuple[CertificateRule, dict[str, Any]]] = []
        if isinstance(cut_off, str):
            form = with_fault(form, "cut_off", cut_off)
        elif rulebook is not None:
            judged, form = _judged(session, found, rulebook[1], no, cut_off, form)
        held = register.latest(session, Filters(learner=learner, programme=programme), CERTIFICATES)
        team = teams.of_learner(session, found, no)
    now = register.now()
    return render_admin(
        "pages/admin/certification_learner.html",
        programme=found,
        person=person,
        team=None if team is None else team[0],
        rulebook=rulebook,
        form=form,
        cut_off=cut_off if isinstance(cut_off, datetime) else None,
        judged=judged,
        held=[(each, each.status_at(now)) for each in held],
        way_to_entries=way_to("admin_entries.find", learner=learner, programme=programme),
        said=language(),
    )


def _judged(
    session: Session, programme: Programme, rulebook: Rulebook, no: int, cut_off: datetime, form: Form
) -> tuple[list[tuple[CertificateRule, dict[str, Any]]], Form]:
    """Each certificate with its explanation, entries by their numbers; or the form with what is wrong."""
    try:
        as_of = eligibility.as_of(session, cut_off)
    except Invalid as error:
        return [], forms.refused(form, error, ["cut_off"])
    found = eligibility.evaluate(session, programme, rulebook, [no], as_of)[no]
    return [(each.rule, each.explanation.as_json(None)) for each in found], form


@blp.get(f"{BASE}/runs/<key:run>/learners/<key:learner>")
@allows(*MANAGERS)
def show_result(programme: str, run: str, learner: str) -> AnyResponse:
    with database().snapshot(visitor().company_id) as session:
        found = programmes.get(session, programme)
        of_run = get_run(session, found, run)
        judged = results.of_learner(session, of_run, learner)
        rules = rules_of(session, of_run)
    if judged is None:
        raise NotFound(f"Run {of_run.no} has no results of the learner {learner}.")
    return render_admin(
        "pages/admin/certification_result.html",
        programme=found,
        run=of_run,
        judged=judged,
        rules=rules,
        names=standing_names(),
        said=language(),
    )
