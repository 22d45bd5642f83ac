"""The differences between what is booked and what a version gives, as far as they can be paid.

A learner's corrections are booked all or none. Where the learner's holdings, or a pool, could not pay them, the
learner is left as is and reported; places that they hold then stay taken, so the rest is computed anew. The same goes
for whatever is not to be touched: events of closed courses, and those that a rule of the version cannot judge.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from ledger.accounts import (
    CREDITS,
    ISSUANCE,
    AccountClass,
    class_of,
    holding,
    pool_of_course,
    pool_of_programme,
)
from pointsbank.database import Session
from pointsbank.directory import pools
from rules.simulation.happened import Failure, Gifts, Ground, Happened
from rules.simulation.replaying import Replayed, replay

NOTHING = "no rule gives anything"

Account = tuple[int, int]
"""Its id and the number of its unit."""


class Change(NamedTuple):
    """What an event's entry gave, and what it is to give. `note`: why nothing."""

    event: Happened
    after: Gifts
    note: str | None
    places: tuple[int, ...]


class Short(NamedTuple):
    """A learner who is left as is: the account would not have what their corrections take."""

    learner: int
    account: Account
    available: int
    required: int


@dataclass(slots=True)
class Plan:
    """`changes` are by learner, in an order in which every pool can pay. `left_alone` counts events by closed course.

    `places_taken` and `places_left` are of entries that are not changed, by entry and rule.
    """

    ground: Ground
    replayed: Replayed
    changes: dict[int, list[Change]]
    short: list[Short]
    left_alone: Mapping[int, int]
    places_taken: set[tuple[int, int]] = field(default_factory=set)
    places_left: set[tuple[int, int]] = field(default_factory=set)

    @property
    def failures(self) -> list[Failure]:
        return self.ground.failures

    @property
    def is_done(self) -> bool:
        """Whether nothing is to be booked: what is booked is what the version gives."""
        return not (self.changes or self.places_taken or self.places_left)


def plan(session: Session, on: Ground, refused: Mapping[int, Short] | None = None) -> Plan:
    """`on` has its events (`happened.read`). Balances are as the session sees them; who is refused stays as is."""
    closed = {no for no, course in on.courses.items() if course.closed}
    short = dict(refused or {})

    def stays(each: Happened) -> bool:
        return each.course in closed or each.offered is None or each.learner in short

    while True:
        replayed = replay(on, stays)
        changes = _changes(on, replayed)
        found = _find_short(session, on, changes)
        if not found:
            break
        short.update((each.learner, each) for each in found)
    left_alone = Counter(each.course for each in on.events if each.course in closed)
    planned = Plan(on, replayed, changes, sorted(short.values()), left_alone)
    _compare_places(planned)
    return planned


def _changes(on: Ground, replayed: Replayed) -> dict[int, list[Change]]:
    held: dict[int, list[int]] = defaultdict(list)
    for number, rule in replayed.places:
        held[number].append(rule)
    changes: dict[int, list[Change]] = defaultdict(list)
    for each in on.events:
        after = replayed.given[each.number]
        if after != each.booked:
            note = None if after else replayed.notes.get(each.number, NOTHING)
            changes[each.learner].append(Change(each, after, note, tuple(sorted(held.get(each.number, ())))))
    # Who only gives back comes first, so that there is something to take.
    order = sorted(changes, key=lambda learner: (bool(_taken(on, changes[learner])), learner))
    return {learner: changes[learner] for learner in order}


def moved(on: Ground, changes: Iterable[Change]) -> dict[Account, int]:
    """What the changes add to each account, issuance left out."""
    total: dict[Account, int] = defaultdict(int)
    for change in changes:
        for gifts, sign in ((change.event.booked, -1), (change.after, 1)):
            for _, unit, amount in gifts:
                total[holding(change.event.learner), unit] += sign * amount
                total[giver(on, unit, change.event.course), unit] -= sign * amount
    return {account: amount for account, amount in total.items() if account[0] != ISSUANCE and amount}


def giver(on: Ground, unit: int, course: int) -> int:
    """The account from which a rule gives."""
    if unit != CREDITS:
        return pool_of_course(course)
    return pool_of_programme(on.programme.no) if on.programme.allotment_is_limited else ISSUANCE


def _taken(on: Ground, changes: Iterable[Change]) -> bool:
    """Whether the changes take anything from a pool."""
    return any(
        amount < 0 and class_of(account) is not AccountClass.HOLDING
        for (account, _), amount in moved(on, changes).items()
    )


def _find_short(session: Session, on: Ground, changes: Mapping[int, list[Change]]) -> list[Short]:
    """Those whose corrections could not be paid, one after the other."""
    moves = {learner: moved(on, of_learner) for learner, of_learner in changes.items()}
    falling = {account for each in moves.values() for account, amount in each.items() if amount < 0}
    left = pools.balances(session, sorted(falling))
    short: list[Short] = []
    for learner, each in moves.items():
        lacks = next(
            (account for account in sorted(each) if each[account] < 0 and left[account] + each[account] < 0), None
        )
        if lacks is not None:
            short.append(Short(learner, lacks, left[lacks], -each[lacks]))
            continue
        for account in falling & each.keys():
            left[account] += each[account]
    return short


def _compare_places(planned: Plan) -> None:
    """Places of entries that are not changed otherwise, of rules that have `first`."""
    on = planned.ground
    racing = {term for term, rule in on.rules.items() if rule.first is not None}
    changed = {change.event.number for changes in planned.changes.values() for change in changes}
    standing = {each.number for each in on.events}
    booked = {place for place in on.places if place[1] in racing and place[0] in standing and place[0] not in changed}
    wanted = {place for place in planned.replayed.places if place[0] not in changed}
    planned.places_taken, planned.places_left = wanted - booked, booked - wanted
