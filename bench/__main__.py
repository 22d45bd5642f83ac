"""`python -m bench`: everything in one run, or the sections that are named; `booking --levels 10000 --lines 0` for a
quick look."""

import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import click

from bench import (
    boards,
    certifying,
    eligibility,
    memory,
    posting,
    reading,
    reporting,
    serving,
    signing,
    simulating,
    streams,
)
from bench.ground import BATCH, LEARNERS, Ground, in_a_row, opened, uuids
from pointsbank.wsgi import look_rarely_for_cycles

SECTIONS = ("booking", "reading", "boards", "streams", "certificates", "simulation", "signing", "reports")
NAMED = ("pages", "screen")
"""Only where it is named: they need Chromium, and the screen takes as long as it is told to."""


@click.command()
@click.argument("sections", nargs=-1, type=click.Choice(SECTIONS + NAMED))
@click.option("--levels", default="10000,1000000,5000000", help="Transfers already booked, at which is measured.")
@click.option("--keys", "kind", type=click.Choice(["uuid", "row"]), default="uuid", help="Ids of events.")
@click.option("--busy", default=1_000_000, help="Transfers of the large holding.")
@click.option("--lines", default=1_000_000, help="Lines of the import; 0 leaves memory of commands out.")
@click.option("--members", default=1_000_000, help="Learners on the large board.")
@click.option("--streams", "opened_streams", default=1_000, help="Live streams that are open at once.")
@click.option("--certified", default=1_000_000, help="Transfers of who is certified.")
@click.option("--reported", default=1_000_000, help="Transfers that reports are of.")
@click.option("--simulated", default=200_000, help="Events that a draft is tried on.")
@click.option("--minutes", default=30.0, help="For which the big screen is watched.")
def main(
    sections: tuple[str, ...],
    levels: str,
    kind: str,
    busy: int,
    lines: int,
    members: int,
    opened_streams: int,
    certified: int,
    reported: int,
    simulated: int,
    minutes: float,
) -> None:
    """Measure booking, serving, reading, boards, streams, certificates, simulation, reports, each beside its floor."""
    wanted = sections or SECTIONS
    look_rarely_for_cycles()  # as the service's workers do
    folder = Path(tempfile.mkdtemp(prefix="pointsbank-bench-"))
    folder.chmod(0o711)
    try:
        if "booking" in wanted:
            with opened(folder, uuids if kind == "uuid" else in_a_row()) as ground:
                _booking(ground, [int(level) for level in levels.split(",")])
                if lines:
                    _memory_of_commands(ground, folder, lines)
        if "reading" in wanted:
            with opened(folder, uuids) as ground:
                _reading(ground, busy)
        if "boards" in wanted:
            with opened(folder, uuids) as ground:
                boards.measure(ground, members)
        if "streams" in wanted:
            with opened(folder, uuids) as ground:
                streams.measure(ground, opened_streams)
        if "certificates" in wanted:
            with opened(folder, uuids) as ground:
                posting.fill(ground, posting.Floor(ground), 0, certified, _progress(certified))
                ground.floor.execute("ANALYZE")
                _eligibility(ground, certified)
                _certifying(ground)
        if "simulation" in wanted:
            with opened(folder, uuids) as ground:
                _simulating(ground, simulated)
        if "signing" in wanted:
            _signing()
        _in_a_browser(folder, wanted, minutes)
        if "reports" in wanted:
            with opened(folder, uuids) as ground:
                _reports(ground, reported)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _in_a_browser(folder: Path, wanted: Sequence[str], minutes: float) -> None:
    if not set(wanted) & set(NAMED):
        return
    from bench import pages, screen  # they need playwright, and Chromium

    if "pages" in wanted:
        pages.measure()
    if "screen" in wanted:
        with opened(folder, uuids) as ground:
            screen.measure(ground, minutes)


def _booking(ground: Ground, levels: list[int]) -> None:
    floor, booked = posting.Floor(ground), 0
    print("\nBooking, in rows a second, and as a ratio to the floor beside it")
    print(
        f"{'booked':>10}  {'COPY':>9} {'post':>9} {'ratio':>6}   {'COPY':>9} {'batches':>9} {'ratio':>6}"
        f"   {'bare':>7} {'singles':>8} {'ratio':>6}   idle MB  busy MB"
    )
    for level in levels:
        booked = posting.fill(ground, floor, booked, level, _progress(level))
        copied, posted = posting.of_ledger(ground, floor)
        with serving.served(ground) as (url, process):
            idle = max(child.memory_info().rss for child in process.children()) / memory.MEGABYTE
            with serving.watched(process) as largest:
                floor_of_batches, batches = posting.of_http(ground, floor, url)
            bare, singles = serving.of_singles(ground, url)
        booked += posting.ROUNDS * BATCH + posting.CLIENTS * (posting.HTTP_BATCHES + 1) * BATCH
        busiest = max(largest.values()) / memory.MEGABYTE
        print(
            f"{level:>10}  {copied:>9.0f} {posted:>9.0f} {posted / copied:>6.3f}   "
            f"{floor_of_batches:>9.0f} {batches:>9.0f} {batches / floor_of_batches:>6.3f}   "
            f"{bare:>7.0f} {singles:>8.0f} {singles / bare:>6.2f}   {idle:>7.0f}  {busiest:>7.0f}",
            flush=True,
        )


