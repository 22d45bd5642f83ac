"""The big screen for long: a thousand awards a minute, and connections that break. Chromium shows it, and is looked at.

`watch` does it with any service; the bench takes half an hour for it, and a test some seconds.
"""

import http.client
import random
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson
from playwright.sync_api import Page, sync_playwright

from bench import serving
from bench.ground import Ground
from bench.memory import MEGABYTE
from bench.relay import Relay
from pointsbank import displays
from pointsbank.database import Database
from pointsbank.directory import programmes
from pointsbank.leaderboards.boards import Board
from pointsbank.leaderboards.standings import standings
from pointsbank.screen.reading import boards

RATE = 1_000 / 60
"""Awards a second."""
PROGRAMME = "class"
TEAMS, MEMBERS = 6, 8
OUTAGE_SECONDS = 3.0
FROZEN_SECONDS = 45.0
"""Longer than the screen waits for a sign of life."""
BACK_SECONDS_MAX = 60.0
SETTLED_SECONDS = 5.0
OPTIONS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]

Send = Any
"""`send(method, path, body, key)` gives the status."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What the page holds, after garbage was collected; `busy_seconds` of its main thread since it was opened."""

    at: float
    heap_bytes: float
    nodes: int
    listeners: int
    busy_seconds: float


@dataclass
class Watched:
    samples: list[Sample] = field(default_factory=list)
    noticed_seconds: list[float] = field(default_factory=list)
    """From each outage until the screen said so."""
    back_seconds: list[float] = field(default_factory=list)
    """From the end of each outage until it was live again."""
    drops: int = 0
    """As the page counted them."""
    posted: int = 0
    seconds: float = 0.0
    """For which there was posting."""
    shown: dict[str, str] = field(default_factory=dict)
    """Of each team, on the screen at the end."""
    ledger: dict[str, str] = field(default_factory=dict)


def furnish(send: Send) -> None:
    """A programme with teams, a course with flowers, and who gives them."""
    path = f"/v1/programmes/{PROGRAMME}"
    send("PUT", path, {"name": "课堂", "starts_on": "2020-01-01", "ends_on": "2199-12-31"})
    send("PUT", f"{path}/courses/service", {"name": "服务", "kind": "structured", "flowers": 10_000_000})
    allowances = {"service": 10_000_000}
    send("PUT", f"{path}/awarders/li", {"name": "李静宜", "role": "trainer", "allowances": allowances})
    learners = [{"id": _learner(no), "name": f"学员{no:02d}"} for no in range(TEAMS * MEMBERS)]
    send("POST", "/v1/learners/batch", learners)
    for team, name in enumerate(["启航", "云帆", "星火", "长风", "晨曦", "远山"]):
        members = [_learner(no) for no in range(team * MEMBERS, (team + 1) * MEMBERS)]
        send("PUT", f"{path}/teams/t{team}", {"name": name, "members": members})


def _learner(no: int) -> str:
    return f"screen-{no:03d}"


def link(database: Database, company_id: int) -> str:
    """The path of a new display link."""
    with database.transaction(company_id) as session:
        _, text = displays.create(session, programmes.get(session, PROGRAMME), "bench")
    return f"/screen/link/{text}"


@contextmanager
def posting(send: Send, rate: float) -> Iterator[list[int]]:
    """Awards to learners at random, four in five of credits, inside of the block; the list grows by one for each."""
    dice, stopped = random.Random(2021), threading.Event()
    posted: list[int] = []

    def run() -> None:
        began = time.monotonic()
        while not stopped.wait(max(0.0, began + len(posted) / rate - time.monotonic())):
            number = len(posted)
            award = {"programme": PROGRAMME, "learner": _learner(dice.randrange(TEAMS * MEMBERS))}
            award |= {"amount": dice.randint(1, 3), "reason": f"第 {number} 次", "unit": "credits"}
            if number % 5 == 4:
                award |= {"unit": "flowers", "course": "service", "awarder": "li"}
            send("POST", "/v1/awards", award, f"screen-{number}")
            posted.append(number)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield posted
    finally:
        stopped.set()
        thread.join()


@contextmanager
def sending(url: str, key: str) -> Iterator[Send]:
    """For one thread at a time."""
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=60)

    def send(method: str, path: str, body: object, idempotency: str | None = None) -> None:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        if idempotency is not None:
            headers["Idempotency-Key"] = idempotency
        connection.request(method, path, orjson.dumps(body), headers)
        answer = connection.getresponse()
        said = answer.read()
        assert answer.status < 300, (method, path, answer.status, said)

    yield send
    connection.close()


