"""Pinned boards in Redis: there from the first commit on, looked at by nobody, and as the ledger has them."""

import time
from datetime import UTC, datetime, timedelta

import pytest
import redis

from pointsbank.leaderboards import pins, projection
from pointsbank.leaderboards.boards import parse
from pointsbank.leaderboards.comparing import differences, frames
from pointsbank.leaderboards.frame import Frame
from pointsbank.leaderboards.projection import FROZEN_AFTER, project, rebuild
from pointsbank.leaderboards.reading import Leaderboards, View
from pointsbank.leaderboards.store import State, Store
from tests.pointsbank.board_company import NOW, SERVICE, Company, P, at

PINNED = [{}, {"members": "teams", "period": "week", "score": "mean"}, {"scope": SERVICE, "unit": "flowers"}]


@pytest.fixture
def store(own_redis):
    own_redis.start_afresh()
    return Store(redis.Redis.from_url(own_redis.url))


@pytest.fixture
def company(database):
    """A company whose programme pins three boards, and where something was earned."""
    made = Company(database)
    with database.transaction(made.id) as session:
        pins.put(session, "2021", PINNED)
    made.book("a", 5, at("10-01 09:00"))
    return made


def _there(store: Store, company: Company, wanted: list[Frame]) -> list[Frame]:
    states = store.states(company.id, wanted)
    return [frame for frame, state in zip(wanted, states, strict=True) if isinstance(state, State)]


def _wait(condition) -> None:
    until = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_they_come_with_the_first_commit_and_nobody_looks(company, store, own_redis):
    boards = Leaderboards(company.database, own_redis.url)
    wanted = pins.frames(company.database, company.id, datetime.now(UTC))
    assert len(wanted) == 3
    assert _there(store, company, wanted) == []
    company.book("a", 1, at("10-01 10:00"))
    _wait(lambda: _there(store, company, wanted) == wanted)
    page = boards.page(company.id, View(parse({"scope": P})))
    assert (page.source, page.standings.rows[0].score) == ("redis", 6)
    boards.close()


def test_one_that_is_pinned_now_comes_at_once(company, store, own_redis):
    boards = Leaderboards(company.database, own_redis.url)
    company.book("a", 1, at("10-01 10:00"))
    before = pins.frames(company.database, company.id, datetime.now(UTC))
    _wait(lambda: _there(store, company, before) == before)  # and the projector remembers them
    with company.database.transaction(company.id) as session:
        pins.put(session, "2021", [*PINNED, {"scope": "company"}])
    boards.pins_changed(company.id)
    wanted = pins.frames(company.database, company.id, datetime.now(UTC))
    _wait(lambda: _there(store, company, wanted) == wanted)
    boards.close()


def test_where_nothing_is_booked_they_come_by_themselves(company, store, own_redis):
    boards = Leaderboards(company.database, own_redis.url)
    boards.warm_pinned()
    wanted = pins.frames(company.database, company.id, datetime.now(UTC))
    _wait(lambda: _there(store, company, wanted) == wanted)
    boards.close()


def test_they_stay_though_nobody_looks_until_they_are_pinned_no_more(company, store, monkeypatch):
    def take_turn() -> None:
        assert project(company.database, store, company.id, NOW, pins.frames(company.database, company.id, NOW))

    take_turn()
    index = f"pb:{{{company.id}}}:boards"
    wanted = pins.frames(company.database, company.id, NOW)
    monkeypatch.setattr(projection, "LIVES_SECONDS", 100)
    monkeypatch.setattr(projection, "SAID_SECONDS", 10)
    for frame in wanted:
        store.client.zincrby(index, -200, frame.id)
        store.client.expire(f"pb:{{{company.id}}}:board:{frame.id}:order", 5)
    take_turn()
    assert _there(store, company, wanted) == wanted
    assert store.client.ttl(f"pb:{{{company.id}}}:board:{wanted[0].id}:order") > 1_000
    with company.database.transaction(company.id) as session:
        pins.put(session, "2021", PINNED[:1])
    for frame in wanted:
        store.client.zincrby(index, -200, frame.id)
    take_turn()
    assert _there(store, company, wanted) == wanted[:1]


def test_a_period_moves_on_and_one_long_over_is_not_kept(company, store):
    with company.database.transaction(company.id) as session:
        pins.put(session, "2021", [{"period": "week"}, {"period": "2021-10-01"}])
    later = NOW + FROZEN_AFTER + timedelta(days=30)
    for now, count in ((at("10-02 09:00"), 2), (later, 1)):
        wanted = pins.frames(company.database, company.id, now)
        project(company.database, store, company.id, now, wanted)
        assert len(_there(store, company, wanted)) == count


def test_rebuild_makes_them_and_verify_compares_them(company, store):
    assert rebuild(company.database, store, company.id).boards == 3
    store.client.flushall()
    compared = frames(company.database, store, company.id)
    assert len(compared) == 3
    assert [list(differences(company.database, store, company.id, each)) for each in compared] == [[], [], []]
    order = f"pb:{{{company.id}}}:board:{compared[0].id}:order"
    (first,) = store.client.zrange(order, 0, 0)
    store.client.zincrby(order, -1, first)
    assert any(list(differences(company.database, store, company.id, each)) for each in compared)


def test_which_companies_have_any_is_found_by_one_query(company, database):
    other = Company(database)
    found = pins.companies(database)
    assert company.id in found
    assert other.id not in found
