"""/admin/programmes/…/roster: learners from a file, which is uploaded, compared with the directory, shown with every
problem, and only then taken over."""

from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

from flask import Response, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response as AnyResponse

from api import progress
from api.app_state import database, state
from api.pages import csv_files, forms
from api.pages.access import allows, visitor
from api.pages.admin import roster_words
from api.pages.admin.shell import MANAGERS, render_admin
from api.pages.forms import Form, said, takes
from api.pages.frame import Pages, language
from pointsbank.database import Session
from pointsbank.directory import enrolments, programmes
from pointsbank.directory.programmes import Programme
from pointsbank.errors import Unavailable
from pointsbank.rosters import checking, columns, grids, kept, kinds, taking, templates
from pointsbank.rosters.checking import Check
from pointsbank.rosters.columns import FIELDS, NEEDED, Choice, Field
from pointsbank.rosters.grids import Grid
from pointsbank.rosters.kept import Terms, Upload
from pointsbank.rosters.refusals import Unreadable
from pointsbank.rosters.taking import PreviewOutOfDate, Roster
from rules.simulation.progress import Progress

blp = Pages("admin_roster", __name__)

AT = "/admin/programmes/<key:programme>/roster"
LATEST = 10
"""Uploads that are listed."""
FORM_BYTES = kinds.MAX_FILE_BYTES + 2**16
"""Of the file and what a form adds to it."""
MAX_WAIT_SECONDS = 30
"""For another file that the same worker reads."""


class Told(NamedTuple):
    """How a stream of steps ends: where to go on, or why not."""

    address: str
    fault: str | None = None


# --- the file ---


@blp.get(AT)
@allows(*MANAGERS)
def show(programme: str) -> AnyResponse:
    return _show(programme, Form())


@blp.post(AT)
@allows(*MANAGERS)
@takes(FORM_BYTES)
def upload(programme: str) -> AnyResponse:
    file = request.files.get("file")
    content = b"" if file is None else file.read()
    name = "" if file is None else (file.filename or "").replace("\\", "/").rpartition("/")[2]
    if not name and not content:
        return _show(programme, Form({}, {"file": _("Choose a file.")}), 422)
    try:
        proposal = columns.chosen(grids.grids(content))
    except Unreadable as error:
        return _show(programme, Form({}, {"file": said(error.detail)}), 422)
    with database().transaction(visitor().company_id) as session:
        of = programmes.get(session, programme)
        enrolments.refuse_closed(of)
        no = kept.keep(session, of, visitor().user_no, name or "roster", content)
        if proposal.is_sure:
            kept.choose(session, no, proposal.choice)
    return redirect(_address(programme, no), 303)


@blp.errorhandler(RequestEntityTooLarge)
def too_large(_error: RequestEntityTooLarge) -> AnyResponse:
    programme = (request.view_args or {})["programme"]
    return _show(programme, Form({}, {"file": said(kinds.too_large())}), 413)


def _show(programme: str, form: Form, status: int = 200) -> Response:
    with database().snapshot(visitor().company_id) as session:
        of = programmes.get(session, programme)
        uploads = kept.latest(session, of, visitor().user_no, LATEST)
    return render_admin(
        "pages/admin/roster.html",
        status,
        programme=of,
        form=form,
        uploads=uploads,
        own=visitor().user_no,
        words=roster_words,
        names=columns.names(language()),
        most_megabytes=kinds.MAX_FILE_BYTES // 2**20,
        most_bytes=kinds.MAX_FILE_BYTES,
    )


