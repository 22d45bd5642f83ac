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
DAYS = timedelta(days=200)
READS = 100


def fill(ground: Ground, transfers: int, progress: Callable[[int], None]) -> None:
    """Books them in the order in which they happened, but for one in a hundred, which comes a day late."""
    for booked in range(0, transfers, BATCH):
        drafts = ground.drafts(BUSY)
        for number, draft in enumerate(drafts, booked):
            draft.occurred_at = DAY_0 + DAYS * number / transfers - timedelta(days=number % 100 == 0)
        ground.post(drafts)
        progress(booked + BATCH)


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
        return _medians({name: (lambda read=read: read(session)) for name, read in reads.items()})


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
    return _medians(
        {
            "row by primary key": get(learner),
            "balance": get(f"{learner}/balances"),
            "balance as of occurred": get(
                f"{learner}/balances?occurred_by={(DAY_0 + 77 * DAYS / 200):%Y-%m-%dT%H:%M:%SZ}"
            ),
            "balance as of recorded": get(
                f"{learner}/balances?recorded_by={datetime.now(UTC) - timedelta(seconds=10):%Y-%m-%dT%H:%M:%SZ}"
            ),
            "page of statement": get(f"{learner}/statement?unit=credits&limit=50"),
        }
    )


def _medians(reads: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Seconds of each, by turns, so that what else the machine does falls on all of them alike."""
    times: dict[str, list[float]] = {name: [] for name in reads}
    for _ in range(READS):
        for name, read in reads.items():
            began = time.perf_counter()
            read()
            times[name].append(time.perf_counter() - began)
    return {name: statistics.median(each) for name, each in times.items()}
