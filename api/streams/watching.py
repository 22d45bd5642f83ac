"""Who watches what, and the thread that tells them of changes."""

import logging
import resource
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Generic, Protocol, TypeVar

from prometheus_client import Gauge

from api.streams import text
from api.streams.text import Shown
from pointsbank.database import Database
from pointsbank.errors import PointsBankError, Unavailable
from pointsbank.leaderboards.places import RECENT_SECONDS

log = logging.getLogger(__name__)

GATHERED_SECONDS = 0.1
"""Changes are gathered for so long: nobody sees more than ten boards a second."""
CONFIRMED_SECONDS = 1.0
"""So often is a board in Redis that does not change held against the ledger."""
RIGHTS_SECONDS = 2.0
"""So often is each key asked whether it still opens what it opened; a revoked one may live a second in its cache."""
MAX_STREAMS = 5_000
"""Of one worker; half of the files that it may open, if those are fewer."""
FULL_RETRY_SECONDS = 10

OPEN = Gauge("pointsbank_streams", "Live streams that are open.", multiprocess_mode="livesum")

K = TypeVar("K", bound=Hashable)
V = TypeVar("V", bound=Hashable)
Asked = TypeVar("Asked", bound=Hashable, contravariant=True)


class Subject(Protocol[K, Asked]):
    """What can be watched: views, each of something that has a state."""

    def of(self, view: Asked) -> K:
        """What the view is of; views of the same change together."""

    def states(self, company_id: int, keys: Sequence[K]) -> list[str]:
        """Of each a text that is another one whenever a view of it may be. Cheap: asked ten times a second."""

    def read(self, company_id: int, view: Asked) -> tuple[Shown, datetime]:
        """What the view shows, and as of when it is so. Raises NotFound for what is there no more."""


class Right(Protocol):
    """By what a client may watch. Equal ones are asked once for all their streams."""

    def holds(self, database: Database) -> bool:
        """Whether it still does."""


class Confirmed(Protocol):
    """What a stream is about."""

    def sign_of_life(self, silent_seconds: float) -> bytes:
        """For a client that was told nothing for so long."""


class Stream(ABC):
    """One client. `offer` and `end` may be called from any thread and never wait."""

    def __init__(self, right: Right) -> None:
        self.right = right
        self.watched: Confirmed | None = None
        """Set, like `left`, by whoever is joined."""
        self.left: Callable[[Stream], None] | None = None

    @abstractmethod
    def offer(self, event: bytes) -> None:
        """Takes the place of an event that was offered before and is not yet on its way."""

    @abstractmethod
    def end(self) -> None: ...

    def leave(self) -> None:
        """To be called by whoever finds that the stream is over; again is no harm."""
        if self.left is not None:
            self.left(self)

    def sign_of_life(self, silent_seconds: float) -> bytes:
        """For a client that was told nothing for so long."""
        return text.AWAY if self.watched is None else self.watched.sign_of_life(silent_seconds)


