"""The embedded servers outlive whoever started them, and keep what they were told."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import redis as redis_client

from pointsbank import embedded
from pointsbank.embedded.account import Account

STARTER = (
    "import sys, time; from pointsbank import embedded; print(embedded.start(sys.argv[1]).database_url, flush=True)"
)
ProcessesOf = Callable[[Path], list[psutil.Process]]
WAIT = "; time.sleep(600)"


def postmaster(folder: Path) -> int:
    return int((folder / "postgres" / "postmaster.pid").read_text().splitlines()[0])


def write(url: str, number: int) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (number integer)")
        connection.execute("INSERT INTO kept VALUES (%s)", [number])


def read(url: str) -> list[int]:
    with psycopg.connect(url) as connection:
        return [number for (number,) in connection.execute("SELECT number FROM kept ORDER BY number")]


def test_stop_and_start_again_keep_the_data(server_folder: Path, processes_of: ProcessesOf) -> None:
    with embedded.start(server_folder) as servers:
        write(servers.database_url, 1)
    assert processes_of(server_folder) == []
    with embedded.start(server_folder) as servers:
        assert read(servers.database_url) == [1]


def test_the_owner_may_create_roles_and_is_no_superuser(server_folder: Path) -> None:
    with embedded.start(server_folder) as servers, psycopg.connect(servers.database_url) as connection:
        row = connection.execute(
            "SELECT rolname, rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
        assert row == ("pointsbank", False, True, False)
        assert connection.info.encoding == "utf-8"


def test_nothing_listens_on_tcp(server_folder: Path, processes_of: ProcessesOf) -> None:
    with embedded.start(server_folder) as servers:
        assert (server_folder / "run").resolve().stat().st_mode & 0o077 == 0
        pids = {process.pid for process in processes_of(server_folder)} | {postmaster(server_folder)}
        listening = [c.pid for pid in pids for c in psutil.Process(pid).net_connections("inet")]
        assert listening == []
        assert servers.redis_url is None or servers.redis_url.startswith("unix://")


def test_a_path_too_long_for_a_socket(server_folder: Path, processes_of: ProcessesOf) -> None:
    folder = server_folder / ("deep" * 30) / "with a blank"
    with embedded.start(folder) as servers:
        sockets = (folder / "run").resolve()
        write(servers.database_url, 1)
        assert read(servers.database_url) == [1]
    assert not sockets.exists()
    assert processes_of(folder) == []
    assert processes_of(sockets) == []


def test_servers_outlive_the_starter_and_are_adopted(server_folder: Path, processes_of: ProcessesOf) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTER + WAIT, server_folder], stdout=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout is not None
        url = starter.stdout.readline().strip()
        write(url, 1)
        starter.kill()
    before = postmaster(server_folder)
    with embedded.start(server_folder) as servers:
        assert postmaster(server_folder) == before
        assert servers.database_url == url
        assert read(url) == [1]
    assert processes_of(server_folder) == []


def test_killed_servers_start_again_with_what_was_committed(server_folder: Path, processes_of: ProcessesOf) -> None:
    servers = embedded.start(server_folder)
    write(servers.database_url, 1)
    for process in processes_of(server_folder):
        process.kill()
    os.kill(postmaster(server_folder), signal.SIGKILL)
    with embedded.start(server_folder) as servers:
        assert read(servers.database_url) == [1]


def test_a_stale_process_id_that_belongs_to_another_program(server_folder: Path) -> None:
    servers = embedded.start(server_folder)
    write(servers.database_url, 1)
    servers.stop()
    lines = [str(os.getpid()), str(server_folder / "postgres"), "0", "5432", "/nowhere", "", "", "ready"]
    (server_folder / "postgres" / "postmaster.pid").write_text("\n".join(lines) + "\n")
    with embedded.start(server_folder) as servers:
        assert read(servers.database_url) == [1]


def test_racing_starters_share_the_servers(server_folder: Path, processes_of: ProcessesOf) -> None:
    def run(_: int) -> str:
        command = [sys.executable, "-c", STARTER, server_folder]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    with ThreadPoolExecutor(2) as pool:
        urls = set(pool.map(run, range(2)))
    assert len(urls) == 1
    assert len([p for p in processes_of(server_folder) if "postgres" in p.name()]) == 1


def test_half_made_cluster_is_made_anew(server_folder: Path) -> None:
    (server_folder / "postgres.unfinished" / "base").mkdir(parents=True)
    with embedded.start(server_folder) as servers:
        write(servers.database_url, 1)


def test_the_last_user_stops_the_servers(server_folder: Path, processes_of: ProcessesOf) -> None:
    with embedded.use(server_folder) as first:
        with embedded.use(server_folder):
            pass
        write(first.database_url, 1)
        assert read(first.database_url) == [1]
    assert processes_of(server_folder) == []


def test_a_forked_child_that_leaves_stops_nothing(server_folder: Path, processes_of: ProcessesOf) -> None:
    code = (
        "import os, sys\nfrom pointsbank import embedded\n"
        "with embedded.use(sys.argv[1]) as servers:\n"
        "    child = os.fork()\n"
        "    if child == 0: sys.exit(0)\n"
        "    os.waitpid(child, 0)\n"
        "    assert embedded.postgres_alive(servers.data_dir / 'postgres')\n"
    )
    subprocess.run([sys.executable, "-c", code, server_folder], check=True)
    assert processes_of(server_folder) == []


def test_redis_forgets_and_postgres_serves_without_it(server_folder: Path, redis_url: str) -> None:
    with embedded.start(server_folder, redis=False) as servers:
        assert servers.redis_url is None
    with embedded.start(server_folder) as servers:
        assert servers.redis_url is not None
        client = redis_client.Redis.from_url(servers.redis_url)
        client.set("board", "1")
        client.close()
    with embedded.start(server_folder) as servers:
        assert servers.redis_url is not None
        client = redis_client.Redis.from_url(servers.redis_url)
        assert client.get("board") is None
        client.close()


def test_stop_where_nothing_runs(tmp_path: Path) -> None:
    embedded.stop(tmp_path / "nowhere")
    started = time.monotonic()
    embedded.stop(tmp_path)
    assert time.monotonic() - started < 1


def test_a_signal_waits_for_the_program_that_was_just_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else what it starts comes up when nobody is there any more to stop it."""
    begin = subprocess.Popen

    def interrupted(*args: Any, **settings: Any) -> Any:
        process = begin(*args, **settings)
        signal.raise_signal(signal.SIGTERM)
        return process

    def leave(*_: object) -> None:
        sys.exit(7)

    monkeypatch.setattr(subprocess, "Popen", interrupted)
    usual = signal.signal(signal.SIGTERM, leave)
    try:
        with pytest.raises(SystemExit):
            Account(os.getuid(), os.getgid(), switch=False).run(
                ["/bin/sh", "-c", f"sleep 0.3; touch {tmp_path / 'ended'}"], 5
            )
        assert (tmp_path / "ended").exists()
        assert signal.getsignal(signal.SIGTERM) is leave
    finally:
        signal.signal(signal.SIGTERM, usual)
