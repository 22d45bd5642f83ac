"""Screens as what is watched: a programme's screen, with names or without, is a view of what the programme earned."""

import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2b

import orjson

from api import screen_json
from api.streams.text import Shown
from pointsbank.leaderboards.boards import Score
from pointsbank.screen.reading import Opened
from pointsbank.screen.reading import Screens as Reading

LOOKED_AT_SECONDS = 5.0
"""So often is a screen read though no board changed: a match may have been set up."""
MAX_REMEMBERED = 1_000
_DIGEST_BYTES = 12

Key = tuple[str, Score]


class Screens:
    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._lock = threading.Lock()
        self._due: dict[tuple[int, Key], datetime | None] = {}

    def of(self, view: Opened) -> Key:
        return view.programme, view.score

    def states(self, company_id: int, keys: Sequence[Key]) -> list[str]:
        times = [self._time(company_id, key) for key in keys]
        found = self._reading.states(company_id, keys)
        return [
            blake2b(f"{at} {state}".encode(), digest_size=_DIGEST_BYTES).hexdigest()
            for at, state in zip(times, found, strict=True)
        ]

    def read(self, company_id: int, view: Opened) -> tuple[Shown, datetime]:
        (state,) = self.states(company_id, [self.of(view)])  # before reading: what changes meanwhile is read again
        screen = self._reading.read(company_id, view)
        with self._lock:
            if len(self._due) >= MAX_REMEMBERED:
                self._due.clear()
            self._due[company_id, self.of(view)] = screen.due_at
        content = orjson.dumps(screen_json.shown(screen), option=orjson.OPT_UTC_Z)
        return Shown(state, screen.number, screen.source, content), screen.at

    def _time(self, company_id: int, key: Key) -> str:
        """Changes when time alone changes the screen, and every few seconds."""
        due = self._due.get((company_id, key))
        slot = int(time.time() // LOOKED_AT_SECONDS)
        return f"{slot}d" if due is not None and due <= datetime.now(UTC) else f"{slot}"
