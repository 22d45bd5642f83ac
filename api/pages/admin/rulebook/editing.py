"""The editor: the draft as cards or as JSON, looked at by the one validator while it is written, and saved."""

from typing import Any

import orjson
from flask import Response, request
from flask_babel import gettext as _

from api.app_state import database
from api.bodies import read_body
from api.pages.access import allows, visitor
from api.pages.admin.rulebook.compared import compared
from api.pages.admin.rulebook.ground import BASE, Ground, blp, ground, in_order
from api.pages.admin.rulebook.json_lines import Lines, find_lines
from api.pages.admin.rulebook.offered import offered
from api.pages.admin.rulebook.texts import texts
from api.pages.admin.shell import MANAGERS, render_admin
from api.pages.forms import said
from api.pages.frame import language
from pointsbank.errors import Invalid, Malformed
from rules import versions
from rules.checking import check
from rules.errors import RulebookInvalid
from rules.versions import DraftChanged

MAX_BYTES = 2 * 1024 * 1024
"""Of a document as text, in JSON."""
MAX_FAULTS = 100
"""Shown at once."""
EMPTY: dict[str, Any] = {"earning": [], "certificates": []}


@blp.get(BASE)
@allows(*MANAGERS)
def show(programme: str) -> Response:
    with database().snapshot(visitor().company_id) as session:
        on = ground(session, programme)
        choices = offered(session, on)
        document, shown_version = _begun_with(session, on)
        text = orjson.dumps(in_order(document), option=orjson.OPT_INDENT_2).decode()
        looked_at = _look_at(on, versions.places(session, on.programme.no), text)
    saved = orjson.dumps(in_order((on.draft or on.in_force or {"document": EMPTY})["document"]))
    boot = {
        "text": text,
        "is_saved": on.draft is not None and document is on.draft["document"],
        "was": saved.decode(),
        "instead_of": versions.fingerprint_of(on.draft),
        "looked_at": looked_at,
        "offered": choices,
        "scale": visitor().credits_scale,
        "kept_as": f"rulebook/{visitor().company_id}/{visitor().user_no}/{programme}",
        "texts": texts(),
    }
    return render_admin(
        "pages/admin/rulebook/editor.html", programme=on.programme, on=on, boot=boot, shown_version=shown_version
    )


@blp.post(f"{BASE}/check")
@allows(*MANAGERS)
def look_at(programme: str) -> dict[str, Any]:
    """Every fault of the text, and what its parts say in words."""
    text = sent()["text"]
    with database().snapshot(visitor().company_id) as session:
        on = ground(session, programme)
        return _look_at(on, versions.places(session, on.programme.no), text)


@blp.post(f"{BASE}/draft")
@allows(*MANAGERS)
def save(programme: str) -> tuple[dict[str, Any], int]:
    """Keeps the text as the draft. 422 with what is wrong; 409 with what somebody else has saved meanwhile."""
    asked = sent()
    text, instead_of = asked["text"], str(asked.get("instead_of", ""))
    with database().snapshot(visitor().company_id) as session:
        on = ground(session, programme)
        looked_at = _look_at(on, versions.places(session, on.programme.no), text)
    if looked_at["faults"]:
        return looked_at, 422
    document = orjson.loads(text)
    try:
        with database().transaction(visitor().company_id) as session:
            saved = versions.put_draft(session, on.programme.no, document, instead_of=instead_of, by=visitor().shown)
    except DraftChanged:
        return _changed_meanwhile(programme, document), 409
    except RulebookInvalid as refusal:  # a course is gone since
        return _told(refusal.errors, find_lines(text)), 422
    return {"instead_of": versions.fingerprint_of(saved), "version": saved["version"]}, 200


@blp.post(f"{BASE}/draft/drop")
@allows(*MANAGERS)
def drop(programme: str) -> dict[str, Any]:
    """Leaves the programme without a draft, if it is still the one that was looked at."""
    with database().transaction(visitor().company_id) as session:
        on = ground(session, programme)
        versions.drop_draft(session, on.programme.no, str(sent().get("instead_of", "")))
    return {}


def sent() -> dict[str, Any]:
    """What a script of these pages sends; with a `text`. Raises Malformed, TooLarge, Invalid."""
    try:
        found = orjson.loads(read_body(request, MAX_BYTES))
    except orjson.JSONDecodeError as error:
        raise Malformed("This is sent by the page's own script, as JSON.") from error
    if not isinstance(found, dict) or not isinstance(found.setdefault("text", ""), str):
        raise Invalid.field("text", "must be text")
    return found


def _begun_with(session: Any, on: Ground) -> tuple[dict[str, Any], int | None]:
    """What the editor shows at first: `?version=`, else the draft, the version in force, or nothing."""
    asked = request.args.get("version", "")
    if asked.isascii() and asked.isdigit():
        found = versions.of_version(session, on.programme.no, min(int(asked), versions.LAST_VERSION))
        if found["status"] != "draft":
            return found["document"], found["version"]
    begun = on.draft or on.in_force
    return (EMPTY if begun is None else begun["document"]), None


def _look_at(on: Ground, places: Any, text: str) -> dict[str, Any]:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        where = _("Line %(line)s, column %(column)s: this is not JSON.", line=error.lineno, column=error.colno)
        return {"faults": [{"path": "", "message": where, "line": error.lineno}], "more": 0, "words": {}}
    lines = find_lines(text)
    checked = check(document, places, on.names, language())
    doubled = [(path, _("stands here twice")) for path, _line in lines.doubles]
    return {**_told([*doubled, *checked.faults], lines), "words": checked.words}


def _told(faults: list[tuple[str, str]], lines: Lines) -> dict[str, Any]:
    shown = [{"path": path, "message": said(message), "line": lines.of(path)} for path, message in faults[:MAX_FAULTS]]
    return {"faults": shown, "more": max(0, len(faults) - MAX_FAULTS), "words": {}}


def _changed_meanwhile(programme: str, document: dict[str, Any]) -> dict[str, Any]:
    """Who has saved what, and how what was sent differs from it."""
    with database().snapshot(visitor().company_id) as session:
        on = ground(session, programme)
    theirs = on.draft or on.in_force or {"document": EMPTY, "version": 0}
    by = on.signed[on.draft["version"]].saved_by if on.draft is not None else None
    return {
        "instead_of": versions.fingerprint_of(on.draft),
        "is_draft": on.draft is not None,
        "by": by,
        "differences": [each.told() for each in compared(on, theirs["document"], document)],
    }
