"""A board of very many learners: how long it takes to make, what it takes of Redis, and how quickly it is read."""

import http.client
import random
import statistics
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import orjson

from bench.ground import DAY_0, Ground
from ledger.accounts import CREDITS, ISSUANCE, holding
from ledger.journal import Draft, Transfer
from pointsbank.leaderboards.connection import WRITE_SECONDS_MAX, connect
from pointsbank.leaderboards.frame import Frame
from pointsbank.leaderboards.projection import build
from pointsbank.leaderboards.store import Store

READS = 400
COMPANY = Frame(None, None, None, "credits", "learners")
BATCH = 10_000
_LEARNERS = """
INSERT INTO learners (company_id, no, key, name)
SELECT %(company)s, n, 'm' || lpad(n::text, 8, '0'), '学员' || n
  FROM generate_series((SELECT max(no) + 1 FROM learners WHERE company_id = %(company)s), %(count)s) AS n"""


def fill(ground: Ground, members: int, progress: Callable[[int], None]) -> None:
    """Learners, each with one award of some day of the past."""
    with ground.database.transaction(ground.company_id) as session:
        session.sql(_LEARNERS, {"count": members})
    dice = random.Random(2021)
    for start in range(1, members + 1, BATCH):
        ground.post(
            [
                Draft(
                    source=ground.terms["urn:lms:scores"],
                    key=f"award-{no}",
                    kind=ground.terms["lms.assessment.scored"],
                    fingerprint=no,
                    occurred_at=DAY_0.replace(second=no % 60, day=1 + no % 28),
                    transfers=[Transfer(CREDITS, ISSUANCE, holding(no), dice.randint(1, 5_000), no, 1)],
                    learner=no,
                )
                for no in range(start, min(start + BATCH, members + 1))
            ]
        )
        progress(start + BATCH - 1)


def of_redis(ground: Ground, members: int) -> tuple[float, float]:
    """Members a second of a rebuild, and bytes of Redis for each member."""
    assert ground.servers.redis_url is not None, "the wheel has a Redis for this machine, or one is on the PATH"
    store = Store(connect(ground.servers.redis_url, WRITE_SECONDS_MAX))
    store.client.flushall()
    before = int(store.client.info("memory")["used_memory"])
    store.want(ground.company_id, COMPANY)
    began = time.perf_counter()
    assert build(ground.database, store, ground.company_id, COMPANY) == "applied"
    elapsed = time.perf_counter() - began
    taken = int(store.client.info("memory")["used_memory"]) - before
    return members / elapsed, taken / members


def of_reads(ground: Ground, url: str, members: int) -> dict[str, float]:
    """Median seconds of each read over one connection, by turns; the bare route first."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    headers = {"Authorization": f"Bearer {ground.key}"}
    dice = random.Random(7)

    def get(path: str) -> bytes:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        body = response.read()
        assert response.status == 200, body
        return body

    def board(query: str) -> bytes:
        body = get(f"/v1/leaderboards?scope=company{query}")
        assert b'"source":"redis"' in body, body[:300]
        return body

    def somebody() -> str:
        return f"m{dice.randint(20_000, members):08}"

    reads: dict[str, Callable[[], object]] = {
        "bare route": lambda: get("/nothing"),
        "top 100": lambda: board("&limit=100"),
        "around one, 11 rows": lambda: board(f"&limit=11&around={somebody()}"),
        "one rank": lambda: board(f"&limit=1&around={somebody()}"),
        "page far down": lambda: board(f"&limit=10&offset={dice.randint(0, members - 10)}"),
    }
    while orjson.loads(get("/v1/leaderboards?scope=company&limit=1"))["source"] != "redis":
        time.sleep(0.1)
    for read in reads.values():
        for _ in range(20):
            read()
    times: dict[str, list[float]] = {name: [] for name in reads}
    for _ in range(READS):
        for name, read in reads.items():
            began = time.perf_counter()
            read()
            times[name].append(time.perf_counter() - began)
    return {name: statistics.median(taken) for name, taken in times.items()}
