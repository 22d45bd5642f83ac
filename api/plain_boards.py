"""GET /v1/leaderboards past Flask, for what is asked most: a plain query with a good key, of a board that there is.

It is the same answer, in two thirds of the time: what Flask does around a request takes longer than the board. Whatever
is not plain, or does not go well, is left to Flask, which looks at it from the start.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any

import psycopg
import sqlalchemy

from api import auth, leaderboards, metrics
from api.app_state import State
from pointsbank.errors import PointsBankError

PATH = "/v1/leaderboards"
Environment = dict[str, Any]
Application = Callable[[Environment, Callable[..., Any]], Iterable[bytes]]


def before(application: Application, state: State) -> Application:
    """The application, with this in front of it."""

    def answer(environment: Environment, start: Callable[..., Any]) -> Iterable[bytes]:
        if environment["PATH_INFO"] == PATH and environment["REQUEST_METHOD"] == "GET":
            began = time.perf_counter()
            body = _answered(environment, state)
            if body is not None:
                metrics.REQUESTS.labels("GET", PATH, 200).observe(time.perf_counter() - began)
                start("200 OK", [("Content-Type", leaderboards.MIMETYPE), ("Content-Length", str(len(body)))])
                return (body,)
        return application(environment, start)

    return answer


def _answered(environment: Environment, state: State) -> bytes | None:
    """None for Flask to answer. A widget token, in the query or the header, is: its answer depends on the origin."""
    query = environment.get("QUERY_STRING", "")
    if "token" in query:
        return None
    try:
        view = leaderboards.plain_view(query.encode("latin-1"))
        if view is None:
            return None
        key = auth.key_of(state.database, auth.bearer_of(environment.get("HTTP_AUTHORIZATION", "")), "read")
        return leaderboards.answer(state.leaderboards, key.company_id, view)
    except (PointsBankError, psycopg.Error, sqlalchemy.exc.SQLAlchemyError):
        return None
