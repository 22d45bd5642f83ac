"""Resident memory of workers, of the import and of the export."""

import os
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import orjson
import psutil

from bench.ground import Ground
from bench.posting import event

MEGABYTE = 1024 * 1024
NO_SECRET = b64encode(bytes(32)).decode()
"""A key-encryption key: nothing that is signed here is worth a better one."""


def of_command(ground: Ground, *arguments: str) -> float:
    """The largest resident megabytes of a `pointsbank` command, whose output goes nowhere."""
    environment = {
        **os.environ,
        "DATABASE_URL": ground.servers.database_url,
        "REDIS_URL": "none",
        "POINTSBANK_KEY_ENCRYPTION_KEY": NO_SECRET,
    }
    command = [sys.executable, "-m", "pointsbank", *arguments]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    watched, largest = psutil.Process(process.pid), 0
    while True:
        try:
            largest = max(largest, watched.memory_info().rss)
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
        except psutil.Error:
            process.wait()
        assert process.returncode == 0, arguments
        return largest / MEGABYTE


def write_events(ground: Ground, path: Path, lines: int) -> None:
    with open(path, "wb") as file:
        for number in range(lines):
            file.write(orjson.dumps(event(ground, f"2021{number % 10_000:05d}")) + b"\n")
