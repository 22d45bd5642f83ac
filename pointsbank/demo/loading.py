"""The demo as the requests of a client, and the one who sends them."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from itertools import groupby
from typing import Any

import orjson
from flask import Flask

from pointsbank.demo.awards import awards
from pointsbank.demo.events import SEED, Event, cast, events
from pointsbank.demo.people import DEPARTMENTS, LEARNERS, TEAMS
from pointsbank.demo.programme import (
    ALLOTMENT,
    AWARDERS,
    BIG_SCREEN,
    COMPANY,
    COURSES,
    ENDS_ON,
    MATCHES,
    OPEN_ALLOWANCES,
    OPEN_COURSE,
    PHASES,
    PROGRAMME,
    PROGRAMME_NAME,
    STARTS_ON,
    ZONE,
)
from pointsbank.demo.rulebook import RULEBOOK
from pointsbank.errors import PointsBankError

COMPANY_KEY = "demo"
PATH = f"/v1/programmes/{PROGRAMME}"
STATUSES = ("booked", "duplicate", "ignored")


class DemoRefused(PointsBankError):
    """The service did not take a request of the demo: the demo and the service do not fit together."""


@dataclass(frozen=True, slots=True)
class Request:
    """`json` is a document, or None for a request without a body."""

    method: str
    path: str
    json: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def body(self) -> bytes | None:
        return None if self.json is None else orjson.dumps(self.json)


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    json: Any


Send = Callable[[Request], Reply]


def requests() -> Iterator[Request]:
    """Everything in order. Sent again, nothing changes but that the rulebook gets a new version."""
    dice = random.Random(SEED)
    learners = cast(dice)
    told, given = events(dice, learners), awards(dice, learners)
    yield from directory_requests()
    yield from rulebook_requests()
    yield from _event_requests(told)
    for number, award in enumerate(given, 1):
        yield _json("POST", "/v1/awards", award, {"Idempotency-Key": f"demo-award-{number:04d}"})
    yield from match_requests()
    yield from closing_requests()


def directory_requests() -> Iterator[Request]:
    yield _json("PUT", "/v1/company", COMPANY)
    yield _json(
        "PUT",
        PATH,
        {
            "name": PROGRAMME_NAME,
            "starts_on": f"{STARTS_ON}",
            "ends_on": f"{ENDS_ON}",
            "timezone": COMPANY["timezone"],
            "allotment": ALLOTMENT,
            "phases": [
                {
                    "key": each.key,
                    "name": each.name,
                    "starts_on": f"{each.starts_on}",
                    "ends_on": f"{each.ends_on}",
                }
                for each in PHASES
            ],
        },
    )
    for course in (*COURSES, OPEN_COURSE):
        document = {
            "name": course.name,
            "kind": course.kind,
            "flowers": course.flowers,
            "opens_on": f"{course.opens_on}",
            "closes_on": f"{course.closes_on}",
        }
        yield _json("PUT", f"{PATH}/courses/{course.key}", document)
    people = [
        {"id": key, "name": name, "department": DEPARTMENTS[key], "joined_on": f"{STARTS_ON}"}
        for key, name in LEARNERS.items()
    ]
    yield _json("POST", "/v1/learners/batch", people)
    teams = [
        {"id": team.key, "name": team.name, "members": list(team.members), "from": f"{STARTS_ON}"} for team in TEAMS
    ]
    yield _json("PUT", f"{PATH}/teams/batch", teams)
    yield _json("PUT", f"{PATH}/leaderboards/pinned", {"boards": BIG_SCREEN})
    for awarder in AWARDERS:
        name = awarder.name if awarder.learner is None else f"{LEARNERS[awarder.learner]}（{awarder.name}）"
        allowances = dict(awarder.allowances)
        if awarder.key in OPEN_ALLOWANCES:
            allowances[OPEN_COURSE.key] = OPEN_ALLOWANCES[awarder.key]
        document = {"name": name, "role": awarder.role, "allowances": allowances}
        yield _json("PUT", f"{PATH}/awarders/{awarder.key}", document)


def rulebook_requests() -> Iterator[Request]:
    yield _json("PUT", f"{PATH}/rulebook/draft", RULEBOOK)
    yield Request("POST", f"{PATH}/rulebook/draft/activate")


def match_requests() -> Iterator[Request]:
    """After all that counts in them: they are over, and are settled as soon as they are put."""
    for match in MATCHES:
        document = {
            "name": match.name,
            "teams": [team.key for team in TEAMS],
            "unit": match.unit,
            "course": match.course,
            "starts_at": datetime.combine(match.first, time(), ZONE).isoformat(),
            "ends_at": datetime.combine(match.last + timedelta(days=1), time(), ZONE).isoformat(),
            "prize": {"unit": "credits", "amount": match.prize},
        }
        yield _json("PUT", f"{PATH}/matches/{match.key}", document)


def closing_requests() -> Iterator[Request]:
    """The year is over: its courses are closed, and their flowers become credits."""
    for course in COURSES:
        yield _json("POST", f"{PATH}/courses/{course.key}/close", {})


def _event_requests(told: list[Event]) -> Iterator[Request]:
    """A batch for each month."""
    for _, month in groupby(told, key=lambda event: event["time"][:7]):
        headers = {"Content-Type": "application/cloudevents-batch+json"}
        yield Request("POST", "/v1/events?results=problems", list(month), headers)


def _json(method: str, path: str, document: object, headers: dict[str, str] | None = None) -> Request:
    return Request(method, path, document, {"Content-Type": "application/json", **(headers or {})})


def load(send: Send) -> dict[str, int]:
    """Sends everything; how many events and awards were booked, duplicate and ignored.

    The rulebook is left alone where it is in force already. Raises DemoRefused at the first refusal.
    """
    counts: Counter[str] = Counter(dict.fromkeys(STATUSES, 0))
    in_force = send(Request("GET", f"{PATH}/rulebook"))
    same_rulebook = in_force.status == 200 and in_force.json["document"] == RULEBOOK
    for request in requests():
        if same_rulebook and "/rulebook/" in request.path:
            continue
        answer = _accepted(request, send(request))
        if request.path.startswith("/v1/events"):
            counts.update({status: answer[status] for status in STATUSES})
        elif request.path == "/v1/awards":
            counts[answer["status"]] += 1
    return dict(counts)


def _accepted(request: Request, reply: Reply) -> Any:
    if reply.status >= 300:
        raise DemoRefused(f"{request.method} {request.path}: {reply.status} {reply.json}")
    if request.path.startswith("/v1/events") and reply.json["rejected"]:
        first = next(result for result in reply.json["results"] if result.get("problem"))
        raise DemoRefused(f"{reply.json['rejected']} events were rejected; the first: {first}")
    return reply.json


def through(app: Flask, key: str) -> Send:
    """Sends to an application in this process, by the way that any client's request takes."""
    client = app.test_client()

    def send(request: Request) -> Reply:
        headers = {**request.headers, "Authorization": f"Bearer {key}"}
        answer = client.open(request.path, method=request.method, data=request.body, headers=headers)
        return Reply(answer.status_code, answer.get_json(silent=True))

    return send
