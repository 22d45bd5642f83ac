"""What HR decides about a certificate: it is revoked, or a review ends with it being kept."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from flask import redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from api.app_state import database
from api.pages import forms
from api.pages.access import allows, visitor
from api.pages.admin.certification.certificates import certificate_of, show_one
from api.pages.admin.certification.section import BASE, blp
from api.pages.admin.shell import MANAGERS
from pointsbank.database import Session
from pointsbank.directory import programmes
from pointsbank.errors import Conflict, Invalid
from rules.certification import revoking

Decide = Callable[[Session, str, str, str | None], Any]
"""With the certificate's number, the reason, and a key that makes asking again do nothing again."""


@blp.post(f"{BASE}/certificates/<key:number>/revoke")
@allows(*MANAGERS)
def revoke(programme: str, number: str) -> AnyResponse:
    return _decide(programme, number, "revoke", revoking.revoke)


@blp.post(f"{BASE}/certificates/<key:number>/keep")
@allows(*MANAGERS)
def keep(programme: str, number: str) -> AnyResponse:
    return _decide(programme, number, "keep", revoking.keep)


def _decide(programme: str, number: str, what: str, decide: Decide) -> AnyResponse:
    """Sent twice, the same form decides once."""
    form = forms.sent()
    reason = form.value("reason").strip()
    key = f"{form.value('key')}:{sha256(reason.encode('utf-8', 'replace')).hexdigest()[:16]}"

    def work(session: Session) -> None:
        certificate_of(session, programmes.get(session, programme), number)
        decide(session, number, reason, key)

    try:
        database().run(visitor().company_id, work, writes=True)
    except (Invalid, Conflict) as error:
        return show_one(programme, number, forms.refused(form, error, ["reason"]), what)
    address = url_for("admin_certification.show_certificate", programme=programme, number=number, done=what)
    return redirect(address, 303)
