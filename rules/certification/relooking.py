"""Looking at certificates again in the background: those that depend on what others earned, some at a time."""

import logging
import time
from collections.abc import Iterable
from functools import partial

from pointsbank.database import Database, Session
from rules.certification import judging

log = logging.getLogger(__name__)

INTERVAL_SECONDS = 5
"""How often a worker asks whether there is something to be looked at."""
SLICE_SECONDS = 0.5
"""At a turn: matches are to be settled, too."""
TOGETHER = 100
"""Certificates looked at in one transaction."""

WHY = "Something in the programme was reversed since, and by what is booked now it would not be earned."


def ask(session: Session, programmes: Iterable[int]) -> None:
    """Certificates of these programmes that depend on what others earned are to be looked at again, from the first.

    The session is the company's one writer.
    """
    session.sql(
        f"""INSERT INTO certificate_relooks (company_id, programme, asked_at)
            SELECT %(company)s, p.no, j.last_number
              FROM programmes AS p
              JOIN journals AS j ON j.company_id = %(company)s
             WHERE p.company_id = %(company)s AND p.no = ANY (%(programmes)s::integer[])
               AND EXISTS (SELECT FROM certificates AS c
                            WHERE c.company_id = %(company)s AND c.programme = p.no AND {_DEPENDS})
            ON CONFLICT (company_id, programme)
            DO UPDATE SET asked_at = excluded.asked_at, looked_at = 0""",  # noqa: S608 - a constant
        {"programmes": sorted(programmes)},
    )


# Neither revoked nor flagged already: the condition of the index certificates_on_others.
_DEPENDS = "c.on_others AND c.revoked_at IS NULL AND c.review_since IS NULL"


def look_again(database: Database) -> int:
    """Works for a moment on what was asked for, of any company; returns how many certificates were looked at.

    In any number of workers at once, and killed at any moment: where it goes on stands in the table.
    """
    until = time.monotonic() + SLICE_SECONDS
    looked = 0
    with database.transaction(0) as session:
        session.sql("SET LOCAL app.every_company = 'on'")
        asked = session.sql("SELECT company_id, programme FROM certificate_relooks ORDER BY asked_at").fetchall()
    for company_id, programme in asked:
        while time.monotonic() < until:
            count = database.run(company_id, partial(_look, programme=programme), writes=True)
            looked += count
            if not count:
                break
    return looked


def _look(session: Session, programme: int) -> int:
    row = session.sql(
        "SELECT looked_at FROM certificate_relooks WHERE company_id = %(company)s AND programme = %(programme)s",
        {"programme": programme},
    ).fetchone()
    if row is None:
        return 0  # another worker was quicker
    rows = session.sql(
        f"""SELECT c.no FROM certificates AS c
             WHERE c.company_id = %(company)s AND c.programme = %(programme)s AND c.no > %(after)s AND {_DEPENDS}
             ORDER BY c.no LIMIT %(limit)s""",  # noqa: S608 - a constant
        {"programme": programme, "after": row.looked_at, "limit": TOGETHER},
    ).fetchall()
    numbers = [no for (no,) in rows]
    judging.flag(session, [(each, WHY) for each in judging.judge(session, numbers) if not each.qualified])
    session.sql(
        """UPDATE certificate_relooks SET looked_at = %(last)s
            WHERE company_id = %(company)s AND programme = %(programme)s"""
        if numbers
        else "DELETE FROM certificate_relooks WHERE company_id = %(company)s AND programme = %(programme)s",
        {"programme": programme, "last": numbers[-1] if numbers else 0},
    )
    return len(numbers)
