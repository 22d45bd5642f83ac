"""Which role may see which page, and send which form: said where the page is, as `api.auth.requires` does for the API.

A view that says nothing is a mistake that the application does not start with.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import abort, current_app, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from api.app_state import database
from api.pages import cookies
from pointsbank.errors import Forbidden, Unauthorised
from pointsbank.users import sessions
from pointsbank.users.people import ROLES, Role
from pointsbank.users.sessions import Visitor

View = TypeVar("View", bound=Callable[..., Any])

EVERYBODY: frozenset[Role] = frozenset(ROLES)


def allows(*roles: Role) -> Callable[[View], View]:
    """The view is for who is signed in and has one of the roles; without any: for whoever is signed in."""

    def declare(view: View) -> View:
        view.allowed = frozenset(roles) or EVERYBODY  # type: ignore[attr-defined]  # a function takes attributes
        return view

    return declare


def anybody(view: View) -> View:
    """The view is for who is not signed in, too."""
    view.allowed = None  # type: ignore[attr-defined]  # a function takes attributes
    return view


def allowed(view: object) -> frozenset[Role] | None:
    """None: anybody. Raises AttributeError for a view that does not say."""
    found: frozenset[Role] | None = view.allowed  # type: ignore[attr-defined]  # a function takes attributes
    return found


def guard() -> AnyResponse | None:
    """Before each view. Raises Unauthorised for a form, Forbidden."""
    roles = allowed(current_app.view_functions[request.endpoint or ""])
    if roles is None:
        return None
    visitor = find_visitor()
    if visitor is None:
        if request.method in ("GET", "HEAD") and request.accept_mimetypes.best != "application/json":
            return redirect(url_for("sign_in.form", next=request.full_path.rstrip("?")), 303)
        raise Unauthorised("You are not signed in, or no longer.")
    if not roles & visitor.roles:
        raise Forbidden("This page is for other roles.")
    return None


def find_visitor() -> Visitor | None:
    """Who is signed in, looked up once a request."""
    if "visitor" not in g:
        text = request.cookies.get(cookies.session_name(), "")
        g.visitor = sessions.visitor(database(), text) if text else None
    found: Visitor | None = g.visitor
    return found


def visitor() -> Visitor:
    """Who is signed in, on a page that is for nobody else."""
    found = find_visitor()
    if found is None:
        abort(401)
    return found
