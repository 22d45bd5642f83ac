"""The whole service as an operator runs it: `pointsbank serve` in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner

from pointsbank.cli import main

START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 40


@dataclass
class Service:
    """A running service; `key(company)` makes a key of a company, which is new if need be."""

    url: str
    database_url: str
    environment: dict[str, str]
    process: "subprocess.Popen[str]"
    keys: dict[str, str] = field(default_factory=dict)

    def key(self, company: str) -> str:
        if company not in self.keys:
            self.keys[company] = self.command_here("keys", "create", "--company", company).strip()
        return self.keys[company]

    def command_here(self, *arguments: str) -> str:
        """`command` in this process, where all that it needs is loaded: a second less."""
        done = CliRunner().invoke(main, arguments, env=self.environment, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    def command(self, *arguments: str, check: bool = True) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "pointsbank", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def start_service(make_database_url: Callable[[], str], tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """`start_service(database_url, port=0, workers=2, redis_url="none")`; what still runs is stopped after the test,
    and before the databases that `make_database_url` has made are dropped: they outlive what asks for them."""
    started: list[Service] = []

    def start(database_url: str, port: int = 0, workers: int = 2, redis_url: str = "none") -> Service:
        environment = {**os.environ, "DATABASE_URL": database_url, "REDIS_URL": redis_url, "COLUMNS": "200"}
        environment["POINTSBANK_DATA_DIR"] = str(tmp_path)
        process = subprocess.Popen(
            [sys.executable, "-m", "pointsbank", "serve", "--port", str(port), "--workers", str(workers)],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("listening on "), line
        service = Service(line.split()[-1], database_url, environment, process)
        started.append(service)
        return service

    yield start
    for service in started:
        if service.process.poll() is None:
            service.process.terminate()
            service.process.wait(STOP_SECONDS_MAX)
        assert service.process.stdout is not None
        service.process.stdout.close()


@pytest.fixture
def service(start_service: Callable[..., Service], fresh_database_url: str) -> Service:
    return start_service(fresh_database_url)


@pytest.fixture(scope="session")
def examples_folder() -> Path:
    return Path(__file__).parents[2] / "examples"
