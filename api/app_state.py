"""What an application instance holds: its settings and its database."""

from dataclasses import dataclass

from flask import current_app

from pointsbank.database import Database
from pointsbank.settings import Settings


@dataclass(frozen=True)
class State:
    settings: Settings
    database: Database


def state() -> State:
    held = current_app.extensions["pointsbank"]
    assert isinstance(held, State)
    return held


def database() -> Database:
    return state().database
