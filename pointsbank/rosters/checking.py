"""The preview of a roster: all rows read, compared with the directory, every problem said. Changes nothing."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import orjson

from pointsbank.database import Database
from pointsbank.directory import enrolments, known, learners, programmes, snapshot
from pointsbank.rosters import grids, planning
from pointsbank.rosters.cells import letters
from pointsbank.rosters.columns import Choice, Field
from pointsbank.rosters.grids import Reading
from pointsbank.rosters.planning import Plan, Teams
from pointsbank.rosters.problems import GRADES, Problem
from pointsbank.rosters.reading import Line, lines
from pointsbank.rosters.refusals import Unreadable
from pointsbank.saying import Said, say
from rules.simulation.progress import Progress

CHUNK_ROWS = 5_000
STEP_ROWS = 2_000
"""After so many, it is said how far it has come."""
LISTED = 100
"""Problems, changes and teams in the report itself; all problems are in a file."""
MAX_PROBLEMS = 200_000

Kept = tuple[int, dict[Field, str], str, bool, str]
"""A row to be taken: its number, its values, its state, whether something is odd about it, its mark."""


@dataclass(slots=True)
class Check:
    """What a roster would do. `mark` tells two of them apart; `version` is of the directory that it was compared
    with."""

    version: int
    mark: str
    rows: list[Kept]
    faulty: list[tuple[int, dict[Field, str]]]
    problems: list[Problem]
    report: dict[str, Any]


@dataclass(slots=True)
class _Found:
    """What is gathered on the way."""

    counts: Counter[str] = field(default_factory=Counter)
    new_teams: dict[str, int] = field(default_factory=dict)
    changes: list[dict[str, Any]] = field(default_factory=list)
    rows: list[Kept] = field(default_factory=list)


def check(
    database: Database, company_id: int, programme: str, content: bytes, choice: Choice, restores_zeros: bool
) -> Iterator[Progress | Check]:
    """Steps, and last the check. Raises Unreadable, NotFound, and Closed for a programme that takes no changes."""
    with database.snapshot(company_id) as session:
        enrolments.refuse_closed(programmes.get(session, programme))
        version = snapshot.version(session)
    found_lines: list[Line] = []
    notices: list[Said] = []
    for reading in grids.read(content, choice.sheet):
        for line, done in lines(reading, choice):
            found_lines.append(line)
            if len(found_lines) % STEP_ROWS == 0:
                yield Progress("reading", min(done, reading.size), reading.size)
        notices = _notices(reading, choice)
    if not found_lines:
        raise Unreadable(say("Below the header there is no learner. Is it the right sheet?"))
    found = _Found()
    if restores_zeros:
        yield from _restore(database, company_id, found_lines, found)
    _find_doubles(found_lines, choice, found)
    whole = [line for line in found_lines if line.values and not line.is_faulty]
    for begin in range(0, len(whole), CHUNK_ROWS):
        yield Progress("comparing", begin, len(whole))
        chunk = whole[begin : begin + CHUNK_ROWS]
        with database.snapshot(company_id) as session:
            of = programmes.get(session, programme)
            plans = planning.plan(session, of, Teams(session, of), [line.values for line in chunk])
        for line, plan in zip(chunk, plans, strict=True):
            _take_up(line, plan, choice, found)
    yield _check(found_lines, found, notices, version)


def _restore(database: Database, company_id: int, found_lines: list[Line], found: _Found) -> Iterator[Progress]:
    """Gives ids the zeros back with which exactly one learner has them."""
    for begin in range(0, len(found_lines), CHUNK_ROWS):
        yield Progress("comparing", begin, len(found_lines))
        chunk = [line for line in found_lines[begin : begin + CHUNK_ROWS] if line.key]
        with database.snapshot(company_id) as session:
            there = learners.find_numbers(session, [line.key for line in chunk])
            near = known.apart_from_zeros(session, [line.key for line in chunk if line.key not in there])
        for line in chunk:
            if len(near.get(line.key, ())) == 1:
                line.values["id"] = near[line.key][0]
                found.counts["restored"] += 1


def _find_doubles(found_lines: list[Line], choice: Choice, found: _Found) -> None:
    """Rows that mean the same learner, or seem to."""
    first: dict[str, Line] = {}
    stripped: dict[str, Line] = {}
    addresses: dict[str, Line] = {}
    column = {each: letters(at) for each, at in choice.columns.items()}
    for line in found_lines:
        if not line.key:
            continue
        earlier = first.setdefault(line.key, line)
        if earlier is not line:
            _say_double(earlier, line, column["id"], found)
            continue
        bare = line.key.lstrip("0")
        if bare.isdigit() and (near := stripped.setdefault(bare, line)) is not line:
            message = say(
                "differs from row %(row)s (%(id)s) by zeros in front only. Is it the same learner?",
                row=near.row,
                id=near.key,
            )
            line.tell(column["id"], "id", "warning", message)
        if (email := line.values.get("email")) is not None:
            other = addresses.setdefault(email.casefold(), line)
            if other is not line:
                line.tell(
                    column["email"], "email", "warning", say("is the address of row %(row)s, too.", row=other.row)
                )


def _say_double(earlier: Line, line: Line, column: str, found: _Found) -> None:
    if earlier.values == line.values:
        line.tell(
            column,
            "id",
            "note",
            say("stands in row %(row)s already, with the same content. It is taken once.", row=earlier.row),
        )
        line.values = {}
        found.counts["repeated"] += 1
        return
    line.tell(
        column,
        "id",
        "fault",
        say("stands in row %(row)s already, with other content. Keep the row that is right.", row=earlier.row),
    )
    message = say("stands in row %(row)s once more, with other content. Keep the row that is right.", row=line.row)
    earlier.tell(column, "id", "fault", message)


def _take_up(line: Line, plan: Plan, choice: Choice, found: _Found) -> None:
    for of, is_fault, message in plan.said:
        line.tell(letters(choice.columns[of]), of, "fault" if is_fault else "warning", message)
    if line.is_faulty:
        return
    counts = found.counts
    counts[plan.state] += 1
    counts["enrols"] += plan.enrols
    if plan.team is not None:
        counts["moves" if plan.team_before is not None else "joins"] += 1
        if plan.team.is_new:
            found.new_teams[plan.team.key] = found.new_teams.get(plan.team.key, 0) + 1
    counts["restorable"] += plan.lacks_zeros
    if plan.state == "changed" and len(found.changes) < LISTED:
        found.changes.append(_change(line, plan))
    found.rows.append((line.row, line.values, plan.state, line.is_warned, plan.mark))


def _change(line: Line, plan: Plan) -> dict[str, Any]:
    """What is there, and what would be, where that differs."""
    before = plan.before
    assert before is not None, "who changes was there"
    names: Sequence[Field] = ("name", "department", "email", "joined_on", "left_on")
    differs: list[tuple[str, str, str]] = [
        (each, str(getattr(before, each) or ""), str(getattr(plan.learner, each) or ""))
        for each in names
        if getattr(before, each) != getattr(plan.learner, each)
    ]
    if plan.team is not None:
        differs.append(("team", plan.team_before or "", plan.team.name))
    return {"row": line.row, "id": line.key, "name": before.name, "differs": differs, "enrols": plan.enrols}


def _check(found_lines: list[Line], found: _Found, notices: list[Said], version: int) -> Check:
    problems = [each for line in found_lines for each in line.problems]
    grades = Counter(each.grade for each in problems)
    faulty = [(line.row, line.as_written) for line in found_lines if line.is_faulty]
    groups = sorted(
        Counter((each.grade, each.field, each.form) for each in problems).items(),
        key=lambda each: (GRADES.index(each[0][0]), -each[1]),
    )
    content = [[list(row) for row in found.rows], len(faulty)]
    mark = blake2b(orjson.dumps(content), digest_size=16).hexdigest()
    ordered = sorted(problems, key=lambda each: GRADES.index(each.grade))
    report = {
        "read": len(found_lines),
        "faulty": len(faulty),
        "warned": sum(row[3] for row in found.rows),
        **{name: found.counts[name] for name in ("new", "changed", "same", "repeated", "enrols", "joins", "moves")},
        **{name: found.counts[name] for name in ("restorable", "restored")},
        "new_teams": len(found.new_teams),
        "teams": list(found.new_teams.items())[:LISTED],
        "grades": dict(grades),
        "groups": [[*group, count] for group, count in groups[:LISTED]],
        "first": [list(each) for each in ordered[:LISTED]],
        "changes": found.changes,
        "notices": [[each.form, each.values] for each in notices],
        "mark": mark,
        "version": version,
    }
    return Check(version, mark, found.rows, faulty, problems[:MAX_PROBLEMS], report)


def _notices(reading: Reading, choice: Choice) -> list[Said]:
    """What is to be known about the file as a whole."""
    said = []
    if reading.encoding and not reading.is_encoding_sure:
        said.append(
            say(
                "The file says nothing of its encoding and is not UTF-8. It was read as %(encoding)s: see "
                "whether names look right.",
                encoding=reading.encoding,
            )
        )
    if reading.hidden_rows:
        said.append(
            say(
                "%(rows)s rows are hidden or filtered out in the sheet. They are read like the others.",
                rows=reading.hidden_rows,
            )
        )
    if reading.hides_columns:
        said.append(say("The sheet has hidden columns. They are read like the others."))
    if any(each.last_row > choice.header and each.first_column in choice.columns.values() for each in reading.merges):
        said.append(say("The sheet has merged cells. Departments, teams and dates count for each of their rows."))
    return said
