"""…/awarders: trainers, mentors and committee members, what each may give in which course, and more of it."""

import uuid
from dataclasses import replace

from flask import redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as AnyResponse

from api.app_state import database
from api.pages import forms
from api.pages.access import allows, visitor
from api.pages.admin.shell import MANAGERS, REFUSALS, render_admin
from api.pages.forms import SEEN, Form
from api.pages.frame import Pages
from api.pages.typed import Typed
from ledger.accounts import MAX_AMOUNT
from ledger.errors import InsufficientFunds, KeyConflict
from pointsbank.database import Session
from pointsbank.directory import allowances, awarders, courses, figures, programmes, seen
from pointsbank.directory.awarders import Awarder
from pointsbank.directory.courses import Course
from pointsbank.directory.figures import Flowers
from pointsbank.directory.programmes import Programme
from pointsbank.errors import NotFound, PointsBankError

blp = Pages("admin_awarders", __name__)

AWARDERS = 200
"""Of a page."""
BY = "by/"
"""Begins the fields of changes; the rest is the course's key, which has no slash."""


@blp.get("/admin/programmes/<key:programme>/awarders")
@allows(*MANAGERS)
def show_all(programme: str) -> AnyResponse:
    raised = request.args.get("raised", 0, type=int)
    return _all(programme, Form({"key": uuid.uuid4().hex, "course": request.args.get("course", "")}), raised=raised)


@blp.post("/admin/programmes/<key:programme>/awarders")
@allows(*MANAGERS)
def raise_some(programme: str) -> AnyResponse:
    """The same amount for each of those who were chosen."""
    form, chosen = forms.sent(), request.form.getlist("awarder")
    typed = Typed(form)
    amount = typed.whole("amount", 1, MAX_AMOUNT)
    if not chosen:
        typed.faults.append(("awarder", _("Choose who is to have more.")))
    try:
        typed.refuse()
        raised = database().run(
            visitor().company_id,
            lambda session: allowances.give_each(
                session, chosen, programme, form.value("course"), amount, form.value("key")
            ),
            writes=True,
        )
    except REFUSALS as error:
        return _all(programme, _refused(form, error, ("amount",)), chosen, error.status)
    address = url_for("admin_awarders.show_all", programme=programme, raised=raised, course=form.value("course"))
    return redirect(address, 303)


@blp.get("/admin/programmes/<key:programme>/new-awarder")
@allows(*MANAGERS)
def new(programme: str) -> AnyResponse:
    with database().snapshot(visitor().company_id) as session:
        found = programmes.get(session, programme)
    return _new(found, Form({"role": awarders.ROLES[0]}))


@blp.post("/admin/programmes/<key:programme>/new-awarder")
@allows(*MANAGERS)
def make(programme: str) -> AnyResponse:
    with database().snapshot(visitor().company_id) as session:
        found = programmes.get(session, programme)
    form = forms.sent()
    try:
        key = _put(found, form, None)
    except REFUSALS as error:
        return _new(found, forms.refused(form, error, _labels()), error.status)
    return redirect(url_for("admin_awarders.show", programme=programme, awarder=key, done="made"), 303)


@blp.get("/admin/programmes/<key:programme>/awarders/<key:awarder>")
@allows(*MANAGERS)
def show(programme: str, awarder: str) -> AnyResponse:
    return _one(programme, awarder)


@blp.post("/admin/programmes/<key:programme>/awarders/<key:awarder>")
@allows(*MANAGERS)
def save(programme: str, awarder: str) -> AnyResponse:
    """The name and the role."""
    with database().snapshot(visitor().company_id) as session:
        found = programmes.get(session, programme)
        before = awarders.get(session, found, awarder)
    form = forms.sent()
    try:
        _put(found, form, before)
    except seen.ChangedMeanwhile as error:
        with database().snapshot(visitor().company_id) as session:
            before = awarders.get(session, found, awarder)
        form = forms.meanwhile(form, _values(before))
        if form.now:
            return _one(programme, awarder, form, status=error.status)
    except REFUSALS as error:
        return _one(programme, awarder, forms.refused(form, error, _labels()), status=error.status)
    return redirect(url_for("admin_awarders.show", programme=programme, awarder=awarder, done="saved"), 303)


