"""What was found within the last moments, by database and hash, so that each request need not ask again."""

import threading
import time
from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")


class FoundLately(Generic[T]):
    """Keeps each for `seconds`, and at most `most` of them: the oldest go first. Safe to share between threads."""

    def __init__(self, seconds: float, most: int) -> None:
        self._seconds = seconds
        self._most = most
        self._lock = threading.Lock()
        self._found: OrderedDict[tuple[str, bytes], tuple[T, float]] = OrderedDict()

    def get(self, at: tuple[str, bytes]) -> T | None:
        with self._lock:
            found = self._found.get(at)
        return found[0] if found is not None and time.monotonic() < found[1] else None

    def put(self, at: tuple[str, bytes], value: T) -> None:
        with self._lock:
            self._found.pop(at, None)
            self._found[at] = (value, time.monotonic() + self._seconds)
            while len(self._found) > self._most:
                self._found.popitem(last=False)
