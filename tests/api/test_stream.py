"""A live board over HTTP, here as the body of a response in its own thread; tests/system has the served one."""

import itertools
import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import orjson
import pytest

from api import app_state
from api.openapi import served_routes
from api.streams import connections, watching
from pointsbank import keys
from pointsbank.database import Database
from pointsbank.errors import NotFound, Unavailable
from tests.api.conftest import Caller

PATH = "/v1/leaderboards/stream"
SECONDS_MAX = 10
_keys = itertools.count()

Event = dict[str, str]


class Client:
    """Reads a stream event by event."""

    def __init__(self, answer: Any) -> None:
        assert (answer.status_code, answer.mimetype) == (200, "text/event-stream"), answer.get_data()
        self.answer = answer
        self.events = self._events()

    def _events(self) -> Iterator[Event]:
        for block in self.answer.iter_encoded():
            for text in block.decode().removesuffix("\n\n").split("\n\n"):
                yield dict(line.partition(": ")[::2] for line in text.split("\n"))

    def next(self) -> Event:
        return next(self.events)

    def board(self) -> tuple[str, dict[str, Any]]:
        """The id and the data of the next event that is a board."""
        event = next(event for event in self.events if event.keys() == {"id", "data"})
        return event["id"], orjson.loads(event["data"])

    def close(self) -> None:
        self.answer.close()


def award(caller: Caller, learner: str, amount: int) -> None:
    body = {
        "learner": learner,
        "programme": "2021",
        "unit": "credits",
        "amount": amount,
        "reason": "好",
        "time": "2021-10-18T09:30:00+08:00",
    }
    answer = caller.post("/v1/awards", body, headers={"Idempotency-Key": f"award-{next(_keys)}"})
    assert answer.status_code == 201, answer.json


def opened(caller: Caller, query: str = "scope=programme:2021", **headers: str) -> Client:
    return Client(caller.get(f"{PATH}?{query}", headers=headers))


