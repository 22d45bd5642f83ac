"""The embedded PostgreSQL and Redis: real servers in a folder, for a laptop, the demo and the tests.

`with use(data_dir) as servers` is for a process that needs them while it runs: they are started, or
adopted where they are alive already, and the last process to leave stops them. `start` and `stop` are
for whoever keeps count itself: `stop` stops the servers, whoever started them.

Both listen on Unix sockets in a folder that only their own user can enter, so that trust
authentication is safe. They run in sessions of their own: neither a Ctrl-C in the terminal nor a
`kill -9` of whoever started them reaches them.

    data_dir/postgres       PostgreSQL's cluster
    data_dir/postgres.log
    data_dir/redis          Redis' working folder and log
    data_dir/run            the sockets; a symbolic link into the temporary folder where the path
                            would be too long for a socket
    data_dir/embedded.lock  held while servers are being started or stopped
    data_dir/users.lock     held, shared, by each process inside of `use`

Started by root, the servers run as another user (see `embedded.account`), and the folders above the
cluster and above the programs are made searchable for others (o+x) where they are not.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from pointsbank.embedded.account import account_for
from pointsbank.embedded.errors import EmbeddedError
from pointsbank.embedded.postgres import (
    DATABASE,
    OWNER_ROLE,
    SUPERUSER_ROLE,
    create_owner_and_database,
    postgres_alive,
    postgres_process_lives,
    start_postgres,
    stop_postgres,
    url,
)
from pointsbank.embedded.redis import start_redis, stop_redis
from pointsbank.embedded.sockets import make_run_dir, remove_run_dir

__all__ = ["DATABASE", "OWNER_ROLE", "EmbeddedError", "Servers", "lives", "start", "stop", "use"]


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
    folder = _made(data_dir)
    with _locked(folder):
        return _start(folder, redis)


def lives(data_dir: Path | str) -> bool:
    """Whether PostgreSQL's process lives, without asking it anything: cheap enough for every second."""
    return postgres_process_lives(Path(data_dir).absolute() / "postgres")


def stop(data_dir: Path | str) -> None:
    """Stops what is alive in `data_dir`; does nothing where nothing is."""
    folder = Path(data_dir).absolute()
    if folder.is_dir():
        with _locked(folder):
            _stop(folder)


@contextmanager
def use(data_dir: Path | str, redis: bool = True) -> Iterator[Servers]:
    """The servers of `data_dir` for as long as the block lasts; the last process to leave stops them.

    A child that was forked inside of the block may leave it, too: that stops nothing.
    """
    folder = _made(data_dir)
    process = os.getpid()
    with open(folder / "users.lock", "w") as users:
        try:
            with _locked(folder):
                fcntl.flock(users, fcntl.LOCK_SH)
                servers = _start(folder, redis)
            yield servers
        finally:
            if os.getpid() == process:
                with _locked(folder):
                    if _is_last(users.fileno()):
                        _stop(folder)


def _is_last(users: int) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        fcntl.flock(users, fcntl.LOCK_UN)
        return False
    return True


def _made(data_dir: Path | str) -> Path:
    folder = Path(data_dir).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with open(folder / "embedded.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _start(folder: Path, redis: bool) -> Servers:
    account = account_for(folder)
    cluster = folder / "postgres"
    run_dir = postgres_alive(cluster)
    if run_dir is None:
        run_dir = make_run_dir(folder, account)
        start_postgres(folder, cluster, run_dir, account)
    superuser_url = url(SUPERUSER_ROLE, SUPERUSER_ROLE, run_dir)
    create_owner_and_database(superuser_url)
    return Servers(
        data_dir=folder,
        database_url=url(OWNER_ROLE, DATABASE, run_dir),
        superuser_url=superuser_url,
        redis_url=start_redis(folder, run_dir, account) if redis else None,
    )


def _stop(folder: Path) -> None:
    stop_redis((folder / "run").resolve() / "redis.sock")  # by the short path: the long one fits no socket
    stop_postgres(folder / "postgres", account_for(folder))
    remove_run_dir(folder)
