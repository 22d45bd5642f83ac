"""Many open streams, how soon an award reaches them all, and what they cost those who post.

The clients run on the same machine as the service. Those who watch take what nobody else wants of it, since elsewhere
they would have processors of their own; so they see an award later than they might.
"""

import os
import re
import resource
import selectors
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any
from urllib.parse import urlsplit

import orjson
import psutil

from bench import serving
from bench.ground import LEARNERS, Ground
from bench.memory import MEGABYTE
from bench.posting import event

POSTERS = 4
RATE = 100  # events a second, of all posters together
SECONDS = 8.0
TURNS = 4
AWARDS = 30
AWARD_PAUSE_SECONDS = 0.35
SETTLING_SECONDS = 2.0
WATCHED_LEARNERS = 10
LOADS = {
    LEARNERS: f"for {LEARNERS} learners at random, of whom ten are watched",
    WATCHED_LEARNERS: "for the ten who are watched, so that each event changes the page",
}

_NUMBER = re.compile(rb'"as_of":\{"number":(\d+)')

Posts = list[tuple[int, float, float]]
"""Number of the entry, when it was sent, when it was answered."""
Seen = list[list[tuple[float, int]]]
"""Of each stream: when which number arrived."""


def measure(ground: Ground, streams: int) -> None:
    """So many open streams of one board."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4 * streams)), hard))
    with serving.served(ground, redis=True) as (url, process):
        _measure(ground, url, process, streams)


def _measure(ground: Ground, url: str, process: psutil.Process, streams: int) -> None:
    post(ground, url, RATE, 3)  # what comes first is slow, and is no stream's fault
    before, after = _memory(process), 0.0
    alone: dict[int, Posts] = {learners: [] for learners in LOADS}
    watched: dict[int, Posts] = {learners: [] for learners in LOADS}
    for turn in range(TURNS):
        for learners in LOADS:
            alone[learners] += post(ground, url, RATE, SECONDS, learners)
        with _open(ground, url, streams) as clients:
            time.sleep(SETTLING_SECONDS)
            if turn == 0:
                after = _memory(process)
                _delivery("an award, nothing else posted", *_awards(ground, url, clients))
            for learners in LOADS:
                posts = post(ground, url, RATE, SECONDS, learners)
                watched[learners] += posts
                time.sleep(SETTLING_SECONDS)
                clients.send("seen")
                seen = clients.recv()
                if turn == 0 and learners == WATCHED_LEARNERS:
                    _delivery(f"each of {RATE} events a second", posts, seen)
    print(f"\nPosting {RATE} single events a second from {POSTERS} connections, in milliseconds")
    for learners, what in LOADS.items():
        print(f"  {what}")
        (low, floor), (median, high) = _latency(alone[learners]), _latency(watched[learners])
        print(f"    no stream      p50 {low:>6.1f}  p99 {floor:>6.1f}")
        print(f"    {streams} streams   p50 {median:>6.1f}  p99 {high:>6.1f}   p99 to p99: {high / floor:.2f}")
    print(f"\nMemory of all workers: {before:.0f} MB, with {streams} streams {after:.0f} MB", flush=True)


def _latency(posts: Posts) -> tuple[float, float]:
    p50, p99 = _quantiles([answered - sent for _, sent, answered in posts])
    return p50 * 1_000, p99 * 1_000


def post(ground: Ground, url: str, rate: float, seconds: float, learners: int = WATCHED_LEARNERS) -> Posts:
    """Each poster sends at its times, whenever the one before was answered; for so many learners at random."""
    made: Posts = []

    def run(index: int) -> None:
        began = time.time() + index / rate
        count = int(rate * seconds / POSTERS)
        where = urlsplit(url)
        with socket.create_connection((where.hostname, where.port)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for number in range(count):
                body = orjson.dumps(event(ground, f"2021{ground.dice.randrange(learners):05d}"))
                time.sleep(max(0.0, began + number * POSTERS / rate - time.time()))
                made.append(_post(connection, ground.key, body))

    threads = [threading.Thread(target=run, args=(index,)) for index in range(POSTERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return made


def _post(connection: socket.socket, key: str, body: bytes) -> tuple[int, float, float]:
    sent = time.time()
    connection.sendall(serving._request("/v1/events", key, body))
    data = connection.recv(65_536)
    head, _, rest = data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 201"), data
    found = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    assert found is not None
    while len(rest) < int(found[1]):
        rest += connection.recv(65_536)
    return orjson.loads(rest)["entry"]["number"], sent, time.time()


def _awards(ground: Ground, url: str, clients: "Connection[Any, Any]") -> tuple[Posts, Seen]:
    """One event at a time, with pauses that are longer than it takes."""
    awards: Posts = []
    where = urlsplit(url)
    with socket.create_connection((where.hostname, where.port)) as connection:
        for _ in range(AWARDS):
            awards.append(_post(connection, ground.key, orjson.dumps(event(ground, "202100001"))))
            time.sleep(AWARD_PAUSE_SECONDS)
    time.sleep(SETTLING_SECONDS)
    clients.send("seen")
    return awards, clients.recv()


def _delivery(what: str, posts: Posts, seen: Seen) -> None:
    """From the sending of an event until a stream has a board that counts it."""
    delays, latest = [], []
    for number, sent, _ in posts:
        arrived = [next((at for at, shown in stream if shown >= number), None) for stream in seen]
        reached = [at - sent for at in arrived if at is not None]
        assert len(reached) == len(seen), f"entry {number} reached {len(reached)} of {len(seen)} streams"
        delays += reached
        latest.append(max(reached))
    p50, p99 = _quantiles(delays)
    print(
        f"\nUntil it reaches {len(seen)} streams, {what}: p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms; "
        f"the last of them p50 {statistics.median(latest) * 1000:.0f} ms, at most {max(latest) * 1000:.0f} ms",
        flush=True,
    )


def _quantiles(values: list[float]) -> tuple[float, float]:
    cuts = statistics.quantiles(values, n=100)
    return cuts[49], cuts[98]


def _memory(process: psutil.Process) -> float:
    """Megabytes that are the workers' own."""
    return sum(worker.memory_full_info().uss for worker in process.children()) / MEGABYTE


