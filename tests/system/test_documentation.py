"""The documentation is true: its examples are run and compared, and what it names is there.

In README.md each block marked `sh` is run, all in one shell, against a running service; a block marked `json`
below it is the answer. In an answer `"…"` stands for any value, and a member `"…": "…"` for further members.
"""

import importlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from api import app, problems
from pointsbank.errors import PointsBankError

if TYPE_CHECKING:
    from tests.system.conftest import Service

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "examples" / "README.md", *sorted(ROOT.glob("docs/*.md"))]
CODE = ("pointsbank", "api", "ledger", "rules", "examples", "tests", "bench")
IN_README = "http://127.0.0.1:8000/v1"
ANY = "…"
SECONDS_MAX = 120

BLOCK = re.compile(r"^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#)(?P<path>[^)#\s]+)(?:#(?P<anchor>[^)\s]+))?\)")
VARIABLE = re.compile(r"\b(?:POINTSBANK|POSTGRES|DATABASE|REDIS)_[A-Z_]+\b")
LIMIT = re.compile(r"^\|[^|]+\| (?P<value>[^|]+) \| `(?P<module>[a-z_.]+)\.(?P<name>[A-Z_]+)` \|", re.MULTILINE)
PROBLEM = re.compile(r"^\| `(?P<slug>[a-z-]+)` \| (?P<status>\d{3}) \|", re.MULTILINE)
SCALES = {"": 1, "times": 1, "KiB": 2**10, "MiB": 2**20, "µs": 1, "s": 1, "h": 60 * 60, "days": 24 * 60 * 60}

Examples = list[tuple[str, Any]]
parametrize_pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def examples() -> Examples:
    """Each command of README.md with the answer written below it, or None."""
    found: Examples = []
    for block in BLOCK.finditer((ROOT / "README.md").read_text("utf-8")):
        if block["kind"] == "sh":
            found.append((block["text"], None))
        elif block["kind"] == "json":
            found[-1] = (found[-1][0], json.loads(block["text"]))
    return found


def as_written(actual: Any, written: Any) -> Any:
    """The actual answer with `…` where the written one has it, so that a difference shows in one comparison."""
    if written == ANY:
        return ANY
    if isinstance(written, dict) and isinstance(actual, dict):
        names = actual.keys() & written.keys() if ANY in written else actual.keys()
        same = {name: as_written(actual[name], written.get(name)) for name in names}
        return {**same, ANY: ANY} if ANY in written else same
    if isinstance(written, list) and isinstance(actual, list) and len(written) == len(actual):
        return [as_written(*pair) for pair in zip(actual, written, strict=True)]
    return actual


def test_the_examples_of_the_readme_answer_as_written(
    start_service: "Callable[..., Service]", fresh_database_url: str, needs_program: Callable[[str], str]
) -> None:
    needs_program("curl")
    needs_program("bash")
    service = start_service(fresh_database_url)
    script = "set -e -o pipefail\n" + "\nprintf '\\036'\n".join(command for command, _ in examples())
    script = script.replace(".venv/bin/pointsbank", f"'{sys.executable}' -m pointsbank")
    assert IN_README in script
    done = subprocess.run(
        ["bash", "-c", script.replace(IN_README, f"{service.url}/v1")],
        env=service.environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    answers = done.stdout.split("\x1e")
    for (command, written), answer in zip(examples(), answers, strict=True):
        if written is not None:
            assert as_written(json.loads(answer), written) == written, command
    assert service.command("verify").startswith("verified: ")


@parametrize_pages
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.finditer(page.read_text("utf-8")):
        target = page.parent / link["path"]
        assert target.exists(), link[0]
        if link["anchor"]:
            assert link["anchor"] in anchors(target), link[0]


def anchors(page: Path) -> set[str]:
    """Those that forges make of headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@parametrize_pages
def test_each_variable_is_one_that_something_reads(page: Path) -> None:
    sources = [path for folder in CODE for path in (ROOT / folder).rglob("*.py") if path != Path(__file__)]
    sources += [ROOT / "compose.yaml", ROOT / "Makefile"]
    read = {name for path in sources for name in VARIABLE.findall(path.read_text("utf-8"))}
    assert set(VARIABLE.findall(page.read_text("utf-8"))) <= read


@parametrize_pages
def test_each_role_and_figure_is_one_that_the_code_names(page: Path) -> None:
    code = "".join(path.read_text("utf-8") for folder in CODE[:4] for path in (ROOT / folder).rglob("*.py"))
    named = re.findall(r"`(pointsbank_[a-z_]+?)(?:_total)?`", page.read_text("utf-8"))
    assert [name for name in named if f'"{name}"' not in code] == []


def limits() -> list[tuple[str, str, str]]:
    return [
        (row["module"], row["name"], row["value"]) for page in PAGES for row in LIMIT.finditer(page.read_text("utf-8"))
    ]


def test_the_limits_are_those_of_the_code() -> None:
    assert len(limits()) > 20, "the tables of limits are found"
    stated = {f"{module}.{name}": number(value) for module, name, value in limits()}
    actual = {f"{module}.{name}": getattr(importlib.import_module(module), name, None) for module, name, _ in limits()}
    assert stated == {name: seconds(limit) for name, limit in actual.items()}


def seconds(limit: object) -> object:
    return limit.total_seconds() if isinstance(limit, timedelta) else limit


def number(text: str) -> float:
    """10,000 or 32 MiB or 2^53 - 1 or 0.5 s."""
    if text == "2^53 - 1":
        return 2**53 - 1
    amount, _, unit = text.replace(",", "").partition(" ")
    return float(amount) * SCALES[unit]


def test_the_problems_are_those_of_the_code() -> None:
    page = (ROOT / "docs" / "events.md").read_text("utf-8")
    stated = {(row["slug"], int(row["status"])) for row in PROBLEM.finditer(page)}
    assert app.RESOURCES, "all packages are imported, and so are their errors"
    raised = {(error.slug, error.status) for error in errors(PointsBankError)}
    answered = {(slug, status) for status, slug in problems.SLUGS.items() if status not in (414, 431)}
    assert stated == raised | answered


def errors(root: type[PointsBankError]) -> set[type[PointsBankError]]:
    return {root, *(found for below in root.__subclasses__() for found in errors(below))}


def test_only_what_is_run_is_marked_as_a_command() -> None:
    for page in PAGES[1:]:
        if page.parent.name != "examples":
            assert not any(block["kind"] == "sh" for block in BLOCK.finditer(page.read_text("utf-8"))), page


def test_the_settings_are_all_in_the_readme() -> None:
    settings = (ROOT / "pointsbank" / "settings.py").read_text("utf-8")
    readme = (ROOT / "README.md").read_text("utf-8")
    assert set(re.findall(r'"((?:POINTSBANK|DATABASE|REDIS)_[A-Z_]+)"', settings)) <= set(VARIABLE.findall(readme))
