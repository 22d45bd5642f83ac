"""The versions of a rulebook: which were in force when, what they say, and what differs between any two."""

from typing import Any

from flask import Response, request

from api.app_state import database
from api.pages.access import allows, visitor
from api.pages.admin.rulebook.compared import Part, compared
from api.pages.admin.rulebook.ground import BASE, Ground, blp, ground, names_of_rules
from api.pages.admin.shell import MANAGERS, render_admin
from api.paging import decode_cursor, encode_cursor
from pointsbank.database import Session
from rules import versions

VERSIONS = 30
"""Of a page."""


@blp.get(f"{BASE}/versions")
@allows(*MANAGERS)
def show_versions(programme: str) -> Response:
    cursor = request.args.get("cursor")
    below = versions.LAST_VERSION if not cursor else min(decode_cursor(cursor, [int])[0], versions.LAST_VERSION)
    with database().snapshot(visitor().company_id) as session:
        on = ground(session, programme)
        listed = versions.all_versions(session, on.programme.no, below, VERSIONS + 1)
        pair = _pair(session, on, listed)
    further = encode_cursor([listed[VERSIONS - 1]["version"]]) if len(listed) > VERSIONS else None
    before, after, differences = pair
    return render_admin(
        "pages/admin/rulebook/versions.html",
        programme=on.programme,
        on=on,
        listed=listed[:VERSIONS],
        further=further,
        before=before,
        after=after,
        differences=differences,
    )


@blp.get(f"{BASE}/versions/<int:no>")
@allows(*MANAGERS)
def show_version(programme: str, no: int) -> Response:
    with database().snapshot(visitor().company_id) as session:
        on = ground(session, programme)
        found = versions.of_version(session, on.programme.no, min(no, versions.LAST_VERSION))
    return render_admin(
        "pages/admin/rulebook/version.html",
        programme=on.programme,
        on=on,
        found=found,
        words=on.in_words(found["document"]),
        names=names_of_rules(found["document"]),
    )


def _pair(
    session: Session, on: Ground, listed: list[dict[str, Any]]
) -> tuple[int | None, int | None, list[Part] | None]:
    """Which two are compared: those that were asked for, else the newest with the one before it."""
    numbers = [each["version"] for each in listed]
    after = _asked("after") or (numbers[0] if numbers else None)
    before = _asked("before") or next((each for each in numbers if after is not None and each < after), None)
    if before is None or after is None:
        return before, after, None
    was, now = (versions.of_version(session, on.programme.no, each)["document"] for each in (before, after))
    return before, after, compared(on, was, now)


def _asked(name: str) -> int | None:
    text = request.args.get(name, "")
    return min(int(text), versions.LAST_VERSION) if text.isascii() and text.isdigit() else None
