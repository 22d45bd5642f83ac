"""/sign-in and /sign-out."""

from flask import redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as AnyResponse

from api.app_state import database, state
from api.pages import cookies
from api.pages.access import allows, anybody, find_visitor, visitor
from api.pages.frame import Pages, render
from pointsbank import company
from pointsbank.errors import RateLimited
from pointsbank.users import providers, sessions, signing_in
from pointsbank.users.signing_in import NotLetIn

blp = Pages("sign_in", __name__)

LIMIT = 60
"""Tries of an address in a minute, whatever names are tried."""
MAX_CHARACTERS = 200


@blp.get("/sign-in")
@anybody
def form() -> AnyResponse:
    if find_visitor() is not None:
        return redirect(_next(), 303)
    return _form(200, request.args.get("company", ""))


@blp.post("/sign-in")
@anybody
def enter() -> AnyResponse:
    key, name, password = (request.form.get(field, "") for field in ("company", "name", "password"))
    key, name = key.strip()[:MAX_CHARACTERS], name.strip()[:MAX_CHARACTERS]
    address = request.remote_addr or ""
    try:
        state().sign_ins.spend(address)
        text = signing_in.with_password(database(), key, name, password, address, _cookie())
    except NotLetIn:
        return _form(401, key, name, _("The company, the name or the password is wrong."))
    except RateLimited as error:
        seconds = error.extra["retry_after_seconds"]
        fault = ngettext(
            "Too many tries. Please wait %(num)s second.", "Too many tries. Please wait %(num)s seconds.", seconds
        )
        response = _form(429, key, name, fault)
        response.headers["Retry-After"] = str(seconds)
        return response
    return _entered(text)


@blp.get("/sign-in/link/<link>")
@anybody
def ask(link: str) -> AnyResponse:
    """Looking does not use the link up: programs that look at links before people do are many."""
    user = signing_in.user_of_link(database(), link)
    return render("pages/sign_in_link.html", 404 if user is None else 200, user=user)


@blp.post("/sign-in/link/<link>")
@anybody
def follow(link: str) -> AnyResponse:
    state().sign_ins.spend(request.remote_addr or "")
    try:
        return _entered(signing_in.with_link(database(), link, _cookie()))
    except NotLetIn:
        return render("pages/sign_in_link.html", 404, user=None)


@blp.post("/sign-out")
@allows()
def leave() -> AnyResponse:
    with database().transaction(visitor().company_id) as session:
        sessions.end(session, _cookie())
    response = redirect(url_for(".form"), 303)
    cookies.sign_out(response)
    return response


def _cookie() -> str:
    return request.cookies.get(cookies.session_name(), "")


def _form(status: int, company_key: str, name: str = "", fault: str | None = None) -> AnyResponse:
    given = {"company": company_key, "name": name, "next": cookies.local(request.values.get("next"))}
    return render(
        "pages/sign_in.html",
        status,
        given=given,
        fault=fault,
        own="own" in request.args,
        has_provider=_has_provider(company_key),
    )


def _has_provider(company_key: str) -> bool:
    company_id = company.find(database(), company_key)
    if company_id is None:
        return False
    with database().transaction(company_id) as session:
        return providers.find(session) is not None


def _next() -> str:
    return cookies.local(request.values.get("next")) or url_for("home.show")


def _entered(text: str) -> AnyResponse:
    response = redirect(_next(), 303)
    cookies.sign_in(response, text)
    return response
