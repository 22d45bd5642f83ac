"""`examples/oulad.py` against the running service: every figure equals what SQLite makes of the CSV files."""

import csv
import http.client
import importlib.util
import json
import os
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import psycopg
import pytest

from ledger.identity import entry_id
from pointsbank import embedded

EXAMPLE = Path(__file__).parents[2] / "examples" / "oulad.py"
SECONDS_MAX = 20
COMPANY = "oulad-test"
TOP = 10
CONNECTIONS = 2
OPENINGS = 1  # entries that are no result: the flowers of the one course


class Service(Protocol):
    url: str
    database_url: str
    environment: dict[str, str]

    def key(self, company: str) -> str: ...

    def command(self, *arguments: str, check: bool = True) -> str: ...


@pytest.fixture(scope="module")
def oracle() -> ModuleType:
    spec = importlib.util.spec_from_file_location("oulad_oracle", Path(__file__).with_name("oulad_oracle.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def run(service: Service, key: str, folder: Path, figures: Path) -> Any:
    done = subprocess.run(
        [sys.executable, str(EXAMPLE), str(folder), "--json", str(figures)],
        env={**os.environ, "POINTSBANK_URL": service.url, "POINTSBANK_KEY": key},
        capture_output=True,
        text=True,
        timeout=3 * SECONDS_MAX,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(figures.read_text(encoding="utf-8"))


def board(service: Service, key: str, unit: str) -> dict[str, tuple[int, int]]:
    """Rank and score of every learner."""
    rows: list[Any] = []
    while True:
        request = urllib.request.Request(
            f"{service.url}/v1/leaderboards?scope=programme:BBB-2013J&unit={unit}&members=learners"
            f"&limit=500&offset={len(rows)}",
            headers={"Authorization": f"Bearer {key}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            page = json.load(answer)
        rows += page["rows"]
        if not page["rows"] or len(rows) >= page["size"]:
            return {row["member"]["id"]: (row["rank"], row["score"]) for row in rows}


def placed(rows: list[Any]) -> list[tuple[str, tuple[int, int]]]:
    """Learners in the order of the board, with their rank and score."""
    return [(row["member"]["id"], (row["rank"], row["score"])) for row in rows]


def first_ten(ranked: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    return {learner: place for learner, place in ranked.items() if place[0] <= TOP}


def test_a_year_of_a_real_course(
    start_service: Callable[..., Service],
    fresh_database_url: str,
    redis_url: str,
    shared_data: Callable[[str], Path],
    tmp_path: Path,
    oracle: ModuleType,
    needs_program: Callable[[str], str],
) -> None:
    """One load for all: it takes longer than what is asked of it."""
    folder = shared_data("oulad_bbb_2013j")
    expected = oracle.compute(folder)
    service = start_service(fresh_database_url, redis_url=redis_url)
    the_figures_are_those_of_the_csv_files(service, folder, tmp_path, expected)
    boards_of_redis_are_those_of_the_ledger(service, start_service(fresh_database_url), folder, tmp_path, expected)
    it_is_proven_until_a_transfer_is_changed_by_hand(service, expected.posted + OPENINGS)
    beancount_accepts_the_export(service, tmp_path)
    export(service, "ledger", tmp_path / "bank.ledger")
    held = balances_of_the_api(service, list(expected.credits))
    for program in ("ledger", "hledger"):
        needs_program(program)
        assert balances_read_by(program, tmp_path / "bank.ledger") == held


def the_figures_are_those_of_the_csv_files(service: Service, folder: Path, tmp_path: Path, expected: Any) -> None:
    key = service.key(COMPANY)
    first = run(service, key, folder, tmp_path / "first.json")
    second = run(service, key, folder, tmp_path / "second.json")

    ignored = expected.posted - expected.booked
    assert (first["events"]["booked"], first["events"]["ignored"]) == (expected.booked, ignored)
    assert (first["events"]["rejected"], first["events"]["duplicate"]) == (0, 0)
    assert (second["events"]["booked"], second["events"]["rejected"]) == (0, 0)
    assert first["seconds"] < SECONDS_MAX

    for figures in (first, second):
        assert figures["credits"] == sum(credits for _, credits in expected.credits.values())
        assert figures["flowers"] == sum(flowers for _, flowers in expected.flowers.values())
        assert _rows(figures["top_learners"]) == first_ten(expected.credits)
        assert _rows(figures["top_flowers"]) == first_ten(expected.flowers)
        sums = {row["member"]["name"]: row["score"] for row in figures["teams"]}
        means = {row["member"]["name"]: row["score"] for row in figures["teams_by_mean"]}
        assert sums == {name: team.credits for name, team in expected.teams.items()}
        assert means == {name: team.mean for name, team in expected.teams.items()}

    assert board(service, key, "credits") == expected.credits
    assert board(service, key, "flowers") == expected.flowers


def boards_of_redis_are_those_of_the_ledger(
    service: Service, without_redis: Service, folder: Path, tmp_path: Path, expected: Any
) -> None:
    """Row for row; and learners and teams in the order that SQLite computes, ties included."""
    cached = run(service, service.key(COMPANY), folder, tmp_path / "redis.json")
    direct = run(without_redis, service.key(COMPANY), folder, tmp_path / "ledger.json")
    assert set(cached["sources"].values()) == {"redis"}
    assert set(direct["sources"].values()) == {"ledger"}
    assert cached["boards"] == direct["boards"]
    assert placed(cached["boards"]["credits"]) == list(expected.credits.items())
    assert placed(cached["boards"]["flowers"]) == list(expected.flowers.items())
    by_sum, by_mean = expected.team_orders
    assert [row["member"]["name"] for row in cached["boards"]["teams"]] == by_sum
    assert [row["member"]["name"] for row in cached["boards"]["teams by mean"]] == by_mean


def it_is_proven_until_a_transfer_is_changed_by_hand(service: Service, entries: int) -> None:
    status, told = verified(service)
    assert (status, len(told)) == (0, 1), told
    assert told[0].startswith(f"verified: {entries} entries, ")
    superuser = service.database_url.replace(f"{embedded.OWNER_ROLE}@", "postgres@")
    with psycopg.connect(superuser) as connection:
        changed = connection.execute(
            "SELECT company_id, learner, number, line FROM transfers WHERE learner <> 0 ORDER BY number, line"
        ).fetchone()
        assert changed is not None
        company_id, learner, number, _ = changed
        where = "WHERE (company_id, learner, number, line) = (%s, %s, %s, %s)"
        code = connection.execute(
            "SELECT key FROM learners WHERE (company_id, no) = (%s, %s)", [company_id, learner]
        ).fetchone()
        connection.execute(f"UPDATE transfers SET amount = amount + 1 {where}", changed)
        connection.commit()
        status, told = verified(service)
        assert status == 1
        assert code is not None
        for name in (f"holding:{code[0]} (credits)", "issuance (credits)"):
            assert any(name in line for line in told), told
        assert any(f"{entry_id(company_id, number)} (number {number})" in line for line in told), told
        connection.execute(f"UPDATE transfers SET amount = amount - 1 {where}", changed)
    assert verified(service)[0] == 0


def verified(service: Service) -> tuple[int, list[str]]:
    done = subprocess.run(
        [sys.executable, "-m", "pointsbank", "verify", "--company", COMPANY],
        env=service.environment,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout.splitlines()


def export(service: Service, form: str, path: Path) -> None:
    path.write_text(service.command("export", "--company", COMPANY, "--format", form), encoding="utf-8")


def beancount_accepts_the_export(service: Service, tmp_path: Path) -> None:
    export(service, "beancount", tmp_path / "bank.beancount")
    done = subprocess.run(
        [Path(sys.executable).with_name("bean-check"), "--no-cache", tmp_path / "bank.beancount"],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


BALANCES_OF = {
    "ledger": ["bal", "--flat", "--no-total", "--format", "%(account)\t%(strip(display_total))\n"],
    "hledger": ["bal", "--flat", "-N", "-O", "csv", "--layout=bare"],
}


def balances_read_by(program: str, file: Path) -> dict[tuple[str, str], int]:
    """Of every learner and unit."""
    done = subprocess.run([program, "-f", file, *BALANCES_OF[program]], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {
        (account.rpartition(":")[2], unit): int(amount * (100 if unit == "credits" else 1))
        for account, unit, amount in (of_ledger if program == "ledger" else of_hledger)(done.stdout)
        if ":holding:" in account.lower()
    }


def of_ledger(printed: str) -> Iterator[tuple[str, str, Decimal]]:
    account = ""
    for line in printed.splitlines():
        name, _, amount = line.rpartition("\t")
        account = name or account  # the further units of an account stand below the first
        number, _, unit = amount.strip().partition(" ")
        yield account, unit.strip('"'), Decimal(number)


def of_hledger(printed: str) -> Iterator[tuple[str, str, Decimal]]:
    for row in csv.DictReader(printed.splitlines()):
        yield row["account"], row["commodity"].strip('"'), Decimal(row["balance"])


def balances_of_the_api(service: Service, learners: list[str]) -> dict[tuple[str, str], int]:
    """Those that are not zero: the programs do not print the others."""
    parts = urllib.parse.urlsplit(service.url)
    headers = {"Authorization": f"Bearer {service.key(COMPANY)}"}

    def held_by(some: list[str]) -> dict[tuple[str, str], int]:
        found = {}
        with closing(http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)) as connection:
            for learner in some:
                connection.request("GET", f"/v1/learners/{learner}/balances", headers=headers)
                for held in json.load(connection.getresponse())["balances"]:
                    if held["balance"]:
                        found[learner, held["unit"]] = held["balance"]
        return found

    with ThreadPoolExecutor(CONNECTIONS) as threads:
        shares = threads.map(held_by, [learners[n::CONNECTIONS] for n in range(CONNECTIONS)])
        return {key: balance for share in shares for key, balance in share.items()}


def _rows(rows: list[Any]) -> dict[str, tuple[int, int]]:
    return {row["member"]["id"]: (row["rank"], row["score"]) for row in rows}


def test_without_a_key_it_says_how_to_make_one(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "POINTSBANK_KEY"}
    done = subprocess.run(
        [sys.executable, str(EXAMPLE), str(tmp_path)], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "pointsbank keys create --company oulad" in done.stderr


def test_a_folder_without_the_tables_is_named(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLE), str(tmp_path), "--key", "pb_x"], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "courses.csv" in done.stderr
