"""A certificate for 60 credits over a year of a real course: SQLite finds the same learners and the same shortfalls."""

import importlib.util
import json
import sys
import urllib.request
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import pytest

from pointsbank import company
from pointsbank.database import Database
from pointsbank.directory import enrolments, programmes
from rules import eligibility, versions

EXAMPLES = Path(__file__).parents[2] / "examples"
COMPANY = "oulad-certificates"
LEAST = 60
LEARNERS_AT_ONCE = 500
ASKED_OVER_HTTP = 25

RULEBOOK = {
    "earning": [
        {
            "key": "credits",
            "on": "lms.assessment.scored",
            "when": "has(data.score) && data.assessment_type != 'Exam'",
            "award": {"unit": "credits", "amount": "double(data.score) * double(data.weight)", "round": "half_up"},
        }
    ],
    "certificates": [
        {
            "key": "sixty",
            "kind": "points",
            "name": {"zh": "积分证", "en": "Points certificate"},
            "criteria": {"fact": "credits", "in": "programme", "at_least": LEAST * 100},
        }
    ],
}


class Service(Protocol):
    url: str
    database_url: str

    def key(self, company: str) -> str: ...


def module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = found  # dataclasses look their module up
    spec.loader.exec_module(found)
    return found


@pytest.fixture
def loaded(
    start_service: Callable[..., Service],
    fresh_database_url: str,
    shared_data: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[Service, Path, Any]:
    """The service after the example's client has put and posted everything, by the rulebook above."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    example = module(EXAMPLES / "oulad.py")
    folder = shared_data("oulad_bbb_2013j")
    service = start_service(fresh_database_url)
    course = example.read(folder, None, None)
    client = example.Client(service.url, service.key(COMPANY))
    example.put_directory(client, course)
    client.ask("PUT", f"{course.path}/rulebook/draft", RULEBOOK)
    client.ask("POST", f"{course.path}/rulebook/draft/activate")
    counts, _ = example.post_events(client, course)
    assert counts["rejected"] == 0
    exam = client.ask("POST", "/v1/events", an_exam(course), "application/cloudevents+json")
    client._connection.close()
    assert exam["status"] == "ignored"
    return service, folder, course


def an_exam(course: Any) -> dict[str, Any]:
    """Full marks for everything, which count for nothing: the tables of this presentation have no exam's results."""
    learner = course.learners[0]["id_student"]
    data = {"programme": course.programme, "course": course.module, "assessment_type": "Exam"}
    head = {"specversion": "1.0", "id": "exam", "source": "urn:exams", "type": "lms.assessment.scored"}
    return {
        **head,
        "subject": learner,
        "data": {**data, "score": 100, "weight": 100},
        "time": f"{course.on(200)}T12:00:00Z",
    }


def found_by_the_bank(service: Service, programme_key: str) -> dict[str, tuple[str, int]]:
    """As the oracle has it: the shortfall in credits, or "", and how many entries it rests on."""
    found: dict[str, tuple[str, int]] = {}
    with closing(Database(service.database_url)) as database:
        company_id = company.find(database, COMPANY)
        assert company_id is not None
        with database.snapshot(company_id) as session:
            programme = programmes.get(session, programme_key)
            _, rulebook = versions.rulebook_in_force(session, programme.no)
            as_of = eligibility.as_of(session)
            last = 0
            while everybody := enrolments.page(session, programme, LEARNERS_AT_ONCE, last):
                numbers = [each.no for each in everybody]
                judged = eligibility.evaluate(session, programme, rulebook, numbers, as_of)
                for each in everybody:
                    [one] = judged[each.no]
                    short = "" if one.qualified else f"{Decimal(one.explanation.missing or 0) / 100:.2f}"
                    found[each.learner] = short, len(one.explanation.entries())
                last = numbers[-1]
    return found


def test_sixty_credits(loaded: tuple[Service, Path, Any]) -> None:
    service, folder, course = loaded
    oracle = module(Path(__file__).with_name("oulad_oracle.py"))
    expected = oracle.shortfalls(folder, LEAST)
    found = found_by_the_bank(service, course.programme)
    qualified = {learner for learner, (short, _) in found.items() if not short}
    assert qualified == {learner for learner, (short, _) in expected.items() if not short}
    assert found == expected
    assert len(found) == len(course.learners)
    # Neither nobody nor everybody: some handed in nothing, some are short by little.
    assert 0 < len(qualified) < len(found)
    shortfalls = {short for short, _ in found.values() if short}
    assert "60.00" in shortfalls
    assert min(map(Decimal, shortfalls)) < 1
    over_http_it_is_the_same(service, course.programme, found)


def over_http_it_is_the_same(service: Service, programme: str, found: dict[str, tuple[str, int]]) -> None:
    """For those who are nearest to the limit, and for some of the others."""
    nearest = sorted(found, key=lambda learner: (Decimal(found[learner][0] or 0), learner))
    short = [learner for learner in nearest if found[learner][0]][:ASKED_OVER_HTTP]
    for learner in [*short, *nearest[:: len(nearest) // ASKED_OVER_HTTP]]:
        request = urllib.request.Request(
            f"{service.url}/v1/learners/{learner}/eligibility?programme={programme}",
            headers={"Authorization": f"Bearer {service.key(COMPANY)}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            [item] = json.load(answer)["items"]
        missing, entries = found[learner]
        assert item["qualified"] == (not missing)
        assert item["explanation"]["entries_total"] == entries
        assert item["explanation"]["missing"] == Decimal(missing or 0) * 100
        if missing:
            assert f"：还差 {missing} 积分" in item["explanation"]["words"]["zh"]
            assert f": {missing} credits short" in item["explanation"]["words"]["en"]
