"""What a roster's rows would change in the directory as it is, and what is odd about that. Changes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from hashlib import blake2b
from typing import Literal

import orjson

from pointsbank.database import Session
from pointsbank.directory import known
from pointsbank.directory.known import Known
from pointsbank.directory.learners import Learner
from pointsbank.directory.programmes import Programme
from pointsbank.rosters.columns import Field
from pointsbank.saying import Said, say

State = Literal["new", "changed", "same"]
_MARK_BYTES = 8


@dataclass(frozen=True, slots=True)
class Target:
    """The team that a row names; `is_new`: it has yet to be made."""

    key: str
    name: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """Of one row. `team` is where the learner goes, None for who stays; `team_before` where the learner is, by name.
    `mark` tells what the directory has of the learner, so that it is noticed if that changes; `lacks_zeros`: with zeros
    in front the id is another learner's, of one and no more; `said` are warnings and faults by field."""

    learner: Learner
    before: Learner | None
    enrols: bool
    team: Target | None
    team_before: str | None
    mark: str
    lacks_zeros: bool
    said: tuple[tuple[Field, bool, Said], ...]

    @property
    def state(self) -> State:
        if self.before is None:
            return "new"
        return "changed" if self.learner != self.before or self.enrols or self.team is not None else "same"


class Teams:
    """Teams of the programme as a roster names them: by id, else by name."""

    def __init__(self, session: Session, programme: Programme) -> None:
        self._names = dict(known.teams(session, programme))
        self._by_name: dict[str, list[str]] = {}
        for key, name in self._names.items():
            self._by_name.setdefault(name.casefold(), []).append(key)

    def find(self, text: str) -> Target | Said:
        """What is said if it is not clear which one is meant."""
        if text in self._names:
            return Target(text, self._names[text], False)
        keys = self._by_name.get(text.casefold(), [])
        if len(keys) > 1:
            return say("is the name of several teams (%(ids)s). Put in the id of one.", ids=", ".join(keys[:5]))
        return Target(keys[0], self._names[keys[0]], False) if keys else Target(text, text, True)

    def name(self, key: str) -> str:
        return self._names.get(key, key)


def plan(session: Session, programme: Programme, teams: Teams, rows: Sequence[Mapping[Field, str]]) -> list[Plan]:
    """For each row what it would do; rows have an id and a name."""
    have = known.find(session, programme, [row["id"] for row in rows])
    unknown = [row["id"] for row in rows if row["id"] not in have]
    near = known.apart_from_zeros(session, unknown) if unknown else {}
    return [_plan(programme, teams, row, have.get(row["id"]), near.get(row["id"], [])) for row in rows]


def _plan(
    programme: Programme, teams: Teams, row: Mapping[Field, str], have: Known | None, near: Sequence[str]
) -> Plan:
    said: list[tuple[Field, bool, Said]] = []
    before = None if have is None else have.learner
    learner = _merged(row, before)
    if learner.joined_on is not None and learner.left_on is not None and learner.left_on < learner.joined_on:
        of: Field = "left_on" if "left_on" in row else "joined_on"
        said.append(
            (
                of,
                True,
                say(
                    "the learner would leave on %(left)s, before joining on %(joined)s.",
                    left=learner.left_on.isoformat(),
                    joined=learner.joined_on.isoformat(),
                ),
            )
        )
    elif "left_on" in row and learner.left_on is not None and learner.left_on < programme.starts_on:
        said.append(("left_on", False, say("lies before the programme begins. Does the learner take part?")))
    if before is not None and before.name != learner.name:
        said.append(
            ("name", False, say("the learner with this id is called %(name)s here. Is the id right?", name=before.name))
        )
    if near:
        said.append(
            (
                "id",
                False,
                say("is new, but there is a learner %(ids)s: have zeros in front been lost?", ids=", ".join(near[:3])),
            )
        )
    target = teams.find(row["team"]) if "team" in row else None
    if isinstance(target, Said):
        said.append(("team", True, target))
        target = None
    team_before = None if have is None else have.team
    if target is not None and target.key == team_before:
        target = None
    if target is not None and team_before is not None:
        message = say(
            "the learner is in the team %(team)s, and would change to this one.", team=teams.name(team_before)
        )
        said.append(("team", False, message))
    enrols = have is None or not have.is_enrolled
    team_before = None if team_before is None else teams.name(team_before)
    return Plan(learner, before, enrols, target, team_before, _mark(have), len(near) == 1, tuple(said))


def _merged(row: Mapping[Field, str], before: Learner | None) -> Learner:
    """What the row says; where it says nothing, what is there."""
    start = before or Learner(row["id"], row["name"])
    return replace(
        start,
        name=row["name"],
        email=row.get("email", start.email),
        department=row.get("department", start.department),
        joined_on=_day(row.get("joined_on"), start.joined_on),
        left_on=_day(row.get("left_on"), start.left_on),
    )


def _day(text: str | None, before: date | None) -> date | None:
    return before if text is None else date.fromisoformat(text)


def _mark(have: Known | None) -> str:
    content = None if have is None else [have.learner, have.is_enrolled, have.team]
    return blake2b(orjson.dumps(content), digest_size=_MARK_BYTES).hexdigest()
