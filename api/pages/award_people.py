"""Whom flowers can be given to: who takes part in the programme now, one by one and in groups."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pointsbank.database import Session
from pointsbank.directory import enrolments, participants, teams
from pointsbank.directory.programmes import Programme
from pointsbank.directory.teams import MAX_TEAMS

MOST_SHOWN = 400
"""At once; of more, those who are looked for."""
EVERYONE = "everyone"
TEAM = "team:"
"""Before a team's key."""


@dataclass(frozen=True, slots=True)
class Person:
    """`is_twin`: another one has the same name, so the id has to be shown."""

    key: str
    name: str
    team: str
    team_key: str
    is_twin: bool


@dataclass(frozen=True, slots=True)
class Group:
    """A team, or with an empty `name` everyone. `value` stands in the form."""

    value: str
    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Crowd:
    """`people` are the first of those looked for, whom the giver gave to lately before the others."""

    people: list[Person]
    groups: list[Group]
    found: int
    size: int

    @property
    def is_whole(self) -> bool:
        return len(self.people) == self.size


def crowd(
    session: Session, programme: Programme, lately: Sequence[int], giver: int | None, wanted: str = "", team: str = ""
) -> Crowd:
    """Without the giver, by number. `wanted` is part of a name, an id or a team's name; `team` is a key."""
    present = [
        each for each in participants.find(session, programme.no, enrolments.present(programme)) if each.no != giver
    ]
    known = {each.no: each for each in teams.page(session, programme, MAX_TEAMS)}
    sizes = Counter(each.team for each in present)
    groups = [Group(TEAM + each.key, each.name, sizes[each.no]) for each in known.values() if sizes[each.no]]
    if present:
        groups.insert(0, Group(EVERYONE, "", len(present)))
    names = Counter(each.name for each in present)
    places = {no: place for place, no in enumerate(lately)}
    present.sort(key=lambda each: places.get(each.no, len(places)))
    all_of_them = [
        Person(each.key, each.name, own.name if own else "", own.key if own else "", names[each.name] > 1)
        for each in present
        for own in [known.get(each.team or 0)]
    ]
    looked_for = [each for each in all_of_them if _fits(each, wanted.casefold().strip(), team)]
    return Crowd(looked_for[:MOST_SHOWN], groups, len(looked_for), len(present))


def _fits(person: Person, wanted: str, team: str) -> bool:
    text = f"{person.name} {person.key} {person.team}".casefold()
    return wanted in text and team in ("", person.team_key)
