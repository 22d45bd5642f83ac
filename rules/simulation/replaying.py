"""Caps and `first` over all that happened, in the order in which it was booked, just as booking applies them."""

from collections.abc import Callable, Mapping
from operator import itemgetter

from rules.limits import PLACES_TAKEN, Contender, Limits, Offer
from rules.parts import EarningRule
from rules.simulation.happened import Gifts, Given, Ground, Happened


class Replayed:
    """`given` is what each event is to give now, and `notes` why nothing, both by the number of its entry.

    `places` are held by what stands, by entry and rule; those of rules that have no `first` any more are no matter.
    """

    def __init__(self) -> None:
        self.given: dict[int, Gifts] = {}
        self.notes: dict[int, str] = {}
        self.places: set[tuple[int, int]] = set()


def replay(on: Ground, stays: Callable[[Happened], bool]) -> Replayed:
    """`stays` says which events keep what they were given, and their places, whatever the rules say."""
    rules = on.rules
    limited = {term: rule for term, rule in rules.items() if rule.cap is not None or rule.first is not None}
    units = {no: course.unit for no, course in on.courses.items()}
    # What stays has its entry's number and gives up nothing.
    limits = Limits(on.programme.tz, lambda holder, _: holder.number is None)
    result = Replayed()
    for each in on.events:
        if stays(each):
            result.given[each.number] = each.booked
            _keep(limits, on, limited, each)
    waiting: list[tuple[Happened, Contender]] = []
    for each in on.events:
        if each.number in result.given:
            continue
        assert each.offered is not None, "what no rule can judge stays"
        if limited.keys().isdisjoint(map(itemgetter(0), each.offered)):
            result.given[each.number] = each.offered
            continue
        who = Contender(each.learner, each.course, each.at, each.first)
        offers = [Offer(rules[rule], rule, amount) for rule, _, amount in each.offered]
        why = limits.give(who, offers)
        result.notes[each.number] = why or PLACES_TAKEN  # one that a later event takes is lost without a word
        waiting.append((each, who))
    _settle(result, limits, waiting, units)
    return result


def _keep(limits: Limits, on: Ground, limited: Mapping[int, EarningRule], each: Happened) -> None:
    """Counts what the event has of rules that are limited, and the places that it holds or has been given for."""
    who = Contender(each.learner, each.course, each.at, each.first, each.number)
    amounts = {rule: amount for rule, _, amount in each.booked if rule in limited}
    for term, rule in limited.items():
        if term in amounts or (each.number, term) in on.places:
            limits.keep(who, rule, term, amounts.get(term, 0), place=True)


def _settle(
    result: Replayed, limits: Limits, waiting: list[tuple[Happened, Contender]], units: Mapping[int, int]
) -> None:
    """After the last event: who lost a place to a later one has lost it."""
    numbers = {id(who): each.number for each, who in waiting}
    gifts: dict[Gifts, Gifts] = {}
    for each, who in waiting:
        offered = {rule: unit for rule, unit, _ in each.offered or ()}
        given = tuple(sorted(Given(rule, offered[rule], amount) for rule, amount in who.given.items()))
        result.given[each.number] = gifts.setdefault(given, given)
    for (term, _), holders in limits.holders.items():
        for who in holders.values():
            result.places.add((who.number or numbers[id(who)], term))
