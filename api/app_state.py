"""What an application instance holds: its settings, its database, and the turnstile of single events."""

from dataclasses import dataclass

from flask import current_app

from pointsbank.database import Database
from pointsbank.settings import Settings
from rules.recording import Turnstile


@dataclass(frozen=True)
class State:
    settings: Settings
    database: Database
    turnstile: Turnstile


def state() -> State:
    held = current_app.extensions["pointsbank"]
    assert isinstance(held, State)
    return held


def database() -> Database:
    return state().database
