"""Facts of the demo's year as the service finds them, against the same facts counted in the events that were sent."""

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import flask
import pytest

from pointsbank.database import Database
from pointsbank.demo import loading
from pointsbank.demo.people import LEARNERS, TEAMS
from pointsbank.demo.programme import AWARDERS, COURSES
from pointsbank.directory import enrolments, programmes
from rules import eligibility
from rules.rulebook import parse
from tests.api.conftest import Caller, app, new_company  # noqa: F401 - fixtures

MID_YEAR = datetime(2022, 1, 1, tzinfo=UTC)
AFTERWARDS = datetime(2022, 12, 31, tzinfo=UTC)
ROLES = {awarder.key: awarder.role for awarder in AWARDERS}

Fact = dict[str, Any]
PROGRAMME: Fact = {"in": "programme"}


def facts() -> list[Fact]:
    found: list[Fact] = [
        {"fact": "attendance", "at_least": 90, **PROGRAMME},
        {"fact": "events", "type": "volunteer.served", "sum": "hours", "at_least": 10, **PROGRAMME},
        {"fact": "events", "type": "discipline.breach", "at_least": 1, **PROGRAMME},
        {"fact": "award", "role": "committee", "at_least": 1, **PROGRAMME},
        {"fact": "award", "at_least": 1, **PROGRAMME},
    ]
    for course in COURSES:
        here = {"in": f"course:{course.key}"}
        found += [
            {"fact": "attendance", "at_least": 80, **here},
            {"fact": "passed", "at_least": 75, **here},
            {"fact": "events", "type": "lms.test.scored", "at_least": 2, **here},
            {"fact": "award", "role": "mentor", "at_least": 1, **here},
        ]
    return found


class Told:
    """What was sent, before a cut-off, by learner."""

    def __init__(self, requests: list[loading.Request], cut_off: datetime) -> None:
        self.events: dict[str, list[Any]] = defaultdict(list)
        self.awards: dict[str, list[Any]] = defaultdict(list)
        members = {team.key: team.members for team in TEAMS}
        for request in requests:
            if request.path.startswith("/v1/events"):
                for event in request.json:
                    if datetime.fromisoformat(event["time"]) < cut_off:
                        self.events[event["subject"]].append(event)
            elif request.path == "/v1/awards" and datetime.fromisoformat(request.json["time"]) < cut_off:
                award = request.json
                for learner in members[award["team"]] if "team" in award else [award["learner"]]:
                    self.awards[learner].append(award)

    def found(self, learner: str, fact: Fact) -> Any:
        course = fact["in"].removeprefix("course:") if fact["in"] != "programme" else None
        events = [each["data"] | {"type": each["type"]} for each in self.events[learner]]
        events = [each for each in events if course in (None, each.get("course"))]
        if fact["fact"] == "attendance":
            kinds = Counter(each["type"] for each in events if each["type"].startswith("attendance."))
            return kinds["attendance.present"], kinds.total()
        if fact["fact"] == "passed":
            return max([each["score"] for each in events if "score" in each], default=None)
        if fact["fact"] == "award":
            given = [each for each in self.awards[learner] if course in (None, each["course"])]
            return sum(fact.get("role") in (None, ROLES[each["awarder"]]) for each in given)
        some = [each for each in events if each["type"] == fact["type"]]
        return sum((Decimal(str(each["hours"])) for each in some), Decimal(0)) if "sum" in fact else len(some)


@pytest.fixture(scope="module")
def requests() -> list[loading.Request]:
    return list(loading.requests())


@pytest.fixture
def demo(new_company: Callable[..., Caller], requests: list[loading.Request], app: flask.Flask) -> Caller:  # noqa: F811
    """Events, awards and the directory; closing and matches are not needed here."""
    bank = new_company()
    send = loading.through(app, bank.key)
    for request in requests:
        if request.path.endswith("/close") or "/matches/" in request.path:
            continue
        assert send(request).status < 300, request.path
    return bank


def test_every_fact_of_everybody(demo: Caller, database: Database, requests: list[loading.Request]) -> None:
    wanted = facts()
    name = {"zh": "证", "en": "it"}
    rulebook = parse(
        {
            "certificates": [
                {"key": str(n), "kind": "points", "name": name, "criteria": fact} for n, fact in enumerate(wanted)
            ]
        }
    )
    for cut_off in (MID_YEAR, AFTERWARDS):
        told = Told(requests, cut_off)
        with database.snapshot(demo.company_id) as session:
            programme = programmes.get(session, "2021")
            numbers = {each.no: each.learner for each in enrolments.page(session, programme, 100)}
            as_of = eligibility.AsOf(cut_off, eligibility.as_of(session).number)
            judged = eligibility.evaluate(session, programme, rulebook, list(numbers), as_of)
        assert sorted(numbers.values()) == sorted(LEARNERS)
        for no, learner in numbers.items():
            for fact, one in zip(wanted, judged[no], strict=True):
                what = one.explanation.what
                found = (what.value, what.out_of or 0) if fact["fact"] == "attendance" else what.value
                assert found == told.found(learner, fact), (learner, fact, cut_off)
