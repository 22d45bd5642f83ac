"""What tests of the big screen have in common: awards, displays, browsers on a wall, and their streams."""

import itertools
import re
from collections.abc import Callable
from typing import Any

import pytest

from pointsbank import displays
from pointsbank.database import Database
from pointsbank.directory import programmes
from tests.api.conftest import Caller
from tests.api.test_stream import Client

_keys = itertools.count()


@pytest.fixture
def awarded(programme: Caller) -> Caller:
    allowance = {"service": 200}
    programme.put("/v1/programmes/2021/awarders/li", {"name": "李静宜", "role": "trainer", "allowances": allowance})
    study = {"name": "韩梅梅（学习委员）", "role": "committee", "allowances": allowance}
    programme.put("/v1/programmes/2021/awarders/study", study)
    return programme


def give(caller: Caller, amount: int = 1, reason: str = "好", **more: Any) -> Any:
    body = {"programme": "2021", "unit": "credits", "amount": amount, "reason": reason}
    body |= {"time": "2021-10-18T09:30:00+08:00"} | (more or {"learner": "20210001"})
    answer = caller.post("/v1/awards", body, headers={"Idempotency-Key": f"screen-{next(_keys)}"})
    assert answer.status_code == 201, answer.json
    return answer.json


FLOWERS = {"unit": "flowers", "course": "service"}


@pytest.fixture
def link_of(database: Database, programme: Caller) -> Callable[..., str]:
    """`link_of(hides_names=True)` makes a display and gives the text of its link."""

    def make(**how: Any) -> str:
        with database.transaction(programme.company_id) as session:
            return displays.create(session, programmes.get(session, "2021"), "教室", **how)[1]

    return make


@pytest.fixture
def wall(new_reader: Callable[[str], Any], link_of: Callable[..., str]) -> Callable[..., tuple[Any, str]]:
    """`wall(hides_names=True)`: a browser without anybody signed in, and where the link led it."""

    def hang(**how: Any) -> tuple[Any, str]:
        hung = new_reader("none")
        return hung, hung.get(f"/screen/link/{link_of(**how)}").headers["Location"]

    return hang


def stream_of(reader: Any, page: str) -> Client:
    found = re.search(r'data-stream="([^"]+)"', reader.get(page).text)
    assert found is not None
    return Client(reader.get(found[1].replace("&amp;", "&"), headers={"Accept": "text/event-stream"}))


def screen(client: Client) -> dict[str, Any]:
    return client.board()[1]


def until(client: Client, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The next screen that is so: boards and awards may come one after the other."""
    while not holds(found := screen(client)):
        pass
    return found
