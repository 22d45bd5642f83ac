"""Server-sent events as text (HTML Living Standard, 9.2).

An event without a name is a board: its data is what GET /v1/leaderboards answers. An event `as_of` says that the last
board still holds, and as of when. Both carry the id to resume from.
"""

import random
from datetime import UTC, datetime
from typing import NamedTuple

import orjson

from pointsbank.leaderboards.reading import Source

RETRY_SECONDS = 1.0, 5.0
"""When a client that lost its stream comes back: each is told a time of its own, so that a thousand do not return in
one instant."""


class Shown(NamedTuple):
    """What a page looks like to those who watch it."""

    state: str
    number: int
    source: Source
    content: bytes
    """JSON without its `as_of`: no event is sent for a page that differs in that alone."""


def retry() -> bytes:
    return b"retry: %d\n\n" % (1_000 * random.uniform(*RETRY_SECONDS))


def board(shown: Shown, at: datetime) -> bytes:
    return b'id: %s\ndata: %s,"as_of":%s}\n\n' % (shown.state.encode(), shown.content[:-1], _as_of(shown, at))


def still(shown: Shown, at: datetime) -> bytes:
    """That the board is as it was shown, as of a later time."""
    return b"event: as_of\nid: %s\ndata: %s\n\n" % (shown.state.encode(), _as_of(shown, at))


def _as_of(shown: Shown, at: datetime) -> bytes:
    return orjson.dumps({"number": shown.number, "at": at.astimezone(UTC)}, option=orjson.OPT_UTC_Z)


AWAY = b": the board cannot be read at the moment\n\n"
"""Keeps the connection, and promises nothing about the board."""
