"""Uploaded rosters between the preview and the confirmation: in the database, so that any host goes on with them.

Each is its uploader's alone. A day after the upload the file goes, with all that was read out of it.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Literal

import orjson

from pointsbank.database import Database, Session
from pointsbank.directory.programmes import Programme
from pointsbank.errors import NotFound
from pointsbank.rosters.checking import Check, Kept
from pointsbank.rosters.columns import FIELDS, Choice, Field
from pointsbank.rosters.problems import Problem
from pointsbank.saying import say

KEPT_FOR = timedelta(days=1)
MAX_KEPT = 5
"""Of one person that are not confirmed: the oldest goes."""
MAX_FILE_NAME_CHARACTERS = 200
INTERVAL_SECONDS = 900
"""How often a worker looks for what is to be forgotten."""
_PACKED = 3  # of zlib: ten times as quick as 9, a tenth larger

Status = Literal["uploaded", "chosen", "checked", "taking", "taken", "forgotten"]

_COLUMNS = """u.no, u.user_no, u.file_name, u.uploaded_at, u.choice, u.report, u.terms, u.taken, u.result,
              u.finished_at, u.forgotten_at, p.shown"""


@dataclass(frozen=True, slots=True)
class Terms:
    """How a roster was confirmed: with the rows that something is odd about, or without; and since when teams and
    enrolments count, None: as the directory has it by itself."""

    leaves_out_warned: bool
    from_on: date | None


@dataclass(frozen=True, slots=True)
class Upload:
    """`by` is who uploaded it; `taken` rows are done, out of those that the report says."""

    no: int
    user_no: int
    by: str
    file_name: str
    uploaded_at: datetime
    choice: Choice | None
    restores_zeros: bool
    report: Mapping[str, Any] | None
    terms: Terms | None
    taken: int
    result: Mapping[str, Any]
    finished_at: datetime | None
    forgotten_at: datetime | None

    @property
    def status(self) -> Status:
        if self.finished_at is not None:
            return "taken"
        if self.forgotten_at is not None:
            return "forgotten"
        if self.terms is not None:
            return "taking"
        if self.report is not None:
            return "checked"
        return "uploaded" if self.choice is None else "chosen"

    @property
    def goes_at(self) -> datetime:
        return self.uploaded_at + KEPT_FOR

    @property
    def rows(self) -> int:
        """That can be taken."""
        report = self.report or {}
        return sum(int(report.get(each, 0)) for each in ("new", "changed", "same"))


def keep(session: Session, programme: Programme, user_no: int, file_name: str, content: bytes) -> int:
    """Its number."""
    session.lock_journal()  # the number is the next one
    session.sql(
        """DELETE FROM roster_uploads
            WHERE company_id = %(company)s AND no IN (
                  SELECT no FROM roster_uploads
                   WHERE company_id = %(company)s AND user_no = %(user)s AND terms IS NULL
                   ORDER BY no DESC OFFSET %(most)s)""",
        {"user": user_no, "most": MAX_KEPT - 1},
    )
    row = session.sql(
        """INSERT INTO roster_uploads (company_id, no, user_no, programme, file_name, content)
            SELECT %(company)s, coalesce(max(no), 0) + 1, %(user)s, %(programme)s, %(name)s, %(content)s
              FROM roster_uploads WHERE company_id = %(company)s RETURNING no""",
        {
            "user": user_no,
            "programme": programme.no,
            "name": file_name[-MAX_FILE_NAME_CHARACTERS:],
            "content": content,
        },
    ).fetchone()
    assert row is not None, "an insert returns its row"
    return int(row.no)


def get(session: Session, programme: Programme, user_no: int, no: int, lock: bool = False) -> Upload:
    """Raises NotFound, also for another person's."""
    row = session.sql(
        f"""SELECT {_COLUMNS} FROM roster_uploads AS u
              JOIN users AS p ON p.company_id = %(company)s AND p.no = u.user_no
             WHERE u.company_id = %(company)s AND u.programme = %(programme)s AND u.no = %(no)s
               AND u.user_no = %(user)s {"FOR UPDATE OF u" if lock else ""}""",  # noqa: S608 - constants
        {"programme": programme.no, "no": no, "user": user_no},
    ).fetchone()
    if row is None:
        raise NotFound(say("There is no such upload, or it is somebody else's."))
    return _read(row)


def latest(session: Session, programme: Programme, user_no: int, most: int) -> list[Upload]:
    """What was taken, by anybody, and what this user has uploaded besides; the latest first."""
    rows = session.sql(
        f"""SELECT {_COLUMNS} FROM roster_uploads AS u
              JOIN users AS p ON p.company_id = %(company)s AND p.no = u.user_no
             WHERE u.company_id = %(company)s AND u.programme = %(programme)s
               AND (u.user_no = %(user)s OR u.terms IS NOT NULL)
             ORDER BY u.no DESC LIMIT %(most)s""",  # noqa: S608 - constants
        {"programme": programme.no, "user": user_no, "most": most},
    )
    return [_read(row) for row in rows]


def content(session: Session, no: int) -> bytes:
    """Raises NotFound once it is forgotten."""
    return _blob(session, no, "content")


