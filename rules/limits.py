"""Caps and `first`: what a rule may still give, in memory, event by event.

A cap counts what the rule has given a learner within the programme, the course, or the day (in the programme's
time zone) on which it happened. `first` N gives the rule's amount to the N learners to whom it happened first, per
programme and course: by time, and of the same time by arrival. Each learner has one place, that of their first
event. So when one comes late that happened earlier, it takes its place, and the last of those who hold places, or
the learner's own later event, loses it. Whoever has a place keeps it if a cap leaves nothing of the amount.

Booking (`rules.booking_limits`) and replaying what is booked (`rules.simulation`) both go by this.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from rules.parts import Cap, EarningRule

CAP_REACHED = "cap reached"
PLACES_TAKEN = "places taken"
PLACE_KEPT = "places taken; what was given to the last of those who hold them is spent"

Scope = tuple[int, int, int | None, date | None]
"""Of a cap: rule, learner, course, day."""
Contest = tuple[int, int]
"""For the places of a rule: rule, course (0: none)."""


class Offer(NamedTuple):
    """What a rule gives before limits. `term` is the number of its key."""

    rule: EarningRule
    term: int
    amount: int


@dataclass(slots=True)
class Contender:
    """An event at its turn; `given` is what the rules give it, by their terms, and changes while others follow.

    `arrived` tells contenders of the same time apart. `number` is that of its entry, if it is booked.
    """

    learner: int
    course: int
    at: datetime
    arrived: int
    number: int | None = None
    given: dict[int, int] = field(default_factory=dict)

    @property
    def turn(self) -> tuple[datetime, int]:
        return self.at, self.arrived


class Loss(NamedTuple):
    """A place and its amount, lost to an event that happened before."""

    loser: Contender
    rule: EarningRule
    term: int
    amount: int
    to: Contender


MayGo = Callable[[Contender, int], bool]
"""Whether a holder can give up what this rule gave."""


@dataclass(slots=True)
class Limits:
    """Of one programme. `holders` are those of each contest, by learner."""

    zone: ZoneInfo
    may_go: MayGo
    used: dict[Scope, int] = field(default_factory=lambda: defaultdict(int))
    holders: dict[Contest, dict[int, Contender]] = field(default_factory=lambda: defaultdict(dict))
    losses: list[Loss] = field(default_factory=list)

    def give(self, who: Contender, offers: Sequence[Offer]) -> str | None:
        """Puts into `given` what is left of the offers; returns why one of them came to nothing."""
        why = None
        for rule, term, offered in offers:
            if rule.first is not None and (refused := self._enter(who, rule, term)):
                why = why or refused
                continue
            amount = offered
            if rule.cap is not None:
                scope = self.scope(who, term, rule.cap)
                amount = min(offered, rule.cap.amount - self.used[scope])
                if amount <= 0:
                    why = why or CAP_REACHED
                    continue
                self.used[scope] += amount
            who.given[term] = amount
        return why

    def keep(self, who: Contender, rule: EarningRule, term: int, amount: int, place: bool) -> None:
        """Counts what stays given whatever happens; `place`: it holds one."""
        if rule.cap is not None:
            self.used[self.scope(who, term, rule.cap)] += amount
        if rule.first is not None and place:
            self.holders[term, who.course][who.learner] = who
        who.given[term] = amount

    def scope(self, who: Contender, term: int, cap: Cap) -> Scope:
        if cap.within == "course":
            return term, who.learner, who.course, None
        if cap.within == "day":
            return term, who.learner, None, who.at.astimezone(self.zone).date()
        return term, who.learner, None, None

    def _enter(self, who: Contender, rule: EarningRule, term: int) -> str | None:
        """Gives the event a place, or says why it has none."""
        holders = self.holders[term, who.course]
        out = holders.get(who.learner)
        if out is None and rule.first is not None and len(holders) >= rule.first:
            out = max(holders.values(), key=lambda each: each.turn)
        if out is not None:
            if who.turn > out.turn:
                return PLACES_TAKEN
            if not self.may_go(out, term):
                return PLACE_KEPT
            self._leave(out, rule, term, who)
        holders[who.learner] = who
        return None

    def _leave(self, out: Contender, rule: EarningRule, term: int, to: Contender) -> None:
        del self.holders[term, out.course][out.learner]
        amount = out.given.pop(term, 0)
        if rule.cap is not None:
            self.used[self.scope(out, term, rule.cap)] -= amount
        self.losses.append(Loss(out, rule, term, amount, to))
