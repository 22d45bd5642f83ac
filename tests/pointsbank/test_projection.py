"""Boards in Redis against the ledger: equal row for row, in order, whatever happened to either before."""

import contextlib
import itertools
from datetime import timedelta
from threading import Thread
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from ledger import reversals
from ledger.accounts import CREDITS
from ledger.errors import LedgerError
from pointsbank import company as companies
from pointsbank.directory import enrolments, learners, programmes, teams
from pointsbank.leaderboards import places, projection, reading
from pointsbank.leaderboards.boards import parse
from pointsbank.leaderboards.comparing import differences, frames
from pointsbank.leaderboards.frame import micros
from pointsbank.leaderboards.projection import FROZEN_AFTER, project, rebuild
from pointsbank.leaderboards.reading import Leaderboards, View
from pointsbank.leaderboards.standings import standings
from pointsbank.leaderboards.store import Store, board_keys
from tests.pointsbank.board_company import NETWORK, NOW, SERVICE, SHANGHAI, Company, P, at

BOARDS = [
    {"scope": P},
    {"scope": "company"},
    {"scope": P, "members": "teams"},
    {"scope": P, "members": "teams", "score": "mean"},
    {"scope": P, "unit": "flowers"},
    {"scope": SERVICE, "unit": "flowers", "members": "teams"},
    {"scope": NETWORK},
    {"scope": "company", "unit": "flowers"},
    {"scope": P, "period": "2021-10-15..2021-10-25"},
    {"scope": P, "period": "day"},
    {"scope": P, "period": "week", "members": "teams", "score": "mean"},
    {"scope": P, "period": "2021-10-16"},
]


class Killed(BaseException):
    """The projector's process dies."""


class Lockless(Store):
    """Of a projector that takes itself for the only one: a lock only saves work."""

    def lock(self, company_id: int, seconds: float) -> str:
        return "mine"


def die() -> None:
    raise Killed


class Mortal(redis.Redis):  # type: ignore[type-arg]
    """A client to whose process something happens before or after its nth command."""

    left: int | None = None
    after = False
    happens = staticmethod(die)

    def execute_command(self, *args: Any, **options: Any) -> Any:
        return self._mortal(super().execute_command, *args, **options)

    def pipeline(self, *args: Any, **options: Any) -> Any:
        made = super().pipeline(*args, **options)
        execute = made.execute
        made.execute = lambda *args, **options: self._mortal(execute, *args, **options)  # type: ignore[method-assign]
        return made

    def _mortal(self, work: Any, *args: Any, **options: Any) -> Any:
        if self.left is None:
            return work(*args, **options)
        self.left -= 1
        is_now = self.left == 0
        if is_now and not self.after:
            self.happens()
        result = work(*args, **options)
        if is_now and self.after:
            self.happens()
        return result


