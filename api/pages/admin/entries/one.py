"""/admin/entries/<number>: one entry of the journal with all that it says, and its reversal."""

import secrets
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from flask import redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from api.app_state import database
from api.pages import forms
from api.pages.access import allows, visitor
from api.pages.admin.entries import words
from api.pages.admin.entries.finding import MAX_NUMBER, blp, number_in
from api.pages.admin.shell import MANAGERS, render_admin, way_to
from api.pages.forms import Form
from api.pages.frame import language
from ledger import entries
from ledger.errors import InsufficientFunds, LedgerError
from pointsbank.database import Session
from pointsbank.directory import courses, programmes
from pointsbank.directory.faults import fault_of_text
from pointsbank.directory.names import Names
from pointsbank.errors import NotFound
from rules import versions
from rules.certification import entries as certificates
from rules.certification import reviewing
from rules.certification.revoking import MAX_REASON_CHARACTERS

LINES_OF_DATA = 200
"""Shown of an event, which may have any number."""


@blp.get("/admin/entries/<int:number>")
@allows(*MANAGERS)
def show(number: int) -> AnyResponse:
    return _show(number)


@blp.post("/admin/entries/<int:number>/reversal")
@allows(*MANAGERS)
def reverse(number: int) -> AnyResponse:
    """Sent twice, the same form reverses once."""
    form = forms.sent()
    reason = form.value("reason").strip()
    if (fault := fault_of_text(reason, MAX_REASON_CHARACTERS)) is not None:
        return _show(number, Form(form.values, {"reason": forms.said(fault)}))
    key = f"page:{number}:{form.value('key')}"
    try:
        database().run(
            visitor().company_id, lambda session: reviewing.reverse(session, number, reason, key), writes=True
        )
    except LedgerError as error:
        return _show(number, form, error)
    return redirect(url_for("admin_entries.show", number=number, done="reversed"), 303)


def _show(number: int, form: Form | None = None, error: LedgerError | None = None) -> AnyResponse:
    """`form` is what was sent to reverse it, and is shown again with what is wrong; `error` is why it was refused."""
    with database().snapshot(visitor().company_id) as session:
        found = entries.load(session, [number]) if number < MAX_NUMBER else []
        if not found:
            raise NotFound(f"There is no entry {number}.")
        entry = found[0]
        names = words.names_of(session, found)
        refused = reviewing.refusal(session, number)
        resting = reviewing.resting_on(session, number) if refused is None else []
        rules = _rules(session, entry)
        if error is not None and form is not None:
            form = Form(form.values, form.faults, (_why_not(session, entry, error, names),))
    return render_admin(
        "pages/admin/entry.html",
        422 if form else 200,
        entry=entry,
        names=names,
        words=words,
        rules=rules,
        form=form or Form({"key": secrets.token_hex(8)}),
        refused=None if refused is None else words.why_not(refused),
        resting=resting,
        reverses=number_in(entry["reverses"]),
        reversed_by=number_in(entry["reversed_by"]),
        data=list(islice(lines(entry["data"]), LINES_OF_DATA)),
        certificate=_certificate(entry),
        way_to_rulebook=way_to("admin_rulebook.show", programme=entry["programme"]) if entry["programme"] else None,
        said=language(),
    )


def _why_not(session: Session, entry: Mapping[str, Any], error: LedgerError, names: Names) -> str:
    account, is_closed = "", False
    if isinstance(error, InsufficientFunds):
        account = words.account_of(error.extra["account"], error.extra["unit"], names, entry["programme"])
        if entry["course"] is not None:
            course = courses.get(session, programmes.get(session, entry["programme"]), entry["course"])
            is_closed = course.closed_at is not None
    return words.why_not(error, account, is_closed) or forms.said(error.detail)


def _rules(session: Session, entry: Mapping[str, Any]) -> dict[str, Mapping[str, str]]:
    """Names of the earning rules that gave something, where they have one."""
    if entry["rulebook_version"] is None or entry["programme"] is None:
        return {}
    programme = programmes.get(session, entry["programme"])
    rulebook = versions.rulebook_of_version(session, programme.no, entry["rulebook_version"])
    return {rule.key: rule.name for rule in rulebook.earning if rule.name is not None}


def _certificate(entry: Mapping[str, Any]) -> str | None:
    """The number of the certificate that it is of."""
    if entry["source"] != certificates.SOURCE or not isinstance(entry["data"], dict):
        return None
    number = entry["data"].get("number")
    return number if isinstance(number, str) else None


def lines(data: object, path: str = "") -> Iterator[tuple[str, str]]:
    """What an event said, each value with the way to it: `answers › 2 › score`."""
    if isinstance(data, dict | list) and data:
        members = data.items() if isinstance(data, dict) else enumerate(data, 1)
        for name, value in members:
            yield from lines(value, f"{path} › {name}" if path else str(name))
    elif path:
        yield path, _plain(data)


def _plain(value: object) -> str:
    if value is None or isinstance(value, dict | list):
        return "–"
    return str(value).lower() if isinstance(value, bool) else str(value)
