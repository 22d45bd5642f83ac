"""Redis: the client of a URL, and a circuit breaker in front of it.

`redis://`, `rediss://` and `unix://` name one server; `redis+cluster://` any node of a cluster;
`redis+sentinel://host:26379,host:26379/name?…` the sentinels and the name of the master that they watch.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.exceptions import RedisError
from redis.retry import Retry
from redis.sentinel import Sentinel

SENTINEL_PORT = 26_379
READ_SECONDS_MAX = 0.1
"""A read that takes longer is answered from the ledger."""
WRITE_SECONDS_MAX = 10.0
AWAY_SECONDS = 0.5
"""So long after a failure nobody asks; then one does, to find out."""

T = TypeVar("T")

log = logging.getLogger(__name__)


class Away(Exception):
    """Redis cannot be reached, or was not a moment ago."""


def connect(url: str, seconds_max: float) -> Any:
    """A client that gives an operation so many seconds, and does not try again by itself. Connects at first use."""
    parts = urlsplit(url)
    options: dict[str, Any] = {
        "socket_timeout": seconds_max,
        "socket_connect_timeout": min(seconds_max, 1.0),
        "retry": Retry(NoBackoff(), 0),
        "health_check_interval": 0,
    }
    if parts.scheme == "redis+cluster":
        return RedisCluster.from_url(url.replace("redis+cluster", "redis", 1), **options)
    if parts.scheme == "redis+sentinel":
        return _of_sentinels(parts.netloc, parts.path, options)
    return redis.Redis.from_url(url, **options)


def _of_sentinels(netloc: str, path: str, options: dict[str, Any]) -> Any:
    credentials, _, hosts = netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    sentinels = [
        (host, int(port or SENTINEL_PORT)) for host, _, port in (each.partition(":") for each in hosts.split(","))
    ]
    name, _, number = path.strip("/").partition("/")
    access = {"username": user or None, "password": password} if credentials else {}
    watched: Any = Sentinel(sentinels, sentinel_kwargs=options)  # type: ignore[no-untyped-call]
    return watched.master_for(name, db=int(number or 0), **access, **options)


class Breaker:
    """Calls that fail fast: after a failure nobody waits for Redis until it is `AWAY_SECONDS` later, and then one."""

    def __init__(self, meanwhile: str = "boards are answered from the ledger") -> None:
        self._meanwhile = meanwhile
        self._lock = threading.Lock()
        self._until = 0.0
        self.is_open = False

    def call(self, work: Callable[[], T]) -> T:
        """Raises Away."""
        if self.is_open and not self._is_my_turn():
            raise Away
        try:
            result = work()
        except (RedisError, OSError) as error:
            if not self.is_open:
                log.warning("Redis is away, %s: %s", self._meanwhile, error)
            with self._lock:
                self.is_open, self._until = True, time.monotonic() + AWAY_SECONDS
            raise Away(str(error)) from error
        if self.is_open:
            log.warning("Redis is back")
            self.is_open = False
        return result

    def _is_my_turn(self) -> bool:
        with self._lock:
            if time.monotonic() < self._until:
                return False
            self._until = time.monotonic() + AWAY_SECONDS
            return True
