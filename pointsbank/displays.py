"""Display links: with one, a browser shows a programme's big screen without anybody signing in, until it is revoked."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from pointsbank import acts
from pointsbank.database import Database, Session
from pointsbank.directory.faults import fault_of_text, refuse
from pointsbank.directory.programmes import Programme
from pointsbank.errors import Invalid, NotFound
from pointsbank.lately import FoundLately
from pointsbank.leaderboards.boards import Score
from pointsbank.saying import say
from pointsbank.users import secret_texts

PREFIX = "pbd"
MAX_NAME_CHARACTERS = 60
MAX_DISPLAYS = 100
"""Of a programme, at a time."""
CACHE_SECONDS = 1.0
"""So long may a revoked link still open a screen."""
MAX_CACHED = 10_000


@dataclass(frozen=True, slots=True)
class Display:
    """`score` is that of teams: their sum, or the mean per member."""

    no: int
    name: str
    hides_names: bool
    score: Score
    created_at: datetime
    revoked_at: datetime | None


class Grant(NamedTuple):
    """What a link gives: the screen of a programme (HR's id), as its display is set up."""

    company_id: int
    no: int
    programme: str
    hides_names: bool
    score: Score


def create(
    session: Session,
    programme: Programme,
    name: str,
    hides_names: bool = False,
    score: str = "sum",
    by: int | None = None,
) -> tuple[Display, str]:
    """The display, and the text of its link, which cannot be had again; `by` is the user who makes it.

    Raises Invalid with every fault.
    """
    name = name.strip()
    faults = []
    if (fault := fault_of_text(name, MAX_NAME_CHARACTERS)) is not None:
        faults.append(("name", fault))
    if score not in ("sum", "mean"):
        faults.append(("score", say("must be sum or mean.")))
    refuse(faults)
    session.lock_journal()  # the company's one writer: the number is the next one
    if sum(each.revoked_at is None for each in page(session, programme)) >= MAX_DISPLAYS:
        message = say("There are %(most)s links already; revoke one first.", most=MAX_DISPLAYS)
        raise Invalid.field("name", message)
    text, kept = secret_texts.make(PREFIX, session.company_id)
    row = session.sql(
        """INSERT INTO displays (company_id, no, programme, name, hides_names, score, secret_hash)
            SELECT %(company)s, coalesce(max(no), 0) + 1, %(programme)s, %(name)s, %(hides)s, %(score)s, %(kept)s
              FROM displays WHERE company_id = %(company)s
            RETURNING *""",
        {"programme": programme.no, "name": name, "hides": hides_names, "score": score, "kept": kept},
    ).fetchone()
    acts.note(session, by, "display-made", name)
    return _display(row), text


def page(session: Session, programme: Programme) -> list[Display]:
    """The newest first, also those that are revoked."""
    rows = session.sql(
        "SELECT * FROM displays WHERE company_id = %(company)s AND programme = %(programme)s ORDER BY no DESC",
        {"programme": programme.no},
    )
    return [_display(row) for row in rows]


def revoke(session: Session, programme: Programme, no: int, by: int | None = None) -> None:
    """Once and for all; again changes nothing. Raises NotFound."""
    row = session.sql(
        """UPDATE displays SET revoked_at = coalesce(revoked_at, now())
            WHERE company_id = %(company)s AND programme = %(programme)s AND no = %(no)s RETURNING *""",
        {"programme": programme.no, "no": no},
    ).fetchone()
    if row is None:
        raise NotFound(f"The programme {programme.key} has no display link {no}.")
    acts.note(session, by, "display-revoked", row.name)


def authenticate(database: Database, text: str) -> Grant | None:
    """None for what is no link of this service, or is revoked."""
    company_id = secret_texts.company_in(PREFIX, text)
    if company_id is None:
        return None
    kept = secret_texts.hash_of(text)
    found = _lately.get((database.url, kept))
    if found is not None:
        return found
    with database.transaction(company_id) as session:
        row = session.sql(
            """SELECT d.no, p.key AS programme, d.hides_names, d.score
                 FROM displays AS d
                 JOIN programmes AS p ON p.company_id = %(company)s AND p.no = d.programme
                WHERE d.company_id = %(company)s AND d.secret_hash = %(kept)s AND d.revoked_at IS NULL""",
            {"kept": kept},
        ).fetchone()
    if row is None:
        return None
    grant = Grant(company_id, *row)
    _lately.put((database.url, kept), grant)
    return grant


def _display(row: Any) -> Display:
    return Display(row.no, row.name, row.hides_names, row.score, row.created_at, row.revoked_at)


_lately: FoundLately[Grant] = FoundLately(CACHE_SECONDS, MAX_CACHED)
