"""/admin/access/signing: the keys that certificates are signed with, and where the company's people sign in."""

from flask import url_for
from werkzeug.wrappers import Response as AnyResponse

from api.app_state import database, state
from api.pages.access import allows, visitor
from api.pages.admin.access.shell import back, blp, render_access
from api.pages.admin.shell import KEEPERS
from credentials import signing_keys
from credentials.addresses import key_name
from credentials.proof import multikey
from credentials.signing_keys import SigningUnavailable
from pointsbank import company
from pointsbank.users import providers


@blp.get("/admin/access/signing")
@allows(*KEEPERS)
def show_signing() -> AnyResponse:
    return _page()


@blp.post("/admin/access/signing/rotation")
@allows(*KEEPERS)
def rotate_signing() -> AnyResponse:
    try:
        with database().transaction(visitor().company_id) as session:
            signing_keys.rotate(session, state().settings.key_encryption_keys, visitor().user_no)
    except SigningUnavailable as error:
        return _page(str(error.detail), status=503)
    return back("show_signing", "signing-key-rotated")


def _page(fault: str | None = None, status: int = 200) -> AnyResponse:
    base = state().settings.base_url
    with database().snapshot(visitor().company_id) as session:
        every = signing_keys.every(session)[::-1]
        provider = providers.find(session)
        key = company.get(session).key
    return render_access(
        "signing.html",
        status,
        keys=[(key_name(each.no), multikey(each.public), each) for each in every],
        can_seal=bool(state().settings.key_encryption_keys),
        provider=provider,
        redirect_uri=base + url_for("openid.back"),
        entrance=f"{base}{url_for('sign_in.form', company=key)}",
        fault=fault,
    )
