"""/admin/programmes/<programme>/screens: the display links that open a programme's big screen."""

import segno
from flask import redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from api.app_state import database, state
from api.pages import forms
from api.pages.access import allows, visitor
from api.pages.admin.shell import MANAGERS, render_admin
from api.pages.forms import Form
from api.pages.frame import Pages
from pointsbank import displays
from pointsbank.directory import programmes
from pointsbank.errors import Invalid

blp = Pages("admin_screens", __name__)

FIELDS = ("name", "score", "hides_names")
QR_BORDER, QR_SCALE = 2, 8


@blp.get("/admin/programmes/<key:programme>/screens")
@allows(*MANAGERS)
def show(programme: str) -> AnyResponse:
    return _page(programme, Form({"score": "sum"}))


@blp.post("/admin/programmes/<key:programme>/screens")
@allows(*MANAGERS)
def make(programme: str) -> AnyResponse:
    """The link is in this answer, and nowhere else."""
    form = forms.sent()
    name, hides, score = form.value("name"), form.value("hides_names") == "on", form.value("score")
    try:
        with database().transaction(visitor().company_id) as session:
            found = programmes.get(session, programme)
            made, text = displays.create(session, found, name, hides, score, visitor().user_no)
    except Invalid as error:
        return _page(programme, forms.refused(form, error, FIELDS), 422)
    path = url_for("screen.follow", link=text)
    address = state().settings.base_url + path
    qr = segno.make(address, error="m", micro=False).svg_data_uri(scale=QR_SCALE, border=QR_BORDER)
    return _page(programme, Form({"score": "sum"}), made=made.name, address=address, path=path, qr=qr)


@blp.post("/admin/programmes/<key:programme>/screens/<int:no>/revocation")
@allows(*MANAGERS)
def revoke(programme: str, no: int) -> AnyResponse:
    with database().transaction(visitor().company_id) as session:
        displays.revoke(session, programmes.get(session, programme), no, visitor().user_no)
    return redirect(url_for(".show", programme=programme, done="revoked"), 303)


def _page(key: str, form: Form, status: int = 200, **made: str) -> AnyResponse:
    with database().snapshot(visitor().company_id) as session:
        programme = programmes.get(session, key)
        found = displays.page(session, programme)
    revoked = _("The link is revoked. Screens that it opened close within seconds.")
    return render_admin(
        "pages/admin/screens.html",
        status,
        programme=programme,
        form=form,
        displays=found,
        scores={"sum": _("Total"), "mean": _("Per member")},
        done=revoked if request.args.get("done") == "revoked" else None,
        **made,
    )
