"""Boards in a Redis Cluster and behind Sentinels, as their URLs name them."""

import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import redis

from pointsbank.embedded.redis import redis_program
from pointsbank.leaderboards.boards import parse
from pointsbank.leaderboards.reading import Leaderboards, View
from tests.pointsbank.board_company import Company, P, at

SLOTS = 16_384


@pytest.fixture
def start(redis_url: str, run_folder: Path) -> Iterator[Callable[..., int]]:
    """`start("--cluster-enabled", "yes")` starts a server on a free port and gives the port."""
    program = redis_program()
    assert program is not None, "there is one if the run has a Redis"
    with ExitStack() as stack:

        def begin(*arguments: str) -> int:
            folder = tempfile.mkdtemp(prefix="redis-", dir=run_folder)
            port = _free_port()
            command = [str(program), *(each.format(folder=folder) for each in arguments)]
            process = subprocess.Popen(
                [*command, "--port", str(port), "--dir", folder, "--save", "", "--bind", "127.0.0.1"],
                stdout=subprocess.DEVNULL,
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            with redis.Redis(port=port) as client:
                _until(lambda: _answers(client))
            return port

        yield begin


def _free_port() -> int:
    """A cluster's node also listens 10,000 ports higher."""
    while True:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port: int = free.getsockname()[1]
        if port < 50_000:
            return port


def _answers(client: Any) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def _until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def boards_work(database: Any, url: str) -> None:
    """Those of several companies, which are on several nodes of a cluster."""
    companies = [Company(database) for _ in range(6)]
    boards = Leaderboards(database, url)
    views = [View(parse({"scope": P})), View(parse({"scope": P}), 3, around="b"), View(parse({"scope": "company"}))]
    try:
        for number in range(1, 4):
            for company in companies:
                company.book("a", number, at("10-01 09:00"))
                company.book("b", 1, at("10-02 09:00"))
                for view in views:
                    _until(lambda view=view, company=company: boards.page(company.id, view).source == "redis")  # type: ignore[misc]
                    found = boards.page(company.id, view)
                    assert [(row.member, row.score) for row in found.standings.rows[:2]] == [
                        ("a", number * (number + 1) // 2),
                        ("b", number),
                    ]
                assert boards.states(company.id, [views[0].board]) == [boards.page(company.id, views[0]).state]
    finally:
        boards.close()


def test_a_cluster(database: Any, start: Callable[..., int]) -> None:
    ports = [start("--cluster-enabled", "yes") for _ in range(3)]
    clients = [redis.Redis(port=port, decode_responses=True) for port in ports]
    for number, client in enumerate(clients):
        share = range(number * SLOTS // 3, (number + 1) * SLOTS // 3)
        client.execute_command("CLUSTER ADDSLOTS", *share)
        client.execute_command("CLUSTER MEET", "127.0.0.1", ports[0])
    for client in clients:
        _until(lambda client=client: client.cluster("info")["cluster_state"] == "ok")  # type: ignore[misc]
    boards_work(database, f"redis+cluster://127.0.0.1:{ports[1]}")
    keys = [client.dbsize() for client in clients]
    assert sum(1 for count in keys if count) > 1, keys
    for client in clients:
        client.close()


def test_sentinels(database: Any, start: Callable[..., int], run_folder: Path) -> None:
    """The master goes away and its replica is made the master: boards go on there."""
    master = start()
    replica = start("--replicaof", "127.0.0.1", str(master))
    sentinels = []
    for number in range(3):
        config = run_folder / f"sentinel-{master}-{number}.conf"
        config.write_text(
            f"sentinel monitor bank 127.0.0.1 {master} 2\n"
            "sentinel down-after-milliseconds bank 500\nsentinel failover-timeout bank 3000\n"
        )
        sentinels.append(start(str(config), "--sentinel"))
    url = "redis+sentinel://" + ",".join(f"127.0.0.1:{port}" for port in sentinels) + "/bank"
    with redis.Redis(port=sentinels[0], decode_responses=True) as client:
        _until(lambda: len(client.sentinel_sentinels("bank")) == 2 and len(client.sentinel_slaves("bank")) == 1)
        boards_work(database, url)
        with redis.Redis(port=master) as old:
            old.shutdown(nosave=True)
        _until(lambda: client.sentinel_get_master_addr_by_name("bank") == ("127.0.0.1", replica))
    boards_work(database, url)
