#!/usr/bin/env python3
"""An HR system's view of the points bank: a year of a real course's results, posted as a plain HTTP client.

Reads a folder of the Open University Learning Analytics Dataset (five tables as `.csv` or `.csv.gz`), puts
company, programme, course, learners, regions as teams and a rulebook, posts every assessment result as a
CloudEvent, and prints what the service made of it. Needs nothing but Python's standard library.

    key=$(pointsbank keys create --company oulad)
    POINTSBANK_KEY=$key python3 examples/oulad.py ../shared/data/oulad_bbb_2013j

Credits are weight x score in hundredths (86 at weight 18 is 1548, shown as 15.48). A result handed in at
least a day before the due day earns one red flower from 80 points, two from 95. A result without a score is
posted without one, and the rules give nothing for it. Each event's id is made of the result it tells of, so
a run that is repeated, or was cut short, books nothing twice.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
import urllib.parse
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from bank_client import Client, RefusedError
from oulad_tables import EVENT_TYPE, Presentation, Row, TablesError, events, read

EVENTS_PER_BATCH = 5_000  # the service takes 10,000; two connections of half that keep both busy
LEARNERS_PER_BATCH = 10_000  # the service's limit
TOP = 10
BATCH_TYPE = "application/cloudevents-batch+json"
PAGE = 500  # rows of a leaderboard asked for at once: the service's limit

RULEBOOK = {
    "earning": [
        {
            "key": "credits",
            "on": EVENT_TYPE,
            "when": "has(data.score)",
            "award": {
                "unit": "credits",
                "amount": "double(data.score) * double(data.weight)",
                "round": "half_up",
            },
        },
        {
            "key": "speed-and-quality",
            "on": EVENT_TYPE,
            "when": "has(data.score) && has(data.due_day) && data.day < data.due_day && data.score >= 80",
            "award": {"unit": "flowers", "amount": "data.score >= 95 ? 2 : 1"},
        },
    ]
}


def put_directory(client: Client, course: Presentation) -> None:
    starts_on, ends_on = course.dates()
    title = f"Open University {course.module} {course.presentation}"
    client.ask("PUT", "/v1/company", {"name": "Open University", "timezone": "Europe/London", "credits_scale": 2})
    client.ask(
        "PUT",
        course.path,
        {
            "name": title,
            "starts_on": starts_on,
            "ends_on": ends_on,
            "timezone": "Europe/London",
            "allotment": None,
            "phases": [],
        },
    )
    client.ask(
        "PUT",
        f"{course.path}/courses/{course.module}",
        {
            "name": f"Module {course.module}",
            "kind": "structured",
            "flowers": max(1, 2 * len(course.results)),  # the most that the rule could give
            "opens_on": starts_on,
            "closes_on": ends_on,
        },
    )
    learners = [{"id": row["id_student"], "name": f"Student {row['id_student']}"} for row in course.learners]
    for batch in batches(learners, LEARNERS_PER_BATCH):
        client.ask("POST", "/v1/learners/batch", batch)
    client.ask("PUT", f"{course.path}/teams/batch", teams(course.learners, starts_on))


def teams(learners: Iterable[Row], since: str) -> list[dict[str, object]]:
    """Each region is a team, with all its learners, whether they handed anything in or not."""
    members: dict[str, list[str]] = {}
    for row in learners:
        members.setdefault(row["region"], []).append(row["id_student"])
    return [
        {
            "id": re.sub(r"[^a-z0-9]+", "-", region.lower()).strip("-"),
            "name": region,
            "members": ids,
            "from": since,
        }
        for region, ids in members.items()
    ]


def put_rulebook(client: Client, course: Presentation) -> None:
    """Activates the rulebook, unless exactly this one is in force already."""
    status, in_force = client.send("GET", f"{course.path}/rulebook")
    if status == 200 and in_force.get("document") == RULEBOOK:
        return
    client.ask("PUT", f"{course.path}/rulebook/draft", RULEBOOK)
    client.ask("POST", f"{course.path}/rulebook/draft/activate")


def batches(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    batch: list[Any] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def post_events(client: Client, course: Presentation) -> tuple[Counter[str], Counter[str]]:
    """How many events were booked, duplicate, ignored and rejected; and the reasons of the rejected.

    One batch after the other, so that the journal has them in the order of the file: of two learners who reach the
    same score on the same day, the one whose result stands first is the first on the board.
    """
    counts = Counter({"booked": 0, "duplicate": 0, "ignored": 0, "rejected": 0})
    reasons: Counter[str] = Counter()
    for batch in batches(events(course), EVENTS_PER_BATCH):
        answer = client.ask("POST", "/v1/events?results=problems", batch, BATCH_TYPE)
        counts.update({status: answer[status] for status in counts})
        reasons.update(reason(result["problem"]) for result in answer["results"] if result.get("problem"))
        progress(f"events {counts.total():,} of {len(course.results):,}")
    return counts, reasons


def reason(problem: dict[str, Any]) -> str:
    """What is wrong, without the ids that would make each reason its own."""
    slug = str(problem.get("type", "")).rsplit("/", 1)[-1]
    faults = problem.get("errors") or [{"message": problem.get("detail", "")}]
    return f"{slug}: " + "; ".join(re.sub(r"\d{2,}", "…", str(fault.get("message"))) for fault in faults)


BOARDS = {
    "credits": {"unit": "credits", "members": "learners"},
    "flowers": {"unit": "flowers", "members": "learners"},
    "teams": {"unit": "credits", "members": "teams"},
    "teams by mean": {"unit": "credits", "members": "teams", "score": "mean"},
}
WARMING_SECONDS = 0.5
"""A board is put into Redis once somebody looks at it; until then the ledger answers, with the same rows."""


class Board(NamedTuple):
    """`source` says whether Redis or the ledger answered."""

    source: str
    rows: list[dict[str, Any]]


def boards(client: Client, course: Presentation) -> dict[str, Board]:
    for query in BOARDS.values():
        page_of(client, course, query, 0, limit=1)
    time.sleep(WARMING_SECONDS)
    return {name: board(client, course, query) for name, query in BOARDS.items()}


def board(client: Client, course: Presentation, query: dict[str, str]) -> Board:
    """All rows of one leaderboard of the programme, best first."""
    rows: list[dict[str, Any]] = []
    while True:
        page = page_of(client, course, query, len(rows))
        rows += page["rows"]
        if not page["rows"] or len(rows) >= page["size"]:
            return Board(page["source"], rows)


def page_of(
    client: Client, course: Presentation, query: dict[str, str], offset: int, limit: int = PAGE
) -> dict[str, Any]:
    asked = {"scope": f"programme:{course.programme}", "limit": limit, "offset": offset, **query}
    return client.ask("GET", "/v1/leaderboards?" + urllib.parse.urlencode(asked))


def figures(client: Client, course: Presentation) -> dict[str, Any]:
    found = boards(client, course)
    by_sum, by_mean, flowers = (found[name].rows for name in ("teams", "teams by mean", "flowers"))
    return {
        "sources": {name: each.source for name, each in found.items()},
        "boards": {name: each.rows for name, each in found.items()},
        "programme": course.programme,
        "learners": len(course.learners),
        "credits": sum(row["score"] for row in by_sum),
        "top_learners": top(found["credits"].rows),
        "teams": by_sum,
        "teams_by_mean": by_mean,
        "flowers": sum(row["score"] for row in flowers),
        "top_flowers": top(flowers),
    }


def top(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first ten, and whoever shares the last of their ranks."""
    return [row for row in rows if row["rank"] <= TOP]