@contextmanager
def _open(ground: Ground, url: str, streams: int) -> Iterator["Connection[Any, Any]"]:
    """A process with so many open streams; sent "seen", it answers with what arrived since the last time."""
    ours, theirs = get_context("fork").Pipe()
    clients = get_context("fork").Process(target=_watch, args=(url, ground.key, streams, theirs))
    clients.start()
    began = time.time()
    assert ours.recv() == "open"
    print(f"{streams} streams opened in {time.time() - began:.1f} s", flush=True)
    yield ours
    ours.send("end")
    clients.join()


def _watch(url: str, key: str, streams: int, orders: "Connection[Any, Any]") -> None:
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    where = urlsplit(url)
    selector = selectors.DefaultSelector()
    request = (
        "GET /v1/leaderboards/stream?scope=programme:2021&limit=10 HTTP/1.1\r\nHost: bench\r\n"
        f"Authorization: Bearer {key}\r\n\r\n"
    ).encode()
    seen: Seen = []
    for index in range(streams):
        client = socket.create_connection((where.hostname, where.port))
        client.sendall(request)
        selector.register(client, selectors.EVENT_READ, index)
        seen.append([])
    selector.register(orders, selectors.EVENT_READ, None)
    is_open = False
    while True:
        for ready, _ in selector.select():
            if ready.data is None:
                if orders.recv() == "end":
                    return
                orders.send(seen)
                seen = [[] for _ in range(streams)]
                continue
            data = ready.fileobj.recv(1 << 18)  # type: ignore[union-attr]  # all others are sockets
            assert data, "a stream ended"
            found = _NUMBER.findall(data)
            if found:
                seen[ready.data].append((time.time(), int(found[-1])))
        if not is_open and all(seen):
            is_open = True
            orders.send("open")
