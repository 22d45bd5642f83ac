"""/admin/access/widgets: boards on the company's own pages. A board is chosen with a live picture of it beside the
form; its token, and the lines to paste, are shown once."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import orjson
from flask import Response, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from api.app_state import database, state
from api.leaderboards import shown
from api.pages import cookies, forms
from api.pages.access import allows, visitor
from api.pages.admin.access.shell import back, blp, render_access
from api.pages.admin.shell import KEEPERS
from api.pages.forms import Form
from api.pages.session_right import SessionRight
from api.streams import answering
from api.widget_tokens import embed
from pointsbank import company, widgets
from pointsbank.database import Session
from pointsbank.directory import courses, programmes
from pointsbank.directory.days import end_of
from pointsbank.directory.faults import FIRST_YEAR, LAST_YEAR
from pointsbank.errors import FieldError, Invalid, NotFound
from pointsbank.leaderboards import boards
from pointsbank.leaderboards.boards import DEFAULT_ROWS, DEFAULTS, MAX_ROWS, Board
from pointsbank.leaderboards.reading import View
from pointsbank.saying import say
from pointsbank.widgets import DEFAULT_TTL_SECONDS, Token

TOKENS = 50
"""Of a page."""
PROGRAMMES = 100
"""To choose from."""
FIELDS = ("name", "scope", "unit", "members", "period", "first", "last", "score", "limit", "until")
BETWEEN = "between"
"""The choice of a period that has a first and a last day."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the form asks for. `until` is the last day on which the token is good."""

    board: Board
    limit: int
    until: date


@blp.get("/admin/access/widgets")
@allows(*KEEPERS)
def show_tokens() -> AnyResponse:
    with database().snapshot(visitor().company_id) as session:
        found = widgets.newest(session, TOKENS + 1, request.args.get("before", type=int))
        scopes = dict(_scopes(session))
        origins = company.get(session).origins
    return render_access(
        "widgets.html",
        tokens=found[:TOKENS],
        further=found[TOKENS - 1].no if len(found) > TOKENS else None,
        scopes=scopes,
        words=words(),
        state_of=_state_of,
        as_query=boards.query,
        origins=origins,
    )


@blp.get("/admin/access/widgets/new")
@allows(*KEEPERS)
def new_token() -> AnyResponse:
    """The form, with the board that the address names if it names one."""
    given = {name: request.args[name] for name in DEFAULTS if name in request.args}
    values = {**DEFAULTS, "scope": "", "limit": str(DEFAULT_ROWS), "until": _in_a_year().isoformat(), **given}
    if values["period"] not in words()["period"]:
        values["first"], _dots, values["last"] = values["period"].partition("..")
        values["last"] = values["last"] or values["first"]
        values["period"] = BETWEEN
    return _form(Form(values))


@blp.post("/admin/access/widgets/new")
@allows(*KEEPERS)
def make_token() -> AnyResponse:
    """The token's text is in this answer, and nowhere else."""
    form = forms.sent()
    try:
        chosen = _chosen(form)
        expires_at = end_of(chosen.until, ZoneInfo(visitor().timezone))
        name = form.value("name").strip() or None
        with database().transaction(visitor().company_id) as session:
            made, text = widgets.create(session, chosen.board, name, expires_at, visitor().user_no)
            origins = company.get(session).origins
    except (Invalid, NotFound) as error:
        return _form(forms.refused(form, error, FIELDS, {"expires_at": "until"}), 422)
    return render_access(
        "widget.html",
        token=made,
        text=text,
        embed=embed(made, text, chosen.limit),
        board=urlencode(boards.query(chosen.board), safe=":/"),
        limit=chosen.limit,
        origins=origins,
    )


@blp.post("/admin/access/widgets/<token>/revocation")
@allows(*KEEPERS)
def revoke_token(token: str) -> AnyResponse:
    with database().transaction(visitor().company_id) as session:
        widgets.revoke(session, token.replace("\0", ""), visitor().user_no)
    return back("show_tokens", "token-revoked")


@blp.get("/admin/access/widgets/board")
@allows(*KEEPERS)
def check_board() -> AnyResponse:
    """The board of the form as the widget is told of it, or what is wrong with it, by field."""
    form = Form(request.args.to_dict())
    try:
        chosen = _chosen(form)
        with database().snapshot(visitor().company_id) as session:
            widgets.check(session, chosen.board)
    except (Invalid, NotFound) as error:
        faults = forms.refused(form, error, FIELDS).faults
        return Response(orjson.dumps({"faults": faults}), 422, mimetype="application/json")
    found = {"board": urlencode(boards.query(chosen.board), safe=":/"), "limit": chosen.limit}
    return Response(orjson.dumps(found), mimetype="application/json")


