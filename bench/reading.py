"""Reading a holding of a million transfers, against a read by primary key, both over HTTP and both in process."""

import http.client
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from bench.ground import BATCH, DAY_0, Ground
from ledger import balances, statements
from pointsbank.database import Session

BUSY = 1  # the number of the learner whose holding is large
READS = 60


def fill(ground: Ground, transfers: int, progress: Callable[[int], None]) -> None:
    for booked in range(BATCH, transfers + 1, BATCH):
        ground.post(ground.drafts(BUSY))
        progress(booked)


def in_process(ground: Ground) -> dict[str, float]:
    """Median seconds of each read inside of one transaction, the primary-key read first."""

    def entry(session: Session) -> object:
        return session.sql(
            "SELECT * FROM entries WHERE company_id = %(company)s AND number = %(number)s", {"number": 77_777}
        ).fetchall()

    occurred_by, recorded_by = DAY_0 + timedelta(days=77), datetime.now(UTC) - timedelta(seconds=10)
    reads: dict[str, Callable[[Session], object]] = {
        "row by primary key": entry,
        "balance": lambda session: balances.of_learner(session, BUSY, None, None),
        "balance as of occurred": lambda session: balances.of_learner(session, BUSY, occurred_by, None),
        "balance as of recorded": lambda session: balances.of_learner(session, BUSY, None, recorded_by),
        "page of statement": lambda session: statements.page(session, BUSY, "credits", 50, None, None, None),
    }
    with ground.database.snapshot(ground.company_id) as session:
        return {name: _median(lambda read=read: read(session)) for name, read in reads.items()}


def over_http(ground: Ground, url: str) -> dict[str, float]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc)

    def get(path: str) -> Callable[[], object]:
        def read() -> object:
            connection.request("GET", path, headers={"Authorization": f"Bearer {ground.key}"})
            response = connection.getresponse()
            body = response.read()
            assert response.status == 200, body
            return body

        return read

    learner = "/v1/learners/202100000"
    return {
        "row by primary key": _median(get(learner)),
        "balance": _median(get(f"{learner}/balances")),
        "page of statement": _median(get(f"{learner}/statement?unit=credits&limit=50")),
    }


def _median(read: Callable[[], object]) -> float:
    times = []
    for _ in range(READS):
        began = time.perf_counter()
        read()
        times.append(time.perf_counter() - began)
    return statistics.median(times)
