"""Fixtures of the whole test run.

One embedded PostgreSQL and Redis serve a run: the first test that needs them starts them, and the
process that began the run stops them at its end, also after Ctrl-C. The schema is migrated once, into
a template; every worker of xdist, and every test that asks for a database of its own, gets a copy.

A test that needs a program which is not installed says so with `needs_program`; the end of the run
lists what did not run for that reason. With POINTSBANK_REQUIRE_PROGRAMS=1 it fails instead.
"""

import fcntl
import itertools
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn

import psutil
import psycopg
import pytest
import redis
from hypothesis import HealthCheck, settings
from psycopg import sql

from pointsbank import embedded
from pointsbank.database import Database, migrate
from pointsbank.embedded.redis import redis_program

if TYPE_CHECKING:
    from playwright.sync_api import Browser

RUN_FOLDER = "POINTSBANK_TEST_RUN"  # from the process that began the run to xdist's workers
REQUIRE_PROGRAMS = "POINTSBANK_REQUIRE_PROGRAMS"
SHARED_DATA = "POINTSBANK_SHARED_DATA"
MEASURED = "measured"
DEFAULT_SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"
TEMPLATE = "pointsbank_template"
CHROMIUM_OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
CHROMIUM_OPTIONS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]

# A slow machine is no fault: what must be quick is measured in bench/.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

# What to do about a program that is missing, for the lines at the end of the run.
HOW_TO_GET = {
    "curl": "apt-get install curl",
    "ledger": "apt-get install ledger",
    "hledger": "apt-get install hledger",
    "chromium": "apt-get install chromium",
    "node": "apt-get install nodejs npm",
}

_owner_lock: IO[str] | None = None


