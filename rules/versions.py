"""A programme's rulebook through its versions: one draft at most, one in force at most, the rest retired.

A version may be activated ahead of time. It is then scheduled, and in force from its time on without anything being
written: of the rows that are active, the one in force is the last whose time has come (IN_FORCE). So at most one is
scheduled: the next activation, of whatever time, takes its place.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple

import orjson

from pointsbank.database import Session
from pointsbank.directory import version
from pointsbank.errors import Conflict, NotFound
from pointsbank.saying import say
from rules.parts import Rulebook
from rules.references import Places
from rules.rulebook import parse

LAST_VERSION = 2**31 - 1
"""The largest number that a version may have."""
RULEBOOKS_REMEMBERED = 64
"""Parsed, of all companies."""
NO_DRAFT = "none"
"""The fingerprint of a draft that is not there."""


class DraftChanged(Conflict):
    """The draft is not the one that was looked at: somebody else has saved, activated or dropped it meanwhile."""

    def __init__(self) -> None:
        super().__init__(say("the draft is another one by now; look at it before you go on"))


class Signed(NamedTuple):
    """Who did it while signed in; None: it was done with a key."""

    saved_by: str | None
    activated_by: str | None


def put_draft(
    session: Session, programme: int, document: object, *, instead_of: str | None = None, by: str | None = None
) -> dict[str, Any]:
    """Keeps the document as the draft, in place of one there is: only of that with the fingerprint `instead_of`, if
    it is given. `by` is who is signed in. Raises RulebookInvalid with every fault, also where criteria name a course
    or a phase that the programme does not have, and DraftChanged."""
    parse(document, places(session, programme))
    drop_draft(session, programme, instead_of)
    session.sql(
        """INSERT INTO rulebooks (company_id, programme, version, status, saved_by, document)
           VALUES (%(company)s, %(programme)s,
                   1 + coalesce((SELECT max(version) FROM rulebooks
                                  WHERE company_id = %(company)s AND programme = %(programme)s), 0),
                   'draft', %(by)s, %(document)s::jsonb)""",
        {"programme": programme, "by": by, "document": orjson.dumps(document).decode()},
    )
    return _one(session, programme, "draft")


def drop_draft(session: Session, programme: int, fingerprint: str | None = None) -> None:
    """Leaves no draft behind: if a fingerprint is given, only of the draft that has it. Raises DraftChanged."""
    version.change(session)
    if fingerprint is not None and fingerprint != fingerprint_of(find_draft(session, programme)):
        raise DraftChanged
    session.sql(
        "DELETE FROM rulebooks WHERE company_id = %(company)s AND programme = %(programme)s AND status = 'draft'",
        {"programme": programme},
    )


def find_draft(session: Session, programme: int) -> dict[str, Any] | None:
    try:
        return _one(session, programme, "draft")
    except NotFound:
        return None


def fingerprint_of(found: Mapping[str, Any] | None) -> str:
    """Of a version with its document: its number and what it says. The same draft saved once more has the same."""
    if found is None:
        return NO_DRAFT
    digest = sha256(orjson.dumps(found["document"], option=orjson.OPT_SORT_KEYS)).hexdigest()
    return f"{found['version']}-{digest}"


def places(session: Session, programme: int) -> Places:
    row = session.sql(
        """SELECT ARRAY(SELECT key FROM courses
                         WHERE company_id = %(company)s AND programme = %(programme)s) AS courses,
                  ARRAY(SELECT phase ->> 'key' FROM programmes AS p, jsonb_array_elements(p.phases) AS phase
                         WHERE p.company_id = %(company)s AND p.no = %(programme)s) AS phases""",
        {"programme": programme},
    ).fetchone()
    assert row is not None, "a SELECT without FROM has one row"
    return Places(row.courses, row.phases)


def activate(
    session: Session,
    programme: int,
    from_at: datetime | None = None,
    *,
    fingerprint: str | None = None,
    by: str | None = None,
) -> dict[str, Any]:
    """Puts the draft in force: what is recorded from `from_at` on, or from now on, is judged by it.

    Raises NotFound without a draft, Conflict for a time that is over, DraftChanged if it has not the fingerprint.
    """
    version.change(session)  # first: of two at once the second finds no draft any more
    draft = _one(session, programme, "draft")
    if fingerprint is not None and fingerprint != fingerprint_of(draft):
        raise DraftChanged
    now = clock(session)
    if from_at is not None and from_at <= now:
        time = from_at.isoformat()
        raise Conflict(say("from: %(time)s is over; leave it out to put the draft in force now", time=time))
    stays = None if from_at is None else session.sql(IN_FORCE, {"programme": programme, "at": now}).fetchone()
    session.sql(
        """UPDATE rulebooks SET status = 'retired'
            WHERE company_id = %(company)s AND programme = %(programme)s AND status = 'active'
              AND version IS DISTINCT FROM %(stays)s""",
        {"programme": programme, "stays": None if stays is None else stays.version},
    )
    session.sql(
        """UPDATE rulebooks SET status = 'active', active_from = %(from_at)s, activated_by = %(by)s
            WHERE company_id = %(company)s AND programme = %(programme)s AND version = %(version)s""",
        {"programme": programme, "version": draft["version"], "from_at": from_at or now, "by": by},
    )
    return of_version(session, programme, draft["version"])


def clock(session: Session) -> datetime:
    """Now, as the journal's next entry will have it: its times never go back, whatever the clock does."""
    row = session.sql(
        "SELECT greatest(last_recorded_at, clock_timestamp()) AS now FROM journals WHERE company_id = %(company)s"
    ).fetchone()
    assert row is not None, "every company has a journal"
    now: datetime = row.now
    return now


