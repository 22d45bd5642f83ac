"""/admin/access/origins: the pages on which widgets may be shown."""

from werkzeug.wrappers import Response as AnyResponse

from api.app_state import database
from api.pages import forms
from api.pages.access import allows, visitor
from api.pages.admin.access.shell import back, blp, render_access
from api.pages.admin.shell import KEEPERS
from api.pages.forms import Form
from pointsbank import company
from pointsbank.errors import Invalid
from pointsbank.origins import MAX_ORIGINS


@blp.get("/admin/access/origins")
@allows(*KEEPERS)
def show_origins() -> AnyResponse:
    return _page(Form())


@blp.post("/admin/access/origins")
@allows(*KEEPERS)
def add_origin() -> AnyResponse:
    form = forms.sent()
    try:
        with database().transaction(visitor().company_id) as session:
            company.add_origin(session, form.value("origin").strip(), visitor().user_no)
    except Invalid as error:
        return _page(forms.refused(form, error, ("origin",)), status=422)
    return back("show_origins", "origin-added")


@blp.post("/admin/access/origins/removal")
@allows(*KEEPERS)
def remove_origin() -> AnyResponse:
    with database().transaction(visitor().company_id) as session:
        company.remove_origin(session, forms.sent().value("origin"), visitor().user_no)
    return back("show_origins", "origin-removed")


def _page(form: Form, status: int = 200) -> AnyResponse:
    with database().snapshot(visitor().company_id) as session:
        listed = company.get(session).origins
    return render_access("origins.html", status, form=form, origins=listed, most=MAX_ORIGINS)
