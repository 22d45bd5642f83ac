"""/admin/access/keys: the keys with which machines call the API."""

from dataclasses import dataclass

from flask import request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from api.app_state import database
from api.pages import forms
from api.pages.access import allows, visitor
from api.pages.admin.access.shell import back, blp, render_access
from api.pages.admin.shell import KEEPERS
from api.pages.forms import Form
from pointsbank import keys
from pointsbank.errors import Invalid

KEYS = 50
"""Of a page."""


@dataclass(frozen=True, slots=True)
class Scope:
    name: str
    label: str


@blp.get("/admin/access/keys")
@allows(*KEEPERS)
def show_keys() -> AnyResponse:
    return _page(Form())


@blp.post("/admin/access/keys")
@allows(*KEEPERS)
def make_key() -> AnyResponse:
    """The key's text is in this answer, and nowhere else."""
    form = forms.sent()
    name = form.value("name").strip()
    scopes = request.form.getlist("scopes")
    try:
        if not scopes:
            raise Invalid.field("scopes", _("Choose at least one."))
        with database().transaction(visitor().company_id) as session:
            text = keys.make(session, name, scopes, visitor().user_no)
    except Invalid as error:
        return _page(forms.refused(form, error, ("name", "scopes")), scopes, status=422)
    return _page(Form(), made=text, made_name=name)


@blp.post("/admin/access/keys/<int:no>/revocation")
@allows(*KEEPERS)
def revoke_key(no: int) -> AnyResponse:
    with database().transaction(visitor().company_id) as session:
        keys.revoke(session, no, visitor().user_no)
    return back("show_keys", "key-revoked")


def _page(
    form: Form,
    chosen: list[str] | None = None,
    made: str | None = None,
    made_name: str | None = None,
    status: int = 200,
) -> AnyResponse:
    with database().snapshot(visitor().company_id) as session:
        found = keys.page(session, KEYS + 1, request.args.get("before", type=int))
    return render_access(
        "keys.html",
        status,
        form=form,
        keys=found[:KEYS],
        further=found[KEYS - 1].no if len(found) > KEYS else None,
        scopes=_scopes(),
        chosen=chosen or [],
        made=made,
        made_name=made_name,
    )


def _scopes() -> list[Scope]:
    return [
        Scope("events:write", _("Send events")),
        Scope("awards:write", _("Give flowers, reverse entries")),
        Scope("directory:write", _("Keep programmes, courses, teams and learners")),
        Scope("rules:write", _("Change rulebooks")),
        Scope("certificates:issue", _("Issue and revoke certificates")),
        Scope("read", _("Read everything")),
        Scope("admin", _("All of these, give credits, and make widget tokens")),
    ]
