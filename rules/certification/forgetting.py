"""Results of previews go after a while; the runs themselves, and all that was issued, stay."""

from functools import partial

from pointsbank.database import Database, Session
from rules.certification.run import KEPT_FOR

INTERVAL_SECONDS = 600
"""How often a worker looks."""


def forget(database: Database) -> int:
    """Deletes the results of the runs of any company that issued nothing and are over for so long; returns how many
    runs that were. In any number of workers at once."""
    with database.transaction(0) as session:
        session.sql("SET LOCAL app.every_company = 'on'")
        rows = session.sql(
            """SELECT company_id, no FROM certification_runs
                WHERE finished_at < now() - %(kept)s AND issued = 0 AND forgotten_at IS NULL""",
            {"kept": KEPT_FOR},
        ).fetchall()
    for company_id, no in rows:
        database.run(company_id, partial(_forget, no=no))
    return len(rows)


def _forget(session: Session, no: int) -> None:
    session.sql(
        "UPDATE certification_runs SET forgotten_at = now() WHERE company_id = %(company)s AND no = %(no)s", {"no": no}
    )
    session.sql("DELETE FROM certification_results WHERE company_id = %(company)s AND run = %(no)s", {"no": no})
