"""Boards in Redis against the ledger: equal row for row, in order, whatever happened to either before."""

import contextlib
import itertools
from datetime import timedelta
from typing import Any

import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from ledger.accounts import CREDITS
from pointsbank.directory import enrolments, learners, teams
from pointsbank.leaderboards import projection, reading
from pointsbank.leaderboards.boards import parse
from pointsbank.leaderboards.projection import FROZEN_AFTER, project
from pointsbank.leaderboards.reading import Leaderboards, View
from pointsbank.leaderboards.standings import standings
from pointsbank.leaderboards.store import Store
from tests.pointsbank.test_leaderboards import NETWORK, NOW, SERVICE, Company, P

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


class Mortal(redis.Redis):  # type: ignore[type-arg]
    """A client whose process dies before or after its nth command."""

    left: int | None = None
    after = False

    def execute_command(self, *args: Any, **options: Any) -> Any:
        return self._mortal(super().execute_command, *args, **options)

    def pipeline(self, *args: Any, **options: Any) -> Any:
        made = super().pipeline(*args, **options)
        execute = made.execute
        made.execute = lambda *args, **options: self._mortal(execute, *args, **options)  # type: ignore[method-assign]
        return made

    def _mortal(self, work: Any, *args: Any, **options: Any) -> Any:
        if self.left is not None:
            self.left -= 1
            if self.left == 0 and not self.after:
                raise Killed
        result = work(*args, **options)
        if self.left == 0:
            raise Killed
        return result


class Boards(RuleBasedStateMachine):
    """Whatever is done, in whatever order, boards in Redis say what the ledger says."""

    database: Any
    server: Any

    @initialize()
    def begin(self) -> None:
        self.server.start_afresh()
        self.company = Company(self.database)
        self.now = NOW
        self.client = Mortal.from_url(self.server.url)
        self.store = Store(self.client)
        self.boards = Leaderboards(self.database, self.server.url, lambda: self.now)
        self.boards._projector.close()  # passes are made by the rules alone
        for board in BOARDS:
            self.boards.page(self.company.id, View(parse(board)))
        self.names = itertools.count()

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

    @rule(learner=learner, amount=st.integers(1, 5), when=when, what=what)
    def take_back(self, learner: str, amount: int, when: timedelta, what: Any) -> None:
        self.company.book(learner, -amount, self.now + when, *what)

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

    @rule(steps=st.integers(1, 12), after=st.booleans())
    def kill_the_projector(self, steps: int, after: bool) -> None:
        self.client.left, self.client.after = steps, after
        with contextlib.suppress(Killed):
            project(self.database, self.store, self.company.id, self.now)
        self.client.left = None
        self.client.delete(f"pb:{{{self.company.id}}}:projector")  # as it expires

    @rule()
    def project(self) -> None:
        assert project(self.database, self.store, self.company.id, self.now)

    @invariant()
    def boards_are_right(self) -> None:
        self._compare()

    def teardown(self) -> None:
        """In the end every board comes from Redis again: one that could not be brought up would be no cache."""
        if not hasattr(self, "boards"):
            return
        self.boards._looked.clear()
        self._compare()
        assert project(self.database, self.store, self.company.id, self.now)
        assert self._compare() == {"redis"}
        self.client.close()

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
    monkeypatch.setattr(reading, "FRESH_MICROSECONDS", -1)  # every read compares with the ledger
    monkeypatch.setattr(reading, "CATCH_UP_SECONDS", 0)
    Boards.database, Boards.server = database, own_redis
    run_state_machine_as_test(
        Boards,
        settings=settings(
            max_examples=20,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