def shown(hundredths: float) -> str:
    return f"{hundredths / 100:,.2f}"


def report(figures: dict[str, Any]) -> None:
    events = figures["events"]
    print(f"{figures['programme']}: {figures['learners']:,} learners, {events['posted']:,} results posted")
    for status in ("booked", "duplicate", "ignored", "rejected"):
        print(f"  {status:<10}{events[status]:>10,}")
    for text, count in events["reasons"].items():
        print(f"    {count:>6,} x {text}")
    print(f"  took {figures['seconds']:.1f} s, the events {figures['events_seconds']:.1f} s of it")
    print(f"\nCredits: {shown(figures['credits'])} in all. The top ten:")
    for row in figures["top_learners"]:
        print(f"  {row['rank']:>3}  {row['member']['id']:<12}{shown(row['score']):>14}")
    print("\nTeams by sum:")
    for row in figures["teams"]:
        print(f"  {row['rank']:>3}  {row['member']['name']:<24}{shown(row['score']):>14}")
    print("\nTeams by mean per member:")
    for row in figures["teams_by_mean"]:
        print(f"  {row['rank']:>3}  {row['member']['name']:<24}{shown(float(row['score'])):>14}")
    print(f"\nRed flowers: {figures['flowers']:,} in all. The top ten, ties included:")
    for row in figures["top_flowers"]:
        print(f"  {row['rank']:>3}  {row['member']['id']:<12}{row['score']:>6,}")
    print("\nBoards answered from: " + ", ".join(f"{name}: {source}" for name, source in figures["sources"].items()))


def progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def run(options: argparse.Namespace) -> dict[str, Any]:
    began = time.monotonic()
    course = read(options.folder, options.presentation, options.start)
    progress(f"read {len(course.results):,} results of {course.programme}; day 0 is {course.day_0}")
    client = Client(options.url, options.key)
    put_directory(client, course)
    put_rulebook(client, course)
    progress(f"company, programme, {len(course.learners):,} learners, teams and rulebook are put")
    before_events = time.monotonic()
    counts, reasons = post_events(client, course)
    after_events = time.monotonic()
    result = figures(client, course)
    result["events"] = {"posted": len(course.results), **counts, "reasons": dict(reasons.most_common())}
    result["events_seconds"] = after_events - before_events
    result["seconds"] = time.monotonic() - began
    return result


def options_of(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Post a year of OULAD results to the points bank.")
    parser.add_argument("folder", type=Path, metavar="DIR", help="the dataset's tables, .csv or .csv.gz")
    parser.add_argument("--url", default=os.environ.get("POINTSBANK_URL", "http://127.0.0.1:8000"))
    parser.add_argument("--key", default=os.environ.get("POINTSBANK_KEY"), help="API key (POINTSBANK_KEY)")
    parser.add_argument("--presentation", nargs=2, metavar=("MODULE", "PRESENTATION"))
    parser.add_argument("--start", type=date.fromisoformat, metavar="DATE", help="the date of day 0")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here as JSON, too")
    options = parser.parse_args(arguments)
    if not options.key:
        parser.error(
            "no API key: make one with `pointsbank keys create --company oulad`"
            " and give it with --key or in POINTSBANK_KEY"
        )
    return options


def main(arguments: list[str] | None = None) -> int:
    options = options_of(arguments)
    try:
        result = run(options)
    except (RefusedError, TablesError) as refusal:
        print(f"error: {refusal}", file=sys.stderr)
        return 1
    if options.json:
        options.json.write_text(json.dumps(result, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    report(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
