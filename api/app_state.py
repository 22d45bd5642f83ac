"""What an application instance holds: its settings, its database, the turnstile of single events, the boards, and who
watches them."""

import threading
from dataclasses import dataclass, field

from flask import current_app

from api.rate_limit import Limiter
from api.streams.connections import Connections
from api.streams.screens import Key
from api.streams.watching import Watch
from pointsbank.arrivals.noting import Arrivals
from pointsbank.database import Database
from pointsbank.leaderboards.boards import Board
from pointsbank.leaderboards.reading import Leaderboards, View
from pointsbank.screen.reading import Opened
from pointsbank.settings import Settings
from rules.recording import Turnstile


@dataclass(frozen=True)
class State:
    settings: Settings
    database: Database
    turnstile: Turnstile
    arrivals: Arrivals
    leaderboards: Leaderboards
    watch: Watch[Board, View]
    screens: Watch[Key, Opened]
    feed: Watch[str, str]
    connections: Connections
    verifications: Limiter
    sign_ins: Limiter
    batch_turn: threading.Lock = field(default_factory=threading.Lock)
    """Held by the batch that is being judged and booked: two at once in one process would take twice the memory
    and be no faster."""
    simulation_turn: threading.Lock = field(default_factory=threading.Lock)
    """As batch_turn, for simulations."""
    roster_turn: threading.Lock = field(default_factory=threading.Lock)
    """As batch_turn, for files that are read."""


def state() -> State:
    held = current_app.extensions["pointsbank"]
    assert isinstance(held, State)
    return held


def database() -> Database:
    return state().database
