"""/award: a trainer, mentor or committee member gives red flowers (发小红花), and takes one back within a minute.

A browser that runs scripts sends what was tapped under a key of its own, keeps it until it is answered, and asks for
JSON; without scripts the same form is sent as forms are.
"""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, current_app, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from api.app_state import database
from api.pages import assets, award_people, award_places, cookies
from api.pages.access import allows, anybody, visitor
from api.pages.award_people import EVERYONE, TEAM, Crowd
from api.pages.award_places import Place
from api.pages.forms import said
from api.pages.frame import Pages, render, wants_json
from ledger.errors import InsufficientFunds
from ledger.identity import entry_id, number_of
from pointsbank.database import Session
from pointsbank.directory.days import start_of
from pointsbank.directory.faults import MAX_KEY_CHARACTERS, fault_of_text
from pointsbank.errors import Closed, Conflict, Invalid, NotFound, PointsBankError
from pointsbank.users.people import AwarderOf
from rules import awards, given

blp = Pages("award", __name__)

AMOUNTS = (1, 2, 3, 5)
REASONS = 8
"""To choose from with one tap."""
MAX_REASON_CHARACTERS = 200
HISTORY = 50
"""Awards of today that are listed."""
PASSING = (401, 403, 429, 503)
"""Statuses that say nothing against the award: it may be sent again."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What a form brings, as it is, and what is wrong with it."""

    learners: list[str] = field(default_factory=list)
    group: str = ""
    amount: str = "1"
    own: str = ""
    fault: str | None = None


class OtherUser(Conflict):
    """The form was filled in by another user than the one who is signed in now."""

    slug = "other-user"


@blp.get("/award")
@allows("awarder")
def show() -> AnyResponse:
    return _page(request.args.get("place"), Sent(learners=request.args.getlist("learner")))


@blp.post("/award")
@allows("awarder")
def give() -> AnyResponse:
    try:
        number = _give()
    except PointsBankError as error:
        if error.status in PASSING:
            raise
        return _refused(error)
    entry = entry_id(visitor().company_id, number)
    if wants_json():
        return _json({"entry": entry, "undo_seconds": given.UNDO_SECONDS})
    return redirect(url_for(".show", place=request.form.get("place"), done=entry), 303)


@blp.post("/award/<entry>/undo")
@allows("awarder")
def undo(entry: str) -> AnyResponse:
    number = number_of(visitor().company_id, entry) if len(entry) <= MAX_KEY_CHARACTERS else None
    if number is None:
        raise NotFound("There is no such award.")

    def work(session: Session) -> int:
        own = [each.no for each in _own(session)[0]]
        return given.take_back(session, own, number, _("Taken back by the giver"))

    try:
        database().run(visitor().company_id, work, writes=True)
    except PointsBankError as error:
        if error.status in PASSING:
            raise
        return _refused(error)
    if wants_json():
        return _json({"undone": entry})
    return redirect(url_for(".show", place=request.form.get("place"), undone="1"), 303)


@blp.get("/award/state")
@allows("awarder")
def state() -> AnyResponse:
    """Who is signed in, what is left, what was given today: for a page that was open for a while."""
    return _json({})


@blp.get("/award/worker.js")
@anybody
def worker() -> AnyResponse:
    """The service worker that opens the page without a connection: at an address of its own, for its scope."""
    found = assets.assets()["award-worker.js"]
    response = Response(found.content, content_type=found.content_type)
    response.headers["Service-Worker-Allowed"] = url_for(".show")
    response.cache_control.no_cache = True
    response.set_etag(found.digest)
    response.make_conditional(request)
    return response


# --- giving ---


def _give() -> int:
    """Books what the form says, once for its key; the entry's number."""
    form = request.form
    if form.get("user", _user()) != _user():
        raise OtherUser("This was tapped by somebody else, who has to sign in again.")
    learners, group = form.getlist("learner"), form.get("group", "")
    reason = form.get("own", "").strip() or form.get("reason", "").strip()
    amount = _amount()
    if not learners and not group:
        raise Invalid.field("learner", _("Choose first who gets flowers."))
    if not reason:
        raise Invalid.field("own", _("Choose a reason, or write one."))
    if fault_of_text(reason) is not None or len(reason) > MAX_REASON_CHARACTERS:
        raise Invalid.field(
            "own", _("A reason is one line of at most %(most)s characters.", most=MAX_REASON_CHARACTERS)
        )
    key = f"page:{visitor().user_no}:{form.get('key') or uuid.uuid4()}"
    if len(key) > MAX_KEY_CHARACTERS or not key.isprintable():
        raise Invalid.field("key", "is no key.")
    content = {name: form.getlist(name) for name in ("place", "learner", "group", "amount", "tapped")} | {"why": reason}

    def work(session: Session) -> int:
        place = award_places.named(session, visitor().user_no, form.get("place", ""))
        if place.state == "early":
            raise Closed(_("This course has not opened yet."))
        award = awards.Award(
            awarder=place.awarder.key,
            learner=None,
            learners=learners if not group else (),
            team=group.removeprefix(TEAM) if group.startswith(TEAM) else None,
            everyone=group == EVERYONE,
            programme=place.programme.key,
            course=place.course.key,
            unit="flowers",
            amount=amount,
            reason=reason,
            time=award_places.when(place, _ago(), datetime.now(UTC)),
            giver=visitor().learner_no,
        )
        return awards.give(session, award, key, content).number

    return database().run(visitor().company_id, work, writes=True)


