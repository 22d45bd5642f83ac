"""/admin: the programmes of the company, and a new one."""

from datetime import UTC, datetime

from flask import redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from api.app_state import database
from api.pages import forms
from api.pages.access import allows, visitor
from api.pages.admin import programme_form
from api.pages.admin.shell import MANAGERS, REFUSALS, render_admin
from api.pages.forms import Form
from api.pages.frame import Pages
from pointsbank import company
from pointsbank.database import Session
from pointsbank.directory import figures, programmes
from pointsbank.directory.programmes import Programme
from pointsbank.directory.seen import refuse_taken

blp = Pages("admin_programmes", __name__)

PROGRAMMES = 50
"""Of a page."""


@blp.get("/admin")
@allows(*MANAGERS)
def show_all() -> AnyResponse:
    with database().snapshot(visitor().company_id) as session:
        found = programmes.page(session, PROGRAMMES + 1, request.args.get("after"))
        learners = figures.learners_by_programme(session)
        of_company = company.get(session)
    further = found[PROGRAMMES - 1].key if len(found) > PROGRAMMES else None
    return render_admin(
        "pages/admin/programmes.html",
        programmes=found[:PROGRAMMES],
        learners=learners,
        further=further,
        company=of_company,
        now=datetime.now(UTC),
        is_first="after" not in request.args,
    )


@blp.get("/admin/new-programme")
@allows(*MANAGERS)
def new() -> AnyResponse:
    with database().snapshot(visitor().company_id) as session:
        timezone = company.get(session).timezone
    return _form(Form({"timezone": timezone}))


@blp.post("/admin/new-programme")
@allows(*MANAGERS)
def make() -> AnyResponse:
    form = programme_form.sent()
    if (with_other_rows := programme_form.rows_changed(form)) is not None:
        return _form(with_other_rows)
    try:
        made = _make(form)
    except REFUSALS as error:
        return _form(forms.refused(form, error, programme_form.labels(form)), error.status)
    return redirect(url_for("admin_programme.show", programme=made.key, done="made"), 303)


def _make(form: Form) -> Programme:
    key, content = programme_form.read(form)

    def put(session: Session) -> Programme:
        refuse_taken("programme", programmes.exists(session, key))
        return programmes.put(session, key, **content)[0]

    return database().run(visitor().company_id, put, writes=True)


def _form(form: Form, status: int = 200) -> AnyResponse:
    return render_admin(
        "pages/admin/programme_form.html",
        status,
        form=form,
        labels=programme_form.labels(form),
        rows=programme_form.rows(form),
        edited=None,
    )
