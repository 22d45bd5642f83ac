"""The WSGI application of a worker, from the settings in its environment."""

import atexit
import gc
import sys
from functools import partial

from flask import Flask

from api.app import create_app as create_api
from api.app_state import State
from pointsbank.arrivals import forgetting as forgetting_arrivals
from pointsbank.background import Background
from pointsbank.database import Database
from pointsbank.leaderboards import pins
from pointsbank.matches import settling
from pointsbank.rosters import kept
from pointsbank.settings import Settings, SettingsError
from rules import reevaluation
from rules.certification import forgetting, relooking, reviewing, working

GARBAGE_THRESHOLD = 50_000
"""Objects made before Python looks for cycles. A batch makes hundreds of thousands, none in a cycle; at the
default of 700 the looking took a third of the time of judging it."""


SWITCH_SECONDS = 0.001
"""After which a thread that computes lets another one run: a request is not to wait for the writing of streams."""


def create_app() -> Flask:
    settings = Settings.from_environment()
    if settings.database_url is None:
        raise SettingsError("DATABASE_URL is not set; `pointsbank serve` sets it to the embedded PostgreSQL")
    database = Database(settings.database_url)
    app = create_api(settings, database)
    look_rarely_for_cycles()
    sys.setswitchinterval(SWITCH_SECONDS)
    background = Background()
    background.add("settling matches", settling.INTERVAL_SECONDS, partial(settling.settle_due, database))
    background.add("warming pinned boards", pins.INTERVAL_SECONDS, held(app).leaderboards.warm_pinned)
    certifying = working.worker(database, settings)
    background.add("certifying", working.INTERVAL_SECONDS, partial(working.continue_due, certifying))
    background.add("looking at certificates", relooking.INTERVAL_SECONDS, partial(relooking.look_again, database))
    background.add("forgetting previews", forgetting.INTERVAL_SECONDS, partial(forgetting.forget, database))
    background.add("forgetting rosters", kept.INTERVAL_SECONDS, partial(kept.forget, database))
    background.add("looking at reversals", reviewing.INTERVAL_SECONDS, partial(reviewing.look_everywhere, database))
    background.add(
        "forgetting arrivals", forgetting_arrivals.INTERVAL_SECONDS, partial(forgetting_arrivals.forget, database)
    )
    background.start()
    atexit.register(background.stop)
    slow = Background()  # what may take minutes has nobody wait for it
    slow.add("re-evaluating", reevaluation.INTERVAL_SECONDS, partial(reevaluation.run_due, database))
    slow.start()
    atexit.register(slow.stop)
    return app


def end_streams(app: Flask) -> None:
    """What would last as long as its clients do ends at once; all else is drained. For a signal handler."""
    held(app).connections.close()
    held(app).watch.close()
    held(app).screens.close()
    held(app).feed.close()


def held(app: Flask) -> State:
    state = app.extensions["pointsbank"]
    assert isinstance(state, State)
    return state


def look_rarely_for_cycles() -> None:
    """To be called once everything is loaded: what is there now stays, and is not looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD, 20, 20)
