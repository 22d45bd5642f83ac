"""Redis comes and goes while clients post and read: no request fails, no board is wrong, none is old."""

import http.client
import itertools
import random
import statistics
import sys
import threading
import time
import uuid
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from tests.conftest import OwnRedis

SECONDS = 30.0
POSTING, READING = 8, 50
PAUSE_SECONDS = 0.1  # of a reader between two reads
BOARDS = [
    "scope=programme:2021&limit=20",
    "scope=programme:2021&members=teams",
    "scope=programme:2021&members=teams&score=mean",
    "scope=programme:2021&period=day&limit=5",
    "scope=company&limit=3&around=l7",
]
RULEBOOK = {"earning": [{"key": "point", "on": "point", "award": {"unit": "credits", "amount": "data.amount"}}]}


@dataclass
class Client:
    url: str
    key: str
    connection: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        self.connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30)

    def ask(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": kind}
        self.connection.request(method, path, None if body is None else orjson.dumps(body), headers)
        response = self.connection.getresponse()
        text = response.read()
        return response.status, orjson.loads(text) if text else None


@dataclass
class Seen:
    """What the clients saw. `acknowledged`: when an entry's number was known to be booked, in the order of time."""

    failures: list[Any] = field(default_factory=list)
    acknowledged: list[tuple[float, int]] = field(default_factory=list)
    reads: list[tuple[float, float, int, str, float]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def post(client: Client, seen: Seen, until: float) -> None:
    dice = random.Random(id(client))
    while time.time() < until:
        event = {
            "specversion": "1.0",
            "id": str(uuid.uuid4()),
            "source": "urn:test",
            "type": "point",
            "subject": f"l{dice.randint(1, 60)}",
            "data": {"programme": "2021", "amount": dice.randint(1, 9)},
        }
        status, answer = client.ask("POST", "/v1/events", event, "application/cloudevents+json")
        with seen.lock:
            if status == 201:
                seen.acknowledged.append((time.time(), answer["entry"]["number"]))
            else:
                seen.failures.append((status, answer))
        time.sleep(0.01)


def read(client: Client, seen: Seen, until: float) -> None:
    dice = random.Random(id(client))
    while time.time() < until:
        sent = time.time()
        status, answer = client.ask("GET", f"/v1/leaderboards?{dice.choice(BOARDS)}")
        took = time.time() - sent
        with seen.lock:
            if status == 200:
                at = datetime.fromisoformat(answer["as_of"]["at"]).timestamp()
                seen.reads.append((sent, at, answer["as_of"]["number"], answer["source"], took))
            else:
                seen.failures.append((status, answer))
        time.sleep(dice.uniform(0.5, 1.5) * PAUSE_SECONDS)


@pytest.fixture
def connect() -> Iterator[Callable[[Any, str], Client]]:
    """`connect(service, key)` makes a client, whose connection is closed after the test."""
    made: list[Client] = []

    def make(service: Any, key: str) -> Client:
        made.append(Client(service.url, key))
        return made[-1]

    yield make
    for client in made:
        client.connection.close()


def prepared(client: Client) -> None:
    today = {"starts_on": "2020-01-01", "ends_on": "2199-12-31"}
    learners = [{"id": f"l{n}", "name": f"学员{n}"} for n in range(1, 61)]
    teams = [{"id": f"t{n}", "name": f"队{n}", "members": [f"l{m}" for m in range(n, 61, 6)]} for n in range(1, 7)]
    for method, path, body in (
        ("PUT", "/v1/programmes/2021", {"name": "2021", "timezone": "Asia/Shanghai", "allotment": None, **today}),
        ("POST", "/v1/learners/batch", learners),
        ("PUT", "/v1/programmes/2021/teams/batch", teams),
        ("PUT", "/v1/programmes/2021/rulebook/draft", RULEBOOK),
        ("POST", "/v1/programmes/2021/rulebook/draft/activate", None),
    ):
        status, answer = client.ask(method, path, body)
        assert status < 300, answer


@pytest.mark.serial
def test_redis_is_killed_twice_while_clients_post_and_read(
    start_service: Callable[..., Any],
    fresh_database_url: str,
    own_redis: OwnRedis,
    connect: Any,
    capsys: pytest.CaptureFixture[str],
) -> None:
    service = start_service(fresh_database_url, redis_url=own_redis.url)
    key = service.key("away")
    prepared(connect(service, key))
    seen = Seen()
    until = time.time() + SECONDS
    threads = [
        threading.Thread(target=work, args=(connect(service, key), seen, until))
        for work, count in ((post, POSTING), (read, READING))
        for _ in range(count)
    ]
    for thread in threads:
        thread.start()
    up: list[tuple[float, float]] = []
    for _ in range(2):
        began = time.time()
        time.sleep(SECONDS / 5)
        up.append((began, time.time()))
        own_redis.kill()
        time.sleep(SECONDS / 10)
        own_redis.start()
    up.append((time.time(), until))
    for thread in threads:
        thread.join()
    assert seen.failures == []
    with capsys.disabled():
        ages = report(seen, up)
    assert max(ages) < 1.0
    boards_are_right(service, connect(service, key))


def report(seen: Seen, up: list[tuple[float, float]]) -> list[float]:
    """The age of each read while Redis was up: how long before it was asked for something was acknowledged that it
    did not have."""
    seen.acknowledged.sort()
    highest, numbers = 0, []
    for _, number in seen.acknowledged:
        highest = max(highest, number)
        numbers.append(highest)
    ages, told = [], []
    sources = {"redis": 0, "ledger": 0}
    for sent, at, number, source, _ in seen.reads:
        sources[source] += 1
        if not any(began <= sent < ended for began, ended in up):
            continue
        place = bisect_right(numbers, number)  # the first acknowledged entry that it lacks
        ages.append(max(0.0, sent - seen.acknowledged[place][0]) if place < len(numbers) else 0.0)
        told.append(sent - at)
    took = [each[4] for each in seen.reads]
    sys.stdout.write(f"\n{len(seen.acknowledged)} events, {len(seen.reads)} reads: {sources}\n")
    for name, values in (("age", ages), ("age by as_of.at", told), ("answered in", took)):
        cuts = statistics.quantiles(values, n=1000)
        shown = ", ".join(f"p{p / 10:g} {cuts[p - 1] * 1000:.0f}" for p in (500, 900, 990, 999))
        sys.stdout.write(f"{name:<16} {shown}, max {max(values) * 1000:.0f} ms\n")
    return ages


def boards_are_right(service: Any, client: Client) -> None:
    deadline = time.time() + 10
    waiting = set(BOARDS)
    while waiting and time.time() < deadline:
        for board in list(waiting):
            if client.ask("GET", f"/v1/leaderboards?{board}")[1]["source"] == "redis":
                waiting.discard(board)
        time.sleep(0.2)
    assert not waiting, "boards come back into Redis by themselves"
    told = service.command("verify", "--company", "away")
    assert "boards in Redis; every invariant holds" in told


@pytest.mark.parametrize("kill", ["SIGKILL", "SIGSTOP"])
def test_the_first_read_after_a_failure_takes_no_longer_than_a_quarter_of_a_second(
    start_service: Callable[..., Any], fresh_database_url: str, own_redis: OwnRedis, connect: Any, kill: str
) -> None:
    """Also if Redis does not refuse but is silent; and nobody piles up behind it."""
    import signal

    service = start_service(fresh_database_url, redis_url=own_redis.url, workers=1)
    key = service.key("away")
    client = connect(service, key)
    prepared(client)
    for _ in range(30):
        if client.ask("GET", f"/v1/leaderboards?{BOARDS[0]}")[1]["source"] == "redis":
            break
        time.sleep(0.1)
    clients = [connect(service, key) for _ in range(10)]
    for each in clients:
        each.ask("GET", f"/v1/leaderboards?{BOARDS[0]}")
    assert own_redis.process is not None
    own_redis.process.send_signal(getattr(signal, kill))
    took: list[float] = []
    offsets = itertools.count(1)

    def ask(each: Client) -> None:
        page = f"scope=programme:2021&offset={next(offsets)}"  # one that the worker does not know yet
        began = time.perf_counter()
        status, answer = each.ask("GET", f"/v1/leaderboards?{page}")
        took.append(time.perf_counter() - began)
        assert (status, answer["source"]) == (200, "ledger")

    for _ in range(3):
        threads = [threading.Thread(target=ask, args=(each,)) for each in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(took) == 30
    print(f"{kill}: {', '.join(f'{each * 1000:.0f}' for each in took)} ms")  # noqa: T201 - figures for whoever runs it with -s
    own_redis.process.send_signal(signal.SIGCONT)
    assert statistics.median(took) < 0.25


def test_who_posts_sees_it_on_the_board_at_once_whichever_worker_answers(
    start_service: Callable[..., Any], fresh_database_url: str, own_redis: OwnRedis, connect: Any
) -> None:
    service = start_service(fresh_database_url, redis_url=own_redis.url, workers=3)
    key = service.key("away")
    clients = [connect(service, key) for _ in range(6)]
    prepared(clients[0])
    sources: Counter[str] = Counter()
    for number in range(1, 101):
        poster, reader = random.sample(clients, 2)
        data = {"programme": "2021", "amount": 1}
        event = {"specversion": "1.0", "id": str(number), "source": "urn:test", "type": "point", "subject": "l1"}
        status, _ = poster.ask("POST", "/v1/events", {**event, "data": data}, "application/cloudevents+json")
        assert status == 201
        status, page = reader.ask("GET", "/v1/leaderboards?scope=programme:2021&limit=1")
        assert page["rows"][0]["score"] == number
        sources[page["source"]] += 1
        time.sleep(random.choice([0, 0.005, 0.05]))
    assert sources["redis"] > 90
