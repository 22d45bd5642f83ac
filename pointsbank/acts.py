"""What users did to what opens the bank: keys, tokens, origins, users, signing keys, display links.

Never changed, never deleted.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pointsbank.database import Session

Act = Literal[
    "key-made",
    "key-revoked",
    "token-made",
    "token-revoked",
    "origin-added",
    "origin-removed",
    "user-made",
    "user-changed",
    "user-disabled",
    "user-enabled",
    "link-made",
    "sessions-ended",
    "signing-key-rotated",
    "display-made",
    "display-revoked",
]
MAX_SUBJECT_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Done:
    """`by` is what pages call the user; `subject` is what it was done to, by its name."""

    no: int
    at: datetime
    by: str
    act: Act
    subject: str


def note(session: Session, by: int | None, act: Act, subject: str) -> None:
    """To be called in the transaction that does it. None: by no user, but on the command line or with a key."""
    if by is None:
        return
    session.lock_journal()  # the company's one writer: the number is the next one
    session.sql(
        """INSERT INTO acts (company_id, no, by_user, act, subject)
           SELECT %(company)s, coalesce(max(no), 0) + 1, %(by)s, %(act)s, %(subject)s
             FROM acts WHERE company_id = %(company)s""",
        {"by": by, "act": act, "subject": subject[:MAX_SUBJECT_CHARACTERS]},
    )


def page(session: Session, limit: int, before: int | None = None) -> list[Done]:
    """The newest first, those numbered below `before`."""
    rows = session.sql(
        """SELECT a.no, a.at, u.shown, a.act, a.subject
             FROM acts AS a JOIN users AS u ON u.company_id = %(company)s AND u.no = a.by_user
            WHERE a.company_id = %(company)s AND a.no < coalesce(%(before)s::bigint, 9223372036854775807)
            ORDER BY a.no DESC LIMIT %(limit)s""",
        {"before": before, "limit": limit},
    )
    return [Done(*row) for row in rows]
