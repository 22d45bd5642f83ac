"""/admin/feed: events as they arrive, and why some are refused, so that a sender can be told what to repair."""

from dataclasses import dataclass

import orjson
from flask import Response, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from api.app_state import database, state
from api.pages import cookies, forms
from api.pages.access import allows, visitor
from api.pages.admin.shell import MANAGERS, render_admin, way
from api.pages.forms import Form
from api.pages.frame import Pages
from api.pages.session_right import SessionRight
from api.streams import answering
from api.streams import feed as positions
from pointsbank.arrivals import feed, reading
from pointsbank.arrivals.feed import Item, Wanted
from pointsbank.arrivals.gathered import Status
from pointsbank.database import Session
from pointsbank.directory import learners
from pointsbank.saying import Said
from rules.judging import AMOUNT_0, NO_RULE
from rules.limits import CAP_REACHED, PLACES_TAKEN

blp = Pages("admin_feed", __name__)

ITEMS = 40
"""Of a page, and of what one question after news brings."""
STATUSES: tuple[Status, ...] = ("booked", "duplicate", "ignored", "rejected")


@dataclass(frozen=True, slots=True)
class Row:
    """What a line of the feed shows. `number` is that of the entry, if there is one."""

    item: Item
    source: str | None
    kind: str | None
    learner: str | None
    name: str | None
    number: int | None
    amounts: tuple[tuple[str, int], ...]
    """Of the holdings, by unit."""
    said: str | None
    faults: tuple[tuple[str, str], ...]


@blp.get("/admin/feed")
@allows(*MANAGERS)
def show() -> AnyResponse:
    before = positions.parse(request.args.get("before", ""))
    with database().snapshot(visitor().company_id) as session:
        found = feed.page(session, _wanted(), ITEMS, before)
        head, sources = feed.head(session), reading.sources(session)
        rows = [_row(item, names) for names in [_names(session, found.items)] for item in found.items]
    return render_admin(
        "pages/admin/feed.html",
        rows=rows,
        next=None if found.next is None else positions.text(found.next),
        head=positions.text(head),
        before=before,
        sources=sources,
        filters=Form({name: request.args.get(name, "") for name in ("source", "type", "status")}),
        statuses=STATUSES,
    )


@blp.get("/admin/feed/news")
@allows(*MANAGERS)
def show_news() -> AnyResponse:
    """What came after `after`, as HTML, by the same filters; `is_whole` if it is so much that it takes the place of
    all that is shown."""
    after = positions.parse(request.args.get("after", "")) or feed.BEGINNING
    with database().snapshot(visitor().company_id) as session:
        found = feed.page(session, _wanted(), ITEMS, None, after)
        head, sources = feed.head(session), reading.sources(session)
        names = _names(session, found.items)
    rows = [_row(item, names) for item in found.items]
    news = {
        "head": positions.text(head),
        "rows": render_template("pages/admin/feed_rows.html", rows=rows, way=way),
        "sources": render_template("pages/admin/feed_sources.html", sources=sources),
        "count": len(rows),
        "is_whole": found.next is not None,
    }
    return Response(orjson.dumps(news), mimetype="application/json")


@blp.get("/admin/feed/stream")
@allows(*MANAGERS)
def stream() -> AnyResponse:
    """That there is news; what it is, is asked for by `show_news`."""
    right = SessionRight(request.cookies.get(cookies.session_name(), ""), frozenset(MANAGERS))
    last_event_id = request.headers.get("Last-Event-ID")
    held = state()
    return answering.watched(held.connections, held.feed, right, visitor().company_id, positions.FEED, last_event_id)


def _wanted() -> Wanted:
    status = next((each for each in STATUSES if each == request.args.get("status")), None)
    texts = {name: request.args.get(name, "").replace("\0", "").strip() or None for name in ("source", "type")}
    return Wanted(texts["source"], texts["type"], status)


def _names(session: Session, items: list[Item]) -> dict[str, str]:
    keys = {item.entry["learner"] if item.entry else item.unbooked and item.unbooked.learner for item in items}
    return learners.names_of(session, [key for key in keys if key])


def _row(item: Item, names: dict[str, str]) -> Row:
    if item.entry is not None:
        entry = item.entry
        amounts: dict[str, int] = {}
        for transfer in entry["transfers"]:
            sign = transfer["credit"].startswith("holding:") - transfer["debit"].startswith("holding:")
            amounts[transfer["unit"]] = amounts.get(transfer["unit"], 0) + sign * transfer["amount"]
        moved = tuple((unit, amount) for unit, amount in amounts.items() if amount)
        learner = entry["learner"]
        why = _notes().get(entry["note"], entry["note"]) or entry["reason"]
        return Row(item, entry["source"], entry["kind"], learner, names.get(learner), entry["number"], moved, why, ())
    assert item.unbooked is not None, "an item is one of the two"
    each = item.unbooked
    problem = each.problem or {}
    faults = tuple((fault["path"], _said(fault)) for fault in problem.get("errors", []))
    said = _said(problem) if problem and not faults else None
    name = names.get(each.learner or "")
    return Row(item, each.source, each.kind, each.learner, name, each.entry, (), said, faults)


def _notes() -> dict[str, str]:
    """Why an event had no effect."""
    return {
        NO_RULE: _("no rule matched"),
        AMOUNT_0: _("the rule gives nothing for it"),
        CAP_REACHED: _("the cap is reached"),
        PLACES_TAKEN: _("the places are taken"),
    }


def _said(kept: dict[str, object]) -> str:
    """In the page's language, where the domain said it so."""
    found = kept.get("said")
    if isinstance(found, dict):
        said = Said(str(kept["message"]))
        said.form, said.values = found["form"], found["values"]
        return forms.said(said)
    return str(kept["message"])