def _amount() -> int:
    text = request.form.get("amount", "")
    if text not in map(str, AMOUNTS):
        raise Invalid.field("amount", _("Choose how many flowers."))
    return int(text)


def _own(session: Session) -> tuple[list[AwarderOf], list[Place]]:
    return award_places.find(session, visitor().user_no)


def _ago() -> timedelta | None:
    """Between tapping and sending, both by the device's clock, in milliseconds."""
    tapped, sent = request.form.get("tapped", ""), request.form.get("sent", "")
    if not (tapped.isdecimal() and sent.isdecimal() and len(tapped) < 17 and len(sent) < 17):
        return None
    return timedelta(milliseconds=int(sent) - int(tapped))


def _fault_of(error: PointsBankError) -> str:
    if isinstance(error, InsufficientFunds):
        return str(
            _("%(left)s left, %(needed)s needed.", left=error.extra["available"], needed=error.extra["required"])
        )
    return " ".join(said(message) for _path, message in error.errors) or said(error.detail)


# --- showing ---


def _refused(error: PointsBankError) -> AnyResponse:
    """What was typed stays."""
    fault, form = _fault_of(error), request.form
    if wants_json():
        response = _json({"says": fault, "slug": error.slug})
    else:
        typed = form.getlist("learner"), form.get("group", ""), form.get("amount", "1"), form.get("own", "")
        response = _page(form.get("place"), Sent(*typed, fault))
    response.status_code = error.status
    return response


def _page(key: str | None, sent: Sent) -> Response:
    with database().snapshot(visitor().company_id) as session:
        own, places = _own(session)
        place = award_places.choose(places, key)
        known = given.Lately([], []) if place is None else given.lately(session, place.awarder.no, place.programme.no)
        who = Crowd([], [], 0, 0) if place is None else _crowd(session, place, known.receivers)
        today = _today(session, own)
    return render(
        "pages/award.html",
        own=own,
        places=places,
        place=place,
        crowd=who,
        today=today,
        done=next((each for each in today if each.entry == request.args.get("done")), None),
        undone="undone" in request.args,
        reasons=_reasons(known.reasons, place),
        amounts=AMOUNTS,
        most=MAX_REASON_CHARACTERS,
        sent=sent,
        key=uuid.uuid4(),
        user=_user(),
    )


def _crowd(session: Session, place: Place, lately: list[int]) -> Crowd:
    wanted, team = request.args.get("q", ""), request.args.get("team", "")
    return award_people.crowd(session, place.programme, lately, visitor().learner_no, wanted, team)


def _today(session: Session, own: list[AwarderOf]) -> list[given.Award]:
    """In the company's time zone, by when it was booked."""
    zone = ZoneInfo(visitor().timezone)
    return given.since(session, [each.no for each in own], start_of(datetime.now(zone).date(), zone), HISTORY)


def _reasons(lately: list[str], place: Place | None) -> list[str]:
    """Those used before, and others to choose from."""
    usual = [] if place is None else _usual(place.awarder.role)
    kept = lately[: REASONS - min(3, len(usual))]
    return list(dict.fromkeys([*kept, *usual]))[:REASONS]


def _usual(role: str) -> list[str]:
    found = {
        "trainer": [_("Spoke well in class"), _("Homework of high quality"), _("Helped others to understand")],
        "mentor": [_("Solved a hard case alone"), _("Calmed a customer, who said thanks"), _("Made clear progress")],
        "committee": [_("Cares for the class"), _("Stepped in unasked"), _("Shared notes with everybody")],
    }
    return [*found.get(role, []), _("Good team work"), _("Asked a good question"), _("Won the team contest")]


def _user() -> str:
    """Who is signed in, so that a device keeps apart what several people tapped on it."""
    who = visitor()
    return sha256(f"award:{who.company_id}:{who.user_no}".encode()).hexdigest()[:16]


def _json(more: dict[str, Any]) -> Response:
    """`more`, and what the page shows of the ledger as it is now."""
    with database().snapshot(visitor().company_id) as session:
        own, places = _own(session)
        today = _today(session, own)
    shown = {
        "user": _user(),
        "token": cookies.token(),
        "left": {each.key: each.left for each in places},
        "given": render_template("pages/award_given.html", today=today, latest=None),
    }
    return Response(current_app.json.dumps(shown | more), content_type="application/json")