def _memory_of_commands(ground: Ground, folder: Path, lines: int) -> None:
    from pointsbank import company

    with ground.database.snapshot(ground.company_id) as session:
        key = company.get(session).key
    print("\nMemory of commands, in megabytes", flush=True)
    for form in ("csv", "beancount", "ledger"):
        began = time.perf_counter()
        size = memory.of_command(ground, "export", "--company", key, "--format", form)
        print(f"  export as {form:<10} {size:>6.0f} MB  {time.perf_counter() - began:>6.0f} s", flush=True)
    path = folder / "events.ndjson"
    memory.write_events(ground, path, lines)
    began = time.perf_counter()
    size = memory.of_command(ground, "import", "events", str(path), "--company", key)
    print(f"  import of {lines} lines {size:>6.0f} MB  {time.perf_counter() - began:>6.0f} s", flush=True)


def _reading(ground: Ground, transfers: int) -> None:
    reading.fill(ground, transfers, _progress(transfers))
    ground.floor.execute("ANALYZE")
    print(f"\nReading a holding of {transfers} transfers, in milliseconds, and as a multiple of a primary-key read")
    with serving.served(ground) as (url, _):
        for where, times in (("in process", reading.in_process(ground)), ("over HTTP", reading.over_http(ground, url))):
            floor = times["row by primary key"]
            for name, seconds in times.items():
                print(f"  {where:<11} {name:<24} {seconds * 1000:>7.2f}  {seconds / floor:>5.1f}", flush=True)


def _signing() -> None:
    print("\nSigning on one processor, in credentials a second, and as a ratio to the bare Ed25519 signature beside it")
    print(f"  {'results':>8} {'bytes':>7}   {'bare':>7} {'signed':>7} {'ratio':>6}   {'first, ms':>9}")
    for results in signing.RESULTS:
        found = signing.measure(results)
        print(
            f"  {results:>8} {found.size_bytes:>7}   {found.bare:>7.0f} {found.signed:>7.0f} "
            f"{found.signed / found.bare:>6.3f}   {found.first_seconds * 1000:>9.1f}",
            flush=True,
        )


def _eligibility(ground: Ground, transfers: int) -> None:
    eligibility.put_teams(ground)
    print(
        f"\nEligibility at {transfers} transfers of {LEARNERS} learners, and as a multiple of bare SQL for the credits"
    )
    for who, (bare, judged) in (
        ("one learner", eligibility.of_one(ground)),
        ("everybody", eligibility.of_everybody(ground)),
    ):
        print(f"  {who:<12} {bare * 1000:>8.1f} ms  {judged * 1000:>8.1f} ms  {judged / bare:>5.1f}", flush=True)


def _certifying(ground: Ground) -> None:
    print(
        f"\nA certification run of {LEARNERS} learners: judging beside bare SQL for the credits, issuing beside Ed25519"
    )
    found = certifying.measure(ground)
    judged, issued = LEARNERS / found.preview_seconds, found.issued / found.seconds
    preview = found.preview_seconds / found.bare_seconds
    print(f"  a preview          {found.preview_seconds:>6.1f} s  {judged:>7.0f} learners a second {preview:>12.1f}")
    print(
        f"  `certify --issue`  {found.seconds:>6.1f} s  {issued:>7.0f} certificates a second "
        f"{issued / found.signatures:>8.4f}   {found.issued} issued in {found.megabytes:.0f} MB",
        flush=True,
    )


def _simulating(ground: Ground, events: int) -> None:
    simulating.fill(ground, events, _progress(events))
    measured = simulating.measure(ground)
    print(
        f"\nA draft on {events} events of {simulating.LEARNERS} learners, in seconds, beside bare SQL that reads them"
    )
    print(f"  bare SQL      {measured.bare:>7.2f}")
    print(
        f"  simulation    {measured.simulated:>7.2f}  {measured.simulated / measured.bare:>5.1f}"
        f"   +{measured.megabytes:.0f} MB"
    )
    print(
        f"  re-evaluation {measured.re_evaluated:>7.2f}  {measured.re_evaluated / measured.bare:>5.1f}"
        f"   {measured.corrections} corrections",
        flush=True,
    )


def _reports(ground: Ground, transfers: int) -> None:
    reporting.fill(ground, transfers, _progress(transfers))
    ground.floor.execute("ANALYZE")
    print(
        f"\nReports of {transfers} transfers of {LEARNERS} learners, and as a multiple of bare SQL over the transfers"
    )
    bare = 0.0
    for name, seconds in reporting.measure(ground):
        bare = bare or seconds
        print(f"  {name:<26} {seconds:>7.2f} s  {seconds / bare:>5.1f}", flush=True)


def _progress(level: int):  # type: ignore[no-untyped-def]  # a closure for this file alone
    def show(done: int) -> None:
        if sys.stderr.isatty() or done % 500_000 == 0:
            print(f"\rfilling: {done} of {level}", end="" if sys.stderr.isatty() else "\n", file=sys.stderr, flush=True)

    return show


main()
