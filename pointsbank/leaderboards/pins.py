"""Boards that programmes pin: kept in Redis from the first commit on, whether anybody looks at them or not."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from threading import Lock
from zoneinfo import ZoneInfo

from pointsbank.database import Database, Session
from pointsbank.directory import courses, programmes
from pointsbank.directory.courses import Course
from pointsbank.directory.faults import refuse
from pointsbank.directory.programmes import Programme
from pointsbank.errors import FieldError, Invalid
from pointsbank.leaderboards import boards, periods
from pointsbank.leaderboards.boards import Board, Scope
from pointsbank.leaderboards.frame import Frame

MAX_PINNED = 20
"""Boards of a programme."""
INTERVAL_SECONDS = 60
"""So often a worker looks after the pinned boards of all companies, also where nothing is booked."""
REMEMBERED_SECONDS = 1.0


def put(session: Session, programme_key: str, wanted: Sequence[Mapping[str, str]]) -> list[Board]:
    """Pins these boards, in the words of `boards.parse`, instead of those before. Without a scope it is the programme.

    Raises NotFound for the programme, and Invalid with every fault.
    """
    programme = programmes.get(session, programme_key)
    known = courses.find_all(session, programme)
    chosen = _parsed(programme, known, wanted)
    session.lock_journal()
    session.sql(
        "DELETE FROM pinned_boards WHERE company_id = %(company)s AND programme = %(programme)s",
        {"programme": programme.no},
    )
    for place, board in enumerate(chosen, 1):
        session.sql(
            """INSERT INTO pinned_boards
                VALUES (%(company)s, %(no)s, %(place)s, %(kind)s, %(course)s, %(unit)s, %(members)s, %(period)s,
                        %(score)s)""",
            {
                **boards.query(board),
                "no": programme.no,
                "place": place,
                "kind": str(board.scope).partition(":")[0],
                "course": None if board.scope.course is None else known[board.scope.course].no,
            },
        )
    return chosen


def _parsed(programme: Programme, known: Mapping[str, Course], wanted: Sequence[Mapping[str, str]]) -> list[Board]:
    faults: list[FieldError] = []
    chosen: list[Board] = []
    if len(wanted) > MAX_PINNED:
        faults.append(("boards", f"must be at most {MAX_PINNED}."))
    for index, each in enumerate(wanted):
        path = f"boards[{index}]"
        try:
            board = boards.parse({"scope": str(Scope(programme.key)), **each})
        except Invalid as invalid:
            faults += [(f"{path}.{name}", message) for name, message in invalid.errors]
            continue
        scope = board.scope
        if scope.programme not in (None, programme.key):
            faults.append((f"{path}.scope", "must be the company, this programme or one of its courses."))
        elif scope.course is not None and scope.course not in known:
            faults.append((f"{path}.scope", f"there is no course {scope.course} in the programme {programme.key}."))
        elif board in chosen:
            faults.append((path, f"is the same board as boards[{chosen.index(board)}]."))
        chosen.append(board)
    refuse(faults)
    return chosen


def of(session: Session, programme_key: str) -> list[Board]:
    """As HR listed them. Raises NotFound."""
    programme = programmes.get(session, programme_key)
    rows = session.sql(
        """SELECT p.*, c.key AS course_key
             FROM pinned_boards AS p
             LEFT JOIN courses AS c ON c.company_id = %(company)s AND c.no = p.course
            WHERE p.company_id = %(company)s AND p.programme = %(programme)s ORDER BY p.place""",
        {"programme": programme.no},
    )
    return [
        Board(
            Scope() if row.scope == "company" else Scope(programme.key, row.course_key),
            row.unit,
            row.members,
            periods.parse(row.period),
            row.score,
        )
        for row in rows
    ]


def frames(database: Database, company_id: int, now: datetime) -> list[Frame]:
    """Of all programmes of the company, each once, as of now: what `week` is, moves on."""
    with database.snapshot(company_id) as session:
        rows = session.sql(
            """SELECT p.*, c.unit AS flowers, o.timezone
                 FROM pinned_boards AS p
                 JOIN companies AS o ON o.company_id = %(company)s
                 LEFT JOIN courses AS c ON c.company_id = %(company)s AND c.no = p.course
                WHERE p.company_id = %(company)s ORDER BY p.programme, p.place"""
        ).fetchall()
    found: dict[Frame, None] = {}
    for row in rows:
        programme = None if row.scope == "company" else row.programme
        frame = Frame(programme, row.course, row.flowers, row.unit, row.members)
        found[frame.of_period(periods.parse(row.period), ZoneInfo(row.timezone), now)] = None
    return list(found)


def companies(database: Database) -> list[int]:
    """Those that have pinned a board."""
    with database.transaction(0) as session:
        session.sql("SET LOCAL app.every_company = 'on'")
        return [company_id for (company_id,) in session.sql("SELECT DISTINCT company_id FROM pinned_boards")]


class Pins:
    """The pinned boards of all companies, each company's remembered for a second: who is nudged at each commit
    does not ask each time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = Lock()
        self._known: dict[int, tuple[float, list[Frame]]] = {}
        self._forgotten = 0

    def of(self, company_id: int) -> list[Frame]:
        known, now = self._known.get(company_id), time.monotonic()
        if known is not None and now < known[0]:
            return known[1]
        forgotten = self._forgotten
        found = frames(self._database, company_id, datetime.now(UTC))
        with self._lock:
            if forgotten == self._forgotten:  # else what was read may be what was there before
                self._known[company_id] = (now + REMEMBERED_SECONDS, found)
        return found

    def forget(self, company_id: int) -> None:
        """They have changed."""
        with self._lock:
            self._forgotten += 1
            self._known.pop(company_id, None)
