"""`pointsbank serve` as an operator sees it: one line when ready, and nothing left when it is told to go."""

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from pointsbank import embedded

ProcessesOf = Callable[[Path], list[psutil.Process]]
Serve = Callable[..., subprocess.Popen[str]]
EXIT_SECONDS_MAX = 60


@pytest.fixture
def serve(server_folder: Path) -> Iterator[Serve]:
    """Starts `pointsbank serve` on a free port, with its servers in `server_folder`."""
    started: list[subprocess.Popen[str]] = []

    def start(*options: str, **environment: str) -> subprocess.Popen[str]:
        inherited = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL")}
        process = subprocess.Popen(
            [sys.executable, "-m", "pointsbank", "serve", "--workers", "2", *(options or ("--port", "0"))],
            env={**inherited, "POINTSBANK_DATA_DIR": str(server_folder), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def url_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("listening on http://127.0.0.1:"), (line, process.communicate()[1])
    return line.removeprefix("listening on ").strip()


def status(url: str) -> int:
    with urllib.request.urlopen(url, timeout=10) as answer:
        code: int = answer.status
    return code


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_it_says_when_it_is_ready_and_leaves_nothing_behind(
    serve: Serve, server_folder: Path, processes_of: ProcessesOf, sent: signal.Signals
) -> None:
    process = serve()
    url = url_of(process)
    assert status(f"{url}/healthz") == 200
    assert status(f"{url}/readyz") == 200
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    assert len(family) == 3
    assert processes_of(server_folder)
    os.killpg(process.pid, sent)  # the whole group, as Ctrl-C in a terminal does
    said, _ = process.communicate(timeout=EXIT_SECONDS_MAX)
    assert process.returncode == 0
    assert said == ""
    assert [member for member in family if member.is_running()] == []
    assert processes_of(server_folder) == []


def test_told_to_go_before_it_is_ready(serve: Serve, server_folder: Path, processes_of: ProcessesOf) -> None:
    process = serve()
    while not (server_folder / "postgres").exists():
        assert process.poll() is None, process.communicate()[1]
    process.terminate()
    process.communicate(timeout=EXIT_SECONDS_MAX)
    assert processes_of(server_folder) == []


def test_after_a_kill_it_serves_the_same_data(serve: Serve, server_folder: Path, processes_of: ProcessesOf) -> None:
    first = serve()
    url_of(first)
    with psycopg.connect(embedded.start(server_folder).database_url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    second = serve()
    assert status(f"{url_of(second)}/readyz") == 200
    with psycopg.connect(embedded.start(server_folder).database_url) as connection:
        assert connection.execute("SELECT number FROM kept").fetchall() == [(7,)]
    second.terminate()
    second.communicate(timeout=EXIT_SECONDS_MAX)
    assert second.returncode == 0
    assert processes_of(server_folder) == []


def test_a_taken_port_is_said_in_one_line_and_disturbs_nobody(serve: Serve) -> None:
    first = serve()
    url = url_of(first)
    second = serve("--port", url.rpartition(":")[2])
    said, error = second.communicate(timeout=EXIT_SECONDS_MAX)
    assert second.returncode == 1
    assert said == ""
    assert error == f"Error: cannot listen on {url}: Address already in use\n"
    assert status(f"{url}/readyz") == 200


def test_a_setting_that_cannot_be_used_is_said_in_one_line(serve: Serve) -> None:
    process = serve(DATABASE_URL="mysql://localhost/bank")
    _, error = process.communicate(timeout=EXIT_SECONDS_MAX)
    assert process.returncode == 1
    assert error.startswith("Error: DATABASE_URL begins with 'mysql'")
    assert error.count("\n") == 1


def test_a_database_that_is_not_there_is_said_in_one_line(serve: Serve) -> None:
    process = serve(DATABASE_URL="postgresql://bank@127.0.0.1:1/bank", REDIS_URL="none")
    _, error = process.communicate(timeout=EXIT_SECONDS_MAX)
    assert process.returncode == 1
    assert "DATABASE_URL" in error
    assert "Traceback" not in error
