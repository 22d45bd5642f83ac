"""Many clients at once, each with a connection of its own and real commits."""

import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from threading import Barrier

import pytest

from ledger.accounts import allowance, holding, pool_of_course
from ledger.audit import audit
from ledger.errors import InsufficientFunds
from ledger.journal import Booked, Duplicate, Transfer, post
from pointsbank.database import Database


def at_once(bank, clients, work):
    """Runs `work(client, run)` for each client in a thread; `run(drafts)` books them as that client."""
    together = Barrier(clients)
    with ExitStack() as stack:
        databases = [stack.enter_context(closing(Database(bank.database.url))) for _ in range(clients)]

        def client(no):
            together.wait()
            return work(no, lambda drafts: databases[no].run(bank.company, lambda session: post(session, drafts)))

        with ThreadPoolExecutor(clients) as pool:
            return list(pool.map(client, range(clients)))


def numbers(bank):
    return [row.number for row in bank.sql("SELECT number FROM entries ORDER BY number")]


@pytest.fixture
def sound(bank):
    """The bank, which is audited after the race; its numbers have no gaps."""
    yield bank
    with bank.database.snapshot(bank.company) as session:
        assert list(audit(session)) == []
    assert numbers(bank) == list(range(1, len(numbers(bank)) + 1))


def test_an_allowance_of_100_gives_100_however_many_ask(sound):
    drafts = [[sound.award(1, learner=no % 10 + 1) for _ in range(5)] for no in range(32)]
    outcomes = at_once(sound, 32, lambda no, run: [run([draft])[0] for draft in drafts[no]])
    every = [outcome for each in outcomes for outcome in each]
    assert sum(isinstance(outcome, Booked) for outcome in every) == 100
    assert sum(isinstance(outcome, InsufficientFunds) for outcome in every) == 60
    assert sound.balance(allowance(1), 1) == 0
    assert sum(sound.balance(holding(no), 1) for no in range(1, 11)) == 100


def test_opposing_transfers_never_deadlock(sound):
    sound.post(*(sound.allowance(100, awarder) for awarder in (1, 2)))
    there = [(pool_of_course(1), allowance(1)), (allowance(1), allowance(2)), (allowance(2), pool_of_course(1))]
    moves = there + [(credit, debit) for debit, credit in there]

    def batch(no):
        chosen = random.Random(no).choices(moves, k=20)
        return [sound.draft(Transfer(1, debit, credit, 1)) for debit, credit in chosen]

    batches = [[batch(10 * no + turn) for turn in range(5)] for no in range(8)]
    outcomes = at_once(sound, 8, lambda no, run: [outcome for drafts in batches[no] for outcome in run(drafts)])
    assert all(isinstance(outcome, Booked) for each in outcomes for outcome in each)
    accounts = [pool_of_course(1), allowance(1), allowance(2)]
    assert sum(sound.balance(account, 1) for account in accounts) == 1000
    deadlocks = sound.sql("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    assert deadlocks[0].deadlocks == 0


def test_a_storm_of_retries_books_each_once(sound):
    drafts = [sound.earning(1, learner=no % 10 + 1) for no in range(1000)]

    def send(no, run):
        order = list(range(0, 1000, 125))
        random.Random(no).shuffle(order)
        return {start + i: o for start in order for i, o in enumerate(run(drafts[start : start + 125]))}

    outcomes = at_once(sound, 16, send)
    assert numbers(sound) == list(range(1, 1006))
    for index in range(1000):
        first, *others = sorted((each[index] for each in outcomes), key=lambda o: isinstance(o, Duplicate))
        assert isinstance(first, Booked)
        assert others == [Duplicate(first.number)] * 15
    assert sum(sound.balance(holding(no)) for no in range(1, 11)) == 1000


def test_numbers_follow_the_order_of_commits(sound):
    """Whoever sees number n sees all below it, also while others book."""

    def book_and_look(no, run):
        for _ in range(10):
            (booked,) = run([drafts[no].pop()])
            seen = numbers(sound)
            assert seen == list(range(1, len(seen) + 1))
            assert booked.number <= len(seen)

    drafts = [[sound.earning(1) for _ in range(10)] for _ in range(6)]
    at_once(sound, 6, book_and_look)
    assert len(numbers(sound)) == 65
