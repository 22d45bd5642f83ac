"""/admin/access/users: people who sign in, what they may, and whom they are in the directory."""

from flask import request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from api.app_state import database, state
from api.pages import forms
from api.pages.access import allows, visitor
from api.pages.admin.access.shell import back, blp, render_access
from api.pages.admin.shell import KEEPERS
from api.pages.forms import Form
from pointsbank.database import Session
from pointsbank.errors import Conflict, Invalid, NotFound, PointsBankError
from pointsbank.users import directory, people, signing_in
from pointsbank.users.directory import Awarder, Seen
from pointsbank.users.people import ROLES, Role

USERS = 50
"""Of a page."""
FIELDS = ("name", "shown", "roles", "learner", "awarders")


@blp.get("/admin/access/users")
@allows(*KEEPERS)
def show_users() -> AnyResponse:
    search, role = request.args.get("search", "").strip(), request.args.get("role")
    wanted = next((each for each in ROLES if each == role), None)
    with database().snapshot(visitor().company_id) as session:
        found = directory.page(session, USERS + 1, request.args.get("after", ""), search, wanted)
        total = directory.count(session)
    return render_access(
        "users.html",
        users=found[:USERS],
        further=found[USERS - 1].name if len(found) > USERS else None,
        total=total,
        filters=Form({"search": search, "role": wanted or ""}),
        role_names=role_names(),
    )


@blp.get("/admin/access/users/new")
@allows(*KEEPERS)
def new_user() -> AnyResponse:
    return _form(None, Form())


@blp.post("/admin/access/users/new")
@allows(*KEEPERS)
def make_user() -> AnyResponse:
    """The link with which they sign in for the first time is in this answer, and nowhere else."""
    form = forms.sent()
    try:
        with database().transaction(visitor().company_id) as session:
            user = people.create(
                session,
                form.value("name"),
                _roles(),
                form.value("shown").strip() or None,
                form.value("learner").strip() or None,
                _pairs(),
                by=visitor().user_no,
            )
            link = signing_in.make_link(session, user.no)
    except (Invalid, Conflict, NotFound) as error:
        return _form(None, forms.refused(form, error, FIELDS), 422)
    return _shown(user.no, link)


@blp.get("/admin/access/users/<int:no>")
@allows(*KEEPERS)
def show_user(no: int) -> AnyResponse:
    return _shown(no)


@blp.post("/admin/access/users/<int:no>")
@allows(*KEEPERS)
def change_user(no: int) -> AnyResponse:
    form = forms.sent()
    try:
        with database().transaction(visitor().company_id) as session:
            _find(session, no)
            learner = form.value("learner").strip() or None
            people.change(session, no, _roles(), form.value("shown").strip(), learner, _pairs(), visitor().user_no)
    except (Invalid, Conflict) as error:
        return _form(no, forms.refused(form, error, FIELDS), 422)
    except NotFound as error:
        if not error.errors:
            raise
        return _form(no, forms.refused(form, error, FIELDS), 422)
    return back("show_user", "user-changed", no=no)


@blp.post("/admin/access/users/<int:no>/state")
@allows(*KEEPERS)
def set_user_state(no: int) -> AnyResponse:
    """Disables or enables."""
    disabled = forms.sent().value("disabled") == "yes"
    try:
        with database().transaction(visitor().company_id) as session:
            people.set_disabled(session, _find(session, no).name, disabled, visitor().user_no)
    except Conflict as error:
        return _shown(no, fault=error)
    return back("show_user", "user-disabled" if disabled else "user-enabled", no=no)


@blp.post("/admin/access/users/<int:no>/sessions")
@allows(*KEEPERS)
def end_user_sessions(no: int) -> AnyResponse:
    with database().transaction(visitor().company_id) as session:
        people.end_sessions(session, _find(session, no).name, visitor().user_no)
    return back("show_user", "sessions-ended", no=no)


@blp.post("/admin/access/users/<int:no>/link")
@allows(*KEEPERS)
def make_user_link(no: int) -> AnyResponse:
    with database().transaction(visitor().company_id) as session:
        if _find(session, no).disabled_at is not None:
            raise Conflict("This user is disabled.")
        link = signing_in.make_link(session, no, visitor().user_no)
    return _shown(no, link)


def role_names() -> dict[Role, str]:
    return {"learner": _("Learner"), "awarder": _("Awarder"), "hr": _("HR"), "admin": _("Administrator")}


def _shown(no: int, link: str | None = None, fault: PointsBankError | None = None) -> AnyResponse:
    with database().snapshot(visitor().company_id) as session:
        user = _find(session, no)
        awarders = people.awarders_of(session, no)
    address = None if link is None else state().settings.base_url + url_for("sign_in.ask", link=link)
    return render_access(
        "user.html",
        409 if fault else 200,
        user=user,
        awarders=awarders,
        link=address,
        minutes=signing_in.LINK_SECONDS // 60,
        fault=None if fault is None else forms.said(fault.detail),
        role_names=role_names(),
        is_self=no == visitor().user_no,
    )


@blp.get("/admin/access/users/<int:no>/edit")
@allows(*KEEPERS)
def edit_user(no: int) -> AnyResponse:
    with database().snapshot(visitor().company_id) as session:
        user = _find(session, no)
        pairs = [f"{each.programme}/{each.key}" for each in people.awarders_of(session, no)]
    return _form(no, Form({"shown": user.shown, "learner": user.learner or ""}), 200, user.roles, pairs)


def _form(
    no: int | None,
    form: Form,
    status: int = 200,
    roles: tuple[Role, ...] | None = None,
    pairs: list[str] | None = None,
) -> AnyResponse:
    """For a new user, or for the one of this number, whose name stays."""
    with database().snapshot(visitor().company_id) as session:
        user = None if no is None else _find(session, no)
        choices = directory.awarders_to_choose(session)
    chosen = request.form.getlist("awarders") if pairs is None else pairs
    known = {each.pair for each in choices}
    choices += [Awarder(pair, pair, "") for pair in chosen if pair not in known]
    return render_access(
        "user_form.html",
        status,
        user=user,
        form=form,
        chosen_roles=_roles() if roles is None else roles,
        chosen_awarders=chosen,
        awarders=choices,
        role_names=role_names(),
    )


def _roles() -> list[str]:
    return request.form.getlist("roles")


def _pairs() -> list[tuple[str, str]]:
    return [
        (programme, key)
        for programme, _slash, key in (pair.partition("/") for pair in request.form.getlist("awarders"))
    ]


def _find(session: Session, no: int) -> Seen:
    """Raises NotFound."""
    found = directory.find(session, no) if no < 2**31 else None
    if found is None:
        raise NotFound(f"There is no user {no}.")
    return found
