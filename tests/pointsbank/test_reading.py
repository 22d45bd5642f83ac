"""Boards as they are read from Redis: whole, of this ledger, and of who is asked for."""

import time
from datetime import UTC, datetime

import pytest
import redis

from pointsbank.leaderboards.boards import parse
from pointsbank.leaderboards.reading import Leaderboards, View
from pointsbank.leaderboards.store import Store, board_keys
from tests.pointsbank.board_company import NOW, Company, P, at


@pytest.fixture
def company(database):
    return Company(database)


@pytest.fixture
def store(own_redis):
    own_redis.start_afresh()
    return Store(redis.Redis.from_url(own_redis.url))


@pytest.mark.parametrize("foreign", [{"number": 10**9}, {"recorded_at": 1}, {"version": 10**9}])
def test_no_reader_is_shown_a_board_of_another_ledger(company, store, own_redis, foreign):
    """Nothing is booked, so that nothing but a reader has it made anew."""
    now = datetime.now(UTC)
    company.book("a", 5, at("10-01 09:00"))
    frame = company.cached(store, {"scope": P}, now)
    keys = board_keys(company.id, frame)
    (state,) = store.states(company.id, [frame])
    (first,) = store.client.zrange(keys[1], 0, 0)
    store.client.zincrby(keys[1], -1, first)
    store.client.hset(keys[0], mapping={"state": str(state._replace(**foreign)), "checked": 0})
    boards = Leaderboards(company.database, own_redis.url)
    sources = set()
    until = time.monotonic() + 10
    while "redis" not in sources and time.monotonic() < until:
        page = boards.page(company.id, View(parse({"scope": P})))
        sources.add(page.source)
        assert (page.standings.number, page.standings.rows[0].score) == (1, 5)
    assert "redis" in sources
    boards.close()


def test_watching_a_period_long_over_asks_nothing_of_redis(company, store, own_redis):
    boards = Leaderboards(company.database, own_redis.url, lambda: NOW)
    over, running = parse({"scope": P, "period": "2021-08"}), parse({"scope": P})
    first = boards.states(company.id, [over])
    assert store.wanted(company.id) == {}
    assert boards._projector._thread is None
    assert boards.states(company.id, [over, running])[0] == first[0]
    assert len(store.wanted(company.id)) == 1
    boards.close()


def test_everybody_is_found_whatever_ids_names_and_scores_are_made_of(company, store, own_redis):
    """A record is looked for by the bytes of its id, which may stand in other ids, in names, and in numbers."""
    tricky = [
        ("0", "1"),
        ("1", "0"),
        ("01", "1"),
        ("101", "01"),
        ("陈1", "a"),
        ("x" * 40, "1"),
        ("1" + "x" * 40, "x" * 40),
    ]
    with company.database.transaction(company.id) as session:
        for number, (key, name) in enumerate(tricky, 7):
            session.sql(
                "INSERT INTO learners (company_id, no, key, name) VALUES (%(company)s, %(no)s, %(key)s, %(name)s)",
                {"no": number, "key": key, "name": name},
            )
    for place in range(len(tricky)):
        company.book(chr(96 + 7 + place), 0x3194 if place % 2 == 0 else 9, at("10-01 09:00"))  # 0x31 is "1"
    frame = company.cached(store, {"scope": "company"})
    assert store.client.hget(board_keys(company.id, frame)[0], "buckets") == b"1", "all in one place"
    boards = Leaderboards(company.database, own_redis.url, lambda: NOW)
    for key in [*(key for key, _ in tricky), "a", "f"]:
        for limit in (1, 3, 100):
            page = boards.page(company.id, View(parse({"scope": "company"}), limit, around=key))
            expected = company.standings(limit=limit, around=key, scope="company")
            assert page.source == "redis"
            assert (page.standings.rows, page.standings.ahead) == (expected.rows, expected.ahead)
    boards.close()


def test_a_score_that_a_sorted_set_cannot_hold_is_left_to_the_ledger(company, store, own_redis):
    for unit in (1, 2):
        company.book("a", 2**53 - 1, at("10-01 09:00"), unit)
    frame = company.cached(store, {"scope": P, "unit": "flowers"})
    assert store.states(company.id, [frame]) == ["large"]
    boards = Leaderboards(company.database, own_redis.url, lambda: NOW)
    page = boards.page(company.id, View(parse({"scope": P, "unit": "flowers"})))
    assert page.source == "ledger"
    assert page.standings.rows[0].score == 2**54 - 2
    boards.close()