def in_time(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + SECONDS_MAX
    while not holds() and time.monotonic() < until:
        time.sleep(0.01)
    return holds()


@pytest.fixture
def watch(caller: Caller) -> watching.Watch[Any, Any]:
    with caller.app.app_context():
        return app_state.state().watch


def test_the_first_event_is_what_get_answers(programme: Caller) -> None:
    query = "scope=programme:2021&members=teams&score=mean&limit=1"
    answer = programme.get(f"{PATH}?{query}")
    assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    with closing(Client(answer)) as client:
        assert 1_000 <= int(client.next()["retry"]) <= 5_000
        _, first = client.board()
    answered = programme.get(f"/v1/leaderboards?{query}").json
    first["as_of"].pop("at")
    answered["as_of"].pop("at")
    assert first == answered


def test_each_change_comes(programme: Caller) -> None:
    with closing(opened(programme)) as client:
        first_id, first = client.board()
        assert {row["score"] for row in first["rows"]} == {0}
        for amount in (5, 7):
            award(programme, "20210002", amount)
            changed_id, changed = client.board()
            assert changed_id != first_id
            assert changed["rows"][0]["member"]["id"] == "20210002"
        assert changed["rows"][0]["score"] == 12


def test_what_leaves_the_page_as_it_was_is_told_by_the_heartbeat_alone(
    programme: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEARTBEAT_SECONDS", 0.5)
    award(programme, "20210002", 5)
    with closing(opened(programme, "scope=programme:2021&limit=1")) as client:
        first_id, first = client.board()
        award(programme, "20210001", 1)
        event = client.next()
        assert (event["event"], event["id"] != first_id) == ("as_of", True)
        as_of = orjson.loads(event["data"])
        assert as_of["number"] == first["as_of"]["number"] + 1
        assert as_of["at"] > first["as_of"]["at"]


def test_who_comes_back_is_told_only_what_changed(programme: Caller) -> None:
    with closing(opened(programme)) as client:
        seen, _ = client.board()
    with closing(opened(programme, **{"Last-Event-ID": seen})) as client:
        assert "retry" in client.next()
        again = client.next()
        assert (again["event"], again["id"]) == ("as_of", seen)
        award(programme, "20210001", 3)
        _, changed = client.board()
        assert changed["rows"][0]["score"] == 3
    with closing(opened(programme, f"scope=programme:2021&last_event_id={seen}")) as client:
        assert client.board()[1]["rows"] == changed["rows"]


def test_many_who_watch_the_same_cost_one_page(
    programme: Caller, watch: watching.Watch[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = []
    page = watch._subject._leaderboards.page
    monkeypatch.setattr(watch._subject._leaderboards, "page", lambda *which: pages.append(which) or page(*which))
    clients = [opened(programme) for _ in range(20)]
    for client in clients:
        client.board()
    assert len(pages) == 1
    award(programme, "20210001", 3)
    for client in clients:
        assert client.board()[1]["rows"][0]["score"] == 3
        client.close()
    assert len(pages) == 2


def test_a_ledger_that_is_away_ends_nothing_and_nothing_false_is_said(
    programme: Caller, watch: watching.Watch[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEARTBEAT_SECONDS", 0.5)

    def fail(*_: object) -> None:
        raise Unavailable("away")

    with closing(opened(programme)) as client:
        client.board()
        with monkeypatch.context() as away:
            away.setattr(watch._subject._leaderboards, "states", fail, raising=False)
            award(programme, "20210001", 3)
            time.sleep(0.2)  # a look that was on its way is over
            while "" not in (event := client.next()):
                assert event["event"] == "as_of"
            assert event == {"": "the board cannot be read at the moment"}
        assert client.board()[1]["rows"][0]["score"] == 3


def test_a_key_that_is_revoked_ends_its_streams(
    programme: Caller, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = keys.create(database, programme.company_id, "other", ["read"])
    with closing(opened(programme, Authorization=f"Bearer {other}")) as client, closing(opened(programme)) as spared:
        client.board()
        spared.board()
        with database.transaction(programme.company_id) as session:
            session.sql("UPDATE api_keys SET revoked_at = now() WHERE company_id = %(company)s AND name = 'other'")
        began = time.monotonic()
        assert list(client.events) == []
        assert time.monotonic() - began < watching.RIGHTS_SECONDS + keys.KEY_CACHE_SECONDS + 1
        award(programme, "20210001", 3)
        assert spared.board()[1]["rows"][0]["score"] == 3


def test_a_widget_token_opens_its_board_for_pages_of_a_listed_origin(programme: Caller) -> None:
    page = "https://intranet.example"
    assert programme.put("/v1/company", {"name": "示范", "origins": [page]}).status_code == 200
    made = programme.post("/v1/widget-tokens", {"scope": "programme:2021"})
    assert made.status_code == 201, made.json
    query = f"scope=programme:2021&token={made.json['token']}"
    answer = programme.get(f"{PATH}?{query}", headers={"Origin": page})
    assert answer.headers["Access-Control-Allow-Origin"] == page
    with closing(Client(answer)) as client:
        client.board()
        assert programme.send("DELETE", f"/v1/widget-tokens/{made.json['id']}").status_code == 204
        assert list(client.events) == []
    for refused in (query.replace("programme:2021", "company"), query):
        assert programme.get(f"{PATH}?{refused}", headers={"Origin": page}).status_code in (401, 403)


def test_a_page_that_is_there_no_more_ends_the_stream(
    programme: Caller, watch: watching.Watch[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise NotFound("20210001 is not on this board.")

    with closing(opened(programme, "scope=programme:2021&around=20210001")) as client:
        client.board()
        monkeypatch.setattr(watch._subject._leaderboards, "page", gone)
        award(programme, "20210001", 3)
        assert list(client.events) == []


@pytest.mark.parametrize(
    ("query", "status", "path"),
    [
        ("scope=programme:none", 404, None),
        ("scope=world", 422, "scope"),
        ("unit=euro", 422, "unit"),
        ("period=2021-10-02..2021-10-01", 422, "period"),
        ("limit=501", 422, "limit"),
        ("scope=programme:2021&around=nobody", 404, None),
        (f"last_event_id={'x' * 201}", 422, "last_event_id"),
    ],
)
def test_faults_are_problems_before_anything_is_streamed(
    programme: Caller, query: str, status: int, path: str | None
) -> None:
    answer = programme.get(f"{PATH}?{query}")
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert [fault["path"] for fault in answer.json.get("errors", [])] == ([path] if path else [])


def test_a_worker_that_is_full_says_when_to_come_back(
    programme: Caller, watch: watching.Watch[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert in_time(lambda: watch._room.taken == 0)
    monkeypatch.setattr(watching, "MAX_STREAMS", 2)
    first, second = opened(programme), opened(programme)
    first.board()
    second.board()
    refused = programme.get(PATH)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, str(watching.FULL_RETRY_SECONDS))
    first.close()
    with closing(opened(programme)) as third:
        third.board()
    second.close()


def test_open_streams_are_counted(programme: Caller) -> None:
    def count() -> float:
        text = programme.app.test_client().get("/metrics").text
        found = re.search(r"^pointsbank_streams (\S+)$", text, re.MULTILINE)
        assert found is not None
        return float(found[1])

    before = count()
    with closing(opened(programme)) as client:
        client.board()
        assert count() == before + 1
    assert count() == before


def test_a_head_alone_opens_nothing(programme: Caller, watch: watching.Watch[Any, Any]) -> None:
    assert f"GET {PATH}" in served_routes(programme.app)
    before = watch._room.taken
    answer = programme.send("HEAD", PATH)
    assert (answer.status_code, answer.data, watch._room.taken) == (200, b"", before)