def rows(session: Session, no: int) -> list[Kept]:
    """Those to be taken. Raises NotFound once they are forgotten."""
    return [tuple(row) for row in orjson.loads(zlib.decompress(_blob(session, no, "lines")))]


def problems(session: Session, no: int) -> list[Problem]:
    """All of them. Raises NotFound once they are forgotten."""
    return [Problem(*each) for each in orjson.loads(zlib.decompress(_blob(session, no, "problems")))["problems"]]


def faulty(session: Session, no: int) -> list[tuple[int, dict[Field, str]]]:
    """Rows that cannot be taken, with their numbers and what is written in them. Raises NotFound once they are
    forgotten."""
    return [(row, cells) for row, cells in orjson.loads(zlib.decompress(_blob(session, no, "problems")))["faulty"]]


def _blob(session: Session, no: int, column: Literal["content", "lines", "problems"]) -> bytes:
    row = session.sql(
        f"SELECT {column} FROM roster_uploads WHERE company_id = %(company)s AND no = %(no)s",  # noqa: S608 - a column
        {"no": no},
    ).fetchone()
    if row is None or row[0] is None:
        raise NotFound(say("The file is no longer kept. Upload it once more."))
    return bytes(row[0])


def choose(session: Session, no: int, choice: Choice, restores_zeros: bool = False) -> None:
    """How it is to be read; what was found by another choice goes."""
    kept = {"sheet": choice.sheet, "header": choice.header, "columns": dict(choice.columns), "zeros": restores_zeros}
    session.sql(
        """UPDATE roster_uploads SET choice = %(choice)s::jsonb, report = NULL, lines = NULL, problems = NULL
            WHERE company_id = %(company)s AND no = %(no)s AND terms IS NULL AND forgotten_at IS NULL""",
        {"no": no, "choice": orjson.dumps(kept).decode()},
    )


def note(session: Session, no: int, check: Check) -> None:
    """What the preview found."""
    session.sql(
        """UPDATE roster_uploads SET report = %(report)s::jsonb, lines = %(lines)s, problems = %(problems)s
            WHERE company_id = %(company)s AND no = %(no)s AND terms IS NULL AND forgotten_at IS NULL""",
        {
            "no": no,
            "report": orjson.dumps(check.report).decode(),
            "lines": zlib.compress(orjson.dumps(check.rows), _PACKED),
            "problems": zlib.compress(
                orjson.dumps({"problems": [list(each) for each in check.problems], "faulty": check.faulty}), _PACKED
            ),
        },
    )


def confirm(session: Session, no: int, terms: Terms) -> None:
    kept = {"leaves_out_warned": terms.leaves_out_warned, "from_on": terms.from_on}
    session.sql(
        "UPDATE roster_uploads SET terms = %(terms)s::jsonb WHERE company_id = %(company)s AND no = %(no)s",
        {"no": no, "terms": orjson.dumps(kept).decode()},
    )


def advance(session: Session, no: int, taken: int, result: Mapping[str, Any], is_over: bool) -> None:
    """In the transaction that writes the rows. Once all are written, nobody needs the file any more."""
    session.sql(
        """UPDATE roster_uploads
              SET taken = %(taken)s, result = %(result)s::jsonb,
                  finished_at = CASE WHEN %(over)s THEN clock_timestamp() END,
                  content = CASE WHEN NOT %(over)s THEN content END
            WHERE company_id = %(company)s AND no = %(no)s""",
        {"no": no, "taken": taken, "result": orjson.dumps(result).decode(), "over": is_over},
    )


def discard(session: Session, no: int) -> None:
    """One of which nothing was written."""
    session.sql(
        "DELETE FROM roster_uploads WHERE company_id = %(company)s AND no = %(no)s AND terms IS NULL", {"no": no}
    )


def forget(database: Database) -> int:
    """Of any company what is older than KEPT_FOR; returns how many uploads that were. In any number of workers at
    once."""
    with database.transaction(0) as session:
        session.sql("SET LOCAL app.every_company = 'on'")
        found = session.sql(
            """SELECT company_id, no FROM roster_uploads
                WHERE uploaded_at < now() - %(kept)s AND forgotten_at IS NULL""",
            {"kept": KEPT_FOR},
        ).fetchall()
    for company_id, no in found:
        database.run(company_id, partial(_forget, no=no))
    return len(found)


def _forget(session: Session, no: int) -> None:
    discard(session, no)
    session.sql(
        """UPDATE roster_uploads
              SET content = NULL, lines = NULL, problems = NULL, forgotten_at = now(),
                  report = report - '{first,changes,teams}'::text[]
            WHERE company_id = %(company)s AND no = %(no)s""",
        {"no": no},
    )


def _read(row: Any) -> Upload:
    choice, terms = row.choice, row.terms
    return Upload(
        row.no,
        row.user_no,
        row.shown,
        row.file_name,
        row.uploaded_at,
        None if choice is None else Choice(choice["sheet"], choice["header"], _columns(choice["columns"])),
        bool(choice and choice["zeros"]),
        row.report,
        None if terms is None else Terms(terms["leaves_out_warned"], _day(terms["from_on"])),
        row.taken,
        row.result or {},
        row.finished_at,
        row.forgotten_at,
    )


def _columns(found: Mapping[str, int]) -> dict[Any, int]:
    return {each: found[each] for each in FIELDS if each in found}


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
