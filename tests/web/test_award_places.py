"""When a course takes flowers, and when an award that a device kept can have happened."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from api.pages import award_places
from pointsbank.directory import courses, programmes
from tests.api.conftest import Caller
from tests.web.conftest import Reader

NOW = datetime(2021, 9, 15, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ago", "at"),
    [
        (None, None),
        (timedelta(0), None),
        (timedelta(minutes=5), NOW - timedelta(minutes=5)),
        (timedelta(minutes=-5), None),
        (timedelta(days=10), NOW - timedelta(days=10)),
        (timedelta(days=20), None),
        (timedelta(days=999_999_999), None),
    ],
    ids=["not said", "just now", "earlier", "in the future", "in the course", "before the course", "beyond all time"],
)
def test_a_time_that_cannot_be_is_not_believed(ago: timedelta | None, at: datetime | None) -> None:
    day = NOW.date()
    programme = SimpleNamespace(zone=UTC, closed_at=None)
    course = SimpleNamespace(opens_on=day - timedelta(days=15), closes_on=day, closed_at=None)
    place: Any = SimpleNamespace(programme=programme, course=course)
    assert award_places.when(place, ago, NOW) == at


def test_states_of_a_course_follow_its_days(programme: Caller, reader: Reader) -> None:
    short = {"name": "短", "kind": "practical", "opens_on": "2022-01-02", "closes_on": "2022-01-03"}
    assert programme.put("/v1/programmes/2021/courses/short", short).status_code == 201
    with reader.database.snapshot(reader.company_id) as session:
        found = programmes.get(session, "2021")
        course = courses.get(session, found, "short")
    states = {  # midnight in Shanghai is 16:00 of the day before
        datetime(2022, 1, 1, 15, 59, tzinfo=UTC): "early",
        datetime(2022, 1, 1, 16, 0, tzinfo=UTC): "open",
        datetime(2022, 1, 3, 15, 59, tzinfo=UTC): "open",
        datetime(2022, 1, 3, 16, 0, tzinfo=UTC): "over",
    }
    for at, state in states.items():
        assert award_places.state_of(found, course, at) == state
