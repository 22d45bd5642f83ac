"""Which sheet it is, where its header stands, and which column holds what: for files that do not say."""

from flask import Response, redirect, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from api.app_state import database
from api.pages import forms
from api.pages.access import allows, visitor
from api.pages.admin.roster import words
from api.pages.admin.roster.here import AT, address, blp, find
from api.pages.admin.shell import MANAGERS, render_admin
from api.pages.forms import Form
from pointsbank.directory.programmes import Programme
from pointsbank.rosters import columns, grids, kept
from pointsbank.rosters.columns import FIELDS, NEEDED, Choice, Field
from pointsbank.rosters.grids import Grid
from pointsbank.rosters.kept import Upload


@blp.get(f"{AT}/<int:no>/columns")
@allows(*MANAGERS)
def show_columns(programme: str, no: int) -> AnyResponse:
    """What was chosen, else what is proposed; `?sheet=` and `?header=` look elsewhere."""
    with database().snapshot(visitor().company_id) as session:
        of, upload = find(session, programme, no)
        if upload.status not in ("uploaded", "chosen", "checked"):
            return redirect(address(programme, no), 303)
        content = kept.content(session, no)
    there = grids.grids(content)
    grid, choice = _looked_at(there, upload)
    return _show_columns(of, upload, there, grid, choice, Form())


@blp.post(f"{AT}/<int:no>/columns")
@allows(*MANAGERS)
def choose(programme: str, no: int) -> AnyResponse:
    with database().snapshot(visitor().company_id) as session:
        of, upload = find(session, programme, no)
        content = kept.content(session, no)
    there = grids.grids(content)
    form = forms.sent()
    grid = next((each for each in there if each.name == form.value("sheet")), there[0])
    choice = Choice(grid.name, _number(form.value("header")), _columns(form))
    faults = _faults_of(choice)
    if faults:
        return _show_columns(of, upload, there, grid, choice, Form(form.values, faults), 422)
    with database().transaction(visitor().company_id) as session:
        kept.choose(session, no, choice)
    return redirect(address(programme, no), 303)


def _looked_at(there: list[Grid], upload: Upload) -> tuple[Grid, Choice]:
    proposed = upload.choice or columns.chosen(there).choice
    name = request.args.get("sheet", proposed.sheet)
    grid = next((each for each in there if each.name == name), there[0])
    if grid.name != proposed.sheet:
        proposed = columns.propose(grid).choice
    header = request.args.get("header", "")
    if header.isdigit() and int(header) != proposed.header:
        proposed = columns.with_header(grid, int(header))
    return grid, proposed


def _show_columns(
    of: Programme, upload: Upload, there: list[Grid], grid: Grid, choice: Choice, form: Form, status: int = 200
) -> Response:
    return render_admin(
        "pages/admin/roster_columns.html",
        status,
        programme=of,
        upload=upload,
        form=form,
        grids=there,
        grid=grid,
        choice=choice,
        columns=words.columns_of(grid, choice.header),
        fields=FIELDS,
        needed=NEEDED,
        labels=words.labels(),
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
