"""The demo's story holds together before any service sees it, and is the same story each time."""

from collections import Counter, defaultdict
from datetime import date, datetime
from typing import Any

import orjson
import pytest

from pointsbank.demo import loading
from pointsbank.demo.people import LEARNERS, TEAMS
from pointsbank.demo.programme import (
    ALLOTMENT,
    AWARDERS,
    COURSES,
    ENDS_ON,
    MATCHES,
    MILESTONES,
    PHASES,
    STARTS_ON,
    ZONE,
    is_workday,
)
from pointsbank.demo.rulebook import RULEBOOK
from rules import cloudevent, earning, rulebook

COURSE_DATES = {course.key: (course.opens_on, course.closes_on) for course in COURSES}


@pytest.fixture(scope="module")
def requests() -> list[loading.Request]:
    return list(loading.requests())


@pytest.fixture(scope="module")
def events(requests: list[loading.Request]) -> list[Any]:
    return [event for request in requests if request.path.startswith("/v1/events") for event in request.json]


@pytest.fixture(scope="module")
def awards(requests: list[loading.Request]) -> list[Any]:
    return [request.json for request in requests if request.path == "/v1/awards"]


def day_of(text: str) -> date:
    return datetime.fromisoformat(text).astimezone(ZONE).date()


def test_it_is_the_same_to_the_byte_each_time(requests: list[loading.Request]) -> None:
    def content(some: list[loading.Request]) -> list[bytes]:
        return [orjson.dumps([each.method, each.path, each.json, each.headers]) for each in some]

    assert content(requests) == content(list(loading.requests()))


def test_its_shape(events: list[Any], awards: list[Any]) -> None:
    assert [len(team.members) for team in TEAMS] == [8] * 6
    assert len(LEARNERS) == len(set(LEARNERS.values())) == 48
    assert (len(PHASES), len(MILESTONES)) == (3, 11)
    assert {course.kind for course in COURSES} == {"structured", "practical"}
    assert {awarder.role for awarder in AWARDERS} == {"trainer", "mentor", "committee"}
    assert 3_000 <= len(events) <= 6_000
    assert 200 <= len(awards) <= 400
    assert {event["data"]["milestone"] for event in events if event["type"] == "milestone.reached"} == {
        milestone.key for milestone in MILESTONES
    }


def test_events_are_of_learners_and_lie_within_the_dates(events: list[Any]) -> None:
    assert len({(event["source"], event["id"]) for event in events}) == len(events)
    for event in events:
        day = day_of(event["time"])
        first, last = COURSE_DATES.get(event["data"].get("course"), (STARTS_ON, ENDS_ON))
        assert first <= day <= last, event
        assert event["subject"] in LEARNERS
        assert is_workday(day) or event["type"] == "volunteer.served", event
        assert 8 <= datetime.fromisoformat(event["time"]).hour < 19, event


def test_milestones_lie_within_their_phases(events: list[Any]) -> None:
    dates = {phase.key: (phase.starts_on, phase.ends_on) for phase in PHASES}
    for event in events:
        if event["type"] == "milestone.reached":
            first, last = dates[event["data"]["phase"]]
            assert first <= day_of(event["time"]) <= last, event


def test_awards_keep_to_the_allowances_and_the_course_dates(awards: list[Any]) -> None:
    allowances = {awarder.key: awarder for awarder in AWARDERS}
    given: defaultdict[tuple[str, str], int] = defaultdict(int)
    for award in awards:
        first, last = COURSE_DATES[award["course"]]
        assert first <= day_of(award["time"]) <= last
        assert award["reason"]
        assert award.get("learner") != allowances[award["awarder"]].learner or "team" in award
        given[award["awarder"], award["course"]] += award["amount"] * (8 if "team" in award else 1)
    for (awarder, course), amount in given.items():
        assert amount <= allowances[awarder].allowances[course]


def test_the_first_three_of_a_debate_are_by_position(events: list[Any]) -> None:
    debates: defaultdict[str, list[Any]] = defaultdict(list)
    for event in events:
        if event["type"] == "debate.topic.prepared" and event["data"]["quality"] >= 4:
            debates[event["data"]["course"]].append(event["data"]["position"])
    assert len(debates) == 2
    for positions in debates.values():
        assert positions == list(range(1, len(positions) + 1))


def test_matches_lie_within_their_courses_and_are_over(requests: list[loading.Request]) -> None:
    put = [request.json for request in requests if "/matches/" in request.path]
    assert [len(match["teams"]) for match in put] == [len(TEAMS)] * len(MATCHES)
    for match in put:
        first, last = COURSE_DATES.get(match["course"], (STARTS_ON, ENDS_ON))
        assert first <= day_of(match["starts_at"]) < day_of(match["ends_at"]) <= last


def test_the_rulebook_holds_for_every_event_and_the_pools_suffice(events: list[Any]) -> None:
    """Caps and `first` only make it less."""
    parsed = rulebook.parse(RULEBOOK)
    earned: Counter[str] = Counter()
    rules = set()
    for index, raw in enumerate(events):
        for one in earning.evaluate(parsed, cloudevent.parse_event(raw, index)):
            earned["credits" if one.unit == "credits" else raw["data"]["course"]] += one.amount
            rules.add(one.rule.key)
    assert rules == {rule["key"] for rule in RULEBOOK["earning"]}
    prizes = sum(match.prize * max(len(team.members) for team in TEAMS) for match in MATCHES)
    assert earned["credits"] + prizes <= ALLOTMENT
    for course in COURSES:
        allowed = sum(awarder.allowances.get(course.key, 0) for awarder in AWARDERS)
        assert earned[course.key] + allowed <= course.flowers
