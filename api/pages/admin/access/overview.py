"""/admin/access: what there is of each, and what was done lately, by whom."""

from flask import request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from api.app_state import database
from api.pages.access import allows, visitor
from api.pages.admin.access.shell import blp, render_access
from api.pages.admin.shell import KEEPERS
from credentials import signing_keys
from pointsbank import access_counts, acts, company
from pointsbank.acts import Act
from pointsbank.users import providers

ACTS = 20
"""Of a page."""


@blp.get("/admin/access")
@allows(*KEEPERS)
def show() -> AnyResponse:
    before = request.args.get("before", type=int)
    with database().snapshot(visitor().company_id) as session:
        found = acts.page(session, ACTS + 1, before)
        signing = next((key for key in signing_keys.every(session) if key.retired_at is None), None)
        return render_access(
            "overview.html",
            acts=found[:ACTS],
            further=found[ACTS - 1].no if len(found) > ACTS else None,
            before=before,
            words=_words(),
            counts=access_counts.of(session),
            origins=company.get(session).origins,
            provider=providers.find(session),
            signing=signing,
        )


def _words() -> dict[Act, str]:
    return {
        "key-made": _("made the API key"),
        "key-revoked": _("revoked the API key"),
        "token-made": _("made the widget token"),
        "token-revoked": _("revoked the widget token"),
        "origin-added": _("listed the origin"),
        "origin-removed": _("removed the origin"),
        "user-made": _("made the user"),
        "user-changed": _("changed the user"),
        "user-disabled": _("disabled the user"),
        "user-enabled": _("enabled the user"),
        "link-made": _("made a sign-in link for"),
        "sessions-ended": _("signed out everywhere"),
        "signing-key-rotated": _("began to sign with"),
        "display-made": _("made the display link"),
        "display-revoked": _("revoked the display link"),
    }
