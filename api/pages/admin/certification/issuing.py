"""From a preview to certificates: a run of the same cut-off that issues, once it is confirmed."""

from flask import redirect, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from api.app_state import database
from api.pages import forms
from api.pages.access import allows, visitor
from api.pages.admin.certification.runs import show_one
from api.pages.admin.certification.section import BASE, blp, get_run, with_fault
from api.pages.admin.shell import MANAGERS
from pointsbank.directory import programmes
from rules.certification import run as runs
from rules.certification.run import Wanted


@blp.post(f"{BASE}/runs/<key:run>/issue")
@allows(*MANAGERS)
def issue(programme: str, run: str) -> AnyResponse:
    """Begins a run that judges everybody once more, and issues. Its warnings stop it unless they were confirmed."""
    form, company_id = forms.sent(), visitor().company_id
    confirmed, reissues = form.value("confirm") == "yes", form.value("reissue") == "yes"
    with database().snapshot(company_id) as session:
        before = get_run(session, programmes.get(session, programme), run)
    if before.warnings and not confirmed:
        fault = _("Tick this if certificates are to be issued in spite of the warnings.")
        return show_one(programme, run, with_fault(form, "confirm", fault))
    wanted = Wanted(before.cut_off, True, confirmed, reissues)
    key = f"{form.value('key')}:{before.no}:{confirmed}:{reissues}"
    begun = database().run(company_id, lambda session: runs.start(session, programme, wanted, None, key), writes=True)
    return redirect(url_for("admin_certification.show_run", programme=programme, run=begun.no), 303)
