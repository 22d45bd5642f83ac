"""Teams of a programme and who is in them, since when and until when."""

from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import orjson

from pointsbank.database import Session
from pointsbank.directory import enrolments, learners, programmes, stays, version
from pointsbank.directory.days import start_of
from pointsbank.directory.faults import fault_of_key, fault_of_text, refuse
from pointsbank.directory.learners import Status
from pointsbank.directory.programmes import Programme
from pointsbank.directory.roster import Stay
from pointsbank.directory.stays import Stays
from pointsbank.errors import FieldError, NotFound
from pointsbank.saying import say

MAX_TEAMS = 1_000
"""Of a batch."""
MAX_MEMBERS = 10_000
"""Of a team."""


@dataclass(frozen=True, slots=True)
class TeamChange:
    """What a team is to be: exactly these members (keys of learners), from the start of the day `from_on`; with
    `others_stay` those that it has, and these."""

    key: str
    name: str
    members: Sequence[str]
    from_on: date | None = None
    others_stay: bool = False


@dataclass(frozen=True, slots=True)
class Team:
    """`members` are keys of learners, in their order."""

    no: int
    key: str
    name: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TeamSize:
    """A team in a list, without its members."""

    no: int
    key: str
    name: str
    size: int


@dataclass(slots=True)
class _Plan:
    """What has to be written. `nos` has the number of every team of the batch, in its order; `moved` those that
    somebody joins or leaves."""

    statuses: list[Status]
    nos: list[int]
    moved: set[int] = field(default_factory=set)
    stays: dict[int, Stays] = field(default_factory=dict)
    enrolments: dict[int, datetime] = field(default_factory=dict)

    def is_empty(self) -> bool:
        return not self.stays and not self.enrolments and set(self.statuses) <= {"unchanged"}


def get(session: Session, programme: Programme, key: str, at: datetime | None = None) -> Team:
    """The team with its members at that time, else now (or when the programme begins). Raises NotFound."""
    row: Any = None
    if fault_of_key(key) is None:
        row = session.sql(
            """SELECT no, key, name FROM teams
                WHERE company_id = %(company)s AND programme = %(programme)s AND key = %(key)s""",
            {"programme": programme.no, "key": key},
        ).fetchone()
    if row is None:
        raise NotFound(f"There is no team {key} in the programme {programme.key}.")
    members = session.sql(
        """SELECT l.key FROM memberships AS m
             JOIN learners AS l ON l.company_id = %(company)s AND l.no = m.learner
            WHERE m.company_id = %(company)s AND m.team = %(team)s
              AND m.from_at <= %(at)s AND (m.until_at IS NULL OR m.until_at > %(at)s)
            ORDER BY l.key""",
        {"team": row.no, "at": at or enrolments.present(programme)},
    )
    return Team(row.no, row.key, row.name, tuple(key for (key,) in members))


def of_learner(session: Session, programme: Programme, learner: int) -> tuple[str, list[int]] | None:
    """The name of the team in which the learner is now (or when the programme begins), and its members' numbers."""
    rows = session.sql(
        """SELECT t.name, m.learner
             FROM memberships AS own
             JOIN teams AS t ON t.company_id = %(company)s AND t.no = own.team
             JOIN memberships AS m ON m.company_id = %(company)s AND m.team = own.team
              AND m.from_at <= %(at)s AND (m.until_at IS NULL OR m.until_at > %(at)s)
            WHERE own.company_id = %(company)s AND own.programme = %(programme)s AND own.learner = %(learner)s
              AND own.from_at <= %(at)s AND (own.until_at IS NULL OR own.until_at > %(at)s)""",
        {"programme": programme.no, "learner": learner, "at": enrolments.present(programme)},
    ).fetchall()
    return (rows[0].name, [row.learner for row in rows]) if rows else None


def page(session: Session, programme: Programme, limit: int, after: str | None = None) -> list[TeamSize]:
    """At most `limit` teams in the order of their keys, from the first one after that key."""
    rows = session.sql(
        """SELECT no, key, name,
                  (SELECT count(*) FROM memberships AS m
                    WHERE m.company_id = %(company)s AND m.team = t.no
                      AND m.from_at <= %(at)s AND (m.until_at IS NULL OR m.until_at > %(at)s)) AS size
             FROM teams AS t
            WHERE company_id = %(company)s AND programme = %(programme)s AND key > %(after)s
            ORDER BY key LIMIT %(limit)s""",
        {
            "programme": programme.no,
            "after": after or "",
            "limit": limit,
            "at": enrolments.present(programme),
        },
    )
    return [TeamSize(*row) for row in rows]


