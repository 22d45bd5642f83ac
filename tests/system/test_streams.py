"""Live boards of the served service: sockets that gunicorn gave away."""

import contextlib
import itertools
import re
import resource
import selectors
import signal
import socket
import time
import urllib.request
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import orjson
import psutil
import psycopg
import pytest

from api.streams.watching import RIGHTS_SECONDS
from tests.system.conftest import Service

MANY = 300
SECONDS_MAX = 20
_keys = itertools.count()


class Client:
    """One open stream, read from its socket."""

    def __init__(self, url: str, key: str, query: str = "scope=programme:2021", version: str = "1.1", **headers: str):
        where = urlsplit(url)
        self.socket = socket.create_connection((where.hostname, where.port), SECONDS_MAX)
        lines = [f"GET /v1/leaderboards/stream?{query} HTTP/{version}", "Host: bank", f"Authorization: Bearer {key}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.data = b""

    def until(self, end: bytes) -> bytes:
        while end not in self.data:
            more = self.socket.recv(65_536)
            assert more, f"ended after {self.data!r}"
            self.data += more
        found, _, self.data = self.data.partition(end)
        return found

    def head(self) -> str:
        return self.until(b"\r\n\r\n").decode()

    def event(self) -> dict[str, str]:
        return dict(line.partition(": ")[::2] for line in self.until(b"\n\n").decode().split("\n"))

    def rows(self) -> list[tuple[str, int]]:
        """Of the next board: who has how much."""
        while (event := self.event()).keys() != {"id", "data"}:
            pass
        return [(row["member"]["id"], row["score"]) for row in orjson.loads(event["data"])["rows"]]

    def ends(self) -> bool:
        while more := self.socket.recv(65_536):
            self.data += more
        return True


@pytest.fixture
def client_of() -> Iterator[Callable[..., Client]]:
    with contextlib.ExitStack() as opened:

        def make(*arguments: str, **headers: str) -> Client:
            made = Client(*arguments, **headers)
            opened.callback(made.socket.close)
            return made

        yield make


def put(service: Service, key: str, method: str, path: str, body: object, **headers: str) -> int:
    request = urllib.request.Request(
        service.url + path,
        orjson.dumps(body),
        {"Authorization": f"Bearer {key}", "Content-Type": "application/json", **headers},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=SECONDS_MAX) as answer:
        return int(answer.status)


def furnish(service: Service) -> str:
    key = service.key("acme")
    programme = {"name": "2021", "starts_on": "2021-07-01", "ends_on": "2022-06-30", "allotment": None}
    put(service, key, "PUT", "/v1/programmes/2021", programme)
    put(service, key, "PUT", "/v1/learners/20210001", {"name": "李雷"})
    put(service, key, "POST", "/v1/programmes/2021/enrolments", {"learners": ["20210001"]})
    return key


def award(service: Service, key: str, amount: int) -> None:
    body = {"learner": "20210001", "programme": "2021", "unit": "credits", "amount": amount, "reason": "好"}
    body |= {"time": "2021-10-18T09:30:00+08:00"}
    idempotency = {"Idempotency-Key": f"award-{next(_keys)}"}
    assert put(service, key, "POST", "/v1/awards", body, **idempotency) == 201


def open_streams(service: Service) -> float:
    with urllib.request.urlopen(f"{service.url}/metrics", timeout=SECONDS_MAX) as answer:
        found = re.search(r"^pointsbank_streams (\S+)$", answer.read().decode(), re.MULTILINE)
    return float(found[1]) if found else 0.0


def in_time(holds: Callable[[], bool], seconds: float = SECONDS_MAX) -> bool:
    until = time.monotonic() + seconds
    while not holds() and time.monotonic() < until:
        time.sleep(0.02)
    return holds()


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_first_event_change_and_resumption(service: Service, client_of: Callable[..., Client], version: str) -> None:
    key = furnish(service)
    client = client_of(service.url, key, version=version)
    status, *headers = client.head().split("\r\n")
    assert status == f"HTTP/{version} 200 OK"
    stated = {name.lower(): value for name, value in (line.split(": ", 1) for line in headers)}
    stated.pop("date")
    assert stated == {
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
        "connection": "close",
    }
    assert client.event().keys() == {"retry"}
    first = client.event()
    assert orjson.loads(first["data"])["rows"][0]["score"] == 0
    award(service, key, 5)
    began = time.monotonic()
    changed = client.event()
    assert time.monotonic() - began < 1
    assert orjson.loads(changed["data"])["rows"][0]["score"] == 5
    again = client_of(service.url, key, Last_Event_ID=changed["id"])
    again.head()
    assert again.event().keys() == {"retry"}
    assert again.event()["event"] == "as_of"
    late = client_of(service.url, key, Last_Event_ID=first["id"])
    late.head()
    assert late.rows() == [("20210001", 5)]


def test_many_streams_take_no_thread_and_no_request_waits_for_them(
    service: Service, client_of: Callable[..., Client]
) -> None:
    key = furnish(service)
    clients = [client_of(service.url, key) for _ in range(MANY)]
    for client in clients:
        assert client.rows() == [("20210001", 0)]
    assert open_streams(service) == MANY
    workers = psutil.Process(service.process.pid).children()
    assert all(worker.num_threads() < 30 for worker in workers)
    award(service, key, 5)
    for client in clients:
        assert client.rows() == [("20210001", 5)]
    for client in clients[:-1]:
        client.socket.close()
    assert in_time(lambda: open_streams(service) == 1)
    award(service, key, 2)
    assert clients[-1].rows() == [("20210001", 7)]


def test_a_slow_reader_holds_up_nobody(service: Service, client_of: Callable[..., Client]) -> None:
    key = furnish(service)
    slow, quick = client_of(service.url, key), client_of(service.url, key)
    assert quick.rows() == [("20210001", 0)]
    for total in range(1, 31):
        award(service, key, 1)
        if total % 10 == 0:
            while quick.rows() != [("20210001", total)]:
                pass
    while slow.rows() != [("20210001", 30)]:
        pass


def test_a_key_that_is_revoked_ends_its_streams(service: Service, client_of: Callable[..., Client]) -> None:
    key = furnish(service)
    other = service.command("keys", "create", "--company", "acme", "--name", "other", "--scope", "read").strip()
    revoked, spared = client_of(service.url, other), client_of(service.url, key)
    revoked.rows()
    spared.rows()
    with psycopg.connect(service.database_url, autocommit=True) as connection:
        connection.execute(
            "SELECT set_config('app.company_id', company_id::text, false) FROM (SELECT set_config"
            "('app.every_company', 'on', false)) AS every, companies WHERE key = 'acme'"
        )
        done = connection.execute("UPDATE api_keys SET revoked_at = now() WHERE name = 'other'")
        assert done.rowcount == 1
    began = time.monotonic()
    assert revoked.ends()
    assert time.monotonic() - began < RIGHTS_SECONDS + 3
    award(service, key, 5)
    assert spared.rows() == [("20210001", 5)]
    refused = client_of(service.url, other)
    assert refused.head().startswith("HTTP/1.1 401 ")


def test_told_to_go_it_ends_streams_at_once(service: Service, client_of: Callable[..., Client]) -> None:
    key = furnish(service)
    clients = [client_of(service.url, key) for _ in range(50)]
    for client in clients:
        client.rows()
    began = time.monotonic()
    service.process.send_signal(signal.SIGTERM)
    assert all(client.ends() for client in clients)
    assert time.monotonic() - began < 2
    assert service.process.wait(SECONDS_MAX) == 0
    assert time.monotonic() - began < 10


def test_after_a_worker_is_killed_its_streams_are_counted_no_more(
    service: Service, client_of: Callable[..., Client]
) -> None:
    key = furnish(service)
    clients = [client_of(service.url, key) for _ in range(20)]
    for client in clients:
        client.rows()
    killed, *_ = psutil.Process(service.process.pid).children()
    killed.kill()
    killed.wait(SECONDS_MAX)
    readable = selectors.DefaultSelector()
    for client in clients:
        readable.register(client.socket, selectors.EVENT_READ)
    assert in_time(lambda: open_streams(service) == 20 - len(readable.select(0)))
    readable.close()
    back = client_of(service.url, key)
    assert back.rows() == [("20210001", 0)]


def test_it_allows_itself_open_files(start_service: Callable[..., Service], fresh_database_url: str) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(1_024, soft), hard))
    try:
        service = start_service(fresh_database_url)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    wanted = 16_384 if hard == resource.RLIM_INFINITY else min(16_384, hard)
    for process in psutil.Process(service.process.pid).children():
        assert process.rlimit(psutil.RLIMIT_NOFILE) == (wanted, hard)
