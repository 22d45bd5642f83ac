"""A board of very many learners. How long it takes to make, what it takes of Redis, and how
quickly it is read: one request after the other, where most of the time is waking up, and many at once, where it is
work.
"""

import http.client
import random
import statistics
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import orjson

from bench import serving
from bench.ground import DAY_0, LEARNERS, Ground
from ledger.accounts import CREDITS, ISSUANCE, holding
from ledger.journal import Draft, Transfer
from pointsbank.leaderboards.connection import WRITE_SECONDS_MAX, connect
from pointsbank.leaderboards.frame import Frame
from pointsbank.leaderboards.projection import build
from pointsbank.leaderboards.store import Store

READS = 400
ROUTE = "bare route"
CONNECTIONS = 8
WARMING = 20
QUERIES = 500  # of a connection; then again from the first
COMPANY = Frame(None, None, None, "credits", "learners")
BATCH = 10_000
_LEARNERS = """
INSERT INTO learners (company_id, no, key, name)
SELECT %(company)s, n, 'm' || lpad(n::text, 8, '0'), '学员' || n
  FROM generate_series((SELECT max(no) + 1 FROM learners WHERE company_id = %(company)s), %(count)s) AS n"""


def fill(ground: Ground, members: int) -> None:
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


def of_reads(ground: Ground, url: str, members: int) -> tuple[dict[str, float], dict[str, float]]:
    """Seconds of each read, the bare route first: the median over one connection, by turns; and the mean of a
    worker's time with many connections at once, the best of three turns."""
    dice = random.Random(7)
    paths: dict[str, Callable[[], str]] = {
        ROUTE: lambda: "/nothing",
        "top 100": lambda: _board("&limit=100"),
        "around one, 11 rows": lambda: _board(f"&limit=11&around={_somebody(dice, members)}"),
        "one rank": lambda: _board(f"&limit=1&around={_somebody(dice, members)}"),
        "page far down": lambda: _board(f"&limit=10&offset={dice.randint(0, members - 10)}"),
    }
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    while orjson.loads(_get(connection, ground.key, _board("&limit=1")))["source"] != "redis":
        time.sleep(0.1)
    times: dict[str, list[float]] = {name: [] for name in paths}
    missed = 0
    for turn in range(READS):
        for name, path in paths.items():
            asked = path()
            began = time.perf_counter()
            body = _get(connection, ground.key, asked)
            elapsed = time.perf_counter() - began
            if name != ROUTE and b'"source":"redis"' not in body:
                missed += 1  # on a machine that is busy with other work Redis may be too late
            elif turn >= WARMING:
                times[name].append(elapsed)
    if missed:
        print(f"  {missed} of {READS * len(paths)} reads were answered by the ledger, and are left out")
    connection.close()
    rates: dict[str, list[float]] = {name: [] for name in paths}
    for _ in range(serving.TURNS):
        for name, path in paths.items():
            requests = [[_request(ground.key, path()) for _ in range(QUERIES)] for _ in range(CONNECTIONS)]
            rates[name].append(serving.rate(url, requests, 200))
    best = {name: serving.WORKERS / max(each) for name, each in rates.items()}
    return {name: statistics.median(each) for name, each in times.items()}, best


def _board(query: str) -> str:
    return f"/v1/leaderboards?scope=company{query}"


def _somebody(dice: random.Random, members: int) -> str:
    return f"m{dice.randint(LEARNERS + 1, members):08}"


def _get(connection: http.client.HTTPConnection, key: str, path: str) -> bytes:
    connection.request("GET", path, headers={"Authorization": f"Bearer {key}"})
    response = connection.getresponse()
    body = response.read()
    assert response.status == 200, body
    return body


def _request(key: str, path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n\r\n".encode()


def measure(ground: Ground, members: int) -> None:
    """A board of so many members, made twice and read."""
    fill(ground, members)
    print(f"\nA board of {members} learners")
    for _ in range(2):
        rate, taken = of_redis(ground, members)
        print(f"  made: {rate:,.0f} members a second; {taken:.0f} bytes of Redis a member", flush=True)
    with serving.served(ground, redis=True) as (url, _):
        alone, together = of_reads(ground, url, members)
    print(f"  {'':<22} one at a time, ms and ratio   {CONNECTIONS} at once, ms of a worker and ratio")
    for name, seconds in alone.items():
        print(
            f"  {name:<22} {seconds * 1000:>14.3f} {seconds / alone[ROUTE]:>7.2f}"
            f" {together[name] * 1000:>22.3f} {together[name] / together[ROUTE]:>7.2f}",
            flush=True,
        )