def put(session: Session, programme_key: str, change: TeamChange) -> tuple[Team, Status]:
    """Makes or changes one team, as `put_batch`; members as of `from_on`, if that has yet to come."""
    [status] = _put(session, programme_key, [change], [""])
    programme = programmes.get(session, programme_key)
    at = enrolments.present(programme)
    if change.from_on is not None:
        at = max(at, start_of(change.from_on, programme.zone))
    return get(session, programme, change.key, at), status


def put_name(session: Session, programme_key: str, key: str, name: str) -> bool:
    """Makes a team without members, or gives one another name and leaves its members alone; True if it is new.

    Raises NotFound for the programme, Invalid, Closed.
    """
    programme = programmes.get(session, programme_key)
    change = TeamChange(key, name, ())
    refuse(_faults([change], [""]))
    version.change(session)
    enrolments.refuse_closed(programmes.get(session, programme_key))
    plan = _plan_teams(session, programme, [change])
    _write_teams(session, programme, [change], plan)
    return plan.statuses == ["created"]


def put_batch(session: Session, programme_key: str, changes: Sequence[TeamChange]) -> list[Status]:
    """Makes or changes teams, all or none, in the same number of statements however many and however large.

    From its moment on a team has exactly the members that are listed: others leave it, unless they stay, and those
    listed leave any other team of the programme, whatever was known of later times. The moment is the start of the day
    `from_on` in the programme's time zone, else now (before the programme begins, its beginning). But
    someone's first team without `from_on` counts from their enrolment, and from the programme's start if they
    were not enrolled: there is nothing before it to be replaced. Joining enrols, from then on.

    Raises NotFound for the programme, Closed, and Invalid with every fault.
    """
    return _put(session, programme_key, changes, [f"[{index}]." for index in range(len(changes))])


def _put(session: Session, programme_key: str, changes: Sequence[TeamChange], paths: Sequence[str]) -> list[Status]:
    programme = programmes.get(session, programme_key)
    faults = _faults(changes, paths)
    numbers = learners.find_numbers(session, [key for change in changes for key in change.members])
    for change, path in zip(changes, paths, strict=True):
        faults += learners.faults_of_list(change.members, numbers, f"{path}members")
    refuse(faults)
    if (plan := _plan(session, programme, changes, numbers)).is_empty():
        return plan.statuses
    version.change(session)
    programme = programmes.get(session, programme_key)
    enrolments.refuse_closed(programme)
    plan = _plan(session, programme, changes, numbers)
    _write_teams(session, programme, changes, plan)
    write_stays(session, programme, plan.stays)
    enrolments.write(session, programme, plan.enrolments)
    return plan.statuses


def _faults(changes: Sequence[TeamChange], paths: Sequence[str]) -> list[FieldError]:
    found: list[tuple[str, str | None]] = []
    teams: dict[str, int] = {}
    places: dict[str, int] = {}
    for index, (change, path) in enumerate(zip(changes, paths, strict=True)):
        found += [(f"{path}id", fault_of_key(change.key)), (f"{path}name", fault_of_text(change.name))]
        if (earlier := teams.setdefault(change.key, index)) != index:
            found.append((f"{path}id", say("stands at index %(place)s already.", place=earlier)))
        if len(change.members) > MAX_MEMBERS:
            found.append((f"{path}members", say("must be at most %(most)s.", most=MAX_MEMBERS)))
        for place, learner in enumerate(change.members):
            if (other := places.setdefault(learner, index)) != index:
                found.append((f"{path}members[{place}]", say("is in the team at index %(place)s, too.", place=other)))
    return [(path, fault) for path, fault in found if fault is not None]


def _plan(session: Session, programme: Programme, changes: Sequence[TeamChange], numbers: dict[str, int]) -> _Plan:
    plan = _plan_teams(session, programme, changes)
    listed = [[numbers[key] for key in change.members] for change in changes]
    everyone = [learner for members in listed for learner in members]
    before = find_stays(session, programme, plan.nos, everyone)
    enrolled = enrolments.find(session, programme, everyone)
    moments = [
        enrolments.present(programme) if change.from_on is None else start_of(change.from_on, programme.zone)
        for change in changes
    ]
    after = dict(before)
    members_of = {
        no: set(members)
        for change, no, members in zip(changes, plan.nos, listed, strict=True)
        if not change.others_stay
    }
    moment_of = dict(zip(plan.nos, moments, strict=True))
    for learner, known in before.items():
        for team in {stay.team for stay in known} & members_of.keys():
            if learner not in members_of[team]:
                after[learner] = stays.leave(after[learner], team, moment_of[team])
    joined: dict[int, datetime | None] = {}
    for change, no, members in zip(changes, plan.nos, listed, strict=True):
        for learner in members:
            at = moment_of[no]
            if change.from_on is None and not before.get(learner):
                at = enrolled.get(learner, programme.starts_at)
            after[learner] = stays.join(after.get(learner, ()), no, at)
            joined[learner] = after[learner][-1].from_at
    plan.stays = {learner: new for learner, new in after.items() if new != before.get(learner, ())}
    plan.enrolments = enrolments.new_or_earlier(programme, joined, enrolled)
    plan.moved = {stay.team for learner, new in plan.stays.items() for stay in set(new) ^ set(before.get(learner, ()))}
    plan.statuses = [
        "updated" if status == "unchanged" and no in plan.moved else status
        for status, no in zip(plan.statuses, plan.nos, strict=True)
    ]
    return plan


