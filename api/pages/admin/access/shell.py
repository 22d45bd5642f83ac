"""What the pages of access have in common: the way between them, and what was done."""

from typing import Any

from flask import Response, request, url_for
from flask_babel import gettext as _
from werkzeug.utils import redirect
from werkzeug.wrappers import Response as AnyResponse

from api.pages.admin.shell import Way, render_admin
from api.pages.frame import Pages

blp = Pages("admin_access", __name__)


def render_access(template: str, status: int = 200, **values: Any) -> Response:
    """A page that extends pages/admin/access/frame.html."""
    done = _done().get(request.args.get("done", ""))
    return render_admin(f"pages/admin/access/{template}", status, ways=_ways(), done=done, **values)


def back(endpoint: str, done: str, **values: Any) -> AnyResponse:
    """To a page of access, which says what was done."""
    return redirect(url_for(f"admin_access.{endpoint}", done=done, **values), 303)


def _ways() -> list[Way]:
    sections = [
        ("show", _("Overview")),
        ("show_keys", _("API keys")),
        ("show_tokens", _("Widgets")),
        ("show_origins", _("Origins")),
        ("show_users", _("Users")),
        ("show_signing", _("Signing and sign-in")),
    ]
    found = []
    for endpoint, label in sections:
        address = url_for(f"admin_access.{endpoint}")
        here = request.path == address or (endpoint != "show" and request.path.startswith(address + "/"))
        found.append(Way(address, label, here))
    return found


def _done() -> dict[str, str]:
    return {
        "key-revoked": _("The key is revoked. Within a second nobody gets in with it."),
        "token-revoked": _("The token is revoked. Widgets that use it stop within seconds."),
        "origin-added": _("The origin is listed. Widgets may be shown there."),
        "origin-removed": _("The origin is no longer listed."),
        "user-changed": _("The user is changed."),
        "user-disabled": _("The user is disabled, and signed out everywhere."),
        "user-enabled": _("The user may sign in again."),
        "sessions-ended": _("The user is signed out everywhere."),
        "signing-key-rotated": _("New certificates are signed with a new key. Those that were issued stay good."),
    }
