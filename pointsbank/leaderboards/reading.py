"""Boards as clients read them: a page, and a text that tells whether a board has changed since.

A page comes from Redis if what is there is known to be what the ledger says, and else from the ledger itself: the
same rows in the same order. Known it is for `FRESH_SECONDS` after anybody has compared the two, unless a worker
of this service has written to the ledger since.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Literal, NamedTuple

from pointsbank.database import Database
from pointsbank.leaderboards import means, people, pins
from pointsbank.leaderboards.boards import DEFAULT_ROWS, Board
from pointsbank.leaderboards.commits import OF_THIS_SERVICE
from pointsbank.leaderboards.connection import READ_SECONDS_MAX, WRITE_SECONDS_MAX, Away, Breaker, connect
from pointsbank.leaderboards.frame import Frame, instant, micros
from pointsbank.leaderboards.packing import Member
from pointsbank.leaderboards.places import LEDGER_AWAY, Latest, Place, Places, latest
from pointsbank.leaderboards.projection import keeps
from pointsbank.leaderboards.projector import Projector
from pointsbank.leaderboards.sharing import Shared
from pointsbank.leaderboards.standings import Ahead, Row, Standings, shown, standings
from pointsbank.leaderboards.store import Found, State, Store

FRESH_SECONDS = 0.4
CATCH_UP_SECONDS = 0.2
"""So long a reader waits for a board that is behind, before the ledger answers."""
CATCH_UP_STEP_SECONDS = 0.005
LOOKED_AT_SECONDS = 600.0
"""So often a worker says that a board is looked at."""
MAX_PAGES = 1_000
"""Kept by a worker, for as long as their boards do not change."""

Source = Literal["redis", "ledger"]


class View(NamedTuple):
    """What a client looks at: `limit` rows after the first `offset`, or with the member `around` in the middle."""

    board: Board
    limit: int = DEFAULT_ROWS
    offset: int = 0
    around: str | None = None


class Page(NamedTuple):
    """`state` is that of the board (see `Leaderboards.states`); `scale` how many decimals scores are shown with."""

    source: Source
    state: str
    scale: int
    standings: Standings


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Leaderboards:
    """The boards of all companies. Safe to share between threads; opened lazily, so that a fork may follow."""

    def __init__(self, database: Database, redis_url: str | None, clock: Callable[[], datetime] = _utc_now) -> None:
        self._database = database
        self._clock = clock
        self._places = Places(database)
        self._ledger: Shared[tuple[int, View], Page] = Shared()
        self._pages = _Pages()
        self._looked: dict[tuple[int, Frame], float] = {}
        self._breaker = Breaker()
        self._store: Store | None = None
        if redis_url is not None:
            self._store = Store(connect(redis_url, READ_SECONDS_MAX))
            self._projector = Projector(database, Store(connect(redis_url, WRITE_SECONDS_MAX)))
            database.committed = self._committed

    def _committed(self, company_id: int) -> None:
        OF_THIS_SERVICE.note(company_id)
        self._projector.nudge(company_id)

    def pins_changed(self, company_id: int) -> None:
        """To be called once it is committed."""
        if self._store is not None:
            self._projector.pins.forget(company_id)
            self._projector.nudge(company_id, 0)

    def warm_pinned(self) -> None:
        """Looks after the pinned boards of all companies: where nothing is booked, too, a new day begins, and a Redis
        that has come back is empty."""
        if self._store is not None:
            for company_id in pins.companies(self._database):
                self._projector.nudge(company_id)

    def close(self) -> None:
        if self._store is not None:
            self._database.committed = None
            self._projector.close()

    def page(self, company_id: int, view: View) -> Page:
        """Raises NotFound for an unknown programme or course, or for a member who is not on the board."""
        place = self._places.of(company_id, view.board)
        now = self._clock()
        frame = place.frame.of_period(view.board.period, place.zone, now)
        if self._store is not None and keeps(frame, now):
            store = self._store
            try:
                page = self._breaker.call(lambda: self._of_redis(store, company_id, view, place, frame, now))
            except Away:
                page = None
            if page is not None:
                return page
        return self._ledger.get((company_id, view), lambda: self._of_ledger(company_id, view, place))

    def states(self, company_id: int, boards: Sequence[Board]) -> list[str]:
        """Of each board a text that is another one whenever a page of it may be. Cheap: to be asked ten times
        a second. Raises NotFound."""
        now = self._clock()
        places = [self._places.of(company_id, board) for board in boards]
        frames = [
            place.frame.of_period(board.period, place.zone, now) for place, board in zip(places, boards, strict=True)
        ]
        found = self._states_of_redis(company_id, frames)
        newest = self._places.recent(company_id) if None in found else None
        states = [
            state or State(*newest, before=_before(board, place, now))  # type: ignore[misc]  # None only if all are there
            for state, board, place in zip(found, boards, places, strict=True)
        ]
        return [_state_text(str(state), board, now) for state, board in zip(states, boards, strict=True)]

    # From Redis -------------------------------------------------------------------------------------------

    def _of_redis(
        self, store: Store, company_id: int, view: View, place: Place, frame: Frame, now: datetime
    ) -> Page | None:
        """None if the board is not there, or behind and does not catch up soon."""
        self._look(store, company_id, frame)
        asked = time.monotonic()
        kept = self._true(store, company_id, view, place, frame, now)
        if kept is None:
            return None
        page = kept.page or _of_means(view, frame, kept.found, kept.before, micros(now))
        if page is None:
            return None
        at = now - timedelta(seconds=max(0.0, asked - kept.true_at))
        shown = Standings(page.number, at, page.window, page.size, page.rows, page.ahead)
        return Page("redis", _state_text(kept.state, view.board, now), place.scale, shown)

    def _true(
        self, store: Store, company_id: int, view: View, place: Place, frame: Frame, now: datetime
    ) -> "_Kept | None":
        """What Redis has, or had, once it is known to be the ledger's."""
        until = time.monotonic() + CATCH_UP_SECONDS
        needed: _Newest | None = None
        while True:
            asked, before = time.monotonic(), micros(frame.before(place.zone, now))
            kept = self._pages.get((company_id, view))
            if kept is None or kept.before != before or not self._holds(company_id, kept.true_at, asked):
                kept = self._found(store, company_id, view, frame, before, kept)
                if kept is None or self._holds(company_id, kept.true_at, asked):
                    return kept
                needed = needed or self._newest(company_id, kept.redis_now)
                if needed is not None and not self._reaches(store, company_id, frame, kept, needed):
                    self._projector.nudge(company_id, 0)
                    if time.monotonic() > until:
                        return None
                    time.sleep(CATCH_UP_STEP_SECONDS)
                    now = self._clock()
                    continue
            return kept  # with the ledger away what there is, with its true age, is better than nothing

    def _found(
        self, store: Store, company_id: int, view: View, frame: Frame, before: int, kept: "_Kept | None"
    ) -> "_Kept | None":
        """What Redis has now; `kept` is what it had. None if the board is not there."""
        whole = view.board.score == "mean"
        limit, offset, around = (None, 0, "") if whole else (view.limit, view.offset, view.around or "")
        asked = time.monotonic()
        found = store.page(company_id, frame, before, limit, offset, around, kept.state if kept else "")
        if isinstance(found, str):
            if found == "missing":
                store.want(company_id, frame)  # Redis may have forgotten what was said before
            self._projector.nudge(company_id, 0)
            return None
        if isinstance(found, Found):
            kept = _Kept(found.state, before, found, None if whole else _standings(view, frame, found))
            self._pages.put((company_id, view), kept)
        assert kept is not None, "nothing else can be the same"
        kept.true_at = max(kept.true_at, asked - max(0, found.now - found.checked) / 1e6)
        kept.redis_now = found.now
        return kept

    def _reaches(self, store: Store, company_id: int, frame: Frame, kept: "_Kept", needed: "_Newest") -> bool:
        """Whether it has all that the ledger had at that time, and nothing else."""
        state = State.of(kept.state)
        if state.number < needed.latest.number or state.version < needed.latest.version:
            return False
        if state[:3] != needed.latest and not self._is_of_this_ledger(company_id, state):
            return False
        kept.true_at = max(kept.true_at, needed.at)
        if state[:3] == needed.latest:
            store.confirm(company_id, frame, kept.state, needed.redis_now)
        return True

    def _holds(self, company_id: int, true_at: float, now: float) -> bool:
        """Whether what was the ledger's at one time is known to be so still, both by `time.monotonic`."""
        return now - true_at <= FRESH_SECONDS and OF_THIS_SERVICE.last(company_id) < true_at

    def _newest(self, company_id: int, redis_now: int) -> "_Newest | None":
        """What the ledger holds now; None if it is away."""
        at = time.monotonic()
        try:
            return _Newest(at, redis_now, self._places.latest(company_id))
        except LEDGER_AWAY:
            return None

    def _is_of_this_ledger(self, company_id: int, state: State) -> bool:
        """What is ahead of the ledger a moment ago may be of now; or of another ledger, or of one that was set back."""
        try:
            return self._places.has(company_id, Latest(*state[:3]))
        except LEDGER_AWAY:
            return True

    def _look(self, store: Store, company_id: int, frame: Frame) -> None:
        now = time.monotonic()
        if now < self._looked.get((company_id, frame), 0.0):
            return
        store.want(company_id, frame)
        if len(self._looked) >= MAX_PAGES:
            self._looked.clear()
        self._looked[company_id, frame] = now + LOOKED_AT_SECONDS

    def _states_of_redis(self, company_id: int, frames: Sequence[Frame]) -> list[State | None]:
        """None for a board that is not there; all of them if Redis is away. Sees to it that they come, and keep up."""
        kept = [frame for frame in frames if keeps(frame, self._clock())]
        if self._store is None or not kept:
            return [None] * len(frames)
        store = self._store

        def read() -> tuple[dict[Frame, tuple[State, int]], int]:
            for frame in kept:
                self._look(store, company_id, frame)
            there: dict[Frame, tuple[State, int]] = {}
            for frame, state in zip(kept, store.checked_states(company_id, kept), strict=True):
                if state is None:
                    store.want(company_id, frame)
                else:
                    there[frame] = state
            return there, store.microseconds(company_id)

        try:
            found, now = self._breaker.call(read)
        except Away:
            return [None] * len(frames)
        if any(frame not in found or now - found[frame][1] > FRESH_SECONDS * 1e6 for frame in kept):
            self._projector.nudge(company_id, 0)
        return [found[frame][0] if frame in found else None for frame in frames]

    # From the ledger --------------------------------------------------------------------------------------

    def _of_ledger(self, company_id: int, view: View, place: Place) -> Page:
        with self._database.snapshot(company_id) as session:
            page = standings(session, view.board, view.limit, view.offset, view.around, self._clock())
            state = State(*latest(session), before=_before(view.board, place, page.at))
        return Page("ledger", _state_text(str(state), view.board, page.at), place.scale, page)


