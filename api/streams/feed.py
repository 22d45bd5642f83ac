"""What arrives as what is watched: that there is news, and up to where. Who is told asks for it, by its own filters."""

from collections.abc import Sequence
from datetime import UTC, datetime

import orjson

from api.streams.text import Shown
from pointsbank.arrivals import feed
from pointsbank.arrivals.feed import Position
from pointsbank.database import Database

FEED = "feed"
"""There is one view of it."""


class Feed:
    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, view: str) -> str:
        return view

    def states(self, company_id: int, keys: Sequence[str]) -> list[str]:
        return [text(self._head(company_id)) for _ in keys]

    def read(self, company_id: int, view: str) -> tuple[Shown, datetime]:
        head = self._head(company_id)
        content = orjson.dumps({"head": text(head)})
        return Shown(text(head), sum(head), "ledger", content), datetime.now(UTC)

    def _head(self, company_id: int) -> Position:
        with self._database.transaction(company_id) as session:
            return feed.head(session)


def text(position: Position) -> str:
    return f"{position.entry}.{position.unbooked}"


def parse(given: str) -> Position | None:
    """None for what `text` does not write."""
    parts = given.split(".")
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() and len(part) <= 18 for part in parts):
        return None
    return Position(int(parts[0]), int(parts[1]))
