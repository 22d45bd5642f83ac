"""Pages without the client's machinery: after a restart of Redis, with its scripts lost, and through a time limit."""

import pytest
import redis
from redis import exceptions

from pointsbank.leaderboards.exchange import Exchange

SCRIPT = "return {KEYS[1], ARGV[1], 7}"


@pytest.fixture
def client(own_redis):
    own_redis.start_afresh()
    return redis.Redis.from_url(own_redis.url, socket_timeout=0.5)


def test_the_script_is_loaded_where_it_is_missing(client):
    exchange = Exchange(client, SCRIPT)
    for _ in range(2):
        assert exchange.run(["key"], ["值"]) == [b"key", "值".encode(), 7]
        client.script_flush()


def test_connections_that_a_restart_has_ended_are_no_failure(client, own_redis):
    exchange = Exchange(client, SCRIPT)
    exchange.run(["key"], [1])
    own_redis.start_afresh()
    assert exchange.run(["key"], [2]) == [b"key", b"2", 7]


def test_a_fault_of_the_script_is_raised_and_costs_no_connection(client):
    exchange = Exchange(client, "return redis.call('NONSENSE')")
    for _ in range(2):
        with pytest.raises(exceptions.ResponseError):
            exchange.run(["key"], [])
    assert len(exchange._idle) == 1


def test_redis_that_is_away_and_a_redis_that_is_too_slow_are_told(client, own_redis):
    exchange = Exchange(client, SCRIPT)
    exchange.run(["key"], [1])
    slow = Exchange(client, "while ARGV[1] == 'slow' do end")
    slow.run(["key"], ["quick"])
    with pytest.raises(exceptions.TimeoutError):
        slow.run(["key"], ["slow"])
    assert not slow._idle, "what it answers later would be taken for another answer"
    own_redis.kill()
    with pytest.raises((exceptions.ConnectionError, exceptions.TimeoutError)):
        exchange.run(["key"], [1])
