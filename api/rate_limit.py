"""How often an address may ask, per minute: counted in Redis, for all workers together; without one by each worker."""

import ipaddress
import time
from collections.abc import Callable
from math import ceil
from threading import Lock
from typing import Any

from pointsbank.errors import RateLimited
from pointsbank.leaderboards.connection import READ_SECONDS_MAX, Away, Breaker, connect

WINDOW_SECONDS = 60
MAX_ADDRESSES = 100_000
"""That a worker counts by itself; with more of them in one minute, it begins anew."""


class Limiter:
    """`limit` of a window that begins with each minute. Safe to share between threads; connects at first use."""

    def __init__(self, redis_url: str | None, name: str, limit: int, clock: Callable[[], float] = time.time) -> None:
        self._redis: Any = None if redis_url is None else connect(redis_url, READ_SECONDS_MAX)
        self._breaker = Breaker("requests are counted by each worker")
        self._name, self._limit, self._clock = name, limit, clock
        self._lock = Lock()
        self._window, self._counts = 0, dict[str, int]()

    def spend(self, address: str, cost: int = 1) -> None:
        """Raises RateLimited once the minute's limit is spent; `retry_after_seconds` is when the next one begins."""
        if self.charge(address, cost) > self._limit:
            left = WINDOW_SECONDS - self._clock() % WINDOW_SECONDS
            raise RateLimited("Too many requests from this address.", retry_after_seconds=ceil(left))

    def charge(self, address: str, cost: int) -> int:
        """What the address has spent in this minute, with this."""
        window, who = int(self._clock() // WINDOW_SECONDS), counted_as(address)
        if self._redis is not None:
            try:
                return self._breaker.call(lambda: self._in_redis(f"limit:{self._name}:{window}:{who}", cost))
            except Away:
                pass
        with self._lock:
            if window != self._window or len(self._counts) >= MAX_ADDRESSES:
                self._window, self._counts = window, {}
            self._counts[who] = self._counts.get(who, 0) + cost
            return self._counts[who]

    def _in_redis(self, key: str, cost: int) -> int:
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.incrby(key, cost)
        pipeline.expire(key, 2 * WINDOW_SECONDS)
        return int(pipeline.execute()[0])


def counted_as(address: str) -> str:
    """An IPv4 address, or the network of an IPv6 address that one subscriber has: any of its addresses is theirs."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "other"
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), 64), strict=False))
