"""The preview, and taking the roster over: work that takes a while says how far it has come."""

from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

from flask import redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from api import progress
from api.app_state import database, state
from api.pages import forms
from api.pages.access import allows, visitor
from api.pages.admin.roster import words
from api.pages.admin.roster.here import AT, address, blp, find
from api.pages.admin.shell import MANAGERS, render_admin
from api.pages.forms import Form, said
from pointsbank.errors import Unavailable
from pointsbank.rosters import checking, kept, taking
from pointsbank.rosters.checking import Check
from pointsbank.rosters.kept import Terms, Upload
from pointsbank.rosters.refusals import Unreadable
from pointsbank.rosters.taking import PreviewOutOfDate, Roster
from rules.simulation.progress import Progress

MAX_WAIT_SECONDS = 30
"""For another file that the same worker reads."""


class Told(NamedTuple):
    """How a stream of steps ends: where to go on, or why not."""

    address: str
    fault: str | None = None


@blp.get(f"{AT}/<int:no>")
@allows(*MANAGERS)
def show_upload(programme: str, no: int) -> AnyResponse:
    return _show_upload(programme, no, Form())


def _show_upload(programme: str, no: int, form: Form, status: int = 200) -> AnyResponse:
    with database().snapshot(visitor().company_id) as session:
        of, found = find(session, programme, no)
    if found.status == "uploaded":
        return redirect(url_for(".show_columns", programme=programme, no=no), 303)
    return render_admin(
        "pages/admin/roster_upload.html",
        status,
        programme=of,
        upload=found,
        form=form,
        labels=words.labels(),
        words=words,
        said=words.said,
        again="again" in request.args,
        stages=words.stages(),
        done=_("Taken over.") if found.status == "taken" and "taken" in request.args else None,
    )


@blp.post(f"{AT}/<int:no>/check")
@allows(*MANAGERS)
def check(programme: str, no: int) -> Any:
    with database().transaction(visitor().company_id) as session:
        of, found = find(session, programme, no)
        if found.choice is None or found.status not in ("chosen", "checked"):
            return redirect(address(programme, no), 303)
        choice, content = found.choice, kept.content(session, no)
        restores = "zeros" in request.form if request.form.get("again") else found.restores_zeros
        if restores != found.restores_zeros:
            kept.choose(session, no, choice, restores)
    steps = checking.check(database(), visitor().company_id, of.key, content, choice, restores)
    return _answer(_checked(_one_at_a_time(steps), programme, no))


def _checked(steps: Iterator[Progress | Check], programme: str, no: int) -> Iterator[Progress | Told]:
    try:
        for step in steps:
            if isinstance(step, Check):
                with database().transaction(visitor().company_id) as session:
                    kept.note(session, no, step)
            else:
                yield step
    except Unreadable as error:
        yield Told(address(programme, no), said(error.detail))
    else:
        yield Told(address(programme, no))


def _one_at_a_time(steps: Iterator[Progress | Check]) -> Iterator[Progress | Check]:
    turn = state().roster_turn
    if not turn.acquire(timeout=MAX_WAIT_SECONDS):
        raise Unavailable("Another file is being read. Nothing was lost; send the request again.")
    try:
        yield from steps
    finally:
        turn.release()


@blp.post(f"{AT}/<int:no>/take")
@allows(*MANAGERS)
def take(programme: str, no: int) -> Any:
    form = forms.sent()
    with database().snapshot(visitor().company_id) as session:
        found = find(session, programme, no)[1]
    report = found.report or {}
    faults: dict[str, str] = {}
    from_on = _day(form.value("from_on"), faults)
    if found.status == "checked" and report.get("faulty") and not form.value("leave_out_faulty"):
        faults["leave_out_faulty"] = _("Tick this, or put the file right and upload it once more.")
    if faults:
        if _is_streamed():
            return _answer(iter([Told(address(programme, no), " ".join(faults.values()))]))
        return _show_upload(programme, no, Form(form.values, faults), 422)
    terms = Terms(bool(form.value("leave_out_warned")), from_on)
    roster = Roster(programme, visitor().user_no, no)
    steps = taking.take(database(), visitor().company_id, roster, terms, form.value("mark"))
    return _answer(_taken(steps, programme, no, found))


def _taken(steps: Iterator[Progress | Upload], programme: str, no: int, found: Upload) -> Iterator[Progress | Told]:
    try:
        for step in steps:
            if isinstance(step, Progress):
                yield step
    except PreviewOutOfDate:
        if found.choice is not None:  # to be compared anew
            with database().transaction(visitor().company_id) as session:
                kept.choose(session, no, found.choice, found.restores_zeros)
        yield Told(address(programme, no, again=1))
    else:
        yield Told(address(programme, no, taken=1))


@blp.post(f"{AT}/<int:no>/discard")
@allows(*MANAGERS)
def discard(programme: str, no: int) -> AnyResponse:
    with database().transaction(visitor().company_id) as session:
        find(session, programme, no)
        kept.discard(session, no)
    return redirect(url_for(".show", programme=programme), 303)


def _is_streamed() -> bool:
    return request.accept_mimetypes.best_match(["text/html", progress.NDJSON]) == progress.NDJSON


def _answer(steps: Iterator[Progress | Told]) -> Any:
    """Line by line to the script of the page; without it, the page where it goes on once all is done."""

    def shown(told: Told | None) -> Any:
        assert told is not None, "the steps end with it"
        if _is_streamed():
            return told._asdict()
        if told.fault is None:
            return redirect(told.address, 303)
        view = request.view_args or {}
        return _show_upload(view["programme"], view["no"], Form({}, {}, (told.fault,)), 422)

    return progress.answer(steps, shown)


def _day(text: str, faults: dict[str, str]) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        faults["from_on"] = _("This is no day.")
        return None
