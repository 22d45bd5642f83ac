"""Boards as clients read them: a page, and a text that tells whether a board has changed since."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pointsbank import company
from pointsbank.database import Database, Session
from pointsbank.leaderboards.boards import DEFAULT_ROWS, Board
from pointsbank.leaderboards.standings import Standings, standings

Source = Literal["redis", "ledger"]


@dataclass(frozen=True, slots=True)
class View:
    """What a client looks at: `limit` rows after the first `offset`, or with the member `around` in the middle."""

    board: Board
    limit: int = DEFAULT_ROWS
    offset: int = 0
    around: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """`state` is that of the board (see `Leaderboards.states`); `scale` how many decimals scores are shown with."""

    source: Source
    state: str
    scale: int
    standings: Standings


class Leaderboards:
    """The boards of all companies. Safe to share between threads; opened lazily, so that a fork may follow."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, company_id: int, view: View) -> Page:
        """Raises NotFound for an unknown programme or course, or for a member who is not on the board."""
        with self._database.snapshot(company_id) as session:
            page = standings(session, view.board, view.limit, view.offset, view.around)
            state = _state(session)
            scale = company.get(session).credits_scale if view.board.unit == "credits" else 0
        return Page("ledger", state, scale, page)

    def states(self, company_id: int, boards: Sequence[Board]) -> list[str]:
        """Of each board a text that is another one whenever a page of it may be. Cheap: to be asked ten times
        a second."""
        with self._database.snapshot(company_id) as session:
            return [_state(session)] * len(boards)


def _state(session: Session) -> str:
    row = session.sql(
        """SELECT j.last_number, j.directory_version, (now() AT TIME ZONE c.timezone)::date AS today
             FROM journals AS j JOIN companies AS c ON c.company_id = %(company)s
            WHERE j.company_id = %(company)s"""
    ).fetchone()
    assert row is not None, "every company has a journal"
    return f"{row.last_number}-{row.directory_version}-{row.today:%Y%m%d}"
