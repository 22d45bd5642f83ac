"""A stream that a thread writes as the body of its response, where no socket can be taken over: under another server
than gunicorn's threads, behind gunicorn's own TLS, and in tests."""

import threading
import time
from collections.abc import Callable, Iterator

from api.streams import connections
from api.streams.watching import Right, Stream


class Line(Stream):
    def __init__(self, right: Right) -> None:
        super().__init__(right)
        self._newest: bytes | None = None
        self._is_over = False
        self._told = threading.Condition()

    def offer(self, event: bytes) -> None:
        with self._told:
            self._newest = event
            self._told.notify()

    def end(self) -> None:
        with self._told:
            self._is_over = True
            self._told.notify()

    def body(self, opening: bytes, left: Callable[[Stream], None]) -> Iterator[bytes]:
        """`left` is told when the response is closed. A client that is gone is noticed at the next write only."""
        try:
            yield opening
            since = time.monotonic()
            while (event := self._next(since)) is not None:
                yield event
                since = time.monotonic()
        finally:
            left(self)

    def _next(self, since: float) -> bytes | None:
        with self._told:
            self._told.wait_for(lambda: self._newest is not None or self._is_over, connections.HEARTBEAT_SECONDS)
            event, self._newest = self._newest, None
            if self._is_over:
                return None
        return self.sign_of_life(time.monotonic() - since) if event is None else event
