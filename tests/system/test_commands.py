"""The commands as an operator types them, over one data directory."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

ProcessesOf = Callable[[Path], list[psutil.Process]]
EXIT_SECONDS_MAX = 60
CURLS = 3


@pytest.fixture
def environment(server_folder: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    return {**inherited, "POINTSBANK_DATA_DIR": str(server_folder), "POINTSBANK_LOG_LEVEL": "warning"}


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "pointsbank", *arguments], env=environment, capture_output=True, text=True
        )

    return run


@pytest.fixture
def started(environment: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-m", "pointsbank", "start", "--port", "0", "--workers", "1"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    yield process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def test_the_welcome_and_the_commands_beside_the_service(
    started: "subprocess.Popen[str]",
    run: Run,
    server_folder: Path,
    processes_of: ProcessesOf,
    needs_program: Callable[[str], str],
    tmp_path: Path,
) -> None:
    """One service for all: the embedded servers of the commands are the service's."""
    welcome = read_welcome(started)
    demo_twice_changes_nothing(run)
    keys_create_prints_the_key_alone(run)
    signing_keys_are_made_rotated_and_revoked(run, server_folder)
    faults_are_said_in_one_line(run)
    an_import_is_counted_and_shows_no_bar_without_a_terminal(run, tmp_path)
    needs_program("curl")
    the_curl_lines_answer(welcome)
    family = [psutil.Process(started.pid), *psutil.Process(started.pid).children(recursive=True)]
    os.killpg(started.pid, signal.SIGINT)  # the whole group, as Ctrl-C in a terminal does
    _, told = started.communicate(timeout=EXIT_SECONDS_MAX)
    assert started.returncode == 0, told
    assert "Traceback" not in told
    assert [member for member in family if member.is_running()] == []
    assert processes_of(server_folder) == []


def read_welcome(started: "subprocess.Popen[str]") -> str:
    assert started.stdout is not None
    lines = []
    for line in started.stdout:
        lines.append(line)
        if "Ctrl-C" in line:
            break
    welcome = "".join(lines)
    assert re.search(r"^listening on http://127\.0\.0\.1:\d+$", welcome, re.MULTILINE), welcome
    assert re.search(r"^ +pb_\S+$", welcome, re.MULTILINE), welcome
    return welcome


def demo_twice_changes_nothing(run: Run) -> None:
    """`start` has loaded it before."""
    before = run("verify", "--company", "demo")
    assert (before.returncode, before.stdout.count("\n")) == (0, 1), before.stdout + before.stderr
    journal = run("export", "--company", "demo", "--format", "csv").stdout
    assert journal.count("\n") > 1_000
    again = run("demo")
    assert again.returncode == 0, again.stderr
    assert "demo programme: 0 booked, " in again.stdout
    assert again.stdout.endswith("\n")
    assert run("verify", "--company", "demo").stdout == before.stdout
    assert run("export", "--company", "demo", "--format", "csv").stdout == journal


def keys_create_prints_the_key_alone(run: Run) -> None:
    made = run("keys", "create", "--company", "acme", "--scope", "read")
    assert made.returncode == 0
    assert re.fullmatch(r"pb_\S+\n", made.stdout)


def signing_keys_are_made_rotated_and_revoked(run: Run, data_dir: Path) -> None:
    for arguments, lines in (
        (("list",), [r"There is none yet; .*"]),
        (("rotate",), [r"key-1  z6Mk\w+  \d{4}-\d\d-\d\d \d\d:\d\d UTC  signs"]),
        (("rotate",), [r"key-2  z6Mk.* signs"]),
        (("revoke", "1", "--reason", "laptop stolen"), [r"key-1 .* revoked .* UTC: laptop stolen"]),
        (("list",), [r"key-1 .* revoked .*: laptop stolen", r"key-2 .* signs"]),
    ):
        done = run("signing-keys", *arguments, "--company", "acme")
        assert done.returncode == 0, done.stderr
        for line, form in zip(done.stdout.splitlines(), lines, strict=True):
            assert re.fullmatch(form, line), line
    assert run("signing-keys", "reseal").stdout == "sealed again: 0\n"
    assert (data_dir / "key-encryption.key").stat().st_mode & 0o777 == 0o600


def faults_are_said_in_one_line(run: Run) -> None:
    for arguments, part in (
        (("verify", "--company", "nobody"), "There is no company nobody; `pointsbank keys create"),
        (("import", "events", __file__, "--company", "demo"), "neither NDJSON nor CSV"),
        (("import", "events", __file__, "--company", "demo", "--programme", "x"), "There is no programme x"),
        (("keys", "create", "--company", "acme", "--scope", "everything"), "everything"),
        (("signing-keys", "revoke", "1", "--company", "acme", "--reason", "again"), "revoked already"),
        (("signing-keys", "revoke", "9", "--company", "acme", "--reason", "x"), "There is no signing key 9"),
        (("signing-keys", "rotate", "--company", "nobody"), "There is no company nobody"),
    ):
        done = run(*arguments)
        assert done.returncode in (1, 2), arguments
        assert done.stdout == ""
        assert part in done.stderr, done.stderr
        assert "Traceback" not in done.stderr


def an_import_is_counted_and_shows_no_bar_without_a_terminal(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "learners.csv"
    file.write_text("id,name\n1,李雷\n2,韩梅梅\n3,\n", encoding="utf-8")
    first = run("import", "learners", str(file), "--company", "acme")
    assert first.returncode == 0, first.stderr
    assert first.stdout.splitlines() == [
        "created: 2",
        "rejected: 1",
        "unchanged: 0",
        "updated: 0",
        f"The rejected lines are in {file}.rejected.",
    ]
    assert "%" not in first.stderr
    assert (tmp_path / "learners.csv.rejected").read_text("utf-8").startswith("4\t")
    assert "created: 0" in run("import", "learners", str(file), "--company", "acme").stdout


def the_curl_lines_answer(welcome: str) -> None:
    lines = [line.strip() for line in welcome.splitlines() if line.strip().startswith("curl ")]
    assert len(lines) == CURLS
    for line in lines:
        answer = subprocess.run(["sh", "-c", f"{line} --silent --show-error --fail"], capture_output=True, text=True)
        assert answer.returncode == 0, answer.stderr
        assert answer.stdout.startswith("{"), answer.stdout
