"""What the pages of certification have in common: the blueprint, the moment of a cut-off, one-time keys of forms."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from flask import request
from flask_babel import gettext as _

from api.pages.access import visitor
from api.pages.forms import Form
from api.pages.frame import Pages
from api.paging import decode_cursor, encode_cursor
from pointsbank.database import Session
from pointsbank.directory.faults import FIRST_YEAR, LAST_YEAR
from pointsbank.directory.programmes import Programme
from pointsbank.errors import NotFound
from rules.as_of import as_of
from rules.certification import run as runs
from rules.certification.run import Run

blp = Pages("admin_certification", __name__)

BASE = "/admin/programmes/<key:programme>/certification"
ROWS = 50
"""Of a page."""


def get_run(session: Session, programme: Programme, run: str) -> Run:
    """Raises NotFound, also for a run of another programme."""
    found = runs.get(session, run)
    if found.programme != programme.no:
        raise NotFound(f"There is no certification run {run[:64]} of this programme.")
    return found


def once() -> str:
    """What tells a form from any other, so that sending it again does nothing again."""
    return secrets.token_hex(8)


def with_fault(form: Form, name: str, message: str) -> Form:
    return replace(form, faults={**form.faults, name: message})


def wanted(name: str) -> str | None:
    """A member of the address's query, without what surrounds it; None if there is nothing."""
    return request.args.get(name, "").strip().replace("\0", "") or None


def position() -> int | None:
    """Where the page begins that the address asks for. Raises NotFound for what no page of ours gave."""
    cursor = request.args.get("cursor")
    return None if not cursor else int(decode_cursor(cursor, [int])[0])


def next_position(last: int | None) -> str | None:
    return None if last is None else encode_cursor([last])


# --- the cut-off ---


def zone() -> ZoneInfo:
    return ZoneInfo(visitor().timezone)


def default_of_cut_off(session: Session, programme: Programme) -> Form:
    """The programme's end; before that, now."""
    is_over = programme.ends_at <= as_of(session).cut_off
    typed = programme.ends_at.astimezone(zone()).strftime("%Y-%m-%dT%H:%M")
    return Form({"when": "end" if is_over else "now", "cut_off": typed if is_over else "", "key": once()})


def cut_off_of(session: Session, programme: Programme, values: Mapping[str, str]) -> datetime | str:
    """The moment that was chosen, or what is wrong with it."""
    if values.get("when") == "end":
        return programme.ends_at
    if values.get("when") == "now":
        return as_of(session).cut_off
    try:
        typed = datetime.fromisoformat(values.get("cut_off", ""))
    except ValueError:
        typed = None
    if typed is None or typed.tzinfo is not None or not FIRST_YEAR <= typed.year <= LAST_YEAR:
        return str(_("Enter a date and a time, such as 2022-07-01 00:00."))
    return typed.replace(tzinfo=zone())


def last_moment(cut_off: datetime) -> datetime:
    """The last minute that counts, which is how people say it: until 30 June, 23:59."""
    return cut_off - timedelta(seconds=1)
