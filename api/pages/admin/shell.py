"""What the pages of the administration have in common: the way between them, and the programme that they are about."""

from typing import Any, NamedTuple

from flask import Response, current_app, request, url_for
from flask_babel import gettext as _

from api.pages.access import allowed, visitor
from api.pages.frame import render
from ledger.errors import LedgerError
from pointsbank.directory.programmes import Programme
from pointsbank.errors import Conflict, Invalid
from pointsbank.users.people import Role

MANAGERS: tuple[Role, ...] = ("hr", "admin")
KEEPERS: tuple[Role, ...] = ("admin",)
"""Of keys, tokens, origins and display links: who lets machines in."""


REFUSALS = (Invalid, Conflict, LedgerError)
"""What a form can be refused for, and shown once more."""


class Way(NamedTuple):
    address: str
    label: str
    is_here: bool


def render_admin(template: str, status: int = 200, *, programme: Programme | None = None, **values: Any) -> Response:
    """A page that extends pages/admin/frame.html; with the sections of the programme that it is about."""
    company = _ways(_of_company())
    own = [] if programme is None else _ways(_of_programme(), programme.key)
    values.setdefault("done", _done(request.args.get("done")))
    return render(template, status, programme=programme, company_ways=company, programme_ways=own, way=way, **values)


def way(endpoint: str, **values: Any) -> str | None:
    """The address of a page; None if there is none, or not for who is signed in."""
    view = current_app.view_functions.get(endpoint)
    roles = None if view is None else allowed(view)
    return url_for(endpoint, **values) if roles is not None and roles & visitor().roles else None


def _done(what: str | None) -> str | None:
    """What `?done=` says that the form before has done."""
    return {"saved": _("Saved."), "made": _("Made.")}.get(what or "")


def way_to(endpoint: str, **values: Any) -> str | None:
    """The address of another section's page, for who may go there."""
    view = current_app.view_functions.get(endpoint)
    roles = None if view is None else allowed(view)
    return url_for(endpoint, **values) if roles is not None and roles & visitor().roles else None


def _ways(sections: list[tuple[str, str]], programme: str | None = None) -> list[Way]:
    found = []
    for endpoint, label in sections:
        view = current_app.view_functions.get(endpoint)
        roles = None if view is None else allowed(view)
        if roles is not None and roles & visitor().roles:
            here = (request.blueprint or "") == endpoint.partition(".")[0]
            address = url_for(endpoint) if programme is None else url_for(endpoint, programme=programme)
            found.append(Way(address, label, here))
    return found


def _of_company() -> list[tuple[str, str]]:
    return [
        ("admin_programmes.show_all", _("Programmes")),
        ("admin_learners.show_all", _("Learners")),
        ("admin_entries.find", _("Journal entries")),
        ("admin_feed.show", _("Live feed")),
        ("admin_access.show", _("Keys and access")),
        ("admin_company.show", _("Company")),
    ]


def _of_programme() -> list[tuple[str, str]]:
    """Each takes the programme's key as `programme`."""
    return [
        ("admin_programme.show", _("Overview")),
        ("admin_courses.show_all", _("Courses")),
        ("admin_roster.show", _("Roster")),
        ("admin_teams.show", _("Teams")),
        ("admin_awarders.show_all", _("Awarders")),
        ("admin_rulebook.show", _("Rulebook")),
        ("admin_certification.show", _("Certification")),
        ("reports.show", _("Reports")),
        ("admin_screens.show", _("Big screen")),
    ]
