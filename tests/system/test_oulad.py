"""`examples/oulad.py` against the running service: every figure equals what SQLite makes of the CSV files."""

import importlib.util
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "oulad.py"
SECONDS_MAX = 20
COMPANY = "oulad-test"
TOP = 10


class Service(Protocol):
    url: str

    def key(self, company: str) -> str: ...


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


def first_ten(ranked: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    return {learner: place for learner, place in ranked.items() if place[0] <= TOP}


def test_the_figures_are_those_of_the_csv_files(
    service: Service, shared_data: Callable[[str], Path], tmp_path: Path, oracle: ModuleType
) -> None:
    folder = shared_data("oulad_bbb_2013j")
    expected = oracle.compute(folder)
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
