"""/admin/company: what the company is called, its time zone, and the decimals of its credits."""

from flask import redirect, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from api.app_state import database
from api.pages import forms
from api.pages.access import allows, visitor
from api.pages.admin.shell import MANAGERS, REFUSALS, render_admin
from api.pages.forms import SEEN, Form
from api.pages.frame import Pages
from api.pages.typed import Typed
from pointsbank import company
from pointsbank.company import MAX_CREDITS_SCALE, Company
from pointsbank.database import Session
from pointsbank.directory import seen

blp = Pages("admin_company", __name__)


@blp.get("/admin/company")
@allows(*MANAGERS)
def show() -> AnyResponse:
    with database().snapshot(visitor().company_id) as session:
        found = company.get(session)
    return _form(Form(_values(found)))


@blp.post("/admin/company")
@allows(*MANAGERS)
def save() -> AnyResponse:
    form = forms.sent()
    try:
        _put(form)
    except seen.ChangedMeanwhile as error:
        with database().snapshot(visitor().company_id) as session:
            form = forms.meanwhile(form, _values(company.get(session)))
        if form.now:
            return _form(form, error.status)
    except REFUSALS as error:
        return _form(forms.refused(form, error, _labels()), error.status)
    return redirect(url_for("admin_company.show", done="saved"), 303)


def _put(form: Form) -> None:
    typed = Typed(form)
    name, timezone = typed.name("name"), typed.text("timezone") or ""
    scale = typed.whole("credits_scale", most=MAX_CREDITS_SCALE)
    typed.refuse()

    def put(session: Session) -> None:
        before = company.get(session)
        seen.refuse_changed(form.value(SEEN), _content(before))
        company.put(session, name, timezone, scale, before.origins)

    database().run(visitor().company_id, put, writes=True)


def _content(found: Company) -> list[object]:
    """What this form changes; origins have a page of their own."""
    return [found.name, found.timezone, found.credits_scale]


def _values(found: Company) -> dict[str, str]:
    return {
        "name": found.name,
        "timezone": found.timezone,
        "credits_scale": str(found.credits_scale),
        SEEN: seen.mark(_content(found)),
    }


def _labels() -> dict[str, str]:
    return {"name": _("Name"), "timezone": _("Time zone"), "credits_scale": _("Decimals of credits")}


def _form(form: Form, status: int = 200) -> AnyResponse:
    with database().snapshot(visitor().company_id) as session:
        found, is_fixed = company.get(session), company.has_booked_credits(session)
    return render_admin(
        "pages/admin/company.html",
        status,
        form=form,
        labels=_labels(),
        company=found,
        is_fixed=is_fixed,
        scales=[(str(scale), str(scale)) for scale in range(MAX_CREDITS_SCALE + 1)],
    )
