"""/admin/learners: everybody who takes part in any programme; found, entered, changed, and seen one by one."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from flask import redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from api.app_state import database
from api.pages import forms
from api.pages.access import allows, visitor
from api.pages.admin.shell import MANAGERS, REFUSALS, render_admin
from api.pages.forms import SEEN, Form
from api.pages.frame import Pages
from api.pages.typed import Typed
from ledger import balances
from pointsbank.database import Session
from pointsbank.directory import courses, enrolments, learner_search, learners, memberships, seen
from pointsbank.directory.faults import MAX_NAME_CHARACTERS
from pointsbank.directory.learner_search import PRESENCES, Presence
from pointsbank.directory.learners import Learner

blp = Pages("admin_learners", __name__)

LEARNERS = 50
"""Of a page."""


@blp.get("/admin/learners")
@allows(*MANAGERS)
def show_all() -> AnyResponse:
    text = request.args.get("q", "").strip()[:MAX_NAME_CHARACTERS]
    presence: Presence = next((each for each in PRESENCES if each == request.args.get("state")), "")
    after = request.args.get("after")
    with database().snapshot(visitor().company_id) as session:
        found = learner_search.search(session, text, presence, _today(), LEARNERS + 1, after)
    return render_admin(
        "pages/admin/learners.html",
        learners=found[:LEARNERS],
        further=found[LEARNERS - 1].key if len(found) > LEARNERS else None,
        is_first=not after,
        is_narrowed=bool(text or presence),
        form=Form({"q": text, "state": presence}),
        states=[("", _("Everybody")), ("here", _("Still here")), ("left", _("Have left"))],
        today=_today(),
    )


@blp.get("/admin/learners/<key:learner>")
@allows(*MANAGERS)
def show(learner: str) -> AnyResponse:
    with database().snapshot(visitor().company_id) as session:
        found = learners.get(session, learner)
        number = balances.learner_no(session, learner)
        its_programmes = enrolments.programmes_of(session, number)
        held = balances.of_learner(session, number)
        stays = memberships.of_learner(session, number)
        its_courses = [each for programme in its_programmes for each in courses.find_all(session, programme).values()]
    names = {each.unit_code: each.name for each in its_courses}
    return render_admin(
        "pages/admin/learner.html",
        learner=found,
        programmes=its_programmes,
        stays={each.key: [stay for stay in stays if stay.programme == each.key] for each in its_programmes},
        credits=next(each for each in held if each.unit == "credits"),
        flowers=[(names.get(each.unit, each.unit), each) for each in held if each.unit != "credits"],
        today=_today(),
        now=datetime.now(UTC),
    )


@blp.get("/admin/new-learner")
@allows(*MANAGERS)
def new() -> AnyResponse:
    return _form(Form())


@blp.post("/admin/new-learner")
@allows(*MANAGERS)
def make() -> AnyResponse:
    form = forms.sent()
    try:
        made = _put(form, None)
    except REFUSALS as error:
        return _form(forms.refused(form, error, _labels()), status=error.status)
    return redirect(url_for("admin_learners.show", learner=made.key, done="made"), 303)


@blp.get("/admin/learners/<key:learner>/edit")
@allows(*MANAGERS)
def edit(learner: str) -> AnyResponse:
    found = _find(learner)
    return _form(Form(_values(found)), found)


@blp.post("/admin/learners/<key:learner>/edit")
@allows(*MANAGERS)
def save(learner: str) -> AnyResponse:
    found, form = _find(learner), forms.sent()
    try:
        _put(form, found)
    except seen.ChangedMeanwhile as error:
        found = _find(learner)
        form = forms.meanwhile(form, _values(found))
        if form.now:
            return _form(form, found, error.status)
    except REFUSALS as error:
        return _form(forms.refused(form, error, _labels()), found, error.status)
    return redirect(url_for("admin_learners.show", learner=found.key, done="saved"), 303)


def _put(form: Form, edited: Learner | None) -> Learner:
    typed = Typed(form)
    wanted = Learner(
        typed.key("id") if edited is None else edited.key,
        typed.name("name"),
        typed.text("email"),
        typed.text("department"),
        typed.day_if_any("joined_on"),
        typed.day_if_any("left_on"),
    )
    typed.refuse()

    def put(session: Session) -> None:
        if edited is None:
            seen.refuse_taken("id", bool(learners.find_numbers(session, [wanted.key])))
        else:
            seen.refuse_changed(form.value(SEEN), learners.get(session, edited.key))
        learners.put(session, wanted)

    database().run(visitor().company_id, put, writes=True)
    return wanted


def _find(learner: str) -> Learner:
    with database().snapshot(visitor().company_id) as session:
        return learners.get(session, learner)


def _today() -> date:
    return datetime.now(ZoneInfo(visitor().timezone)).date()


def _values(found: Learner) -> dict[str, str]:
    return {
        "name": found.name,
        "email": found.email or "",
        "department": found.department or "",
        "joined_on": str(found.joined_on or ""),
        "left_on": str(found.left_on or ""),
        SEEN: seen.mark(found),
    }


def _labels() -> dict[str, str]:
    return {
        "id": _("ID"),
        "name": _("Full name"),
        "email": _("Email"),
        "department": _("Department"),
        "joined_on": _("Joined on"),
        "left_on": _("Last working day"),
    }


def _form(form: Form, edited: Learner | None = None, status: int = 200) -> AnyResponse:
    return render_admin("pages/admin/learner_form.html", status, form=form, labels=_labels(), edited=edited)
