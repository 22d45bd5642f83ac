"""The register: certificates of a programme, found by what they are, and one with all that it rests on."""

from collections.abc import Sequence

from flask import Response
from werkzeug.wrappers import Response as AnyResponse

from api.app_state import database
from api.pages import certificate_files
from api.pages.access import allows, visitor
from api.pages.admin.certification.section import BASE, blp, next_position, once, position, wanted
from api.pages.admin.shell import MANAGERS, render_admin, way_to
from api.pages.forms import Form
from api.pages.frame import language
from credentials.content import Line
from credentials.paper import PaperNotInstalled
from pointsbank.database import Session
from pointsbank.directory import programmes
from pointsbank.directory.programmes import Programme
from pointsbank.errors import NotFound
from rules.certification import register, reviewing, statement
from rules.certification.register import STATUSES, Certificate, Filters

CERTIFICATES = 30
"""Of a page."""
IN_REVIEW = "review"


@blp.get(f"{BASE}/certificates")
@allows(*MANAGERS)
def show_certificates(programme: str) -> AnyResponse:
    """Those that changed last first."""
    status, kind, who = wanted("status"), wanted("kind"), wanted("who")
    filters = Filters(
        programme=programme,
        status=next((each for each in STATUSES if each == status), None),
        in_review=True if status == IN_REVIEW else None,
        kind="points" if kind == "points" else "qualification" if kind == "qualification" else None,
        who=who,
    )
    with database().snapshot(visitor().company_id) as session:
        about = programmes.get(session, programme)
        found = register.latest(session, filters, CERTIFICATES + 1, position())
    now = register.now()
    return render_admin(
        "pages/admin/certificates.html",
        programme=about,
        found=[(each, each.status_at(now)) for each in found[:CERTIFICATES]],
        older=next_position(found[CERTIFICATES - 1].changed_in if len(found) > CERTIFICATES else None),
        form=Form({"status": status or "", "kind": kind or "", "who": who or ""}),
        said=language(),
    )


@blp.get(f"{BASE}/certificates/<key:number>")
@allows(*MANAGERS)
def show_certificate(programme: str, number: str) -> AnyResponse:
    return show_one(programme, number)


def show_one(key: str, number: str, form: Form | None = None, deciding: str = "") -> AnyResponse:
    """`form` is what was sent to decide on it (`deciding` is `revoke` or `keep`), and is shown again."""
    with database().snapshot(visitor().company_id) as session:
        programme = programmes.get(session, key)
        found = certificate_of(session, programme, number)
        explanation, rests_on = register.explanation(session, found)
        taken_back = reviewing.taken_back(session, found)
        lines = _lines(session, found)
    return render_admin(
        "pages/admin/certificate.html",
        422 if form else 200,
        programme=programme,
        certificate=found,
        stands=found.status_at(register.now()),
        explanation=explanation,
        rests_on=rests_on,
        taken_back=taken_back,
        lines=lines,
        form=form or Form({"key": once()}),
        deciding=deciding,
        way_to_entry=way_to("admin_entries.show", number=found.entry_number),
        said=language(),
    )


def certificate_of(session: Session, programme: Programme, number: str) -> Certificate:
    """Raises NotFound, also for a certificate of another programme."""
    found = register.get(session, number)
    if found.programme != programme.no:
        raise NotFound(f"There is no certificate {number[:64]} of this programme.")
    return found


def _lines(session: Session, certificate: Certificate) -> Sequence[Line] | None:
    """None: what characters its paper can show is not known here."""
    try:
        return statement.lines(session, certificate)
    except PaperNotInstalled:
        return None


@blp.get(f"{BASE}/certificates/<key:number>/file.<form>")
@allows(*MANAGERS)
def download_certificate(programme: str, number: str, form: str) -> Response:
    with database().snapshot(visitor().company_id) as session:
        found = certificate_of(session, programmes.get(session, programme), number)
        lines = certificate_files.ready(session, found, form)
    return certificate_files.answer(found, form, lines)
