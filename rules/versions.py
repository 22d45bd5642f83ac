"""A programme's rulebook through its versions: one draft at most, one in force at most, the rest retired."""

from datetime import datetime
from typing import Any

import orjson

from pointsbank.database import Session
from pointsbank.directory import version
from pointsbank.errors import NotFound
from rules.rulebook import parse


def put_draft(session: Session, programme: int, document: object) -> dict[str, Any]:
    """Keeps the document as the draft, in place of one there is. Raises RulebookInvalid with every fault."""
    parse(document)
    version.change(session)
    session.sql(
        "DELETE FROM rulebooks WHERE company_id = %(company)s AND programme = %(programme)s AND status = 'draft'",
        {"programme": programme},
    )
    session.sql(
        """INSERT INTO rulebooks (company_id, programme, version, status, document)
           VALUES (%(company)s, %(programme)s,
                   1 + coalesce((SELECT max(version) FROM rulebooks
                                  WHERE company_id = %(company)s AND programme = %(programme)s), 0),
                   'draft', %(document)s::jsonb)""",
        {"programme": programme, "document": orjson.dumps(document).decode()},
    )
    return _one(session, programme, "draft")


def activate(session: Session, programme: int) -> dict[str, Any]:
    """Puts the draft in force: events recorded from now on are judged by it. Raises NotFound without a draft."""
    draft = _one(session, programme, "draft")
    version.change(session)
    session.sql(
        "UPDATE rulebooks SET status = 'retired' "
        "WHERE company_id = %(company)s AND programme = %(programme)s AND status = 'active'",
        {"programme": programme},
    )
    session.sql(
        """UPDATE rulebooks SET status = 'active', active_from = clock_timestamp()
            WHERE company_id = %(company)s AND programme = %(programme)s AND version = %(version)s""",
        {"programme": programme, "version": draft["version"]},
    )
    return _one(session, programme, "active")


def in_force(session: Session, programme: int) -> dict[str, Any]:
    """The version in force with its document. Raises NotFound if there is none."""
    return _one(session, programme, "active")


def draft(session: Session, programme: int) -> dict[str, Any]:
    """The draft with its document. Raises NotFound if there is none."""
    return _one(session, programme, "draft")


def of_version(session: Session, programme: int, number: int) -> dict[str, Any]:
    rows = session.sql(_SELECT + " AND version = %(version)s", {"programme": programme, "version": number}).fetchall()
    if not rows:
        raise NotFound(f"The rulebook has no version {number}.")
    return _shown(rows[0])


def all_versions(session: Session, programme: int, before: int, limit: int) -> list[dict[str, Any]]:
    """Those numbered below `before`, the newest first, without their documents."""
    rows = session.sql(
        _SELECT + " AND version < %(before)s ORDER BY version DESC LIMIT %(limit)s",
        {"programme": programme, "before": before, "limit": limit},
    )
    return [{key: value for key, value in _shown(row).items() if key != "document"} for row in rows]


_SELECT = """SELECT version, status, document, created_at, active_from FROM rulebooks
              WHERE company_id = %(company)s AND programme = %(programme)s"""


def _one(session: Session, programme: int, status: str) -> dict[str, Any]:
    row = session.sql(_SELECT + " AND status = %(status)s", {"programme": programme, "status": status}).fetchone()
    if row is None:
        raise NotFound(
            "There is no draft of the rulebook; PUT one first."
            if status == "draft"
            else "No rulebook is in force; PUT a draft and activate it."
        )
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
