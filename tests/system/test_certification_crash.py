"""A certification run killed with -9 ten times and started again: each certificate once, no number twice."""

import http.client
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pointsbank import embedded
from tests.system.test_crash import Bank

LEARNERS = [f"2021{number:05}" for number in range(3_000)]
KILLS = 10
KILL_AFTER_SECONDS = 0.5  # at most, after the run went on: in the midst of the steps that follow
RUN_SECONDS_MAX = 300
CERTIFICATES = {
    "points": {"fact": "credits", "in": "programme", "at_least": 1},
    "service": {"all": [{"fact": "certificate", "key": "points"}, {"fact": "events", "type": "scored", "at_least": 1}]},
}
RULEBOOK = {
    "earning": [{"key": "scored", "on": "scored", "award": {"unit": "credits", "amount": "data.points"}}],
    "certificates": [
        {"key": key, "kind": "points", "name": {"zh": "证", "en": "C"}, "criteria": criteria}
        for key, criteria in CERTIFICATES.items()
    ],
}
CERTIFY = ("certify", "p", "--company", "crash", "--cut-off", "2022-01-01T00:00:00Z", "--issue")


@pytest.fixture
def bank(server_folder: Path) -> Bank:
    """Furnished over HTTP; then the service is stopped, and PostgreSQL is left to the command line."""
    bank = Bank(server_folder)
    bank.start()
    try:
        put_directory(bank)
    finally:
        bank.stop()
    return bank


def put_directory(bank: Bank) -> None:
    made = bank.command("keys", "create", "--company", "crash")
    assert made.returncode == 0, made.stderr
    bank.key = made.stdout.strip()
    programme = {"name": "P", "starts_on": "2021-07-01", "ends_on": "2021-12-31", "timezone": "UTC", "allotment": None}
    bank.patiently("PUT", "/v1/programmes/p", programme)
    bank.patiently("POST", "/v1/learners/batch", [{"id": learner, "name": f"学员{learner}"} for learner in LEARNERS])
    bank.patiently("POST", "/v1/programmes/p/enrolments", {"learners": LEARNERS})
    bank.patiently("PUT", "/v1/programmes/p/rulebook/draft", RULEBOOK)
    bank.patiently("POST", "/v1/programmes/p/rulebook/draft/activate", {})
    events = [event(learner) for learner in LEARNERS]
    booked = bank.patiently("POST", "/v1/events", events, "application/cloudevents-batch+json")
    assert booked["booked"] == len(LEARNERS)


def event(learner: str) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": learner,
        "source": "urn:crash",
        "type": "scored",
        "subject": learner,
        "time": "2021-09-01T08:00:00Z",
        "data": {"programme": "p", "points": 1},
    }


def test_each_certificate_once(bank: Bank, measured: Callable[[str], None]) -> None:
    with opened(bank) as connection:
        killed_at = kill_again_and_again(bank, connection, random.Random(4))
    last = bank.command(*CERTIFY)  # which stops PostgreSQL at its end
    assert last.returncode == 0, last.stdout + last.stderr
    assert "going on with run 1" in last.stdout
    with opened(bank) as connection:
        runs = connection.execute("SELECT no, stage, issued, qualified FROM certification_runs").fetchall()
        assert runs == [(1, "finished", 2 * len(LEARNERS), 2 * len(LEARNERS))]
        found = connection.execute(
            """SELECT l.key, c.rule, c.number, c.status_list, c.status_index, c.entry_number
                 FROM certificates AS c JOIN learners AS l ON (l.company_id, l.no) = (c.company_id, c.learner)"""
        ).fetchall()
        entries = connection.execute(
            "SELECT e.number FROM entries AS e JOIN terms AS t ON (t.company_id, t.no) = (e.company_id, e.kind)"
            " WHERE t.term = 'certificate.issued'"
        ).fetchall()
    assert Counter((row[0], row[1]) for row in found) == Counter(
        (each, key) for each in LEARNERS for key in CERTIFICATES
    )
    for value in (lambda row: row[2], lambda row: row[2].split("-")[2], lambda row: row[3:5], lambda row: row[5]):
        assert len({value(row) for row in found}) == len(found)
    assert {row[5] for row in found} == {number for (number,) in entries}
    again = bank.command(*CERTIFY)
    assert f"0 issued, {2 * len(LEARNERS)} held already" in again.stdout, again.stdout + again.stderr
    verified = bank.command("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    measured(f"{len(found)} certificates, each once; killed at: " + ", ".join(f"{at} {done}" for at, done in killed_at))


def test_a_run_whose_workers_are_killed_is_finished_by_others(bank: Bank) -> None:
    bank.start()
    try:
        cut_off = threading.Thread(target=ask_to_issue, args=[bank])
        cut_off.start()
        with opened(bank) as connection:
            while progress(connection)[1] < len(LEARNERS) + 200:
                time.sleep(0.01)
            dice = random.Random(5)
            for _ in range(4):
                bank.kill_worker(dice)
            cut_off.join()
            assert progress(connection)[0] == "issuing"
            found = bank.patiently("GET", "/v1/certification-runs/1", None)
            deadline = time.monotonic() + RUN_SECONDS_MAX
            while found["stage"] == "issuing":
                assert time.monotonic() < deadline, found
                time.sleep(0.1)
                found = bank.patiently("GET", "/v1/certification-runs/1", None)
        assert (found["stage"], found["issued"]) == ("finished", 2 * len(LEARNERS))
        verified = bank.command("verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr
    finally:
        bank.stop()


def ask_to_issue(bank: Bank) -> None:
    """The answer does not come: who would give it is killed."""
    with pytest.raises((OSError, http.client.HTTPException)):
        bank.ask("POST", "/v1/programmes/p/certification-runs", {"cut_off": "2022-01-01T00:00:00Z", "issue": True})


def opened(bank: Bank) -> "psycopg.Connection[Any]":
    url = embedded.start(bank.folder, redis=False).superuser_url
    return psycopg.connect(url.replace("/postgres?", "/pointsbank?"), autocommit=True)


def kill_again_and_again(
    bank: Bank, connection: "psycopg.Connection[Any]", dice: random.Random
) -> list[tuple[str, int]]:
    """Each time once the run has gone on, a moment later. Returns how far it was each time."""
    killed_at: list[tuple[str, int]] = []
    while len(killed_at) < KILLS:
        _, before = progress(connection)
        process = subprocess.Popen(
            [sys.executable, "-m", "pointsbank", *CERTIFY],
            env=bank.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + RUN_SECONDS_MAX
        while progress(connection)[1] == before:
            assert process.poll() is None, "it ends by being killed"
            assert time.monotonic() < deadline, progress(connection)
            time.sleep(0.01)
        time.sleep(dice.uniform(0, KILL_AFTER_SECONDS))
        process.kill()
        assert process.wait() == -signal.SIGKILL, "it was still at work"
        killed_at.append(progress(connection))
    return killed_at


def progress(connection: "psycopg.Connection[Any]") -> tuple[str, int]:
    """The run's stage, and how many learners are judged and certificates issued."""
    row = connection.execute("SELECT stage, evaluated + issued FROM certification_runs").fetchone()
    return (row[0], row[1]) if row is not None else ("", -1)