class Room:
    """How many streams this worker has, whatever they show."""

    def __init__(self) -> None:
        self.taken = 0
        self._lock = threading.Lock()

    def check(self) -> None:
        """Raises Unavailable."""
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = MAX_STREAMS if files == resource.RLIM_INFINITY else min(MAX_STREAMS, files // 2)
        if self.taken >= most:
            raise full()

    def change(self, by: int) -> None:
        with self._lock:
            self.taken += by
        OPEN.inc(by)


def full() -> Unavailable:
    return Unavailable(
        "No more streams can be opened here at the moment; try again.", retry_after_seconds=FULL_RETRY_SECONDS
    )


@dataclass(eq=False)
class Watched(Generic[V]):
    """A company's view. Each of its streams was last offered `shown`."""

    company_id: int
    view: V
    shown: Shown
    confirmed_at: datetime
    """As of when it is known to be as shown."""
    streams: set[Stream] = field(default_factory=set)

    def change(self, shown: Shown, at: datetime) -> None:
        changed, self.shown, self.confirmed_at = shown.content != self.shown.content, shown, at
        if changed:
            event = text.board(shown, at)
            for stream in self.streams:
                stream.offer(event)

    def sign_of_life(self, silent_seconds: float) -> bytes:
        if self.confirmed_at < datetime.now(UTC) - timedelta(seconds=silent_seconds):
            return text.AWAY
        return text.still(self.shown, self.confirmed_at)


class Watch(Generic[K, V]):
    """What clients of this worker watch of one subject. Its thread begins with the first of them."""

    def __init__(self, subject: Subject[K, V], database: Database, room: Room) -> None:
        self._subject = subject
        self._database = database
        self._room = room
        self._watched: dict[tuple[int, V], Watched[V]] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._fails = False
        self._rights_checked = time.monotonic()

    def current(self, company_id: int, view: V) -> tuple[Shown, datetime]:
        """What the view shows, and as of when it is so. Raises NotFound as the subject does.

        Where others watch the same and it has not changed, theirs is taken: a thousand who come back at once
        cost a thousand questions after its state, not a thousand pages.
        """
        watched = self._watched.get((company_id, view))
        if watched is not None:
            shown, at = watched.shown, watched.confirmed_at
            is_recent = at > datetime.now(UTC) - timedelta(seconds=2 * CONFIRMED_SECONDS)
            if is_recent and self._subject.states(company_id, [self._subject.of(view)]) == [shown.state]:
                return shown, at
        return self._subject.read(company_id, view)

    def check_room(self) -> None:
        """Raises Unavailable."""
        if self._closed:
            raise full()
        self._room.check()

    def join(self, stream: Stream, company_id: int, view: V, shown: Shown, at: datetime) -> None:
        """From now on the stream is offered each change since `shown`, which it has, as of `at`."""
        with self._changed:
            if self._closed:
                stream.end()
                return
            watched = self._watched.setdefault((company_id, view), Watched(company_id, view, shown, at))
            if shown.number > watched.shown.number:
                watched.change(shown, at)
            elif shown.content != watched.shown.content:
                stream.offer(text.board(watched.shown, watched.confirmed_at))
            watched.streams.add(stream)
            stream.watched, stream.left = watched, self.leave
            self._room.change(1)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
                self._thread.start()
            self._changed.notify()

    def leave(self, stream: Stream) -> None:
        """To be called by whoever finds that the stream is over; again is no harm."""
        with self._changed:
            watched = stream.watched
            if not isinstance(watched, Watched) or stream not in watched.streams:
                return
            watched.streams.remove(stream)
            self._room.change(-1)
            if not watched.streams:
                del self._watched[watched.company_id, watched.view]

    def close(self) -> None:
        """Ends every stream. Called by a signal handler, so it waits for no lock."""
        self._closed = True

    def _run(self) -> None:
        while not self._closed:
            with self._changed:
                if not self._watched:
                    self._changed.wait()
                watched = list(self._watched.values())
            self._look(watched)
            self._check_rights()
            time.sleep(GATHERED_SECONDS)
        self._end(self._streams())

    def _look(self, watched: Iterable[Watched[V]]) -> None:
        companies: dict[int, list[Watched[V]]] = {}
        for each in watched:
            companies.setdefault(each.company_id, []).append(each)
        for company_id, together in companies.items():
            try:
                self._look_at_company(company_id, together)
            except Exception as error:
                # Whatever it is, it must not end the streams of others; and what is away comes back.
                if not self._fails:
                    log.warning("what is watched cannot be read, and are tried again: %s", error, exc_info=True)
                self._fails = True
            else:
                self._fails = False

    def _look_at_company(self, company_id: int, watched: list[Watched[V]]) -> None:
        together: dict[K, list[Watched[V]]] = {}
        for each in watched:
            together.setdefault(self._subject.of(each.view), []).append(each)
        now = datetime.now(UTC)
        states = self._subject.states(company_id, list(together))
        for state, views in zip(states, together.values(), strict=True):
            due = [each for each in views if each.shown.state != state]
            if not due and views[0].shown.source == "ledger":
                views[0].confirmed_at = now - timedelta(seconds=RECENT_SECONDS)
            elif not due and views[0].confirmed_at < now - timedelta(seconds=CONFIRMED_SECONDS):
                due = views[:1]
            for each in due:
                self._look_at(each)
            for each in views:
                if each.shown.state == views[0].shown.state:
                    each.confirmed_at = max(each.confirmed_at, views[0].confirmed_at)

    def _look_at(self, watched: Watched[V]) -> None:
        try:
            shown, at = self._subject.read(watched.company_id, watched.view)
        except PointsBankError as error:
            if error.status >= 500:
                raise
            self._end(watched.streams)  # who comes back is told what is wrong
            return
        with self._changed:
            watched.change(shown, at)

    def _check_rights(self) -> None:
        if time.monotonic() < self._rights_checked + RIGHTS_SECONDS:
            return
        streams = self._streams()
        for right in {stream.right for stream in streams}:
            try:
                holds = right.holds(self._database)
            except Exception:
                log.debug("whether a key still holds cannot be asked at the moment", exc_info=True)
                continue
            if not holds:
                self._end(stream for stream in streams if stream.right == right)
        self._rights_checked = time.monotonic()

    def _streams(self) -> list[Stream]:
        with self._changed:
            return [stream for watched in self._watched.values() for stream in watched.streams]

    def _end(self, streams: Iterable[Stream]) -> None:
        for stream in list(streams):
            stream.end()