@blp.get(f"{AT}/template.<form>")
@allows(*MANAGERS)
def template(programme: str, form: str) -> AnyResponse:
    with database().snapshot(visitor().company_id) as session:
        programmes.get(session, programme)
    heads = roster_words.labels()
    if form == "xlsx":
        content = templates.workbook(_("Roster"), heads, roster_words.notes())
        kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    else:
        content, kind, form = templates.delimited(heads), "text/csv; charset=utf-8", "csv"
    response = Response(content, content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="roster.{form}"'
    return response


# --- its columns ---


@blp.get(f"{AT}/<int:no>/columns")
@allows(*MANAGERS)
def show_columns(programme: str, no: int) -> AnyResponse:
    """What was chosen, else what is proposed; `?sheet=` and `?header=` look elsewhere."""
    with database().snapshot(visitor().company_id) as session:
        of, found = _found(session, programme, no)
        if found.status not in ("uploaded", "chosen", "checked"):
            return redirect(_address(programme, no), 303)
        content = kept.content(session, no)
    there = grids.grids(content)
    grid, choice = _looked_at(there, found)
    return _show_columns(of, found, there, grid, choice, Form())


@blp.post(f"{AT}/<int:no>/columns")
@allows(*MANAGERS)
def choose(programme: str, no: int) -> AnyResponse:
    with database().snapshot(visitor().company_id) as session:
        of, found = _found(session, programme, no)
        content = kept.content(session, no)
    there = grids.grids(content)
    form = forms.sent()
    grid = next((each for each in there if each.name == form.value("sheet")), there[0])
    choice = Choice(grid.name, _number(form.value("header")), _columns(form))
    faults = _faults_of(choice)
    if faults:
        return _show_columns(of, found, there, grid, choice, Form(form.values, faults), 422)
    with database().transaction(visitor().company_id) as session:
        kept.choose(session, no, choice)
    return redirect(_address(programme, no), 303)


def _looked_at(there: list[Grid], found: Upload) -> tuple[Grid, Choice]:
    proposed = found.choice or columns.chosen(there).choice
    name = request.args.get("sheet", proposed.sheet)
    grid = next((each for each in there if each.name == name), there[0])
    if grid.name != proposed.sheet:
        proposed = columns.propose(grid).choice
    header = request.args.get("header", "")
    if header.isdigit() and int(header) != proposed.header:
        proposed = columns.with_header(grid, int(header))
    return grid, proposed


def _show_columns(
    of: Programme, found: Upload, there: list[Grid], grid: Grid, choice: Choice, form: Form, status: int = 200
) -> Response:
    return render_admin(
        "pages/admin/roster_columns.html",
        status,
        programme=of,
        upload=found,
        form=form,
        grids=there,
        grid=grid,
        choice=choice,
        columns=roster_words.columns_of(grid, choice.header),
        fields=FIELDS,
        needed=NEEDED,
        labels=roster_words.labels(),
    )


def _columns(form: Form) -> dict[Field, int]:
    found = {each: form.value(each) for each in FIELDS}
    return {each: int(value) for each, value in found.items() if value.isdigit() and len(value) <= 3}


def _faults_of(choice: Choice) -> dict[str, str]:
    faults: dict[str, str] = {each: _("Which column is it?") for each in NEEDED if each not in choice.columns}
    taken: dict[int, str] = {}
    for each, column in choice.columns.items():
        if taken.setdefault(column, each) != each:
            faults[each] = _("This column is chosen for something else, too.")
    return faults


def _number(text: str) -> int:
    return int(text) if text.isdigit() and len(text) <= 4 else 0


# --- the preview ---


@blp.get(f"{AT}/<int:no>")
@allows(*MANAGERS)
def show_upload(programme: str, no: int) -> AnyResponse:
    return _show_upload(programme, no, Form())


def _show_upload(programme: str, no: int, form: Form, status: int = 200) -> AnyResponse:
    with database().snapshot(visitor().company_id) as session:
        of, found = _found(session, programme, no)
    if found.status == "uploaded":
        return redirect(url_for(".show_columns", programme=programme, no=no), 303)
    return render_admin(
        "pages/admin/roster_upload.html",
        status,
        programme=of,
        upload=found,
        form=form,
        labels=roster_words.labels(),
        words=roster_words,
        said=roster_words.said,
        again="again" in request.args,
        stages=roster_words.stages(),
        done=_("Taken over.") if found.status == "taken" and "taken" in request.args else None,
    )


@blp.post(f"{AT}/<int:no>/check")
@allows(*MANAGERS)
def check(programme: str, no: int) -> Any:
    with database().transaction(visitor().company_id) as session:
        of, found = _found(session, programme, no)
        if found.choice is None or found.status not in ("chosen", "checked"):
            return redirect(_address(programme, no), 303)
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
        yield Told(_address(programme, no), said(error.detail))
    else:
        yield Told(_address(programme, no))


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
        found = _found(session, programme, no)[1]
    report = found.report or {}
    faults: dict[str, str] = {}
    from_on = _day(form.value("from_on"), faults)
    if found.status == "checked" and report.get("faulty") and not form.value("leave_out_faulty"):
        faults["leave_out_faulty"] = _("Tick this, or put the file right and upload it once more.")
    if faults:
        if _is_streamed():
            return _answer(iter([Told(_address(programme, no), " ".join(faults.values()))]))
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
        yield Told(_address(programme, no, again=1))
    else:
        yield Told(_address(programme, no, taken=1))


@blp.post(f"{AT}/<int:no>/discard")
@allows(*MANAGERS)
def discard(programme: str, no: int) -> AnyResponse:
    with database().transaction(visitor().company_id) as session:
        _found(session, programme, no)
        kept.discard(session, no)
    return redirect(url_for(".show", programme=programme), 303)


# --- files ---


@blp.get(f"{AT}/<int:no>/problems.csv")
@allows(*MANAGERS)
def problems(programme: str, no: int) -> AnyResponse:
    """All of them."""
    with database().snapshot(visitor().company_id) as session:
        _found(session, programme, no)
        found = kept.problems(session, no)
    heads = [_("Row"), _("Column"), _("Field"), _("In the file"), _("Kind"), _("What to look at")]
    labels, grades = roster_words.labels(), roster_words.grades()
    rows = [
        (each.row, each.column, labels[each.field] if each.field else "", each.value, grades[each.grade], words)
        for each, words in ((each, roster_words.said(each.form, each.values)) for each in found)
    ]
    return csv_files.answer("roster-problems.csv", heads, rows)


@blp.get(f"{AT}/<int:no>/left-out.csv")
@allows(*MANAGERS)
def left_out(programme: str, no: int) -> AnyResponse:
    """Rows that are not taken over, to be put right and uploaded once more: with what is wrong in a last column."""
    with database().snapshot(visitor().company_id) as session:
        _of, found = _found(session, programme, no)
        rows = dict(kept.faulty(session, no))
        alone = set(found.result.get("changed_meanwhile", ()))
        warned = found.terms is not None and found.terms.leaves_out_warned
        for number, values, _state, is_warned, _mark in kept.rows(session, no):
            if number in alone or (warned and is_warned):
                rows[number] = values
        said_of: dict[int, list[str]] = {}
        for each in kept.problems(session, no):
            if each.row in rows and each.grade != "note":
                words = roster_words.said(each.form, each.values)
                label = roster_words.labels()[each.field] if each.field else ""
                said_of.setdefault(each.row, []).append(f"{label} {words}".strip())
    heads = [*roster_words.labels().values(), _("Row"), _("What to look at")]
    lines: list[list[csv_files.Value]] = [
        [*(rows[number].get(each, "") for each in FIELDS), number, "\n".join(said_of.get(number, ()))]
        for number in sorted(rows)
    ]
    return csv_files.answer("roster-left-out.csv", heads, lines)


# --- what they have in common ---


def _found(session: Session, programme: str, no: int) -> tuple[Programme, Upload]:
    of = programmes.get(session, programme)
    return of, kept.get(session, of, visitor().user_no, no)


def _address(programme: str, no: int, **query: Any) -> str:
    return url_for(".show_upload", programme=programme, no=no, **query)


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
