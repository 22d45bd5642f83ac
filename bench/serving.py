"""gunicorn as `pointsbank serve` runs it, with the bench's routes, and connections that keep it busy."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from urllib.parse import urlsplit

import orjson
import psutil

from bench.ground import LEARNERS, Ground
from bench.posting import event
from pointsbank.serving import KEEPALIVE_SECONDS, THREADS

WORKERS = 2
CONNECTIONS = 16
CLIENT_PROCESSES = 2
SECONDS = 4.0
TURNS = 3


@contextmanager
def served(ground: Ground, redis: bool = False) -> Iterator[tuple[str, psutil.Process]]:
    """The service's URL and gunicorn's process; with boards in Redis, or answered from the ledger."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "bench.wsgi:create_app()", "--bind", f"127.0.0.1:{port}"]
    command += ["--workers", str(WORKERS), "--worker-class", "gthread", "--threads", str(THREADS)]
    command += ["--keep-alive", str(KEEPALIVE_SECONDS), "--log-level", "error", "--timeout", "120"]
    redis_url = (ground.servers.redis_url if redis else None) or "none"
    environment = {**os.environ, "DATABASE_URL": ground.servers.database_url, "REDIS_URL": redis_url}
    process = subprocess.Popen(command, env=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(port)
        yield url, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def _wait(port: int) -> None:
    for _ in range(200):
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as connection:
                connection.sendall(b"GET /readyz HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
                if b"ready" in connection.makefile("rb").read():
                    return
        except OSError:
            pass
        time.sleep(0.1)
    raise RuntimeError("the service did not start")


def of_singles(ground: Ground, url: str) -> tuple[float, float]:
    """Requests a second from 16 connections: of the bare route, and of single events; by turns, best of each."""
    bare, events = [], []
    for _ in range(TURNS):
        bare.append(rate(url, [[_request("/bare", ground.key, b"x" * 40)] for _ in range(CONNECTIONS)], 201))
        prepared = [
            [
                _request("/v1/events", ground.key, orjson.dumps(event(ground, _learner(ground))))
                for _ in range(int(SECONDS * 400))
            ]
            for _ in range(CONNECTIONS)
        ]
        events.append(rate(url, prepared, 201))
    return max(bare), max(events)


def _learner(ground: Ground) -> str:
    return f"2021{ground.dice.randrange(LEARNERS):05d}"


def _request(path: str, key: str, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n"
    head += f"Content-Type: application/cloudevents+json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def rate(url: str, requests: list[list[bytes]], status: int) -> float:
    """Each connection sends its requests one after the other (a single one again and again) for `SECONDS`."""
    share = len(requests) // CLIENT_PROCESSES
    parts = [requests[start : start + share] for start in range(0, len(requests), share)]
    with get_context("fork").Pool(CLIENT_PROCESSES) as pool:
        return sum(pool.starmap(_client, [(url, part, status) for part in parts], chunksize=1))


def _client(url: str, requests: list[list[bytes]], status: int) -> float:
    counts = [0] * len(requests)
    until = time.perf_counter() + SECONDS

    def run(index: int) -> None:
        own = requests[index]
        with socket.create_connection((urlsplit(url).hostname, urlsplit(url).port)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while time.perf_counter() < until:
                connection.sendall(own[counts[index] % len(own)])
                answer = _answer(connection)
                assert answer == status, answer
                counts[index] += 1

    began = time.perf_counter()
    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(requests))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - began)


def _answer(connection: socket.socket) -> int:
    """The status of one response, which is read to its end."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65_536)
    head, _, body = data.partition(b"\r\n\r\n")
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            left = int(value) - len(body)
    while left > 0:
        left -= len(connection.recv(65_536))
    return int(head[9:12])


@contextmanager
def watched(process: psutil.Process) -> Iterator[dict[int, int]]:
    """Fills in the largest resident size (bytes) of each of the process's children, by process id."""
    largest: dict[int, int] = {}
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.02):
            for child in process.children():
                largest[child.pid] = max(largest.get(child.pid, 0), child.memory_info().rss)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield largest
    finally:
        done.set()
        watcher.join()
