"""The pages that a visitor is shown the way to, in this order."""

from typing import NamedTuple

from flask import current_app, request, url_for
from flask_babel import gettext as _

from api.pages.access import allowed, find_visitor


class Entry(NamedTuple):
    address: str
    label: str
    says: str
    is_here: bool


def entries() -> list[Entry]:
    visitor = find_visitor()
    if visitor is None:
        return []
    found = []
    for endpoint, label, says in _all():
        roles = allowed(current_app.view_functions[endpoint])
        if roles is None or roles & visitor.roles:
            own = url_for(endpoint)
            here = request.path == own or request.path.startswith(own + "/")
            found.append(Entry(own, label, says, here))
    return found


def _all() -> list[tuple[str, str, str]]:
    """Endpoint, what it is called, what it is for."""
    return [
        ("passbook.show", _("Passbook"), _("Your credits, flowers and certificates")),
        ("award.show", _("Give flowers"), _("Red flowers for one, several, a team or everyone")),
        ("admin_programmes.show_all", _("Administration"), _("Programmes, rules, certificates and reports")),
    ]
