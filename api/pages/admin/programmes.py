"""/admin: the programmes of the company."""

from flask import request
from werkzeug.wrappers import Response as AnyResponse

from api.app_state import database
from api.pages.access import allows, visitor
from api.pages.admin.shell import MANAGERS, render_admin
from api.pages.frame import Pages
from pointsbank.directory import programmes

blp = Pages("admin_programmes", __name__)

PROGRAMMES = 50
"""Of a page."""


@blp.get("/admin")
@allows(*MANAGERS)
def show_all() -> AnyResponse:
    with database().snapshot(visitor().company_id) as session:
        found = programmes.page(session, PROGRAMMES + 1, request.args.get("after"))
    further = found[PROGRAMMES - 1].key if len(found) > PROGRAMMES else None
    return render_admin("pages/admin/programmes.html", programmes=found[:PROGRAMMES], further=further)
