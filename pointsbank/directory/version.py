"""The directory's version. Workers keep what they read of the directory until it changes."""

from pointsbank.database import Session

CURRENT = "(SELECT directory_version FROM journals WHERE company_id = %(company)s)"
"""For what is written after `change`, so that boards find it."""


def change(session: Session) -> int:
    """Says that this transaction changes the directory or a rulebook; returns the new version.

    Also makes the transaction the company's one writer until it ends. Only to be called if something does
    change: every worker reads the directory anew afterwards.
    """
    session.changed = True
    row = session.sql(
        """UPDATE journals SET directory_version = directory_version + 1
            WHERE company_id = %(company)s RETURNING directory_version"""
    ).fetchone()
    assert row is not None, "every company has a journal"
    return int(row.directory_version)
