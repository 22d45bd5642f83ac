"""Workers, PostgreSQL and the whole service killed with -9 while clients post: nothing is lost, nothing is twice."""

import http.client
import itertools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest

from ledger.identity import entry_id
from pointsbank import embedded

BATCH_CLIENTS = 3
EVENTS_PER_BATCH = 200
LEARNERS = [f"2021{number:04}" for number in range(50)]
WORKERS = 2
WORKER_KILLS_PER_ROUND = 4
PAUSE_SECONDS = 0.3  # at most, between two kills
RETURN_SECONDS_MAX = 30
SOURCE = "urn:crash"
RULEBOOK = {"earning": [{"key": "fixed", "on": "crash", "award": {"unit": "credits", "amount": "data.points"}}]}


class Bank:
    """The service over one data directory, on one port, however often it is started."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        self.folder = folder
        self.log = folder / "service.log"
        self.environment = {
            **inherited,
            "POINTSBANK_DATA_DIR": str(folder),
            "POINTSBANK_LOG_LEVEL": "error",
            "REDIS_URL": "none",
        }
        self.process: subprocess.Popen[str] | None = None
        self.key = ""

    def start(self) -> None:
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(
                [*self._command("serve"), "--port", str(self.port), "--workers", str(WORKERS)],
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("listening on "), self.log.read_text()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
        self._wait()

    def kill(self) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self._wait()

    def _wait(self) -> None:
        if self.process is not None:
            self.process.communicate(timeout=60)

    def kill_worker(self, dice: random.Random) -> None:
        assert self.process is not None
        if workers := psutil.Process(self.process.pid).children():
            dice.choice(workers).kill()

    def kill_postgres(self) -> None:
        pid = int((self.folder / "postgres" / "postmaster.pid").read_text().splitlines()[0])
        psutil.Process(pid).kill()

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(self._command(*arguments), env=self.environment, capture_output=True, text=True)

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "pointsbank", *arguments]

    def ask(self, method: str, path: str, body: object, content_type: str = "application/json") -> tuple[int, Any]:
        """One request on a connection of its own. Raises OSError or HTTPException where it breaks."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=RETURN_SECONDS_MAX)
        try:
            headers = {"Authorization": f"Bearer {self.key}", "Content-Type": content_type}
            connection.request(method, urlsplit(path).geturl(), json.dumps(body).encode(), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def patiently(self, method: str, path: str, body: object, content_type: str = "application/json") -> Any:
        """The answer of a success: what breaks, and what asks for patience, is sent again as it was."""
        deadline = time.monotonic() + 2 * RETURN_SECONDS_MAX
        while time.monotonic() < deadline:
            try:
                status, answer = self.ask(method, path, body, content_type)
            except (OSError, http.client.HTTPException, json.JSONDecodeError):
                time.sleep(0.05)
                continue
            if status < 300:
                return answer
            assert status == 503, (status, answer)
            time.sleep(0.05)
        raise AssertionError(f"{method} {path}: not answered in {2 * RETURN_SECONDS_MAX} s")


@pytest.fixture
def bank(server_folder: Path) -> Iterator[Bank]:
    bank = Bank(server_folder)
    bank.start()
    try:
        yield bank
    finally:
        bank.stop()


def test_what_was_acknowledged_is_there_once(bank: Bank) -> None:
    dice = random.Random(7)
    put_directory(bank)
    clients = Clients(bank)
    clients.start()
    try:
        for _ in range(2):
            kill_workers(bank, dice)
            clients.go_on()
            bank.kill_postgres()
            clients.go_on()
        bank.kill_postgres()
        bank.kill()
        bank.start()
        clients.go_on()
    finally:
        clients.stop()
    assert clients.faults == []
    assert booked(bank) == clients.acknowledged
    verified = bank.command("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert verified.stdout.startswith(f"verified: {len(clients.acknowledged)} entries")
    balances = [bank.patiently("GET", f"/v1/learners/{learner}/balances", None)["balances"] for learner in LEARNERS]
    credits = [found["balance"] for each in balances for found in each if found["unit"] == "credits"]
    assert sum(credits) == len(clients.acknowledged)


def put_directory(bank: Bank) -> None:
    made = bank.command("keys", "create", "--company", "crash")
    assert made.returncode == 0, made.stderr
    bank.key = made.stdout.strip()
    programme = {"name": "P", "starts_on": "2021-07-01", "ends_on": "2021-12-31", "timezone": "UTC", "allotment": None}
    bank.patiently("PUT", "/v1/programmes/p", {**programme, "phases": []})
    bank.patiently("POST", "/v1/learners/batch", [{"id": learner, "name": learner} for learner in LEARNERS])
    bank.patiently("POST", "/v1/programmes/p/enrolments", {"learners": LEARNERS, "from": "2021-07-01"})
    bank.patiently("PUT", "/v1/programmes/p/rulebook/draft", RULEBOOK)
    bank.patiently("POST", "/v1/programmes/p/rulebook/draft/activate", {})


def kill_workers(bank: Bank, dice: random.Random) -> None:
    for _ in range(WORKER_KILLS_PER_ROUND):
        time.sleep(dice.uniform(0, PAUSE_SECONDS))
        bank.kill_worker(dice)


def booked(bank: Bank) -> dict[str, str]:
    """Key to entry id, of every entry there is; a key that is there twice fails."""
    with psycopg.connect(
        embedded.start(bank.folder, redis=False).superuser_url.replace("/postgres?", "/pointsbank?")
    ) as connection:
        found = connection.execute("SELECT key, company_id, number FROM entries").fetchall()
    assert [key for key, count in Counter(key for key, _, _ in found).items() if count > 1] == []
    return {key: str(entry_id(company_id, number)) for key, company_id, number in found}


class Clients:
    """Some post batches, one posts single events; each repeats what was not acknowledged, to the byte."""

    def __init__(self, bank: Bank) -> None:
        self.bank = bank
        self.acknowledged: dict[str, str] = {}
        """Key of the event to the id of its entry."""
        self.faults: list[str] = []
        self.rounds: Counter[str] = Counter()
        self._stopping = threading.Event()
        works: list[tuple[str, Callable[[str, int], None]]] = [("single", self._post_one)]
        works += [(f"batch-{number}", self._post_batch) for number in range(BATCH_CLIENTS)]
        self._threads = [threading.Thread(target=self._run, args=work, daemon=True) for work in works]
        self._names = [name for name, _ in works]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def go_on(self) -> None:
        """Waits until each client had something acknowledged that it sent from now on."""
        wanted = {name: self.rounds[name] + 2 for name in self._names}
        deadline = time.monotonic() + RETURN_SECONDS_MAX
        while any(self.rounds[name] < least for name, least in wanted.items()):
            assert self.faults == []
            assert time.monotonic() < deadline, (self.rounds, self.bank.log.read_text()[-4000:])
            time.sleep(0.02)

    def _run(self, name: str, post: Callable[[str, int], None]) -> None:
        try:
            for number in itertools.count():
                if self._stopping.is_set():
                    return
                post(name, number)
                self.rounds[name] += 1
        except Exception as fault:  # the thread's end is reported by the test
            self.faults.append(repr(fault))

    def _post_one(self, name: str, number: int) -> None:
        answer = self.bank.patiently("POST", "/v1/events", event(f"{name}-{number}"), "application/cloudevents+json")
        self._acknowledge(f"{name}-{number}", answer["status"], answer["entry"]["id"])

    def _post_batch(self, name: str, number: int) -> None:
        batch = [event(f"{name}-{number}-{place}") for place in range(EVENTS_PER_BATCH)]
        answer = self.bank.patiently("POST", "/v1/events", batch, "application/cloudevents-batch+json")
        for result in answer["results"]:
            self._acknowledge(result["id"], result["status"], result.get("entry_id"))

    def _acknowledge(self, key: str, status: str, booked_as: str | None) -> None:
        assert status in ("booked", "duplicate"), (key, status)
        assert booked_as is not None
        self.acknowledged[key] = booked_as


def event(key: str) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": key,
        "source": SOURCE,
        "type": "crash",
        "subject": LEARNERS[sum(key.encode()) % len(LEARNERS)],
        "time": "2021-09-01T08:00:00Z",
        "data": {"programme": "p", "points": 1},
    }
