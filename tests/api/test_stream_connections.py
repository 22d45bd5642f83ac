"""The thread that writes to sockets: slow, silent and vanished clients, none of whom holds up another."""

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from api.streams.connections import Connection, Connections
from api.streams.watching import Stream
from pointsbank.database import Database

HEARTBEAT_SECONDS = 0.3
STALLED_SECONDS = 0.6
SECONDS_MAX = 10
LARGE = b"data: " + b"x" * 1_000_000 + b"\n\n"


class Anyone:
    def holds(self, database: Database) -> bool:
        return True


class Opened:
    """Connections, and clients of theirs."""

    def __init__(self) -> None:
        self.left: list[Stream] = []
        self.clients: list[socket.socket] = []
        self.connections = Connections(self.left.append, HEARTBEAT_SECONDS, STALLED_SECONDS)

    def client(self, opening: bytes = b"opening\n\n") -> tuple[Connection, socket.socket]:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.settimeout(SECONDS_MAX)
        self.clients.append(theirs)
        connection = Connection(self.connections, ours, opening, Anyone())
        self.connections.add(connection)
        return connection, theirs


@pytest.fixture
def opened() -> Iterator[Opened]:
    made = Opened()
    yield made
    made.connections.close()
    assert in_time(lambda: len(made.left) == len(made.clients))
    for client in made.clients:
        client.close()


def read(client: socket.socket, until: bytes) -> bytes:
    data = b""
    while not data.endswith(until):
        more = client.recv(1 << 20)
        assert more, "it was closed"
        data += more
    return data


def in_time(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + SECONDS_MAX
    while not holds() and time.monotonic() < until:
        time.sleep(0.01)
    return holds()


def test_opening_then_events_then_the_end(opened: Opened) -> None:
    connection, client = opened.client()
    read(client, b"opening\n\n")
    connection.offer(b"one\n\n")
    assert read(client, b"one\n\n") == b"one\n\n"
    connection.end()
    assert client.recv(100) == b""
    assert in_time(lambda: opened.left == [connection])


def test_a_slow_client_gets_whole_events_and_the_newest_and_holds_up_nobody(opened: Opened) -> None:
    slow, slow_client = opened.client(LARGE)
    quick, quick_client = opened.client()
    for number in range(50):
        slow.offer(b"%d\n\n" % number)
        quick.offer(b"%d\n\n" % number)
        read(quick_client, b"%d\n\n" % number)
    assert read(slow_client, b"49\n\n") == LARGE + b"49\n\n"
    assert opened.left == []


def test_a_client_that_takes_nothing_is_dropped(opened: Opened) -> None:
    stalled, stalled_client = opened.client(LARGE)
    other, other_client = opened.client()
    assert in_time(lambda: opened.left == [stalled])
    other.offer(b"still\n\n")
    read(other_client, b"still\n\n")
    stalled_client.close()


def test_a_client_that_takes_a_little_now_and_then_is_kept(opened: Opened) -> None:
    opening = 4 * LARGE
    _, client = opened.client(opening)
    taken, until = 0, time.monotonic() + 3 * STALLED_SECONDS
    while time.monotonic() < until:
        for _ in range(2):
            taken += len(client.recv(200_000))
        time.sleep(STALLED_SECONDS / 4)
    assert taken < len(opening)
    assert opened.left == []


def test_a_silent_stream_shows_life(opened: Opened) -> None:
    _, client = opened.client()
    began = time.monotonic()
    read(client, b": the board cannot be read at the moment\n\n")  # nobody watches for it here
    assert time.monotonic() - began >= HEARTBEAT_SECONDS * 0.9


def test_a_client_that_goes_is_noticed_and_what_it_says_is_not(opened: Opened) -> None:
    connection, client = opened.client()
    client.sendall(b"GET / HTTP/1.1\r\n\r\n")
    read(client, b"opening\n\n")
    connection.offer(b"one\n\n")
    read(client, b"one\n\n")
    began = time.monotonic()
    client.close()
    assert in_time(lambda: opened.left == [connection])
    assert time.monotonic() - began < HEARTBEAT_SECONDS


def test_all_end_at_once(opened: Opened) -> None:
    clients = [opened.client() for _ in range(50)]
    for _, client in clients:
        read(client, b"opening\n\n")
    opened.connections.close()
    for _, client in clients:
        assert client.recv(100) == b""
    assert in_time(lambda: {connection for connection, _ in clients} == set(opened.left))
    late, late_client = opened.client()
    assert late_client.recv(100) == b""
    assert in_time(lambda: late in opened.left)


def test_offers_from_many_threads(opened: Opened) -> None:
    connection, client = opened.client(b"")
    threads = [threading.Thread(target=lambda: [connection.offer(b"x\n\n") for _ in range(200)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    connection.offer(b"last\n\n")
    assert set(read(client, b"last\n\n").split(b"\n\n")) <= {b"x", b"last", b""}
