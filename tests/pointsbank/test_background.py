"""What a worker does by itself goes on whatever fails, and ends when it is told to."""

import logging
import threading
import time

import pytest

from pointsbank.background import Background

INTERVAL_SECONDS = 0.01
SECONDS_MAX = 10


def test_jobs_take_turns_until_the_end(caplog: pytest.LogCaptureFixture) -> None:
    turns: list[str] = []
    enough = threading.Event()

    def work(name: str) -> None:
        turns.append(name)
        if turns.count("a") > 3 and turns.count("b") > 3:
            enough.set()
        if name == "b" and turns.count("b") < 3:
            raise ValueError("not yet")

    background = Background()
    background.add("a", INTERVAL_SECONDS, lambda: work("a"))
    background.add("b", INTERVAL_SECONDS, lambda: work("b"))
    assert turns == []
    with caplog.at_level(logging.WARNING):
        background.start()
        assert enough.wait(SECONDS_MAX)
        background.stop()
    told = [record.message for record in caplog.records]
    assert told == [f"b failed, and is tried again every {INTERVAL_SECONDS} s", "b works again"]
    done = len(turns)
    time.sleep(5 * INTERVAL_SECONDS)
    assert len(turns) == done


def test_the_end_does_not_wait_for_the_next_turn() -> None:
    background = Background()
    background.add("seldom", 3_600, lambda: None)
    background.start()
    begun = time.monotonic()
    background.stop()
    assert time.monotonic() - begun < 1


def test_it_may_be_stopped_before_it_starts() -> None:
    Background().stop()