def watch(
    page: Page, relay: Relay, path: str, send: Send, seconds: float, every: float, freezes: bool, rate: float = RATE
) -> Watched:
    """Awards for so long, a sample `every` so many seconds, an outage between any two of them. With `freezes` one of
    the outages is a silence."""
    found = Watched()
    page.goto(relay.url + path)
    page.wait_for_selector("body[data-state=live]")
    inspector = page.context.new_cdp_session(page)
    inspector.send("Performance.enable")
    with posting(send, rate) as posted:
        began = time.monotonic()
        until = began + seconds
        while time.monotonic() < until:
            page.wait_for_timeout(every * 1_000)
            found.samples.append(_sample(inspector, time.monotonic() - began))
            is_silence = freezes and len(found.noticed_seconds) == 1
            _interrupt(page, relay, is_silence, found)
        found.posted, found.seconds = len(posted), time.monotonic() - began
    page.wait_for_timeout(SETTLED_SECONDS * 1_000)
    found.drops = int(page.evaluate("document.body.dataset.drops"))
    page.locator("[data-view=teams]").click()
    page.wait_for_timeout(500)
    tiles = page.evaluate(
        """[...document.querySelectorAll("#teams .tile")].map((tile) =>
             [".name", ".score", ".flowers .number"].map((part) => tile.querySelector(part).textContent))"""
    )
    found.shown = {name: f"{score} {flowers}".replace(",", "") for name, score, flowers in tiles}
    return found


def _interrupt(page: Page, relay: Relay, is_silence: bool, found: Watched) -> None:
    began = time.monotonic()
    with relay.frozen() if is_silence else relay.cut():
        page.wait_for_selector("body[data-state=lost]", timeout=BACK_SECONDS_MAX * 1_000)
        found.noticed_seconds.append(time.monotonic() - began)
        page.wait_for_timeout(OUTAGE_SECONDS * 1_000)
    ended = time.monotonic()
    page.wait_for_selector("body[data-state=live]", timeout=BACK_SECONDS_MAX * 1_000)
    found.back_seconds.append(time.monotonic() - ended)


def _sample(inspector: Any, at: float) -> Sample:
    inspector.send("HeapProfiler.collectGarbage")
    told = {each["name"]: each["value"] for each in inspector.send("Performance.getMetrics")["metrics"]}
    return Sample(at, told["JSHeapUsedSize"], int(told["Nodes"]), int(told["JSEventListeners"]), told["TaskDuration"])


def of_ledger(database: Database, company_id: int) -> dict[str, str]:
    """As `Watched.shown`, from the ledger alone."""
    scores: dict[str, list[str]] = {}
    with database.snapshot(company_id) as session:
        for unit in ("credits", "flowers"):
            board: Board = boards(PROGRAMME, "sum")["teams", unit]  # type: ignore[index]  # of both there is one
            for row in standings(session, board, limit=None).rows:
                scores.setdefault(row.name, []).append(str(row.score))
    return {name: " ".join(both) for name, both in scores.items()}


def measure(ground: Ground, minutes: float) -> None:
    with serving.served(ground, redis=True) as (url, _), sending(url, ground.key) as send:
        furnish(send)
        relay = Relay(url)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=OPTIONS)
            page = browser.new_page(viewport={"width": 1920, "height": 1080}, locale="zh-CN")
            path = link(ground.database, ground.company_id)
            found = watch(page, relay, path, send, minutes * 60, max(20.0, minutes * 6), freezes=True)
            browser.close()
        found.ledger = of_ledger(ground.database, ground.company_id)
        relay.close()
    _report(found)


def _report(found: Watched) -> None:
    minutes = found.seconds / 60
    print(f"\nThe big screen for {minutes:.1f} minutes: {found.posted} awards, {found.posted / minutes:.0f} a minute")
    print(f"  {'minute':>6}  {'heap MB':>8}  {'nodes':>6}  {'listeners':>9}  {'busy':>5}")
    for each in found.samples:
        print(
            f"  {each.at / 60:>6.1f}  {each.heap_bytes / MEGABYTE:>8.2f}  {each.nodes:>6}  {each.listeners:>9}"
            f"  {each.busy_seconds / max(1.0, each.at):>5.1%}"
        )
    noticed = ", ".join(f"{seconds:.1f}" for seconds in found.noticed_seconds)
    back = ", ".join(f"{seconds:.1f}" for seconds in found.back_seconds)
    print(f"  {len(found.noticed_seconds)} outages, {found.drops} lost connections counted by the page")
    print(f"  said after {noticed} s; live again {back} s after the end")
    print(f"  the last state {'equals' if found.shown == found.ledger else 'DIFFERS FROM'} the ledger", flush=True)
