"""Who is in which team of a programme: the whole board at once, one learner's way through the teams, and moves from
team to team, each from a moment on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pointsbank.database import Session
from pointsbank.directory import enrolments, learners, programmes, stays, teams, version
from pointsbank.directory.days import start_of
from pointsbank.directory.faults import refuse
from pointsbank.directory.programmes import Programme
from pointsbank.errors import Conflict, FieldError
from pointsbank.saying import say


@dataclass(frozen=True, slots=True)
class Seat:
    """A learner on the board. `team` is the key of the team now, None for none; `since` and `until` are of that stay.
    `next_at` is when the learner will join another team, `next_team` its key."""

    learner: str
    name: str
    department: str | None
    left_on: date | None
    team: str | None
    since: datetime | None
    until: datetime | None
    next_at: datetime | None
    next_team: str | None


@dataclass(frozen=True, slots=True)
class StayOf:
    """In a team of a programme from `from_at` until before `until_at` (None: still)."""

    programme: str
    team: str
    name: str
    from_at: datetime
    until_at: datetime | None


def board(session: Session, programme: Programme) -> list[Seat]:
    """Everybody who takes part, in the order of their keys, where they are now (or when the programme begins)."""
    rows = session.sql(
        """SELECT l.key AS learner, l.name, l.department, l.left_on, t.key AS team, m.from_at AS since,
                  m.until_at AS until, n.from_at AS next_at, n.key AS next_team
             FROM enrolments AS e
             JOIN learners AS l ON l.company_id = %(company)s AND l.no = e.learner
             LEFT JOIN memberships AS m
               ON m.company_id = %(company)s AND m.programme = %(programme)s AND m.learner = e.learner
              AND m.from_at <= %(at)s AND (m.until_at IS NULL OR m.until_at > %(at)s)
             LEFT JOIN teams AS t ON t.company_id = %(company)s AND t.no = m.team
             LEFT JOIN (SELECT DISTINCT ON (f.learner) f.learner, f.from_at, g.key
                          FROM memberships AS f
                          JOIN teams AS g ON g.company_id = %(company)s AND g.no = f.team
                         WHERE f.company_id = %(company)s AND f.programme = %(programme)s AND f.from_at > %(at)s
                         ORDER BY f.learner, f.from_at) AS n ON n.learner = e.learner
            WHERE e.company_id = %(company)s AND e.programme = %(programme)s
            ORDER BY l.key""",
        {"programme": programme.no, "at": enrolments.present(programme)},
    )
    return [Seat(*row) for row in rows]


def of_learner(session: Session, learner: int) -> list[StayOf]:
    """All stays of the learner with this number, by programme and time."""
    rows = session.sql(
        """SELECT p.key AS programme, t.key AS team, t.name, m.from_at, m.until_at
             FROM memberships AS m
             JOIN programmes AS p ON p.company_id = %(company)s AND p.no = m.programme
             JOIN teams AS t ON t.company_id = %(company)s AND t.no = m.team
            WHERE m.company_id = %(company)s AND m.learner = %(learner)s ORDER BY p.key, m.from_at""",
        {"learner": learner},
    )
    return [StayOf(*row) for row in rows]


def of_team(session: Session, team: int) -> list[tuple[str, str, datetime, datetime | None]]:
    """Who ever was in the team with this number: key, name, since and until when, in the order of time."""
    rows = session.sql(
        """SELECT l.key, l.name, m.from_at, m.until_at
             FROM memberships AS m JOIN learners AS l ON l.company_id = %(company)s AND l.no = m.learner
            WHERE m.company_id = %(company)s AND m.team = %(team)s
            ORDER BY m.until_at IS NOT NULL, m.from_at, l.key""",
        {"team": team},
    )
    return [(key, name, from_at, until_at) for key, name, from_at, until_at in rows]


class MovedMeanwhile(Conflict):
    """Somebody else moved one of them since; `now` has the key of the team of each who is elsewhere (None: none)."""

    def __init__(self, now: Mapping[str, str | None]) -> None:
        super().__init__(say("Somebody else has moved them in the meantime."))
        self.now = now


def move(
    session: Session, programme_key: str, seen: Mapping[str, str | None], to: str | None, from_on: date | None = None
) -> int:
    """Moves learners into a team, or out of any (None); returns how many were moved.

    `seen` has the key of the team in which each was last seen, None for none: whoever is elsewhere now is moved by
    nobody, and so are the others. It counts from the start of the day `from_on` in the programme's time zone and
    replaces what was known of later times, else from now (before the programme begins, its beginning); a first team
    without `from_on` counts from the enrolment, as `teams.put_batch` has it. Joining enrols.

    Raises NotFound for the programme or team, Invalid, Closed, MovedMeanwhile.
    """
    programme = programmes.get(session, programme_key)
    target = None if to is None else teams.get(session, programme, to).no
    numbers = learners.find_numbers(session, list(seen))
    refuse(_faults(programme, list(seen), numbers, from_on))
    version.change(session)
    programme = programmes.get(session, programme_key)
    enrolments.refuse_closed(programme)
    before = teams.find_stays(session, programme, [], list(numbers.values()))
    _refuse_moved(session, programme, seen, numbers, before)
    enrolled = enrolments.find(session, programme, list(numbers.values()))
    at = enrolments.present(programme) if from_on is None else start_of(from_on, programme.zone)
    after: dict[int, stays.Stays] = {}
    joined: dict[int, datetime | None] = {}
    for learner in numbers.values():
        known = before.get(learner, ())
        if target is None:
            new = stays.out(known, at)
        else:
            first = enrolled.get(learner, programme.starts_at) if from_on is None and not known else at
            new = stays.join(known, target, first)
            joined[learner] = new[-1].from_at
        if new != known:
            after[learner] = new
    teams.write_stays(session, programme, after)
    moved = {stay.team for learner, new in after.items() for stay in set(new) ^ set(before.get(learner, ()))}
    teams.mark_changed(session, moved)
    enrolments.write(session, programme, enrolments.new_or_earlier(programme, joined, enrolled))
    return len(after)


def _faults(
    programme: Programme, keys: Sequence[str], numbers: Mapping[str, int], from_on: date | None
) -> list[FieldError]:
    faults = learners.faults_of_list(keys, numbers, "learners")
    if from_on is not None and not programme.starts_on <= from_on <= programme.ends_on:
        within = {"first": programme.starts_on, "last": programme.ends_on}
        faults.append(("from", say("must lie within the programme's dates, %(first)s to %(last)s.", **within)))
    return faults


def _refuse_moved(
    session: Session,
    programme: Programme,
    seen: Mapping[str, str | None],
    numbers: Mapping[str, int],
    before: Mapping[int, stays.Stays],
) -> None:
    at = enrolments.present(programme)
    keys = _team_keys(session, programme)
    now: dict[str, str | None] = {}
    for learner, number in numbers.items():
        here = [s for s in before.get(number, ()) if s.from_at <= at and (s.until_at is None or at < s.until_at)]
        team = keys[here[0].team] if here else None
        if team != seen[learner]:
            now[learner] = team
    if now:
        raise MovedMeanwhile(now)


def _team_keys(session: Session, programme: Programme) -> dict[int, str]:
    rows: Any = session.sql(
        "SELECT no, key FROM teams WHERE company_id = %(company)s AND programme = %(programme)s",
        {"programme": programme.no},
    )
    return {row.no: row.key for row in rows}