@blp.get("/admin/access/widgets/preview/v1/leaderboards")
@allows(*KEEPERS)
def preview_board() -> AnyResponse:
    """What the widget asks the bank, answered to who keeps the tokens, without one."""
    view = _view()
    page = shown(visitor().company_id, view, state().leaderboards.page(visitor().company_id, view))
    return Response(orjson.dumps(page, option=orjson.OPT_UTC_Z), mimetype="application/json")


@blp.get("/admin/access/widgets/preview/v1/leaderboards/stream")
@allows(*KEEPERS)
def preview_stream() -> AnyResponse:
    right = SessionRight(request.cookies.get(cookies.session_name(), ""), frozenset(KEEPERS))
    last_event_id = request.headers.get("Last-Event-ID")
    return answering.watched(state().connections, state().watch, right, visitor().company_id, _view(), last_event_id)


def words() -> dict[str, dict[str, str]]:
    """What the words of the API are called."""
    return {
        "unit": {"credits": _("Credits"), "flowers": _("Red flowers")},
        "members": {"learners": _("Learners"), "teams": _("Teams")},
        "period": {"all": _("All time"), "day": _("Today"), "week": _("This week"), "month": _("This month")},
        "score": {"sum": _("Sum"), "mean": _("Per member of the team")},
    }


def _form(form: Form, status: int = 200) -> AnyResponse:
    with database().snapshot(visitor().company_id) as session:
        scopes = _scopes(session)
    if not form.value("scope"):
        newest = next((scope for scope, _label in scopes if scope.startswith("programme:")), "company")
        form = Form({**form.values, "scope": newest}, form.faults, form.others)
    return render_access(
        "widget_form.html", status, form=form, scopes=scopes, words=words(), between=BETWEEN, most_rows=MAX_ROWS
    )


def _scopes(session: Session) -> list[tuple[str, str]]:
    """Of the company, its programmes, and their courses; each as the API names it, and as people do."""
    found = [("company", _("The whole company"))]
    for programme in programmes.page(session, PROGRAMMES):
        found.append((f"programme:{programme.key}", programme.name))
        for course in courses.find_all(session, programme).values():
            found.append((f"course:{programme.key}/{course.key}", f"{programme.name} › {course.name}"))
    return found


def _chosen(form: Form) -> Chosen:
    """Raises Invalid, with the faults by field."""
    faults: list[FieldError] = []
    query = {name: form.value(name) for name in DEFAULTS if form.value(name)}
    if form.value("period") == BETWEEN:
        days = {name: _day(form.value(name)) for name in ("first", "last")}
        faults += [(name, say("is a day, such as 2021-09-30.")) for name, found in days.items() if found is None]
        first, last = days["first"], days["last"]
        if first is not None and last is not None and first > last:
            faults.append(("last", say("lies before the first day.")))
        query["period"] = "all" if faults else f"{first}..{last}"
    limit = form.value("limit") or str(DEFAULT_ROWS)
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:9]) <= MAX_ROWS):
        faults.append(("limit", say("must be a whole number from 1 to %(most)s.", most=MAX_ROWS)))
    until = _day(form.value("until")) if "until" in form.values else _in_a_year()
    if until is None:
        faults.append(("until", say("is a day, such as 2021-09-30.")))
    try:
        board = boards.parse(query)
    except Invalid as error:
        raise Invalid("", errors=[*error.errors, *faults]) from error
    if faults or until is None:
        raise Invalid("", errors=faults)
    return Chosen(board, int(limit), until)


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text.strip())
    except ValueError:
        return None
    return found if FIRST_YEAR <= found.year <= LAST_YEAR else None


def _in_a_year() -> date:
    today = datetime.now(ZoneInfo(visitor().timezone)).date()
    return today + timedelta(seconds=DEFAULT_TTL_SECONDS)


def _view() -> View:
    """Of the query. Raises Invalid."""
    board = boards.parse({name: request.args[name] for name in DEFAULTS if name in request.args})
    limit = request.args.get("limit", DEFAULT_ROWS, type=int)
    return View(board, min(max(limit, 1), MAX_ROWS))


def _state_of(token: Token) -> str:
    """`good`, `ending` (within two weeks), `over` or `revoked`."""
    if token.revoked_at is not None:
        return "revoked"
    left = token.expires_at - datetime.now(UTC)
    return "over" if left <= timedelta(0) else "ending" if left < timedelta(days=14) else "good"
