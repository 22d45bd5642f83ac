"""Booking: `ledger.post` and HTTP batches against COPY of as many bare rows."""

import http.client
import multiprocessing
import statistics
import time
import uuid
from collections.abc import Callable
from urllib.parse import urlsplit

import orjson

from bench.ground import BATCH, LEARNERS, Ground

ROUNDS = 12
HTTP_BATCHES = 8  # of each client
CLIENTS = 2


class Floor:
    """COPY of bare rows (a bigint key, a unique text key) into a table as full as the ledger."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.rows = 0

    def copy(self) -> float:
        """Seconds for one batch."""
        keys = list(self.ground.keys_of(BATCH))
        body = "".join(f"{self.rows + number}\t{key}\n" for number, key in enumerate(keys))
        self.rows += BATCH
        began = time.perf_counter()
        with self.ground.floor.cursor() as cursor, cursor.copy("COPY floor FROM STDIN") as copy:
            copy.write(body)
        return time.perf_counter() - began


def fill(ground: Ground, floor: Floor, booked: int, level: int, progress: Callable[[int], None]) -> int:
    """Books and copies until both hold `level` rows."""
    while booked < level:
        ground.post(ground.drafts())
        floor.copy()
        booked += BATCH
        progress(booked)
    return booked


def of_ledger(ground: Ground, floor: Floor) -> tuple[float, float]:
    """Rows a second of COPY and of `ledger.post`, by turns; medians."""
    copied, posted = [], []
    for _ in range(ROUNDS):
        copied.append(floor.copy())
        drafts = ground.drafts()
        began = time.perf_counter()
        ground.post(drafts)
        posted.append(time.perf_counter() - began)
    return BATCH / statistics.median(copied), BATCH / statistics.median(posted)


def of_http(ground: Ground, floor: Floor, url: str) -> tuple[float, float]:
    """Rows a second of COPY, before and after, and of HTTP batches from two clients."""
    bodies = [[_body(ground) for _ in range(HTTP_BATCHES)] for _ in range(CLIENTS)]
    copied = [floor.copy() for _ in range(ROUNDS // 2)]
    with multiprocessing.get_context("fork").Pool(CLIENTS) as pool:
        pool.starmap(_send, [(url, ground.key, [_body(ground)]) for _ in range(CLIENTS)])
        began = time.perf_counter()
        pool.starmap(_send, [(url, ground.key, each) for each in bodies], chunksize=1)
        elapsed = time.perf_counter() - began
    copied += [floor.copy() for _ in range(ROUNDS // 2)]
    return BATCH / statistics.median(copied), CLIENTS * HTTP_BATCHES * BATCH / elapsed


def _body(ground: Ground) -> bytes:
    order = list(range(LEARNERS))
    ground.dice.shuffle(order)
    return orjson.dumps([event(ground, f"2021{number:05d}") for number in order])


def event(ground: Ground, learner: str) -> dict[str, object]:
    day = f"2021-{ground.dice.randint(9, 12):02d}-{ground.dice.randint(1, 28):02d}"
    at = f"{day}T09:{ground.dice.randint(10, 59)}:00+08:00"
    return {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": "urn:lms:scores",
        "type": "lms.assessment.scored",
        "subject": learner,
        "time": at,
        "data": {"programme": "2021", "score": ground.dice.randint(40, 100), "weight": 18},
    }


def _send(url: str, key: str, bodies: list[bytes]) -> None:
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/cloudevents-batch+json"}
    for body in bodies:
        connection.request("POST", "/v1/events", body, headers)
        response = connection.getresponse()
        answer = orjson.loads(response.read())
        assert answer.get("booked") == BATCH, answer
