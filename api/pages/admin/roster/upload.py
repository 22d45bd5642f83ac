"""The file: uploading it, templates to fill in, and what was uploaded lately."""

from flask import Response, redirect, request
from flask_babel import gettext as _
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response as AnyResponse

from api.app_state import database
from api.pages.access import allows, visitor
from api.pages.admin.roster import words
from api.pages.admin.roster.here import AT, address, blp
from api.pages.admin.shell import MANAGERS, render_admin
from api.pages.forms import Form, said, takes
from api.pages.frame import language
from pointsbank.directory import enrolments, programmes
from pointsbank.rosters import columns, grids, kept, kinds, templates
from pointsbank.rosters.refusals import Unreadable

LATEST = 10
"""Uploads that are listed."""
FORM_BYTES = kinds.MAX_FILE_BYTES + 2**16
"""Of the file and what a form adds to it."""


@blp.get(AT)
@allows(*MANAGERS)
def show(programme: str) -> AnyResponse:
    return _show(programme, Form())


@blp.post(AT)
@allows(*MANAGERS)
@takes(FORM_BYTES)
def upload(programme: str) -> AnyResponse:
    file = request.files.get("file")
    content = b""
    if file is not None:
        content = file.read()
        file.close()
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
    return redirect(address(programme, no), 303)


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
        words=words,
        names=columns.names(language()),
        most_megabytes=kinds.MAX_FILE_BYTES // 2**20,
        most_bytes=kinds.MAX_FILE_BYTES,
    )


@blp.get(f"{AT}/template.<form>")
@allows(*MANAGERS)
def template(programme: str, form: str) -> AnyResponse:
    with database().snapshot(visitor().company_id) as session:
        programmes.get(session, programme)
    heads = words.labels()
    if form == "xlsx":
        content = templates.workbook(_("Roster"), heads, words.notes())
        kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    else:
        content, kind, form = templates.delimited(heads), "text/csv; charset=utf-8", "csv"
    response = Response(content, content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="roster.{form}"'
    return response