@blp.post("/admin/programmes/<key:programme>/awarders/<key:awarder>/allowances")
@allows(*MANAGERS)
def change(programme: str, awarder: str) -> AnyResponse:
    """More of some courses' flowers, and less of others', all or none."""
    form = forms.sent()
    typed = Typed(form)
    fields = [name for name in form.values if name.startswith(BY)]
    wanted = {name: typed.whole_if_any(name, -MAX_AMOUNT, MAX_AMOUNT) for name in fields}
    field = ""

    def work(session: Session) -> None:
        nonlocal field
        for field, amount in wanted.items():
            course, key = field.removeprefix(BY), f"{form.value('key')}:{field}"
            if amount:
                book = allowances.give if amount > 0 else allowances.take_back
                book(session, awarder, programme, course, abs(amount), key)

    try:
        typed.refuse()
        database().run(visitor().company_id, work, writes=True)
    except REFUSALS as error:
        own = _refused(form, error, fields)
        if field and own.others:
            own = replace(own, others=(), faults={field: " ".join(own.others)})
        return _one(programme, awarder, changes=own, status=error.status)
    return redirect(url_for("admin_awarders.show", programme=programme, awarder=awarder, done="saved"), 303)


def _refused(form: Form, error: PointsBankError, fields: tuple[str, ...] | list[str]) -> Form:
    """With what the ledger has against it in words that need no account's code."""
    if isinstance(error, InsufficientFunds):
        says = _(
            "Not enough flowers: %(available)s are there, %(required)s are needed.",
            available=error.extra["available"],
            required=error.extra["required"],
        )
        return replace(form, others=(says,))
    if isinstance(error, KeyConflict):
        says = _("This form was booked already with other amounts. Please load the page again.")
        return replace(form, others=(says,))
    found = forms.refused(form, error, fields)
    return replace(found, others=tuple(each.removeprefix("awarder: ") for each in found.others))


def _all(
    programme: str, form: Form, chosen: list[str] | None = None, status: int = 200, raised: int = 0
) -> AnyResponse:
    with database().snapshot(visitor().company_id) as session:
        found = programmes.get(session, programme)
        its_courses = _courses(session, found)
        flowers = figures.of_flowers(session, found)
        rows = awarders.page(session, found, AWARDERS + 1, request.args.get("after"))
    more = {"done": ngettext("%(num)d allowance raised.", "%(num)d allowances raised.", raised)} if raised > 0 else {}
    return render_admin(
        "pages/admin/awarders.html",
        status,
        programme=found,
        awarders=rows[:AWARDERS],
        further=rows[AWARDERS - 1].key if len(rows) > AWARDERS else None,
        courses=its_courses,
        flowers=flowers,
        open_courses=[(each.key, each.name) for each in its_courses if each.closed_at is None],
        roles=_roles(),
        form=form,
        labels={"amount": _("More flowers for each")},
        chosen=set(chosen or ()),
        **more,
    )


def _one(
    programme: str, awarder: str, form: Form | None = None, changes: Form | None = None, status: int = 200
) -> AnyResponse:
    with database().snapshot(visitor().company_id) as session:
        found = programmes.get(session, programme)
        its = awarders.get(session, found, awarder)
        its_courses = _courses(session, found)
        flowers: dict[str, Flowers] = figures.of_flowers(session, found)
    return render_admin(
        "pages/admin/awarder.html",
        status,
        programme=found,
        awarder=its,
        form=form or Form(_values(its)),
        changes=changes or Form({"key": uuid.uuid4().hex}),
        labels=_labels(),
        course_labels={BY + each.key: each.name for each in its_courses},
        courses=its_courses,
        flowers=flowers,
        roles=_roles(),
        by=BY,
    )


def _put(programme: Programme, form: Form, edited: Awarder | None) -> str:
    typed = Typed(form)
    key = typed.key("awarder") if edited is None else edited.key
    name, role = typed.name("name"), form.value("role")
    typed.refuse()

    def put(session: Session) -> None:
        if edited is None:
            seen.refuse_taken("awarder", _exists(session, programme, key))
        else:
            seen.refuse_changed(form.value(SEEN), _content(awarders.get(session, programme, key)))
        awarders.put(session, programme.key, key, name=name, role=role)

    database().run(visitor().company_id, put, writes=True)
    return key


def _exists(session: Session, programme: Programme, key: str) -> bool:
    try:
        awarders.get(session, programme, key)
    except NotFound:
        return False
    return True


def _courses(session: Session, programme: Programme) -> list[Course]:
    return sorted(courses.find_all(session, programme).values(), key=lambda each: (each.opens_on, each.key))


def _content(its: Awarder) -> list[str]:
    """What the form changes; allowances are changed by amounts."""
    return [its.name, its.role]


def _values(its: Awarder) -> dict[str, str]:
    return {"name": its.name, "role": its.role, SEEN: seen.mark(_content(its))}


def _labels() -> dict[str, str]:
    return {"awarder": _("ID"), "name": _("Full name"), "role": _("Role")}


def _roles() -> dict[str, str]:
    return {"trainer": _("Trainer"), "mentor": _("Mentor"), "committee": _("Committee member")}


def _new(programme: Programme, form: Form, status: int = 200) -> AnyResponse:
    return render_admin(
        "pages/admin/new_awarder.html", status, programme=programme, form=form, labels=_labels(), roles=_roles()
    )
