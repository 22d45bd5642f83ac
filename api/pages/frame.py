"""What all pages have in common: language, theme, headers, forms that nobody else can send, errors as pages."""

import logging
import uuid
from typing import Any
from urllib.parse import quote, urlencode

import orjson
import psycopg
import sqlalchemy
from flask import Blueprint, Flask, Response, current_app, g, make_response, redirect, render_template, request
from flask_babel import gettext as _
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from api import problems
from api.language import LANGUAGES, Language, asked_for, known, preferred
from api.pages import access, assets, cookies, forms, menu, showing
from api.problems import as_problem
from pointsbank.database import is_transient, unavailable
from pointsbank.errors import PointsBankError

log = logging.getLogger(__name__)

THEMES = ("light", "dark")
HTML_LANG = {"zh": "zh-CN", "en": "en"}

_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
}
HSTS = "max-age=31536000"


class Pages(Blueprint):
    """A blueprint of pages: each of its views says with `api.pages.access` whom it is for."""

    def __init__(self, name: str, import_name: str) -> None:
        super().__init__(name, import_name, template_folder="../web")
        self.before_request(_bounded)
        self.before_request(_chosen)
        self.before_request(access.guard)
        self.before_request(_check_form)
        self.after_request(_finished)
        self.register_error_handler(Exception, _failed)


def register(app: Flask) -> None:
    """Raises AttributeError for a view that does not say whom it is for."""
    for rule in app.url_map.iter_rules():
        if isinstance(app.blueprints.get(rule.endpoint.rpartition(".")[0]), Pages):
            access.allowed(app.view_functions[rule.endpoint])
    app.register_error_handler(404, _nowhere)
    app.jinja_env.globals |= {
        "asset": assets.address,
        "form_token": cookies.token,
        "page_language": language,
        "page_theme": theme,
        "page_menu": menu.entries,
        "with_query": with_query,
        "find_visitor": access.find_visitor,
    }
    app.jinja_env.filters |= showing.FILTERS


def render(template: str, status: int = 200, **values: Any) -> Response:
    return make_response(render_template(template, **values), status)


def wants_json() -> bool:
    accepted = request.accept_mimetypes
    return max(accepted["application/json"], accepted["application/problem+json"]) > accepted["text/html"]


# --- what was chosen ---


def language() -> Language:
    """What was chosen, else what the browser prefers."""
    return asked_for(request) or known(request.cookies.get("lang")) or preferred(request)


def theme() -> str | None:
    """What was chosen; None: as the device has it."""
    found = request.cookies.get("theme")
    return found if found in THEMES else None


def timezone() -> str:
    found = access.find_visitor()
    return "UTC" if found is None else found.timezone


def with_query(**changes: str | None) -> str:
    """The address of this page with another query; None leaves a member out."""
    query = {**request.args.to_dict(), **changes}
    kept = {name: value for name, value in query.items() if value}
    path = quote(request.path)
    return f"{path}?{urlencode(kept)}" if kept else path


def _bounded() -> None:
    """Before anything of it is read."""
    request.max_content_length = forms.most_bytes(current_app.view_functions[request.endpoint or ""])


def _chosen() -> AnyResponse | None:
    """`?lang=` and `?theme=` are kept, and go from the address."""
    if request.method != "GET":
        return None
    choices = {"lang": LANGUAGES, "theme": (*THEMES, "auto")}
    given = {name: request.args[name] for name in choices if request.args.get(name) in choices[name]}
    if not given:
        return None
    response = redirect(with_query(lang=None, theme=None), 303)
    for name, value in given.items():
        cookies.choose(response, name, value)
    return response


# --- forms, headers, errors ---


def _check_form() -> None:
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        cookies.check_token()


def _finished(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if cookies.is_secure():
        response.headers["Strict-Transport-Security"] = HSTS
    if not response.cache_control:
        response.cache_control.no_store = True
    response.headers.setdefault("Content-Language", HTML_LANG[language()])
    response.vary.update(("Cookie", "Accept-Language"))
    cookies.keep(response)
    return response


def _failed(error: Exception) -> AnyResponse:
    problem = _problem(error)
    if isinstance(problem, HTTPException):
        if (problem.code or 500) < 400:
            return Response(problem.get_body(), problem.code, problem.get_headers())
        problem = _of_http(problem)
    if wants_json():
        body = orjson.dumps(as_problem(problem, request.path))
        response = Response(body, problem.status, mimetype="application/problem+json")
    else:
        response = render("pages/error.html", problem.status, problem=problem, **_words(problem))
    if problem.status in (429, 503):
        response.headers["Retry-After"] = str(problem.extra.get("retry_after_seconds", 1))
    return _finished(response)


def _nowhere(error: HTTPException) -> AnyResponse:
    """An address that there is not: a page for who reads pages, a problem for programs."""
    accepted = request.accept_mimetypes
    reads_pages = accepted["text/html"] > accepted["application/json"] and not request.path.startswith("/v1")
    return _failed(error) if request.url_rule is None and reads_pages else problems.of_http(error)


class _Failure(PointsBankError):
    """What has no name of its own, with the status that it is answered with."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.title = status, title  # type: ignore[misc]  # of this one only


def _problem(error: Exception) -> PointsBankError | HTTPException:
    if isinstance(error, PointsBankError | HTTPException):
        return error
    database_error = isinstance(error, psycopg.Error | sqlalchemy.exc.SQLAlchemyError)
    if database_error and (is_transient(error) or isinstance(error, sqlalchemy.exc.TimeoutError)):
        return unavailable(error)
    g.reference = uuid.uuid4().hex
    log.error("unexpected error %s at %s %s", g.reference, request.method, request.path, exc_info=error)
    return _Failure(500, "Internal error", f"It is in our log as {g.reference}.")


def _of_http(error: HTTPException) -> PointsBankError:
    return _Failure(error.code or 500, error.name, error.description or "")


def _words(problem: PointsBankError) -> dict[str, str]:
    """What the page says, in its language, and which picture it shows."""
    seconds = problem.extra.get("retry_after_seconds", 1)
    found = {
        401: (
            "lock",
            _("Please sign in again"),
            _("Your session has ended."),
        ),
        403: ("lock", _("This page is not for you"), _("Your roles do not open it. If they should, ask HR.")),
        404: ("lost", _("There is nothing here"), _("The address is wrong, or what was here is gone.")),
        429: ("wait", _("Too many requests"), _("Please try again in %(seconds)s seconds.", seconds=seconds)),
        503: ("wait", _("Not to be reached just now"), _("Nothing is lost. Please try again in a moment.")),
    }.get(problem.status)
    if isinstance(problem, cookies.FormOutOfDate):
        found = ("wait", _("This form is out of date"), _("Go back, load the page again, and send it once more."))
    if found is None and problem.status < 500:
        found = ("lost", _("That did not work"), _("Please go back and check what you entered."))
    if found is None:
        reference = g.get("reference", "")
        found = ("lost", _("Something failed here"), _("It is in our log as %(reference)s.", reference=reference))
    return {"picture": found[0], "title": found[1], "says": found[2]}