class Boards(RuleBasedStateMachine):
    """Whatever is done, in whatever order, boards in Redis say what the ledger says."""

    database: Any
    server: Any

    @initialize()
    def begin(self) -> None:
        self.server.start_afresh()
        self.company = Company(self.database)
        for learner, team in (("a", "red"), ("b", "red"), ("c", "blue"), ("d", "blue")):
            self.company.join(learner, team)
        self.now = NOW
        self.client = Mortal.from_url(self.server.url)
        self.other = redis.Redis.from_url(self.server.url)
        self.store = Store(self.client)
        self.boards = Leaderboards(self.database, self.server.url, lambda: self.now)
        self.boards._projector.close()  # passes are made by the rules alone
        for board in BOARDS:
            self.boards.page(self.company.id, View(parse(board)))
        self.names = itertools.count()
        self.steps = itertools.count()

    learner = st.sampled_from("abcde")
    when = st.one_of(
        st.integers(-6 * 24, 0).map(lambda hours: timedelta(hours=hours)),
        st.sampled_from([timedelta(hours=13), timedelta(hours=36), timedelta(days=3), timedelta(microseconds=1)]),
    )
    what = st.sampled_from([(CREDITS, 1, None), (CREDITS, 1, 2), (CREDITS, 2, None), (1, 1, 1), (2, 1, 2), (3, 2, 3)])

    @rule(learner=learner, amount=st.integers(1, 9), when=when, what=what)
    def award(self, learner: str, amount: int, when: timedelta, what: Any) -> None:
        self.company.book(learner, amount, self.now + when, *what)

    @rule(those=st.sets(learner, min_size=2), amount=st.integers(1, 3), when=when)
    def award_several(self, those: set[str], amount: int, when: timedelta) -> None:
        self.company.book_many(sorted(those), amount, self.now + when)

    @rule(nth=st.integers(0, 100), amount=st.integers(1, 5), when=when)
    def take_back(self, nth: int, amount: int, when: timedelta) -> None:
        if given := [each for each in self.company.booked if each[2] > 0]:
            no, unit, most, _, _, programme, course = given[nth % len(given)]
            self.company.book(chr(96 + no), -min(amount, most), self.now + when, unit, programme, course)

    @rule(nth=st.integers(0, 100))
    def reverse(self, nth: int) -> None:
        if numbers := sorted({number for *_, number, _, _ in self.company.booked}):
            with contextlib.suppress(LedgerError), self.database.transaction(self.company.id) as session:
                reversals.reverse(session, numbers[nth % len(numbers)], "错误")

    @rule(zone=st.sampled_from(["Asia/Shanghai", "Pacific/Kiritimati", "Europe/Berlin"]))
    def change_the_time_zone(self, zone: str) -> None:
        with self.database.transaction(self.company.id) as session:
            companies.put(session, "公司", zone, 2)

    @rule(count=st.integers(5, 12))
    def award_much(self, count: int) -> None:
        for _ in range(count):
            self.company.book("a", 1, self.now)

    @rule(team=st.sampled_from(["red", "blue"]), members=st.sets(learner), days=st.integers(-8, 2))
    def move(self, team: str, members: set[str], days: int) -> None:
        with self.database.transaction(self.company.id) as session:
            on = (self.now + timedelta(days=days)).date()
            teams.put(session, "2021", teams.TeamChange(team, f"队 {team}", sorted(members), on))

    @rule(learner=learner)
    def rename(self, learner: str) -> None:
        with self.database.transaction(self.company.id) as session:
            learners.put(session, learners.Learner(learner, f"学员 {next(self.names)}"))

    @rule(learner=learner, days=st.integers(-8, 2))
    def leave(self, learner: str, days: int) -> None:
        """Until renamed, which says nothing of a last day."""
        with self.database.transaction(self.company.id) as session:
            on = (self.now + timedelta(days=days)).date()
            learners.put(session, learners.Learner(learner, f"学员 {learner}", left_on=on))

    @rule(zone=st.sampled_from(["Asia/Shanghai", "Pacific/Kiritimati", "Europe/Berlin"]))
    def change_the_time_zone_of_the_programme(self, zone: str) -> None:
        with self.database.transaction(self.company.id) as session:
            programme = programmes.get(session, "2021")
            days = {"starts_on": programme.starts_on, "ends_on": programme.ends_on}
            programmes.put(session, "2021", name="2021", timezone=zone, **days)

    @rule()
    def enrol(self) -> None:
        """Also somebody new, and somebody who has earned in the programme before."""
        new = f"新{next(self.names)}"
        with self.database.transaction(self.company.id) as session:
            learners.put(session, learners.Learner(new, "新学员"))
            enrolments.enrol(session, "2021", [new, "f"])

    @rule(hours=st.sampled_from([1, 12, 24, 72]))
    def pass_time(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule()
    def flush(self) -> None:
        self.client.flushall()

    @rule()
    def save(self) -> None:
        self.client.save()

    @rule()
    def restart_with_old_data(self) -> None:
        self.server.restart()

    @rule(key=st.integers(0, 100))
    def lose_a_key(self, key: int) -> None:
        keys = sorted(key for key in self.client.keys("*") if not key.endswith(b":boards"))
        if keys:
            self.client.delete(keys[key % len(keys)])

    @rule(learner=learner, steps=st.integers(1, 25), after=st.booleans())
    def kill_the_projector(self, learner: str, steps: int, after: bool) -> None:
        """Between any two of its steps, and it has something to do."""
        self.company.book(learner, 1, self.now)
        self.client.left, self.client.after, self.client.happens = steps, after, die
        with contextlib.suppress(Killed):
            project(self.database, self.store, self.company.id, self.now)
        self.client.left = None
        self.client.delete(f"pb:{{{self.company.id}}}:projector")  # as it expires

    @rule(learner=learner, steps=st.integers(3, 25), after=st.booleans(), more=st.booleans())
    def overtake_the_projector(self, learner: str, steps: int, after: bool, more: bool) -> None:
        """Another one's whole pass comes between two steps of one: what the slower one then writes is refused."""

        def another() -> None:
            if more:
                self.company.book(learner, 2, self.now)
            project(self.database, Lockless(self.other), self.company.id, self.now)

        self.company.book(learner, 1, self.now)
        self.client.left, self.client.after, self.client.happens = steps, after, another
        project(self.database, self.store, self.company.id, self.now)
        self.client.left = None

    @rule()
    def project(self) -> None:
        assert project(self.database, self.store, self.company.id, self.now)

    @invariant()
    def boards_are_right(self) -> None:
        """Behind or not: every other time they are brought up before the next step."""
        self._compare()
        if next(self.steps) % 2 == 0:
            self.project()

    def teardown(self) -> None:
        """In the end every board comes from Redis again: one that could not be brought up would be no cache."""
        if not hasattr(self, "boards"):
            return
        self.boards._looked.clear()
        self._compare()
        assert project(self.database, self.store, self.company.id, self.now)
        assert self._compare() == {"redis"}
        self.client.close()
        self.other.close()

    def _compare(self) -> set[str]:
        sources = set()
        for query in BOARDS:
            board = parse(query)
            with self.database.snapshot(self.company.id) as session:
                truth = standings(session, board, 500, now=self.now)
                views = [(View(board, 500), truth)]
                if next(self.names) % 3 == 0:
                    last = truth.rows[-1].member
                    views.append((View(board, 3, around=last), standings(session, board, 3, around=last, now=self.now)))
            for view, wanted in views:
                page = self.boards.page(self.company.id, view)
                found = page.standings
                assert (found.rows, found.size) == (wanted.rows, wanted.size), (query, page.source)
                assert (found.number, found.window, found.ahead) == (wanted.number, wanted.window, wanted.ahead), query
            until = truth.window.until_at
            if until is None or self.now < until + FROZEN_AFTER:
                sources.add(page.source)
            else:
                assert page.source == "ledger"
        return sources


def test_boards_equal_the_ledger_whatever_happens(database, own_redis, monkeypatch):
    monkeypatch.setattr(projection, "ENTRIES_A_CHANGE", 3)
    monkeypatch.setattr(projection, "MAX_AT_ONCE", 9)
    monkeypatch.setattr(projection, "MAX_TOUCHED", 4)
    monkeypatch.setattr(reading, "FRESH_SECONDS", -1)  # every read compares with the ledger
    monkeypatch.setattr(reading, "CATCH_UP_SECONDS", 0)
    monkeypatch.setattr(places, "REMEMBERED_SECONDS", 0)
    Boards.database, Boards.server = database, own_redis
    run_state_machine_as_test(
        Boards,
        settings=settings(
            max_examples=20,
            stateful_step_count=20,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.fixture
def company(database):
    return Company(database)


@pytest.fixture
def store(own_redis):
    own_redis.start_afresh()
    return Store(redis.Redis.from_url(own_redis.url))


def test_a_board_of_another_ledger_is_made_anew(company, store):
    """Its number may be ahead of ours, or be ours by chance."""
    company.book("a", 5, at("10-01 09:00"))
    frame = company.cached(store, {"scope": P})
    key = board_keys(company.id, frame)[0]
    (state,) = store.states(company.id, [frame])
    for foreign in (state._replace(number=10**9), state._replace(recorded_at=1)):
        store.client.hset(key, "state", str(foreign))
        assert project(company.database, store, company.id, NOW)
        assert store.states(company.id, [frame]) == [state]


def test_what_verify_says_of_a_board_that_was_changed_by_hand(company, store):
    company.book("a", 5, at("10-01 09:00"))
    company.join("a", "red")
    frame = company.cached(store, {"scope": P})
    teams_frame = company.cached(store, {"scope": P, "members": "teams"})
    assert frames(company.database, store, company.id) == [frame, teams_frame]
    assert list(differences(company.database, store, company.id, frame)) == []
    assert list(differences(company.database, store, company.id, teams_frame)) == []
    keys = board_keys(company.id, frame)
    (member,) = store.client.zrange(keys[1], 0, 0)
    store.client.zincrby(keys[1], -1, member)
    (difference,) = differences(company.database, store, company.id, frame)
    assert str(difference).startswith("board of credits of learners in programme:2021, all time, place 1: Redis has a ")
    assert "with 6 at rank 1" in str(difference)
    assert "with 5 at rank 1" in str(difference)
    store.client.hset(board_keys(company.id, teams_frame)[0], "people", "{}")
    (difference,) = differences(company.database, store, company.id, teams_frame)
    assert "number of people" in str(difference)
    assert rebuild(company.database, store, company.id) == (2, 8)
    assert not any(list(differences(company.database, store, company.id, each)) for each in (frame, teams_frame))


@pytest.mark.parametrize("score", [1, 2**31 - 1, 2**31, 2**53 - 2])
def test_a_board_that_was_made_counts_on_whatever_the_width_of_its_scores(company, store, score):
    company.book("a", score, at("10-01 09:00"), 1)
    frame = company.cached(store, {"scope": P, "unit": "flowers"})
    company.book("a", 1, at("10-01 10:00"), 2)
    project(company.database, store, company.id, NOW)
    page = store.page(company.id, frame, micros(frame.before(SHANGHAI, NOW)), around="a")
    assert [(each.key, each.score) for each in page.members][:1] == [("a", score + 1)]
    assert list(differences(company.database, store, company.id, frame)) == []


def test_a_score_that_grows_beyond_what_a_sorted_set_holds_leaves_redis(company, store):
    company.book("a", 2**53 - 1, at("10-01 09:00"), 1)
    frame = company.cached(store, {"scope": P, "unit": "flowers"})
    assert store.size(company.id, frame) == 5
    company.book("a", 1, at("10-01 09:00"), 2)
    project(company.database, store, company.id, NOW)
    assert store.states(company.id, [frame]) == [None]
    project(company.database, store, company.id, NOW)
    assert store.states(company.id, [frame]) == ["large"]


def test_two_projectors_at_once_count_an_entry_once(company, store, own_redis):
    """Without the lock, which only saves work: what the second writes is refused."""
    company.book("a", 5, at("10-01 09:00"))
    frame = company.cached(store, {"scope": P})
    for _ in range(10):
        company.book("a", 1, at("10-02 09:00"))

    clients = [Lockless(redis.Redis.from_url(own_redis.url)) for _ in range(4)]
    threads = [Thread(target=project, args=(company.database, each, company.id, NOW)) for each in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.page(company.id, frame, micros(frame.before(SHANGHAI, NOW))).members[0].score == 15


def test_boards_that_are_behind_by_different_stretches_take_up_each_entry_once(company, store, monkeypatch):
    """One that was ahead of the stretch was once taken back to it, and then took up the rest twice."""
    monkeypatch.setattr(projection, "ENTRIES_A_CHANGE", 2)
    early = company.cached(store, {"scope": P})
    for _ in range(5):
        company.book("a", 1, at("10-02 09:00"))
    late = company.cached(store, {"scope": "company"})
    keys = board_keys(company.id, early)
    kept = [store.client.dump(key) for key in keys]
    for _ in range(3):
        company.book("a", 1, at("10-02 09:00"))
    project(company.database, store, company.id, NOW)
    store.client.delete(*keys)
    for number in range(2):
        company.book("a", 1, at("10-02 09:00"))
        if number == 0:
            for key, value in zip(keys, kept, strict=True):
                if value is not None:
                    store.client.restore(key, 0, value)
    project(company.database, store, company.id, NOW)
    for frame in (early, late):
        assert list(differences(company.database, store, company.id, frame)) == []


def test_today_begins_anew_where_the_company_moves_to(company, store):
    """What was earned before the day began there is not in what has changed since."""
    now, zone = at("10-20 20:00"), "Pacific/Kiritimati"  # where the 21st has begun two hours ago
    company.book("b", 9, at("10-20 18:30"))
    frame = company.cached(store, {"scope": P}, now)
    with company.database.transaction(company.id) as session:
        companies.put(session, "公司", zone, 2)
    company.book("a", 1, at("10-20 17:30"))
    assert project(company.database, store, company.id, now)
    found = store.page(company.id, frame, micros(frame.before(ZoneInfo(zone), now)))
    moved = [(each.key, each.rank_before - each.rank) for each in found.members]
    assert moved == [(row.member, row.moved) for row in company.standings(now, scope=P).rows]
    assert moved[:2] == [("b", 1), ("a", -1)]


def test_a_board_that_nobody_looks_at_leaves_redis(company, store, monkeypatch):
    frame = company.cached(store, {"scope": P})
    monkeypatch.setattr(projection, "LIVES_SECONDS", -1)
    project(company.database, store, company.id, NOW)
    assert store.wanted(company.id) == {}
    assert store.client.keys("*") == []
    assert store.states(company.id, [frame]) == [None]
