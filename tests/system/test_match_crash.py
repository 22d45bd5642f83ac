"""Matches end while the workers that settle them are killed with -9: each has one result, each winner one prize."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain, cycle, permutations
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pointsbank import embedded
from tests.system.test_crash import Bank

MATCHES = 200
SPAN_SECONDS = 10  # in which they end, one after the other
KILL_AFTER_SECONDS = 0.5  # at most, after a match was settled: when others are being settled
SETTLED_SECONDS_MAX = 120
PRIZE = 5
TEAMS = {f"team-{team}": [f"{team}{seat}" for seat in range(3)] for team in range(4)}
FLOWERS = {"team-0": 4, "team-1": 3, "team-2": 3, "team-3": 0}
EARNS = {"unit": "flowers", "amount": "data.points"}
RULEBOOK = {"earning": [{"key": "fixed", "on": "pk", "award": EARNS}]}
COUNT = "SELECT count(*) FROM matches WHERE due_at IS NULL"


@pytest.fixture
def bank(server_folder: Path) -> Iterator[Bank]:
    bank = Bank(server_folder)
    bank.start()
    try:
        yield bank
    finally:
        bank.stop()


def test_one_result_and_one_prize_each(bank: Bank, measured: Callable[[str], None]) -> None:
    put_directory(bank)
    pairs = put_matches(bank)
    begun = time.monotonic()
    kills = kill_until_all_are_settled(bank, random.Random(8))
    seconds = time.monotonic() - begun
    verified = bank.command("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert results_of(bank) == {key: winners_of(pair) for key, pair in pairs.items()}
    won: Counter[str] = Counter()
    for pair in pairs.values():
        won.update({learner: share for learner, share in prize_of(pair).items() if share})
    for learner in chain(*TEAMS.values()):
        path = f"/v1/learners/{learner}/balances"
        balances = {each["unit"]: each["balance"] for each in bank.patiently("GET", path, None)["balances"]}
        assert balances.get("credits", 0) == won[learner], learner
    measured(f"{MATCHES} matches settled through {kills} kills of workers in {seconds:.1f} s, each once")


def put_directory(bank: Bank) -> None:
    made = bank.command("keys", "create", "--company", "pk")
    assert made.returncode == 0, made.stderr
    bank.key = made.stdout.strip()
    programme = {"name": "P", "starts_on": "2021-07-01", "ends_on": "2190-12-31", "timezone": "UTC", "allotment": None}
    bank.patiently("PUT", "/v1/programmes/p", programme)
    bank.patiently("PUT", "/v1/programmes/p/courses/c", {"name": "C", "kind": "practical", "flowers": 100})
    everyone = list(chain(*TEAMS.values()))
    bank.patiently("POST", "/v1/learners/batch", [{"id": learner, "name": learner} for learner in everyone])
    for team, members in TEAMS.items():
        bank.patiently("PUT", f"/v1/programmes/p/teams/{team}", {"name": team, "members": members})
    bank.patiently("PUT", "/v1/programmes/p/rulebook/draft", RULEBOOK)
    bank.patiently("POST", "/v1/programmes/p/rulebook/draft/activate", {})
    events = [event(team, members[0], FLOWERS[team]) for team, members in TEAMS.items()]
    booked = bank.patiently("POST", "/v1/events", events, "application/cloudevents-batch+json")
    assert (booked["booked"], booked["ignored"]) == (3, 1)


def event(key: str, learner: str, points: int) -> dict[str, Any]:
    what = {"specversion": "1.0", "id": key, "source": "urn:pk", "type": "pk", "subject": learner}
    return {**what, "data": {"programme": "p", "course": "c", "points": points}}


def put_matches(bank: Bank) -> dict[str, tuple[str, str]]:
    """Of flowers, for credits: so no prize counts in another match. Returns who plays whom."""
    now = datetime.now(UTC)
    pairs = {}
    for number, pair in zip(range(MATCHES), cycle(permutations(TEAMS, 2)), strict=False):
        ends_at = now + timedelta(seconds=SPAN_SECONDS * (1 + number / MATCHES))
        body = {
            "name": "PK",
            "teams": pair,
            "unit": "flowers",
            "starts_at": (now - timedelta(hours=1)).isoformat(),
            "ends_at": ends_at.isoformat(),
            "grace_seconds": 0,
            "prize": {"unit": "credits", "amount": PRIZE},
        }
        bank.patiently("PUT", f"/v1/programmes/p/matches/m{number}", body)
        pairs[f"m{number}"] = pair
    return pairs


def kill_until_all_are_settled(bank: Bank, dice: random.Random) -> int:
    """A worker is killed shortly after each time that there is a new result, until there are all."""
    url = embedded.start(bank.folder, redis=False).superuser_url.replace("/postgres?", "/pointsbank?")
    deadline = time.monotonic() + SETTLED_SECONDS_MAX
    kills = settled = 0
    with psycopg.connect(url, autocommit=True) as connection:
        while settled < MATCHES:
            assert time.monotonic() < deadline, (settled, kills, bank.log.read_text()[-4000:])
            row = connection.execute(COUNT).fetchone()
            assert row is not None
            if row[0] > settled:
                settled = row[0]
                time.sleep(dice.uniform(0, KILL_AFTER_SECONDS))
                bank.kill_worker(dice)
                kills += 1
            time.sleep(0.002)
    return kills


def winners_of(pair: tuple[str, str]) -> list[str]:
    most = max(FLOWERS[team] for team in pair)
    return sorted(team for team in pair if FLOWERS[team] == most)


def prize_of(pair: tuple[str, str]) -> dict[str, int]:
    winners = winners_of(pair)
    return {learner: PRIZE // len(winners) for team in winners for learner in TEAMS[team]}


def results_of(bank: Bank) -> dict[str, list[str]]:
    """The winners by match, each of which has one result and one prize of its own in the journal."""
    found = {kind: entries_of(bank, kind) for kind in ("match.settled", "match.prize")}
    assert [len(entries) for entries in found.values()] == [MATCHES, MATCHES]
    prizes = {
        entry["key"]: {transfer["credit"].rpartition(":")[2]: transfer["amount"] for transfer in entry["transfers"]}
        for entry in found["match.prize"]
    }
    results = {}
    for entry in found["match.settled"]:
        data = entry["data"]
        assert prizes[f"{entry['key']}/prize"] == prize_of(tuple(data["teams"]))
        results[data["match"]] = sorted(data["winners"])
    return results


def entries_of(bank: Bank, kind: str) -> list[dict[str, Any]]:
    page = bank.patiently("GET", f"/v1/entries?kind={kind}&limit=500", None)
    assert page["next"] is None
    items: list[dict[str, Any]] = page["items"]
    return items
