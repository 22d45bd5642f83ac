"""…/teams: a board of the teams and who is in them, moves from one to another, and the name of a team."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import jsonify, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as AnyResponse

from api.app_state import database
from api.pages import forms
from api.pages.access import allows, visitor
from api.pages.admin.shell import MANAGERS, REFUSALS, render_admin
from api.pages.forms import SEEN, Form
from api.pages.frame import Pages, wants_json
from api.pages.typed import Typed
from pointsbank.database import Session
from pointsbank.directory import memberships, programmes, seen, teams
from pointsbank.directory.memberships import MovedMeanwhile, Seat
from pointsbank.directory.programmes import Programme
from pointsbank.directory.teams import MAX_TEAMS, TeamSize
from pointsbank.errors import NotFound

blp = Pages("admin_teams", __name__)


@dataclass(frozen=True, slots=True)
class Column:
    """A team with those who are in it; `team` is None for those who are in none."""

    team: TeamSize | None
    seats: list[Seat]


@dataclass(frozen=True, slots=True)
class Move:
    """What was asked for: `seen` has the team of each learner as it was on the page."""

    seen: dict[str, str | None]
    to: str | None
    from_on: date | None


@blp.get("/admin/programmes/<key:programme>/teams")
@allows(*MANAGERS)
def show(programme: str) -> AnyResponse:
    moved = request.args.get("moved", 0, type=int)
    done = _moved(moved) if moved > 0 else None
    return _board(programme, Form({"to": request.args.get("to", "")}), done=done)


@blp.post("/admin/programmes/<key:programme>/team-moves")
@allows(*MANAGERS)
def move(programme: str) -> AnyResponse:
    """A script gets JSON, and puts back what was refused; a form gets the board once more."""
    form, chosen = forms.sent(), request.form.getlist("learner")
    if not chosen:
        return _refused(programme, form, chosen, _("Choose who is to be moved."), {}, 422)
    try:
        wanted = _wanted(form, chosen)
        moved = _do(programme, wanted)
    except MovedMeanwhile as error:
        return _refused(programme, form, chosen, forms.said(error.detail), dict(error.now), error.status)
    except REFUSALS as error:
        says = "; ".join(forms.said(message) for _path, message in error.errors) or forms.said(error.detail)
        return _refused(programme, form, chosen, says, {}, error.status)
    if wants_json():
        return jsonify(says=_moved(moved), moved=moved)
    return redirect(url_for("admin_teams.show", programme=programme, moved=moved, to=form.value("to")), 303)


@blp.get("/admin/programmes/<key:programme>/new-team")
@allows(*MANAGERS)
def new(programme: str) -> AnyResponse:
    with database().snapshot(visitor().company_id) as session:
        found = programmes.get(session, programme)
        taken = {each.key for each in teams.page(session, found, MAX_TEAMS)}
    free = next(key for key in (f"team-{number}" for number in range(1, MAX_TEAMS + 2)) if key not in taken)
    return _form(found, Form({"id": free}))


@blp.post("/admin/programmes/<key:programme>/new-team")
@allows(*MANAGERS)
def make(programme: str) -> AnyResponse:
    with database().snapshot(visitor().company_id) as session:
        found = programmes.get(session, programme)
    form = forms.sent()
    try:
        _put(found, form, None)
    except REFUSALS as error:
        return _form(found, forms.refused(form, error, _labels()), status=error.status)
    return redirect(url_for("admin_teams.show", programme=programme, done="made"), 303)


@blp.get("/admin/programmes/<key:programme>/teams/<key:team>")
@allows(*MANAGERS)
def edit(programme: str, team: str) -> AnyResponse:
    found, name = _find(programme, team)
    return _form(found, Form({"name": name, SEEN: seen.mark(name)}), team)


@blp.post("/admin/programmes/<key:programme>/teams/<key:team>")
@allows(*MANAGERS)
def save(programme: str, team: str) -> AnyResponse:
    (found, _name), form = _find(programme, team), forms.sent()
    try:
        _put(found, form, team)
    except seen.ChangedMeanwhile as error:
        _programme, name = _find(programme, team)
        form = forms.meanwhile(form, {"name": name, SEEN: seen.mark(name)})
        if form.now:
            return _form(found, form, team, error.status)
    except REFUSALS as error:
        return _form(found, forms.refused(form, error, _labels()), team, error.status)
    return redirect(url_for("admin_teams.show", programme=programme, done="saved"), 303)


# --- the board ---


def _board(
    programme: str, form: Form, chosen: list[str] | None = None, status: int = 200, done: str | None = None
) -> AnyResponse:
    with database().snapshot(visitor().company_id) as session:
        found = programmes.get(session, programme)
        its_teams = teams.page(session, found, MAX_TEAMS)
        seats = memberships.board(session, found)
    columns = [Column(each, [seat for seat in seats if seat.team == each.key]) for each in its_teams]
    more: dict[str, Any] = {} if done is None else {"done": done}
    return render_admin(
        "pages/admin/teams.html",
        status,
        programme=found,
        columns=[Column(None, [seat for seat in seats if seat.team is None]), *columns],
        names={each.key: each.name for each in its_teams},
        learners=len(seats),
        form=form,
        chosen=set(chosen or ()),
        today=datetime.now(found.zone).date(),
        **more,
    )


def _wanted(form: Form, chosen: list[str]) -> Move:
    """`chosen` are of the form team/learner: neither key has a slash."""
    typed = Typed(form)
    from_on = typed.day_if_any("from_on")
    typed.refuse()
    found = [(learner, team or None) for team, _slash, learner in (each.partition("/") for each in chosen)]
    return Move(dict(found), form.value("to") or None, from_on)


def _do(programme: str, wanted: Move) -> int:
    def work(session: Session) -> int:
        return memberships.move(session, programme, wanted.seen, wanted.to, wanted.from_on)

    return database().run(visitor().company_id, work, writes=True)


def _refused(
    programme: str, form: Form, chosen: list[str], says: str, now: dict[str, str | None], status: int
) -> AnyResponse:
    if wants_json():
        response: AnyResponse = jsonify(says=says, now=now)
        response.status_code = status
        return response
    return _board(programme, Form(form.values, others=(says,)), chosen, status)


def _moved(moved: int) -> str:
    return str(ngettext("%(num)d learner moved.", "%(num)d learners moved.", moved))


# --- a team ---


def _find(programme: str, team: str) -> tuple[Programme, str]:
    with database().snapshot(visitor().company_id) as session:
        found = programmes.get(session, programme)
        return found, teams.get(session, found, team).name


def _put(programme: Programme, form: Form, edited: str | None) -> None:
    typed = Typed(form)
    key, name = typed.key("id") if edited is None else edited, typed.name("name")
    typed.refuse()

    def put(session: Session) -> None:
        if edited is None:
            seen.refuse_taken("id", _exists(session, programme, key))
        else:
            seen.refuse_changed(form.value(SEEN), teams.get(session, programme, key).name)
        teams.put_name(session, programme.key, key, name)

    database().run(visitor().company_id, put, writes=True)


def _exists(session: Session, programme: Programme, key: str) -> bool:
    try:
        teams.get(session, programme, key)
    except NotFound:
        return False
    return True


def _labels() -> dict[str, str]:
    return {"id": _("ID"), "name": _("Name")}


def _form(programme: Programme, form: Form, edited: str | None = None, status: int = 200) -> AnyResponse:
    history = []
    if edited is not None:
        with database().snapshot(visitor().company_id) as session:
            history = memberships.of_team(session, teams.get(session, programme, edited).no)
    return render_admin(
        "pages/admin/team.html",
        status,
        programme=programme,
        form=form,
        labels=_labels(),
        edited=edited,
        history=history,
    )
