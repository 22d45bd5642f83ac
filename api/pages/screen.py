"""/screen: the big screen (大屏) of a programme, for who is signed in, and for displays with a link of their own."""

from dataclasses import dataclass

from flask import redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from api.app_state import database, state
from api.pages import assets, cookies
from api.pages.access import anybody, find_visitor
from api.pages.frame import Pages, render
from api.streams import answering
from api.streams.watching import Right
from pointsbank import company, displays
from pointsbank.database import Database
from pointsbank.directory import programmes
from pointsbank.errors import Unauthorised
from pointsbank.screen.reading import Opened
from pointsbank.users import sessions

blp = Pages("screen", __name__)

MAX_LINKS = 4
"""That a browser keeps, the newest first: as many screens can be open in it without anybody signed in."""
MAX_EVENT_ID_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class OfDisplay:
    """By the link of a display."""

    text: str

    def holds(self, database: Database) -> bool:
        return displays.authenticate(database, self.text) is not None


@dataclass(frozen=True, slots=True)
class OfVisitor:
    """By being signed in. That a screen stays open does not make the session last."""

    text: str

    def holds(self, database: Database) -> bool:
        return sessions.visitor(database, self.text, is_use=False) is not None


@dataclass(frozen=True, slots=True)
class Entrance:
    company_id: int
    opened: Opened
    right: Right
    display: int | None = None


@blp.get("/screen/link/<link>")
@anybody
def follow(link: str) -> AnyResponse:
    """The browser keeps what the link says, and needs it no more."""
    grant = displays.authenticate(database(), link)
    if grant is None:
        return render("pages/screen_closed.html", 404)
    response = redirect(url_for(".show", programme=grant.programme, display=grant.no), 303)
    kept = [each for each in cookies.displays() if each != link]
    cookies.keep_displays(response, [link, *kept][:MAX_LINKS])
    return response


@blp.get("/screen/<key:programme>")
@anybody
def show(programme: str) -> AnyResponse:
    entrance = _entrance(programme)
    if entrance is None:
        return render("pages/screen_closed.html", 401)
    with database().snapshot(entrance.company_id) as session:
        found = programmes.get(session, programme)
        own = company.get(session)
    names, score = request.args.get("names"), request.args.get("score")
    stream = url_for(".stream", programme=programme, display=entrance.display, names=names, score=score)
    response = render(
        "pages/screen.html",
        programme=found,
        company=own,
        stream=stream,
        version=assets.version(),
        texts=_texts(),
        pinned=request.args.get("view", ""),
    )
    cookies.keep_displays(response, cookies.displays())  # for another while
    return response


@blp.get("/screen-stream/<key:programme>")
@anybody
def stream(programme: str) -> AnyResponse:
    """Server-sent events; what they hold is said in `api.screen_json`."""
    entrance = _entrance(programme)
    if entrance is None:
        raise Unauthorised("This screen is open to who is signed in, or has a link that is not revoked.")
    after = request.args.get("last_event_id", request.headers.get("Last-Event-ID", ""))[:MAX_EVENT_ID_CHARACTERS]
    held = state()
    return answering.watched(
        held.connections, held.screens, entrance.right, entrance.company_id, entrance.opened, after
    )


def _entrance(programme: str) -> Entrance | None:
    """With `display` only by that display's link, so that a screen without names never shows them because somebody
    is signed in, too; without by being signed in, or by any link."""
    display = request.args.get("display")
    visitor = find_visitor() if display is None else None
    if visitor is not None:
        hides = request.args.get("names") == "hidden"
        opened = Opened(programme, hides, "mean" if request.args.get("score") == "mean" else "sum")
        return Entrance(visitor.company_id, opened, OfVisitor(request.cookies.get(cookies.session_name(), "")))
    for text in cookies.displays():
        grant = displays.authenticate(database(), text)
        if grant is not None and grant.programme == programme and display in (None, str(grant.no)):
            opened = Opened(programme, grant.hides_names, grant.score)
            return Entrance(grant.company_id, opened, OfDisplay(text), grant.no)
    return None


def _texts() -> dict[str, str]:
    """What the scripts say."""
    return {
        "learner": _("Learner {number}"),
        "someone": _("A learner"),
        "and_more": _("{name} and {count} more"),
        "credits": _("credits"),
        "flowers": _("red flowers"),
        "per_member": _("credits per member"),
        "rank": _("No. {rank}"),
        "leads": _("{team} takes the lead"),
        "hr": _("HR"),
        "trainer": _("Trainer"),
        "mentor": _("Mentor"),
        "committee": _("Committee"),
        "live": _("Live"),
        "connecting": _("Connecting …"),
        "lost": _("Connection lost, reconnecting · as of {time}"),
        "away": _("No news for a while · as of {time}"),
        "now": _("just now"),
        "left": _("{time} to go"),
        "begins": _("Begins {time}"),
        "over": _("Being counted"),
        "settled": _("Ended {time}"),
        "winner": _("Winner"),
        "draw": _("Draw"),
        "closed": _("This display link was revoked, or you are no longer signed in."),
    }
