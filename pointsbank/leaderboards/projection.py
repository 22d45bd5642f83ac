"""Bringing a company's boards in Redis up to what its ledger says.

A pass reads which boards are looked at or pinned, and what they reflect; and then, in one snapshot of the
ledger, what is newer: entries past their number, members that the directory has changed, a day that has begun.
Each board goes from its state to the next in one script, which refuses if the board is not in that state: so an
entry counts once, whoever else is at it and wherever a pass is killed. A board that cannot be brought up is made
anew.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from pointsbank.database import Database, Session
from pointsbank.directory.days import end_of
from pointsbank.leaderboards import people, pins, scores
from pointsbank.leaderboards.earnings import Attribution, Earning, Stretch, recorded_at, stretches
from pointsbank.leaderboards.frame import Frame, instant, micros
from pointsbank.leaderboards.scores import Later
from pointsbank.leaderboards.store import LIVES_SECONDS, Addition, Applied, Building, Change, State, Store

log = logging.getLogger(__name__)

ENTRIES_A_CHANGE = 500
"""Entries that a board takes up at once: so long is Redis busy with nothing else."""
MAX_BEHIND = 100_000
"""Entries; a board that is further behind is made anew."""
MAX_AT_ONCE = 5_000
"""Entries that are taken up together with changes of the directory."""
MAX_TOUCHED = 2_000
"""Members that the directory has changed; with more of them the board is made anew."""
LOCK_SECONDS = 3.0
BUILD_SECONDS = 60.0
"""So long is nobody else at it, if the one who is dies."""
SAID_SECONDS = LIVES_SECONDS / 24
"""So often is it said of a pinned board that it is looked at."""
FROZEN_AFTER = timedelta(days=7)
"""A period that is over for so long is answered from the ledger only."""


def keeps(frame: Frame, now: datetime) -> bool:
    """Whether Redis is to have this board."""
    until = frame.window.until_at
    return until is None or now < until + FROZEN_AFTER


def project(
    database: Database,
    store: Store,
    company_id: int,
    now: datetime | None = None,
    pinned: Sequence[Frame] = (),
) -> bool:
    """One pass; False if somebody else is at it. Raises what the database or Redis raises when it is away.

    `now` is only given to project as if at another time. Boards that are `pinned` are looked at by this pass.
    """
    if not store.wanted(company_id) and not pinned:
        return True
    token = store.lock(company_id, LOCK_SECONDS)
    if token is None:
        return False
    try:
        want(store, company_id, pinned, now or datetime.now(UTC))
        _Pass(database, store, company_id, token, now).run()
    finally:
        store.unlock(company_id, token)
    return True


def want(store: Store, company_id: int, pinned: Sequence[Frame], now: datetime) -> None:
    """Says of those that Redis is to have that they are looked at, unless that was said a while ago."""
    if not pinned:
        return
    looked_at = store.wanted(company_id)
    since = store.microseconds(company_id) / 1e6 - SAID_SECONDS
    for frame in pinned:
        if keeps(frame, now) and looked_at.get(frame.id, 0.0) < since:
            store.want(company_id, frame)


class Rebuilt(NamedTuple):
    """How many boards were made, with how many members in all."""

    boards: int
    members: int


def rebuild(database: Database, store: Store, company_id: int) -> Rebuilt:
    """Makes every board that is looked at or pinned anew."""
    boards = members = 0
    now = datetime.now(UTC)
    want(store, company_id, pins.frames(database, company_id, now), now)
    for frame in map(Frame.of_id, store.wanted(company_id)):
        if keeps(frame, now):
            if build(database, store, company_id, frame) == "other":
                store.forget(company_id, frame)  # it claims to be newer than the ledger
                build(database, store, company_id, frame)
            boards += 1
            members += store.size(company_id, frame)
    return Rebuilt(boards, members)


@dataclass(frozen=True, slots=True)
class _Moment:
    """The company at the time of a pass."""

    number: int
    recorded_at: int
    version: int
    zone: ZoneInfo
    now: datetime

    def state(self, frame: Frame) -> State:
        return State(self.number, self.recorded_at, self.version, micros(frame.before(self.zone, self.now)))

    def is_fresh(self, frame: Frame) -> bool:
        """Whether everybody had nothing yet when `moved` compares with."""
        return frame.window.from_at is not None and frame.before(self.zone, self.now) == frame.window.from_at

    def at(self, stretch: Stretch) -> "_Moment":
        """The same moment as if the journal ended with the stretch."""
        return replace(self, number=stretch.number, recorded_at=stretch.recorded_at)

    def tomorrow(self) -> datetime:
        return end_of(self.now.astimezone(self.zone).date(), self.zone)


class _Task(NamedTuple):
    """A board that is behind."""

    frame: Frame
    was: State


@dataclass(slots=True)
class _Pass:
    database: Database
    store: Store
    company_id: int
    token: str
    now: datetime | None
    checked: int = 0
    behind: list[_Task] = field(default_factory=list)
    anew: list[Frame] = field(default_factory=list)
    people: dict[int, str] = field(default_factory=dict)

    def run(self) -> None:
        frames = self._frames()
        if not frames:
            return
        self.checked = self.store.microseconds(self.company_id)
        states = self.store.states(self.company_id, frames)
        with self.database.snapshot(self.company_id) as session:
            moment = _moment(session, self.now)
            known = recorded_at(session, [state.number for state in states if isinstance(state, State)])
            for frame, state in zip(frames, states, strict=True):
                self._sort(frame, state, moment, known)
            if self.behind:
                self._catch_up(session, moment)
        for frame in self.anew:
            self.store.hold(self.company_id, self.token, BUILD_SECONDS)
            build(self.database, self.store, self.company_id, frame, self.now)

    def _frames(self) -> list[Frame]:
        """Those looked at lately; others are dropped."""
        kept = []
        now = self.store.microseconds(self.company_id) / 1e6
        for frame_id, looked in self.store.wanted(self.company_id).items():
            if now - looked < LIVES_SECONDS:
                kept.append(Frame.of_id(frame_id))
            else:
                self.store.drop(self.company_id, frame_id)
        return kept

    def _sort(self, frame: Frame, was: State | Literal["large"] | None, moment: _Moment, known: dict[int, int]) -> None:
        if not keeps(frame, moment.now):
            self.store.drop(self.company_id, frame.id)
            return
        if was == "large":
            return
        state = moment.state(frame)
        if was is not None and known.get(was.number) != was.recorded_at:
            self.store.forget(self.company_id, frame)  # of another ledger, or of one that was set back
            was = None
        if (
            was is None
            or was.version > state.version
            or was.before > state.before
            or not frame.may_have(instant(was.before), moment.zone)  # its company has moved
            or state.number - was.number > MAX_BEHIND
        ):
            self.anew.append(frame)
        elif was == state:
            if self.store.confirm(self.company_id, frame, str(was), self.checked) == "broken":
                self.anew.append(frame)
        else:
            self.behind.append(_Task(frame, was))

    def _catch_up(self, session: Session, moment: _Moment) -> None:
        """By steps of the journal; a board for which the directory has changed, in a single one."""
        session.sql(_BY_INDEX)
        attribution = Attribution.load(session)
        stepping = {task.frame: task.was for task in self.behind if task.was.version == moment.version}
        at_once = [task for task in self.behind if task.was.version != moment.version]
        kept: list[Earning] = []
        start = min(task.was.number for task in self.behind)
        for stretch in stretches(session, start, moment.number, ENTRIES_A_CHANGE):
            attribution.look_up(session, list(stepping), stretch.earnings)
            self._step(stepping, moment.at(stretch), stretch.earnings, attribution)
            if at_once:
                kept += stretch.earnings
        self._step(stepping, moment, [], attribution)
        attribution.look_up(session, [task.frame for task in at_once], kept)
        for frame, was in at_once:
            if (change := self._with_directory(session, frame, was, moment, kept, attribution)) is None:
                self.anew.append(frame)
            else:
                self._apply(change)

    def _step(
        self, boards: dict[Frame, State], moment: _Moment, earnings: Sequence[Earning], attribution: Attribution
    ) -> None:
        """Takes boards to the moment by these earnings, and leaves out those with which that did not work."""
        for frame, was in list(boards.items()):
            if was.number > moment.number or was == moment.state(frame):
                continue
            change = self._change(frame, was, moment, earnings, attribution)
            if self._apply(change):
                boards[frame] = change.state
            else:
                del boards[frame]

    def _change(
        self, frame: Frame, was: State, moment: _Moment, earnings: Sequence[Earning], attribution: Attribution
    ) -> Change:
        state = moment.state(frame)
        tomorrow = micros(moment.tomorrow())
        sums: dict[str, Addition] = {}
        later: list[Later] = []
        for earning in earnings:
            if earning.number <= was.number or (key := attribution.member(frame, earning)) is None:
                continue
            at = micros(earning.occurred_at)
            amount_before = earning.amount if at < state.before else 0
            have = sums.get(key)
            if have is None:
                sums[key] = Addition(key, earning.amount, amount_before, at, earning.number)
            else:
                last_at, last = max((have.at, have.number), (at, earning.number))
                total, before = have.amount + earning.amount, have.amount_before + amount_before
                sums[key] = Addition(key, total, before, last_at, last)
            if at >= tomorrow:
                later.append(Later(key, earning.amount, at, earning.number))
        fresh, additions = moment.is_fresh(frame), list(sums.values())
        return Change(frame, str(was), state, self.checked, fresh, tomorrow, additions, later=_together(later))

    def _with_directory(
        self,
        session: Session,
        frame: Frame,
        was: State,
        moment: _Moment,
        earnings: Sequence[Earning],
        attribution: Attribution,
    ) -> Change | None:
        """The change that also makes those whom the directory has touched what the ledger says they are.

        None if there are too many of them.
        """
        touched = _touched(session, frame, was.version)
        if len(touched) > MAX_TOUCHED or moment.number - was.number > MAX_AT_ONCE:
            return None
        change = self._change(frame, was, moment, earnings, attribution)
        if touched:
            settings = list(scores.of_members(session, frame, moment.zone, moment.now, touched))
            names = {score.key for score in settings}
            change.additions = [each for each in change.additions if each.key not in names]
            change.later = [each for each in change.later if each.key not in names]
            if any(score.at >= change.tomorrow for score in settings):
                change.later += scores.later_of(session, frame, moment.tomorrow(), touched)
            change.settings = settings
        if frame.members == "teams":
            change.people = self._people_of(session, frame)
        return change

    def _people_of(self, session: Session, frame: Frame) -> str:
        """Once a pass for a programme: they change with teams, and with when a learner leaves the company."""
        assert frame.programme is not None, "teams belong to a programme"
        if frame.programme not in self.people:
            self.people[frame.programme] = people.load(session, frame.programme)
        return self.people[frame.programme]

    def _apply(self, change: Change) -> bool:
        """Whether it was taken. If a part of the board is gone, it is made anew; if it is in another state, somebody
        else has been quicker."""
        outcome = self.store.apply(self.company_id, change)
        if outcome == "broken":
            self.anew.append(change.frame)
        return outcome == "applied"


def _together(later: Sequence[Later]) -> list[Later]:
    """With the amounts of one entry and member in one: they would be one member of the sorted set."""
    sums: dict[tuple[str, int, int], int] = {}
    for each in later:
        sums[each.key, each.at, each.number] = sums.get((each.key, each.at, each.number), 0) + each.amount
    return [Later(key, amount, at, number) for (key, at, number), amount in sums.items()]


def build(database: Database, store: Store, company_id: int, frame: Frame, now: datetime | None = None) -> Applied:
    """Makes a board from the ledger and puts it in the place of what Redis has, if that is not newer."""
    checked = store.microseconds(company_id)
    with database.snapshot(company_id) as session:
        session.driver.execute(_FOR_EVERYTHING)
        moment = _moment(session, now)
        building = Building(frame, moment.state(frame), checked, moment.is_fresh(frame), _size(session, frame))
        if frame.members == "teams":
            assert frame.programme is not None, "teams belong to a programme"
            building.people = people.load(session, frame.programme)
        outcome = store.build(
            company_id,
            building,
            scores.all_of(session, frame, moment.zone, moment.now),
            lambda latest: _later(session, frame, moment.tomorrow(), latest),
        )
    if outcome == "large":
        log.warning("board %s has a score beyond what Redis holds exactly; the ledger answers for it", frame.id)
    return outcome


def _later(session: Session, frame: Frame, tomorrow: datetime, latest: int) -> list[Later]:
    """Seldom any: it is only looked for if the latest of all that counts lies there."""
    return list(scores.later_of(session, frame, tomorrow)) if latest >= micros(tomorrow) else []


def _size(session: Session, frame: Frame) -> int:
    table, condition = {
        (False, False): ("learners", ""),
        (False, True): ("enrolments", " AND programme = %(programme)s"),
        (True, True): ("teams", " AND programme = %(programme)s"),
    }[frame.members == "teams", frame.programme is not None]
    row = session.sql(
        f"SELECT count(*) FROM {table} WHERE company_id = %(company)s{condition}",  # noqa: S608 - constants
        {"programme": frame.programme},
    ).fetchone()
    assert row is not None, "an aggregate has one row"
    return int(row.count)


def _touched(session: Session, frame: Frame, version: int) -> list[int]:
    """Numbers of members of the board whom the directory has changed since, at most one more than `MAX_TOUCHED`."""
    if frame.members == "teams":
        statement = """
            SELECT no FROM teams
             WHERE company_id = %(company)s AND programme = %(programme)s AND changed_in > %(version)s"""
    elif frame.programme is None:
        statement = "SELECT no FROM learners WHERE company_id = %(company)s AND changed_in > %(version)s"
    else:
        statement = """
            SELECT learner FROM enrolments
             WHERE company_id = %(company)s AND programme = %(programme)s AND changed_in > %(version)s
            UNION
            SELECT e.learner FROM learners AS l
              JOIN enrolments AS e ON e.company_id = %(company)s AND e.programme = %(programme)s AND e.learner = l.no
             WHERE l.company_id = %(company)s AND l.changed_in > %(version)s"""
    rows = session.sql(
        f"{statement} LIMIT %(limit)s", {"programme": frame.programme, "version": version, "limit": MAX_TOUCHED + 1}
    )
    return [no for (no,) in rows]


def _moment(session: Session, now: datetime | None) -> _Moment:
    row = session.sql(
        """SELECT j.last_number, j.directory_version, c.timezone
             FROM journals AS j JOIN companies AS c ON c.company_id = %(company)s
            WHERE j.company_id = %(company)s"""
    ).fetchone()
    assert row is not None, "every company has a journal"
    last = recorded_at(session, [row.last_number])[row.last_number]
    return _Moment(row.last_number, last, row.directory_version, ZoneInfo(row.timezone), now or datetime.now(UTC))


# One process of PostgreSQL is enough: the others that it would start take the processors away from us and from Redis.
_FOR_EVERYTHING = (
    b"SET LOCAL statement_timeout = 0; SET LOCAL work_mem = '256MB'; SET LOCAL hash_mem_multiplier = 1;"
    b"SET LOCAL enable_nestloop = off; SET LOCAL max_parallel_workers_per_gather = 0"
)
# Boards are caught up by few entries of a journal of millions, whatever the statistics say.
_BY_INDEX = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL enable_seqscan = off"
