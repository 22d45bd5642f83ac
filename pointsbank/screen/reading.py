"""The big screen as it stands: boards of teams and learners, a match, the newest awards."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, NamedTuple

from pointsbank.database import Database, Session
from pointsbank.directory import programmes
from pointsbank.directory.programmes import Programme
from pointsbank.leaderboards import periods
from pointsbank.leaderboards.boards import Board, Members, Scope, Score, Unit
from pointsbank.leaderboards.reading import Leaderboards, Page, Source, View
from pointsbank.matches import match as matches
from pointsbank.matches import score as scores
from pointsbank.matches.match import Match
from pointsbank.screen import pseudonyms
from pointsbank.screen.awards import Award, Awards
from pointsbank.screen.pseudonyms import Pseudonyms

TEAMS = 48
LEARNERS = 10
MATCHES = 3
TRIES = 3
"""Of giving numbers to everybody: somebody may come in between."""
MAX_REMEMBERED = 1_000
"""Programmes, by a worker."""


class Opened(NamedTuple):
    """Which programme's screen (by HR's id), and how."""

    programme: str
    hides_names: bool = False
    score: Score = "sum"


class Team(NamedTuple):
    """`place` is the team's in the order in which the programme got its teams: its colour goes by it."""

    no: int
    key: str
    name: str
    place: int


class Person(NamedTuple):
    """A learner; of one whose name is hidden there is the pseudonym only."""

    no: int
    name: str
    team: int | None


@dataclass(frozen=True, slots=True)
class Screen:
    """`boards` by members and unit. `people` are learners by number and `keys` their numbers by HR's id; `hidden` is
    None where names are shown. `due_at` is when time alone changes something."""

    source: Source
    number: int
    at: datetime
    programme: Programme
    score: Score
    scale: int
    boards: dict[tuple[Members, Unit], Page]
    teams: dict[int, Team]
    people: dict[int, Person]
    keys: dict[str, int]
    matches: list[tuple[Match, scores.Score]]
    awards: Sequence[Award]
    hidden: Pseudonyms | None
    due_at: datetime | None


class Screens:
    """The screens of all companies. Safe to share between threads."""

    def __init__(self, database: Database, leaderboards: Leaderboards) -> None:
        self._database = database
        self._leaderboards = leaderboards
        self._awards = Awards()
        self._lock = threading.Lock()
        self._hidden: dict[tuple[int, int], tuple[int, Pseudonyms]] = {}

    def states(self, company_id: int, wanted: Sequence[tuple[str, Score]]) -> list[str]:
        """Of each programme with a score of teams a text that is another one whenever its boards may be."""
        each = [list(boards(programme, score).values()) for programme, score in wanted]
        found = iter(self._leaderboards.states(company_id, [board for these in each for board in these]))
        return ["|".join(islice(found, len(these))) for these in each]

    def read(self, company_id: int, opened: Opened) -> Screen:
        """Raises NotFound for an unknown programme."""
        shown = {}
        for what, board in boards(opened.programme, opened.score).items():
            view = View(board, TEAMS if what[0] == "teams" else LEARNERS)
            shown[what] = self._leaderboards.page(company_id, view)
        hidden = self._pseudonyms(company_id, opened.programme) if opened.hides_names else None
        with self._database.snapshot(company_id) as session:
            return self._read(session, opened, shown, hidden)

    def _read(
        self, session: Session, opened: Opened, shown: dict[tuple[Members, Unit], Page], hidden: Pseudonyms | None
    ) -> Screen:
        programme = programmes.get(session, opened.programme)
        awards = self._awards.newest(session, programme)
        now = datetime.now(UTC)
        near = matches.nearest(session, programme, now, MATCHES)
        running = [each for each in near if each.starts_at <= now < each.settles_at]
        shown_matches = [(each, scores.of(session, each)) for each in running or near[:1]]
        keys = {row.member for what, page in shown.items() if what[0] == "learners" for row in page.standings.rows}
        for match, score in shown_matches:
            if match.members == "learners":
                keys |= {place.member for place in score.places}
        people = _people(session, programme, keys, {no for award in awards for no in award.receivers})
        pages = list(shown.values())
        return Screen(
            "redis" if any(page.source == "redis" for page in pages) else "ledger",
            min(page.standings.number for page in pages),
            min(page.standings.at for page in pages),
            programme,
            opened.score,
            shown["teams", "credits"].scale,
            shown,
            _teams(session, programme),
            dict(people.values()),
            {key: no for key, (no, _) in people.items()},
            shown_matches,
            awards,
            hidden,
            _due(near, now),
        )

    def _pseudonyms(self, company_id: int, key: str) -> Pseudonyms:
        """Of everybody in the programme, read again when the directory has changed."""
        for _ in range(TRIES):
            with self._database.snapshot(company_id) as session:
                programme = programmes.get(session, key)
                row = session.sql("SELECT directory_version FROM journals WHERE company_id = %(company)s").fetchone()
                assert row is not None, "every company has a journal"
                with self._lock:
                    known = self._hidden.get((company_id, programme.no))
                if known is not None and known[0] == row.directory_version:
                    return known[1]
                found = pseudonyms.load(session, programme)
            if found is not None:
                with self._lock:
                    if len(self._hidden) >= MAX_REMEMBERED:
                        self._hidden.clear()
                    self._hidden[company_id, programme.no] = (row.directory_version, found)
                return found
            pseudonyms.draw(self._database, company_id, programme)
        raise AssertionError("the programme's learners change faster than they can be counted")


def boards(programme: str, score: Score) -> dict[tuple[Members, Unit], Board]:
    """What the screen shows; teams by their sum or mean, learners by their sum."""
    of_teams: Members = "teams"
    found: dict[tuple[Members, Unit], Board] = {}
    for unit in _UNITS:
        found[of_teams, unit] = Board(Scope(programme), unit, of_teams, _ALL, score)
        found["learners", unit] = Board(Scope(programme), unit, "learners", _ALL, "sum")
    return found


_UNITS: tuple[Unit, ...] = ("credits", "flowers")
_ALL = periods.parse(periods.ALL)


def _teams(session: Session, programme: Programme) -> dict[int, Team]:
    rows = session.sql(
        "SELECT no, key, name FROM teams WHERE company_id = %(company)s AND programme = %(programme)s ORDER BY no",
        {"programme": programme.no},
    )
    return {row.no: Team(row.no, row.key, row.name, place) for place, row in enumerate(rows)}


def _people(session: Session, programme: Programme, keys: set[str], numbers: set[int]) -> dict[str, tuple[int, Person]]:
    """By HR's id, those with these ids or numbers; with the team in which they are now."""
    rows = session.sql(
        """SELECT l.key, l.no, l.name, (SELECT m.team FROM memberships AS m
                                         WHERE m.company_id = %(company)s AND m.programme = %(programme)s
                                           AND m.learner = l.no ORDER BY m.from_at DESC LIMIT 1) AS team
             FROM learners AS l
            WHERE l.company_id = %(company)s
              AND (l.key = ANY (%(keys)s::text[]) OR l.no = ANY (%(numbers)s::integer[]))""",
        {"programme": programme.no, "keys": list(keys), "numbers": list(numbers)},
    )
    return {row.key: (row.no, Person(row.no, row.name, row.team)) for row in rows}


def _due(near: Sequence[Match], now: datetime) -> datetime | None:
    times: list[Any] = [at for each in near for at in (each.starts_at, each.ends_at, each.settles_at) if at > now]
    return min(times, default=None)