# --- the run: its folder, its servers, its last lines ---------------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    global _owner_lock
    if hasattr(config, "workerinput"):
        return
    _stop_orphans()
    folder = Path(tempfile.mkdtemp(prefix="pointsbank-test-"))
    folder.chmod(0o711)  # PostgreSQL, which runs as nobody if we are root, has to get in
    _owner_lock = open(folder / "owner.lock", "w")  # noqa: SIM115 - held until the run ends
    fcntl.flock(_owner_lock, fcntl.LOCK_EX)
    os.environ[RUN_FOLDER] = str(folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput") or RUN_FOLDER not in os.environ:
        return
    _stop_all(Path(os.environ.pop(RUN_FOLDER)))
    assert _owner_lock is not None
    _owner_lock.close()


def _stop_all(run_folder: Path) -> None:
    for lock in run_folder.rglob("embedded.lock"):
        embedded.stop(lock.parent)
    shutil.rmtree(run_folder, ignore_errors=True)


def _stop_orphans() -> None:
    """Stops the servers of runs that were killed: nobody holds the lock of their folder."""
    for lock in Path(tempfile.gettempdir()).glob("pointsbank-test-*/owner.lock"):
        if not os.access(lock, os.W_OK):
            continue
        with open(lock, "w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            _stop_all(lock.parent)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Shows what tests have measured, and hands the reasons "needs …" to tests/__main__.py, which prints them last."""
    for report in terminalreporter.stats.get("passed", []):
        for name, line in report.user_properties:
            if name == MEASURED:
                terminalreporter.write_line(line)
    into = os.environ.get("POINTSBANK_NOT_RUN")
    if into is None or hasattr(terminalreporter.config, "workerinput"):
        return
    reports = terminalreporter.stats.get("skipped", [])
    with open(into, "a", encoding="utf-8") as file:
        for report in reports:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            file.write(f"{reason.removeprefix('Skipped: ')}\t{report.nodeid}\n")


@pytest.fixture
def measured(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """`measured("3 kills in 2 s")`: a line that stands at the end of the run, whichever process ran the test."""
    return lambda line: record_property(MEASURED, line)


# --- servers and databases ------------------------------------------------------------------------


@pytest.fixture(scope="session")
def run_folder() -> Path:
    """A folder of this run with a short path, under which embedded servers are stopped at its end."""
    return Path(os.environ[RUN_FOLDER])


@contextmanager
def _one_worker_at_a_time(run_folder: Path) -> Iterator[None]:
    with open(run_folder / "workers.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def servers(run_folder: Path) -> embedded.Servers:
    """The servers that this run shares. They do not sync to disk: a test that kills them has its own."""
    with _one_worker_at_a_time(run_folder):
        fresh = not (run_folder / "servers").exists()
        started = embedded.start(run_folder / "servers")
        if fresh:
            with psycopg.connect(started.superuser_url, autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET fsync = off")
                connection.execute("SELECT pg_reload_conf()")
        return started


@pytest.fixture(scope="session")
def redis_url(servers: embedded.Servers) -> str:
    if servers.redis_url is None:
        not_here("needs redis-server (apt-get install redis-server)")
    return servers.redis_url


@pytest.fixture(scope="session")
def _template(servers: embedded.Servers, run_folder: Path) -> str:
    with _one_worker_at_a_time(run_folder):
        done = run_folder / "template.done"
        if not done.exists():
            _drop_database(servers, TEMPLATE)  # half migrated by a worker that failed
            _create_database(servers, TEMPLATE, "template0")
            migrate(_url_of(servers, TEMPLATE))
            done.touch()
    return TEMPLATE


@pytest.fixture(scope="session")
def database_url(servers: embedded.Servers, _template: str, worker_id: str) -> str:
    """A migrated database of this worker, owned by role `pointsbank`."""
    name = f"test_{worker_id}"
    _create_database(servers, name, _template)
    return _url_of(servers, name)


@pytest.fixture(scope="session")
def database(database_url: str) -> Iterator[Database]:
    with closing(Database(database_url)) as opened:
        yield opened
        for thread in threading.enumerate():
            if thread.name == "arrivals":  # it still writes what came last
                thread.join()


@pytest.fixture
def fresh_database_url(make_database_url: Callable[[], str]) -> str:
    """A migrated database of this test alone, on the shared server: for races and for killed workers."""
    return make_database_url()


@pytest.fixture
def make_database_url(servers: embedded.Servers, _template: str, worker_id: str) -> Iterator[Callable[[], str]]:
    """Makes as many migrated databases as are asked for, and drops them after the test."""
    made: list[str] = []

    def make() -> str:
        made.append(f"fresh_{worker_id}_{next(_numbers)}")
        _create_database(servers, made[-1], _template)
        return _url_of(servers, made[-1])

    yield make
    for name in made:
        _drop_database(servers, name)


@pytest.fixture
def server_folder(run_folder: Path) -> Iterator[Path]:
    """An empty folder with a short path, for embedded servers of this test alone (`embedded.start(it)`).

    They sync to disk as the service's own do, so that they may be killed. They are stopped after the test.
    """
    folder = Path(tempfile.mkdtemp(prefix="own-", dir=run_folder))
    folder.chmod(0o711)
    yield folder
    embedded.stop(folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def processes_of() -> Callable[[Path], list[psutil.Process]]:
    """`processes_of(folder)` gives the embedded servers (not their children) that work in the folder."""

    def find(folder: Path) -> list[psutil.Process]:
        return [process for process in psutil.process_iter() if str(folder) in " ".join(_command(process))]

    return find


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


_numbers = itertools.count()


def _create_database(servers: embedded.Servers, name: str, template: str) -> None:
    with psycopg.connect(servers.superuser_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(embedded.OWNER_ROLE), sql.Identifier(template)
            )
        )


def _drop_database(servers: embedded.Servers, name: str) -> None:
    with psycopg.connect(servers.superuser_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _url_of(servers: embedded.Servers, name: str) -> str:
    return servers.database_url.replace(f"/{embedded.DATABASE}?", f"/{name}?")


class OwnRedis:
    """A server of a test alone. `restart` kills it; it begins again with what was saved last."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.program, self.folder = program, folder
        self.socket = folder / "redis.sock"
        self.url = f"unix://{self.socket}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        arguments = [
            "--port",
            "0",
            "--unixsocket",
            self.socket,
            "--dir",
            self.folder,
            "--save",
            "",
            "--appendonly",
            "no",
        ]
        self.process = subprocess.Popen([self.program, *arguments], stdout=subprocess.DEVNULL)
        client = redis.Redis.from_url(self.url)
        for _ in range(500):
            try:
                client.ping()
                break
            except redis.ConnectionError:
                time.sleep(0.01)
        client.close()

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        self.kill()
        self.start()

    def start_afresh(self) -> None:
        """Empty, with nothing saved."""
        with redis.Redis.from_url(self.url) as client:
            client.flushall()
        (self.folder / "dump.rdb").unlink(missing_ok=True)


@pytest.fixture
def own_redis(redis_url: str, run_folder: Path) -> Iterator[OwnRedis]:
    program = redis_program()
    assert program is not None, "there is one if the run has a Redis"
    server = OwnRedis(program, Path(tempfile.mkdtemp(prefix="redis-", dir=run_folder)))
    server.start()
    yield server
    server.kill()


# --- what may not be there ------------------------------------------------------------------------


def not_here(reason: str) -> NoReturn:
    """`reason` begins with "needs" and ends with how to get it."""
    if os.environ.get(REQUIRE_PROGRAMS) == "1":
        pytest.fail(f"{reason}, and {REQUIRE_PROGRAMS}=1", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def needs_program() -> Callable[[str], str]:
    """`needs_program("ledger")` gives the program's path, or skips the test with a reason that names it."""

    def need(name: str) -> str:
        found = shutil.which(name)
        if found is None:
            not_here(f"needs {name} ({HOW_TO_GET.get(name, 'put it on the PATH')})")
        return found

    return need


@pytest.fixture(scope="module")
def browser(needs_program: Callable[[str], str]) -> "Iterator[Browser]":
    """Chromium. What a page is waited for it may take while the machine is busy; what has to be quicker says so."""
    from playwright.sync_api import expect, sync_playwright  # a third of a second, for those who ask for it

    chromium = needs_program("chromium")
    expect.set_options(timeout=20_000)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_OPTIONS)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def node_packages() -> Path:
    """The folder tests/node, with its packages installed, or skips."""
    folder = Path(__file__).parent / "node"
    if not (folder / "node_modules").is_dir():
        not_here("needs the packages of tests/node (npm ci --prefix tests/node)")
    return folder


@pytest.fixture(scope="session")
def verify_with_node(needs_program: Callable[[str], str], node_packages: Path) -> Callable[[object], Any]:
    """`verify_with_node(given)` gives what tests/node/verify.mjs says, which describes both; skips without Node."""
    node = needs_program("node")

    def verify(given: object) -> Any:
        done = subprocess.run(
            [node, "verify.mjs"],
            cwd=node_packages,
            input=json.dumps(given),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return verify


@pytest.fixture(scope="session")
def debian_postgres() -> Path:
    """The folder of programs of the oldest installed of Debian's PostgreSQL versions, or skips."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not installed:
        not_here("needs Debian's PostgreSQL (apt-get install postgresql)")
    return installed[0].parent


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """`shared_data("oulad_bbb_2013j")` gives that folder of the data sets, which are no part of the project.

    They are looked for in POINTSBANK_SHARED_DATA, else in ../shared/data beside the project. A data set
    that is missing from a folder that is there is a failure.
    """

    def find(name: str) -> Path:
        folder = Path(os.environ.get(SHARED_DATA, DEFAULT_SHARED_DATA))
        if SHARED_DATA not in os.environ and not folder.exists():
            pytest.skip(f"needs the data set {name} (set {SHARED_DATA} to the folder that holds it)")
        if not (folder / name).exists():
            pytest.fail(f"there is no {name} in {folder}", pytrace=False)
        return folder / name

    return find