def in_force(session: Session, programme: int) -> dict[str, Any]:
    """The version in force with its document. Raises NotFound if there is none."""
    return _one(session, programme, "active")


def rulebook_in_force(session: Session, programme: int) -> tuple[int, Rulebook]:
    """Its version, and what it says. Raises NotFound if there is none."""
    found = in_force(session, programme)
    return found["version"], _parsed(orjson.dumps(found["document"]))


def rulebook_of_version(session: Session, programme: int, number: int) -> Rulebook:
    """What that version says. Raises NotFound if there is none."""
    return _parsed(orjson.dumps(of_version(session, programme, number)["document"]))


@lru_cache(maxsize=RULEBOOKS_REMEMBERED)
def _parsed(document: bytes) -> Rulebook:
    return parse(orjson.loads(document))


def draft(session: Session, programme: int) -> dict[str, Any]:
    """The draft with its document. Raises NotFound if there is none."""
    return _one(session, programme, "draft")


def of_version(session: Session, programme: int, number: int) -> dict[str, Any]:
    parameters = {"programme": programme, "version": number, "at": clock(session)}
    rows = session.sql(_SELECT + " AND version = %(version)s", parameters).fetchall()
    if not rows:
        raise NotFound(f"The rulebook has no version {number}.")
    return _shown(rows[0])


def all_versions(session: Session, programme: int, before: int, limit: int) -> list[dict[str, Any]]:
    """Those numbered below `before`, the newest first, without their documents."""
    rows = session.sql(
        _SELECT + " AND version < %(before)s ORDER BY version DESC LIMIT %(limit)s",
        {"programme": programme, "before": before, "limit": limit, "at": clock(session)},
    )
    return [{key: value for key, value in _shown(row).items() if key != "document"} for row in rows]


def signed(session: Session, programme: int) -> dict[int, Signed]:
    """Who saved and who activated each version."""
    rows = session.sql(
        """SELECT version, saved_by, activated_by FROM rulebooks
            WHERE company_id = %(company)s AND programme = %(programme)s""",
        {"programme": programme},
    )
    return {row.version: Signed(row.saved_by, row.activated_by) for row in rows}


_SELECT = """
WITH r AS (
    SELECT *, lead(active_from) OVER (PARTITION BY status ORDER BY active_from, version) AS next_from
      FROM rulebooks WHERE company_id = %(company)s AND programme = %(programme)s
), shown AS (
    SELECT version, document, created_at, active_from,
           CASE WHEN status <> 'active' THEN status
                WHEN active_from > %(at)s THEN 'scheduled'
                WHEN next_from <= %(at)s THEN 'retired'
                ELSE 'active' END AS status
      FROM r
)
SELECT * FROM shown WHERE true"""

IN_FORCE = """
SELECT version, document FROM rulebooks
 WHERE company_id = %(company)s AND programme = %(programme)s AND status = 'active' AND active_from <= %(at)s
 ORDER BY active_from DESC LIMIT 1"""
"""The version in force at a time, if there is one."""

_NONE = {
    "draft": "There is no draft of the rulebook; PUT one first.",
    "active": "No rulebook is in force; PUT a draft and activate it.",
}


def _one(session: Session, programme: int, status: str) -> dict[str, Any]:
    parameters = {"programme": programme, "at": clock(session), "status": status}
    row = session.sql(_SELECT + " AND status = %(status)s", parameters).fetchone()
    if row is None:
        raise NotFound(_NONE[status])
    return _shown(row)


def _shown(row: Any) -> dict[str, Any]:
    created_at: datetime = row.created_at
    return {
        "version": row.version,
        "status": row.status,
        "created_at": created_at,
        "active_from": row.active_from,
        "document": row.document,
    }
