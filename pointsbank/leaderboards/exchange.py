"""One script, run without the client's machinery around it, which costs as much as the script itself.

It is for what only reads: after a connection that was kept has turned out to be dead, the same is asked again.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any

import redis
from hiredis import pack_command
from redis import exceptions


class Exchange:
    """Safe to share between threads. Raises what the client raises when Redis is away, and waits as long as it does."""

    def __init__(self, client: Any, script: str) -> None:
        self._script = client.register_script(script)
        self._pool: Any = None
        if isinstance(client, redis.Redis) and type(client.connection_pool) is redis.ConnectionPool:
            self._pool = client.connection_pool
        # Which node of a cluster to ask, and who is master by now, the client knows: `_pool` is None then.
        self._idle: deque[Any] = deque()

    def run(self, keys: Sequence[str], arguments: Sequence[str | int]) -> Any:
        if self._pool is None:
            return self._script(keys=keys, args=arguments)
        try:
            connection = self._idle.pop()
        except IndexError:
            return self._ask(self._pool.make_connection(), keys, arguments)
        try:
            return self._ask(connection, keys, arguments)
        except exceptions.ConnectionError:  # as a timeout is not: Redis was started anew since
            self._idle.clear()
            return self._ask(self._pool.make_connection(), keys, arguments)

    def _ask(self, connection: Any, keys: Sequence[str], arguments: Sequence[str | int]) -> Any:
        try:
            command = pack_command(("EVALSHA", self._script.sha, len(keys), *keys, *arguments))
            connection.send_packed_command((command,), check_health=False)
            reply = connection.read_response()
        except exceptions.NoScriptError:
            self._idle.append(connection)
            return self._script(keys=keys, args=arguments)
        except exceptions.ResponseError:
            self._idle.append(connection)
            raise
        except BaseException:
            connection.disconnect()
            raise
        self._idle.append(connection)
        return reply
