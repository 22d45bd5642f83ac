"""Serving over HTTP: gunicorn as a library, in the process of `pointsbank serve`."""

import gc
import logging
import os
import resource
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from types import FrameType
from typing import Any

import psycopg
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.config import Config
from gunicorn.workers.base import Worker

import pointsbank.leaderboards.commits  # noqa: F401 - its memory is shared with the workers that are forked later
from pointsbank import embedded, key_file
from pointsbank.settings import KEY_ENCRYPTION_KEY, Settings

log = logging.getLogger(__name__)

THREADS = 16  # per worker: most of them wait for PostgreSQL
KEEPALIVE_SECONDS = 75  # longer than a load balancer's 60, so that it is never us who close under a request
DRAIN_SECONDS_MAX = 30
# A worker that shows no life for so long is killed. gunicorn's heartbeat is independent of requests.
HEARTBEAT_SECONDS_MAX = 60
OPEN_FILES = 16_384
"""Wanted of each process, if the operator's limit allows: a live stream is an open file."""
MEMORY_FOLDER = Path("/dev/shm")  # noqa: S108 - the heartbeat file must not wait for a disk


class PortTaken(Exception):
    """Another process listens there already."""


@contextmanager
def opened_servers(settings: Settings) -> Iterator[Settings]:
    """The settings with the URLs of the embedded servers in them, unless DATABASE_URL names a real one, and with the
    key-encryption key of the data folder, unless the environment gives one.

    Embedded servers are started if they are not alive, and stopped at the end by the last process that
    uses them.
    """
    if settings.database_url is not None:
        yield replace(settings, key_encryption_keys=settings.key_encryption_keys or _keys_of_this_host(settings))
        return
    with embedded.use(settings.data_dir, redis=_embeds_redis(settings)) as servers:
        yield replace(
            settings,
            database_url=servers.database_url,
            redis_url=servers.redis_url if _embeds_redis(settings) else settings.redis_url,
            key_encryption_keys=settings.key_encryption_keys or key_file.keys_in(settings.data_dir),
        )


def _keys_of_this_host(settings: Settings) -> tuple[bytes, ...]:
    """For a first try with a database of one's own; none where the data folder cannot be written."""
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        return key_file.keys_in(settings.data_dir)
    except OSError as error:
        log.warning("%s is not set, and there is no place for a file with one: %s", KEY_ENCRYPTION_KEY, error)
        return ()


@contextmanager
def metrics_folder() -> Iterator[str]:
    """Where the workers write their figures. It goes with the process that made it: workers, which are forked
    inside of the block, leave through here, too."""
    folder, maker = mkdtemp(prefix="pointsbank-metrics-"), os.getpid()
    try:
        yield folder
    finally:
        if os.getpid() == maker:
            shutil.rmtree(folder, ignore_errors=True)


def _embeds_redis(settings: Settings) -> bool:
    return settings.redis_url is None and not settings.without_redis


def reviver(settings: Settings) -> Callable[[], None]:
    """What starts the embedded PostgreSQL again if it has died; nothing to do for a server of the operator's."""

    def revive() -> None:
        if settings.database_url is not None or embedded.lives(settings.data_dir):
            return
        log.error("the embedded PostgreSQL has died; it is started again")
        try:
            embedded.start(settings.data_dir, redis=_embeds_redis(settings))
        except (embedded.EmbeddedError, psycopg.OperationalError) as error:
            log.error("it did not start, and is tried again: %s", error)  # a disk that is full may be emptied
        else:
            log.warning("the embedded PostgreSQL is back")

    return revive


def serve(
    host: str,
    port: int,
    workers: int,
    log_level: str,
    announce: Callable[[str], None],
    revive: Callable[[], None],
) -> None:
    """Serves `pointsbank.wsgi:create_app()` until SIGTERM or SIGINT, then drains and raises SystemExit.

    The settings reach the workers by the environment. `announce` is called once, with the service's URL, by
    the first worker that takes requests; `revive` every second by the process that watches the workers. A
    second SIGINT ends the draining.
    """
    _allow_open_files()
    _Application(host, port, workers, log_level, announce, revive).run()


def check_free(host: str, port: int) -> None:
    """Raises PortTaken, before anything is started for nothing."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTaken(f"cannot listen on {_url(host, port)}: {error.strerror}") from error


def exit_on_signals() -> None:
    """Until gunicorn has its own handlers: SIGTERM unwinds, so that what was started is stopped."""

    def leave(_number: int, _frame: object) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)


def _allow_open_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Arbiter(Arbiter):
    app: "_Application"

    def handle_int(self) -> None:
        self.handle_term()

    def manage_workers(self) -> None:
        # Here, in the one thread that waits for children, and not in another: it would take pg_ctl for a worker.
        self.app.revive()
        super().manage_workers()


class _Application(BaseApplication):
    cfg: Config

    def __init__(
        self,
        host: str,
        port: int,
        workers: int,
        log_level: str,
        announce: Callable[[str], None],
        revive: Callable[[], None],
    ) -> None:
        # Not sooner: it looks for the folder of metrics when it is imported.
        from prometheus_client import multiprocess

        def forget(_arbiter: Arbiter, worker: Worker) -> None:
            """The gauges of a worker end with it."""
            multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]  # it is not typed

        self.options: dict[str, Any] = {
            "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            "workers": workers,
            "worker_class": "gthread",
            "threads": THREADS,
            "keepalive": KEEPALIVE_SECONDS,
            "graceful_timeout": DRAIN_SECONDS_MAX,
            "timeout": HEARTBEAT_SECONDS_MAX,
            "loglevel": log_level,
            "accesslog": None,
            "control_socket_disable": True,
            "proc_name": "pointsbank",
            "post_worker_init": self.worker_began,
            "child_exit": forget,
        }
        if os.access(MEMORY_FOLDER, os.W_OK):
            self.options["worker_tmp_dir"] = str(MEMORY_FOLDER)
        self.announce = announce
        self.revive = revive
        # One token: whichever worker takes it announces. Inherited by fork, also by workers of later.
        self.token, token_in = os.pipe()
        os.set_blocking(self.token, False)
        os.write(token_in, b".")
        super().__init__()

    def load_config(self) -> None:
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        from pointsbank.wsgi import create_app, end_streams

        app = create_app()  # in the worker: nothing may be connected before the fork
        self.end_streams = partial(end_streams, app)
        return app

    def run(self) -> None:
        # Read once, here, and inherited: a worker begins at once, also in the place of one that was killed, and what
        # all of them have alike is in memory once.
        import pointsbank.wsgi  # noqa: F401

        gc.collect()
        gc.freeze()
        _Arbiter(self).run()

    def worker_began(self, worker: Worker) -> None:
        # A Ctrl-C in a terminal reaches the workers, too. Theirs is to drain when the arbiter says so.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, partial(self.worker_leaves, worker))
        signal.siginterrupt(signal.SIGTERM, False)  # as gunicorn has it
        try:
            os.read(self.token, 1)
        except BlockingIOError:
            return
        host, port = worker.sockets[0].getsockname()[:2]
        self.announce(_url(host, port))

    def worker_leaves(self, worker: Worker, number: int, frame: FrameType | None) -> None:
        worker.handle_exit(number, frame)
        self.end_streams()
