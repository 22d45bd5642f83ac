"""What a worker does by itself, beside its requests: named jobs, each at its interval, in one thread."""

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

log = logging.getLogger(__name__)

STOP_SECONDS_MAX = 5


@dataclass(slots=True)
class _Job:
    name: str
    interval_seconds: float
    run: Callable[[], object]
    next_at: float
    failing: bool = False


class Background:
    """Jobs take turns, so a slow one delays the others. A job that fails is run again at its next turn.

    To be started after the fork: threads do not come along.
    """

    def __init__(self) -> None:
        self._jobs: list[_Job] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="background", daemon=True)

    def add(self, name: str, interval_seconds: float, job: Callable[[], object]) -> None:
        """Before the start. The first turn comes at a random moment of the first interval, so that workers which
        begin together do not all ask the database at once."""
        assert not self._thread.is_alive(), "jobs are added before the start"
        self._jobs.append(_Job(name, interval_seconds, job, time.monotonic() + interval_seconds * random.random()))

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Lets the job that is running finish, for a few seconds; what it has not committed by then is undone."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS_MAX)

    def _run(self) -> None:
        while self._jobs and not self._stopping.is_set():
            job = min(self._jobs, key=lambda each: each.next_at)
            if self._stopping.wait(max(0.0, job.next_at - time.monotonic())):
                return
            self._take_turn(job)
            job.next_at = time.monotonic() + job.interval_seconds

    def _take_turn(self, job: _Job) -> None:
        try:
            job.run()
        except Exception as error:  # whatever it is, the other jobs go on, and so does this one
            if not job.failing:
                log.exception("%s failed, and is tried again every %s s", job.name, job.interval_seconds)
            else:
                log.debug("%s still fails: %s", job.name, error)
            job.failing = True
        else:
            if job.failing:
                log.warning("%s works again", job.name)
            job.failing = False
