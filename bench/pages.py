"""Pages of the demo in Chromium, with the processor slowed four times: when they are seen first, and what they weigh.

As Lighthouse does it: each page is opened by a browser that has nothing of it yet.
"""

import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Browser, sync_playwright

from bench.demo import CHROMIUM, PAGES, Demo, served, settle

SLOWED = 4
TURNS = 3
_SEEN = """() => new Promise(resolve => {
  const seen = {first: 0, largest: 0};
  new PerformanceObserver(list => { for (const it of list.getEntries()) seen.largest = it.startTime })
    .observe({type: "largest-contentful-paint", buffered: true});
  const first = performance.getEntriesByName("first-contentful-paint")[0];
  seen.first = first ? first.startTime : 0;
  requestAnimationFrame(() => setTimeout(() => resolve(seen), 50));
})"""


class Seen(NamedTuple):
    """Milliseconds to the first and to the largest paint; bytes over the wire, and how many answers they came in."""

    first: float
    largest: float
    weight: int
    answers: int


def measure() -> None:
    print(f"\nPages at their first visit, the processor slowed {SLOWED} times: milliseconds, and bytes over the wire")
    print(f"  {'page':<28} {'first paint':>12} {'largest':>9} {'bytes':>9} {'answers':>8}")
    with (
        tempfile.TemporaryDirectory(prefix="pointsbank-pages-") as folder,
        served(Path(folder)) as demo,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM)
        for role, pages in PAGES.items():
            kept = demo.storage(browser, role) if role else None
            for name, path in pages.items():
                turns = [visit(browser, demo, kept, path) for _ in range(TURNS)]
                first, largest = (statistics.median(each[place] for each in turns) for place in (0, 1))
                heaviest = max(turns, key=lambda each: each.weight)
                print(
                    f"  {name:<28} {first:>12.0f} {largest:>9.0f} {heaviest.weight:>9} {heaviest.answers:>8}",
                    flush=True,
                )
        browser.close()


def visit(browser: Browser, demo: Demo, kept: Any, path: str) -> Seen:
    context = browser.new_context(storage_state=kept)
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("Network.enable")
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWED})
    weights: list[int] = []
    devtools.on("Network.loadingFinished", lambda event: weights.append(int(event["encodedDataLength"])))
    page.goto(demo.url + path)
    settle(page)
    seen = page.evaluate(_SEEN)
    context.close()
    return Seen(seen["first"], seen["largest"], sum(weights), len(weights))
