"""Sockets that streams are written to, all by one thread, which never waits for a client or for the ledger."""

import contextlib
import logging
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable

from api.streams.watching import Right, Stream

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 15.0
"""A client that was told nothing else for so long is told whether its board still holds; proxies that close what
is silent for a minute see life."""
STALLED_SECONDS = 30.0
"""A client that takes nothing for so long, though there is something for it, is dropped."""
SEND_BUFFER_BYTES = 128 * 1024
"""What the kernel holds for a slow client; beyond it only the newest event is kept."""
SLICE = 20
"""After so many calls, most of them a socket each, the thread pauses, so that posting never waits for all of them."""
SLICE_PAUSE_SECONDS = 0.001
_READ_BYTES = 65_536


class Connection(Stream):
    """A client's socket. Its fields belong to the thread of its `Connections`."""

    def __init__(self, connections: "Connections", client: socket.socket, opening: bytes, right: Right) -> None:
        super().__init__(right)
        self.connections = connections
        self.client = client
        self.sending = memoryview(opening)
        """The rest of what is on its way; an event that was begun is ended."""
        self.newest: bytes | None = None
        self.is_open = True

    def offer(self, event: bytes) -> None:
        self.connections.call(lambda: self.connections.tell(self, event))

    def end(self) -> None:
        self.connections.call(lambda: self.connections.drop(self))


class Connections:
    """The connections of this worker. The thread begins with the first of them."""

    def __init__(
        self,
        left: Callable[[Stream], None],
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        stalled_seconds: float = STALLED_SECONDS,
    ) -> None:
        """`left` is told of each connection that is over."""
        self._left = left
        self._heartbeat_seconds = heartbeat_seconds
        self._stalled_seconds = stalled_seconds
        self._calls: deque[Callable[[], None]] = deque()
        self._is_woken = False
        self._waking: socket.socket | None = None
        self._starting = threading.Lock()
        self._closed = False
        # Both in the order of time, so that only their beginnings are looked at.
        self._told: dict[Connection, float] = {}
        self._stalled: dict[Connection, float] = {}

    def add(self, connection: Connection) -> None:
        """Sends its opening, and then what it is offered."""
        with self._starting:
            if self._waking is None:
                self._waking, wakes = socket.socketpair()
                self._waking.setblocking(False)
                threading.Thread(target=self._run, args=(wakes,), name="connections", daemon=True).start()
        self.call(lambda: self._begin(connection))

    def close(self) -> None:
        """Ends all, at once. Called by a signal handler, so it waits for no lock."""
        self._closed = True
        self._wake()

    def call(self, function: Callable[[], None]) -> None:
        """Has the thread call it."""
        self._calls.append(function)
        if not self._is_woken:
            self._is_woken = True
            self._wake()

    def _wake(self) -> None:
        if self._waking is not None:
            with contextlib.suppress(BlockingIOError):  # then it is awake
                self._waking.send(b".")

    def _run(self, wakes: socket.socket) -> None:
        self._selector = selectors.DefaultSelector()
        self._selector.register(wakes, selectors.EVENT_READ)
        while True:
            for key, events in self._selector.select(self._seconds_until_due()):
                if key.data is None:
                    wakes.recv(_READ_BYTES)
                    continue
                if events & selectors.EVENT_READ:
                    self._read(key.data)
                if events & selectors.EVENT_WRITE:
                    self._write(key.data)
            self._is_woken = False
            for called in range(1, len(self._calls) + 1):
                self._calls.popleft()()
                if called % SLICE == 0:
                    time.sleep(SLICE_PAUSE_SECONDS)
            if self._closed:
                for connection in list(self._told):
                    self.drop(connection)
            self._drop_stalled()
            self._show_life()

    def _seconds_until_due(self) -> float | None:
        if self._calls:
            return 0.0
        due = [next(iter(times.values())) + seconds for times, seconds in self._timers() if times]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _timers(self) -> tuple[tuple[dict[Connection, float], float], ...]:
        return (self._told, self._heartbeat_seconds), (self._stalled, self._stalled_seconds)

    def _begin(self, connection: Connection) -> None:
        if self._closed:
            self.drop(connection)
        elif connection.is_open:
            self._selector.register(connection.client, selectors.EVENT_READ, connection)
            self._told[connection] = time.monotonic()
            self._write(connection)

    def tell(self, connection: Connection, event: bytes) -> None:
        connection.newest = event
        if connection in self._told and connection not in self._stalled:
            self._write(connection)

    def drop(self, connection: Connection) -> None:
        if not connection.is_open:
            return
        connection.is_open = False
        if connection in self._told:
            self._selector.unregister(connection.client)
            del self._told[connection]
        self._stalled.pop(connection, None)
        connection.client.close()
        self._left(connection)

    def _read(self, connection: Connection) -> None:
        """Whatever a client sends after its request means nothing; that it sends its end does."""
        try:
            if not connection.client.recv(_READ_BYTES):
                self.drop(connection)
        except BlockingIOError:
            pass
        except OSError:
            self.drop(connection)

    def _write(self, connection: Connection) -> None:
        if not connection.is_open:
            return
        try:
            while connection.sending or connection.newest is not None:
                if not connection.sending:
                    connection.sending, connection.newest = memoryview(connection.newest or b""), None
                sent = connection.client.send(connection.sending)
                connection.sending = connection.sending[sent:]
                self._later(self._told, connection)
                if connection in self._stalled:
                    self._later(self._stalled, connection)
        except BlockingIOError:
            if connection not in self._stalled:
                self._later(self._stalled, connection)
                self._selector.modify(connection.client, selectors.EVENT_READ | selectors.EVENT_WRITE, connection)
        except OSError:
            self.drop(connection)
        else:
            if self._stalled.pop(connection, None) is not None:
                self._selector.modify(connection.client, selectors.EVENT_READ, connection)

    def _later(self, times: dict[Connection, float], connection: Connection) -> None:
        times.pop(connection, None)
        times[connection] = time.monotonic()

    def _drop_stalled(self) -> None:
        until = time.monotonic() - self._stalled_seconds
        while self._stalled and next(iter(self._stalled.values())) <= until:
            self.drop(next(iter(self._stalled)))

    def _show_life(self) -> None:
        until = time.monotonic() - self._heartbeat_seconds
        while self._told and next(iter(self._told.values())) <= until:
            connection, since = next(iter(self._told.items()))
            self._later(self._told, connection)
            if connection not in self._stalled:
                self.tell(connection, connection.sign_of_life(time.monotonic() - since))
