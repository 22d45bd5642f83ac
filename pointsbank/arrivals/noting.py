"""What was gathered, kept in memory for a moment and written by a thread of its own, all of it at once."""

import logging
import threading
import time

from pointsbank.arrivals import storing
from pointsbank.arrivals.gathered import Gathered
from pointsbank.database import Database

log = logging.getLogger(__name__)

WRITTEN_EVERY_SECONDS = 0.5


class Arrivals:
    """Of this worker. Its thread lives while there is something to write, so none comes along through a fork."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._waiting: dict[int, Gathered] = {}
        self._is_awake = False
        self._fails = False
        self.thread: threading.Thread | None = None
        """The last that was begun."""

    def take(self, company_id: int, gathered: Gathered) -> None:
        """Never waits for the database, and never raises."""
        with self._lock:
            found = self._waiting.get(company_id)
            if found is None:
                self._waiting[company_id] = gathered
            else:
                found.add(gathered)
            wakes, self._is_awake = not self._is_awake, True
        if wakes:
            try:
                self.thread = threading.Thread(target=self._run, name="arrivals")
                self.thread.start()
            except RuntimeError:  # no more threads, or the process ends
                self._is_awake = False

    def write(self) -> None:
        """What waits, now; what cannot be written is given up."""
        with self._writing:
            with self._lock:
                waiting, self._waiting = self._waiting, {}
            for company_id, gathered in waiting.items():
                try:
                    with self._database.transaction(company_id) as session:
                        storing.store(session, gathered)
                except Exception as error:
                    if not self._fails:
                        log.warning("what arrived cannot be noted at the moment: %s", error)
                    self._fails = True
                else:
                    self._fails = False

    def _run(self) -> None:
        while True:
            time.sleep(WRITTEN_EVERY_SECONDS)
            self.write()
            with self._lock:
                if not self._waiting:
                    self._is_awake = False
                    return
