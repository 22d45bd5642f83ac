"""`make test`: every test, then, as the last lines, what could not run here and how to make it run."""

import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

# Three on two processors: each test waits for a while, for a clock, for a browser, for what it has killed.
OPTIONS = ["-n", "3", "--dist", "worksteal"]


def main(arguments: list[str]) -> int:
    # Ctrl-C is pytest's to handle: it stops the servers first. This process only waits for it.
    signal.signal(signal.SIGINT, lambda _number, _frame: None)
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as not_run:
        code = subprocess.run(
            [sys.executable, "-m", "pytest", *OPTIONS, *arguments],
            env={**os.environ, "POINTSBANK_NOT_RUN": not_run.name},
            cwd=Path(__file__).parents[1],
            check=False,
        ).returncode
        report(not_run.read().splitlines())
    return code


def report(skipped: list[str]) -> None:
    reasons = Counter(line.split("\t")[0] for line in skipped)
    print()
    if not reasons:
        print("No test was skipped: every outside program that the tests use is here.")
    for reason, tests in reasons.items():
        print(f"DID NOT RUN: {tests} {'test' if tests == 1 else 'tests'}: {reason}")


sys.exit(main(sys.argv[1:]))
