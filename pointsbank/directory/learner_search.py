"""Learners found by what people remember of them: a part of the id, of the name, the address or the department."""

from datetime import date
from typing import Literal, get_args

from pointsbank.database import Session
from pointsbank.directory.learners import COLUMNS, Learner

Presence = Literal["", "here", "left"]
PRESENCES: tuple[Presence, ...] = get_args(Presence)


def search(
    session: Session, text: str, presence: Presence, today: date, limit: int, after: str | None = None
) -> list[Learner]:
    """At most `limit` learners in the order of their keys, from the first one after that key. `text` may stand
    anywhere, in capitals or not; empty, it is no condition. `here` are those who have not left by `today`."""
    conditions = {"": "", "here": _HERE, "left": _LEFT}
    rows = session.sql(
        f"""SELECT {COLUMNS} FROM learners AS l
             WHERE company_id = %(company)s AND key > %(after)s {conditions[presence]}
               AND (%(text)s = '' OR strpos(lower(key), lower(%(text)s)) > 0
                    OR strpos(lower(name), lower(%(text)s)) > 0
                    OR strpos(lower(coalesce(department, '')), lower(%(text)s)) > 0
                    OR strpos(lower(coalesce(email, '')), lower(%(text)s)) > 0)
             ORDER BY key LIMIT %(limit)s""",  # noqa: S608 - columns and conditions of this module
        {"after": after or "", "limit": limit, "text": text.replace("\0", ""), "today": today},
    )
    return [Learner(*row) for row in rows]


_HERE = "AND (left_on IS NULL OR left_on >= %(today)s)"
_LEFT = "AND left_on < %(today)s"