def _before(board: Board, place: Place, now: datetime) -> int:
    return micros(place.frame.of_period(board.period, place.zone, now).before(place.zone, now))


def _state_text(state: str, board: Board, now: datetime) -> str:
    """Means change as people come and go at a time that was known before: seen within a minute."""
    return f"{state}-{micros(now) // 60_000_000}" if board.score == "mean" else state


def _standings(view: View, frame: Frame, found: Found) -> Standings:
    ahead = None if found.ahead is None else Ahead(*found.ahead)
    return Standings(State.of(found.state).number, _NEVER, frame.window, found.size, found.rows, ahead)


def _of_means(view: View, frame: Frame, found: Found, before: int, now: int) -> Standings | None:
    """None if the member in the middle is not there."""
    board = means.ranked(found.members, people.parse(found.people), frame, before, now)
    offset, ahead = view.offset, None
    if view.around is not None:
        place = next((place for place, each in enumerate(board) if each.member.key == view.around), None)
        if place is None:
            return None
        offset = max(0, min(place - view.limit // 2, len(board) - view.limit))
        better = [each for each in board if each.score > board[place].score]
        if better:
            distance = better[-1].score - board[place].score
            ahead = Ahead(better[-1].rank, shown(view.board, distance))
    rows = [
        Row(
            each.rank,
            each.member.key,
            each.member.name,
            shown(view.board, each.score),
            _reached_at(each.member) if each.score else None,
            each.moved,
        )
        for each in board[offset : offset + view.limit]
    ]
    return Standings(State.of(found.state).number, _NEVER, frame.window, len(board), rows, ahead)


def _reached_at(member: Member) -> datetime | None:
    return None if member.at is None else instant(member.at)


_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class _Kept:
    """`page` is None for means, which change as time passes. It was the ledger's at `true_at` (`time.monotonic`)."""

    state: str
    before: int
    found: Found
    page: Standings | None
    true_at: float = 0.0
    redis_now: int = 0


class _Newest(NamedTuple):
    """What the ledger had at `at`, and a little before that by the clock of Redis, `redis_now`."""

    at: float
    redis_now: int
    latest: Latest


class _Pages:
    """Pages found last, the least recently used going first."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[tuple[int, View], _Kept] = OrderedDict()

    def get(self, key: tuple[int, View]) -> _Kept | None:
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
            return kept

    def put(self, key: tuple[int, View], kept: _Kept) -> None:
        with self._lock:
            self._kept[key] = kept
            self._kept.move_to_end(key)
            while len(self._kept) > MAX_PAGES:
                self._kept.popitem(last=False)