def _plan_teams(session: Session, programme: Programme, changes: Sequence[TeamChange]) -> _Plan:
    rows = session.sql(
        """SELECT key, no, name FROM teams
            WHERE company_id = %(company)s AND programme = %(programme)s AND key = ANY (%(keys)s::text[])""",
        {"programme": programme.no, "keys": [change.key for change in changes]},
    )
    known = {row.key: row for row in rows}
    row = session.sql("SELECT coalesce(max(no), 0) FROM teams WHERE company_id = %(company)s").fetchone()
    assert row is not None, "an aggregate has one row"
    (last,) = row
    plan = _Plan([], [])
    for change in changes:
        have = known.get(change.key)
        if have is None:
            last += 1
            plan.nos.append(last)
            plan.statuses.append("created")
        else:
            plan.nos.append(have.no)
            plan.statuses.append("unchanged" if have.name == change.name else "updated")
    return plan


def find_stays(
    session: Session, programme: Programme, teams: Sequence[int], numbers: Sequence[int]
) -> dict[int, Stays]:
    """All stays of these learners, and of all who ever were in these teams."""
    rows = session.sql(
        """SELECT learner, from_at, until_at, team FROM memberships
            WHERE company_id = %(company)s AND programme = %(programme)s
              AND learner IN (SELECT unnest(%(numbers)s::integer[])
                              UNION SELECT learner FROM memberships
                                     WHERE company_id = %(company)s AND team = ANY (%(teams)s::integer[]))
            ORDER BY learner, from_at""",
        {"programme": programme.no, "numbers": list(numbers), "teams": list(teams)},
    )
    found: dict[int, Stays] = {}
    for learner, from_at, until_at, team in rows:
        found[learner] = (*found.get(learner, ()), Stay(from_at, until_at, team))
    return found


def _write_teams(session: Session, programme: Programme, changes: Sequence[TeamChange], plan: _Plan) -> None:
    rows = [
        {"no": no, "key": change.key, "name": change.name}
        for change, no, status in zip(changes, plan.nos, plan.statuses, strict=True)
        if status != "unchanged"
    ]
    session.sql(
        """INSERT INTO teams (company_id, no, programme, key, name)
           SELECT %(company)s, no, %(programme)s, key, name
             FROM json_to_recordset(%(rows)s::json) AS r (no integer, key text, name text)
           ON CONFLICT (company_id, no) DO UPDATE SET name = excluded.name""",
        {"programme": programme.no, "rows": orjson.dumps(rows).decode()},
    )
    named = {no for no, status in zip(plan.nos, plan.statuses, strict=True) if status != "unchanged"}
    mark_changed(session, named | plan.moved)


def mark_changed(session: Session, numbers: Set[int]) -> None:
    """So that boards take up what is new in the teams with these numbers."""
    session.sql(
        f"""UPDATE teams SET changed_in = {version.CURRENT}
             WHERE company_id = %(company)s AND no = ANY (%(numbers)s::integer[])""",  # noqa: S608 - a constant
        {"numbers": sorted(numbers)},
    )


def write_stays(session: Session, programme: Programme, changed: dict[int, Stays]) -> None:
    """Replaces all stays of these learners in the programme."""
    if not changed:
        return
    session.sql(
        """DELETE FROM memberships
            WHERE company_id = %(company)s AND programme = %(programme)s
              AND learner = ANY (%(numbers)s::integer[])""",
        {"programme": programme.no, "numbers": list(changed)},
    )
    rows = [
        {"learner": learner, "from_at": stay.from_at, "until_at": stay.until_at, "team": stay.team}
        for learner, known in changed.items()
        for stay in known
    ]
    session.sql(
        """INSERT INTO memberships (company_id, programme, learner, from_at, until_at, team)
           SELECT %(company)s, %(programme)s, learner, from_at, until_at, team
             FROM json_to_recordset(%(rows)s::json)
                  AS r (learner integer, from_at timestamptz, until_at timestamptz, team integer)""",
        {"programme": programme.no, "rows": orjson.dumps(rows).decode()},
    )
