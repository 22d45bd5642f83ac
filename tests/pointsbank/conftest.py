"""A Redis that a test may flush, kill and restart."""

import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from pointsbank.embedded.redis import redis_program


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
