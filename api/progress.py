"""Answers that take a while: at once as JSON when it is done, or line by line with how far it has come."""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import orjson
from flask import Response, request, stream_with_context
from marshmallow import Schema

from api.problems import as_problem, unexpected
from pointsbank.errors import PointsBankError
from rules.simulation.progress import Progress

NDJSON = "application/x-ndjson"

DESCRIPTION = (
    f"With `Accept: {NDJSON}` it answers line by line: "
    '`{"stage", "done", "of"}` as it goes, and last `{"result": …}`, or `{"problem": …}` if it fails on the way.'
)


def documented(schema: type[Schema]) -> dict[str, Any]:
    """Both forms of the answer, for `blp.doc(responses=…)`."""
    lines = {"schema": {"type": "string"}}
    return {"200": {"description": DESCRIPTION, "content": {"application/json": {"schema": schema}, NDJSON: lines}}}


Result = TypeVar("Result")


def answer(steps: Iterator[Progress | Result], shown: Callable[[Result | None], Any]) -> Any:
    """`shown` makes the answer of the last step, or of None if there is no other than progress.

    What fails before the first step is a problem with its status, as of any request.
    """
    first = next(steps, None)
    if request.accept_mimetypes.best_match(["application/json", NDJSON]) != NDJSON:
        last = (first, *deque(steps, maxlen=1))[-1]
        return shown(None if isinstance(last, Progress) else last)
    response = Response(stream_with_context(_lines(first, steps, shown)), mimetype=NDJSON)
    response.headers["X-Accel-Buffering"] = "no"  # nginx would gather lines until its buffer is full
    return response


def _lines(
    step: Progress | Result | None, steps: Iterator[Progress | Result], shown: Callable[[Result | None], Any]
) -> Iterator[bytes]:
    try:
        while isinstance(step, Progress):
            yield _line(step._asdict())
            step = next(steps, None)
        yield _line({"result": shown(step)})
    except PointsBankError as error:
        yield _line({"problem": as_problem(error, request.path)})
    except Exception as error:  # the status is sent already
        yield _line({"problem": unexpected(error)})


def _line(content: dict[str, Any]) -> bytes:
    return orjson.dumps(content, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE)
