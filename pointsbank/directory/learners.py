"""Learners of a company, put one by one or by the thousand."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, get_args

import orjson

from pointsbank.database import Session
from pointsbank.directory import version
from pointsbank.directory.faults import FIRST_YEAR, LAST_YEAR, fault_of_key, fault_of_text, refuse
from pointsbank.errors import FieldError, Invalid, NotFound
from pointsbank.saying import say

MAX_LEARNERS = 10_000
"""Of a batch."""
MAX_EMAIL_CHARACTERS = 320

Status = Literal["created", "updated", "unchanged"]
STATUSES: tuple[Status, ...] = get_args(Status)

COLUMNS = "l.key, l.name, l.email, l.department, l.joined_on, l.left_on"


@dataclass(frozen=True, slots=True)
class Learner:
    """`left_on` is the last day on which events for the learner may have happened."""

    key: str
    name: str
    email: str | None = None
    department: str | None = None
    joined_on: date | None = None
    left_on: date | None = None


def parse(item: object) -> Learner:
    """A learner of a batch or of a file: an object with `id`. Raises Invalid with every fault."""
    if not isinstance(item, dict):
        raise Invalid("A learner is an object with id and name.")
    faults: list[FieldError] = [
        (str(field)[:64], say("there is no such field.")) for field in item if field not in _FIELDS
    ]
    faults += _faults_of_text(item)
    joined_on = _date(item.get("joined_on"), "joined_on", faults)
    left_on = _date(item.get("left_on"), "left_on", faults)
    faults += _faults_of_dates(joined_on, left_on)
    refuse(faults)
    return Learner(item["id"], item["name"], item.get("email"), item.get("department"), joined_on, left_on)


_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _date(value: object, path: str, faults: list[FieldError]) -> date | None:
    if value is None:
        return None
    try:
        if not isinstance(value, str) or not _DATE.fullmatch(value):
            raise ValueError
        day = date.fromisoformat(value)
    except ValueError:
        faults.append((path, say("must be a date of the calendar such as 2021-07-01.")))
        return None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        faults.append((path, say("must lie in the years %(first)s to %(last)s.", first=FIRST_YEAR, last=LAST_YEAR)))
    return day


def get(session: Session, key: str) -> Learner:
    """Raises NotFound."""
    row: Any = None
    if fault_of_key(key) is None:
        row = session.sql(
            f"SELECT {COLUMNS} FROM learners AS l WHERE company_id = %(company)s AND key = %(key)s",  # noqa: S608
            {"key": key},
        ).fetchone()
    if row is None:
        raise NotFound(f"There is no learner {key}.")
    return Learner(*row)


def page(session: Session, limit: int, after: str | None = None) -> list[Learner]:
    """At most `limit` learners in the order of their keys, from the first one after that key."""
    rows = session.sql(
        f"""SELECT {COLUMNS} FROM learners AS l
             WHERE company_id = %(company)s AND key > %(after)s ORDER BY key LIMIT %(limit)s""",  # noqa: S608 - columns
        {"after": after or "", "limit": limit},
    )
    return [Learner(*row) for row in rows]


def find_numbers(session: Session, keys: Sequence[str]) -> dict[str, int]:
    """The numbers of the learners with these keys; a key that nobody has is absent."""
    rows = session.sql(
        """SELECT l.key, l.no FROM json_array_elements_text(%(keys)s::json) AS wanted (key)
             JOIN learners AS l ON l.company_id = %(company)s AND l.key = wanted.key COLLATE "C\"""",
        {"keys": orjson.dumps([key for key in keys if fault_of_key(key) is None]).decode()},
    )
    return {row.key: row.no for row in rows}


def names_of(session: Session, keys: Sequence[str]) -> dict[str, str]:
    """Their names, by their keys."""
    rows = session.sql(
        "SELECT key, name FROM learners WHERE company_id = %(company)s AND key = ANY (%(keys)s)", {"keys": list(keys)}
    )
    return dict(rows)


def faults_of_list(keys: Sequence[str], known: Mapping[str, int], path: str) -> list[FieldError]:
    """Learners of a list that are unknown or stand in it twice, as faults of `path[index]`."""
    first: dict[str, int] = {}
    faults: list[FieldError] = []
    for index, key in enumerate(keys):
        if (earlier := first.setdefault(key, index)) != index:
            faults.append((f"{path}[{index}]", say("stands at %(place)s already.", place=f"{path}[{earlier}]")))
        elif key not in known:
            faults.append(
                (f"{path}[{index}]", fault_of_key(key) or say("there is no learner %(learner)s.", learner=key))
            )
    return faults


def put(session: Session, learner: Learner) -> Status:
    """Makes or changes one learner. Raises Invalid."""
    [outcome] = put_batch(session, [learner])
    if isinstance(outcome, Invalid):
        raise outcome
    return outcome


def put_batch(session: Session, learners: Sequence[Learner]) -> list[Status | Invalid]:
    """Makes or changes learners, in the same number of statements however many; one outcome for each.

    Those that are invalid are left out. So is one whose key stood earlier in the batch with other content;
    with the same content it is unchanged.
    """
    outcomes: list[Status | Invalid] = ["unchanged"] * len(learners)
    first: dict[str, int] = {}
    for index, learner in enumerate(learners):
        faults = _faults(learner)
        if not faults:
            earlier = first.setdefault(learner.key, index)
            if learners[earlier] == learner:
                continue
            faults = [("id", say("stands at index %(place)s already, with other content.", place=earlier))]
        outcomes[index] = Invalid("; ".join(f"{path}: {fault}" for path, fault in faults), errors=faults)
    if not _changed(session, [learners[index] for index in first.values()]):
        return outcomes
    version.change(session)  # its lock: what is read now stays so
    changed = _changed(session, [learners[index] for index in first.values()])
    _write(session, changed)
    for learner, status in changed:
        outcomes[first[learner.key]] = status
    return outcomes


def _changed(session: Session, learners: Sequence[Learner]) -> list[tuple[Learner, Status]]:
    rows = session.sql(
        f"""SELECT {COLUMNS} FROM json_array_elements_text(%(keys)s::json) AS wanted (key)
              JOIN learners AS l ON l.company_id = %(company)s AND l.key = wanted.key COLLATE "C\"""",  # noqa: S608
        {"keys": orjson.dumps([learner.key for learner in learners]).decode()},
    )
    have = {row[0]: Learner(*row) for row in rows}
    return [
        (learner, "updated" if learner.key in have else "created")
        for learner in learners
        if have.get(learner.key) != learner
    ]


def _write(session: Session, changed: list[tuple[Learner, Status]]) -> None:
    """Inserts and updates in one statement each; the transaction is the company's one writer."""
    for status, statement in (("created", _INSERT), ("updated", _UPDATE)):
        rows = [learner for learner, found in changed if found == status]
        if rows:
            session.sql(statement, {"rows": orjson.dumps(rows).decode()})


_ROWS = """json_to_recordset(%(rows)s::json)
           AS r (key text, name text, email text, department text, joined_on date, left_on date)"""
_INSERT = f"""
INSERT INTO learners (company_id, no, key, name, email, department, joined_on, left_on, changed_in)
SELECT %(company)s,
       (SELECT coalesce(max(no), 0) FROM learners WHERE company_id = %(company)s) + row_number() OVER (),
       key, name, email, department, joined_on, left_on, {version.CURRENT}
  FROM {_ROWS}"""  # noqa: S608 - a constant
_UPDATE = f"""
UPDATE learners AS l
   SET name = r.name, email = r.email, department = r.department, joined_on = r.joined_on, left_on = r.left_on,
       changed_in = {version.CURRENT}
  FROM {_ROWS}
 WHERE l.company_id = %(company)s AND l.key = r.key COLLATE "C\""""  # noqa: S608 - a constant


def _faults(learner: Learner) -> list[FieldError]:
    texts = {
        "id": learner.key,
        "name": learner.name,
        "email": learner.email,
        "department": learner.department,
    }
    return _faults_of_text(texts) + _faults_of_dates(learner.joined_on, learner.left_on)


def _faults_of_text(values: Mapping[str, object]) -> list[FieldError]:
    faults: list[FieldError] = []
    for field, check in _CHECKS.items():
        value = values.get(field)
        if value is not None or field in _REQUIRED:
            fault = check(value) if field in values else say("is missing.")
            if fault is not None:
                faults.append((field, fault))
    return faults


def _faults_of_dates(joined_on: date | None, left_on: date | None) -> list[FieldError]:
    if joined_on is not None and left_on is not None and left_on < joined_on:
        return [("left_on", say("must not be before the day of joining."))]
    return []


def _fault_of_email(value: object) -> str | None:
    fault = fault_of_text(value, MAX_EMAIL_CHARACTERS)
    if fault is None and isinstance(value, str):
        name, at, domain = value.rpartition("@")
        if not (name and at and domain) or " " in value:
            return say("must be an address such as li@example.com.")
    return fault


_REQUIRED = frozenset(("id", "name"))
_CHECKS: dict[str, Callable[[object], str | None]] = {
    "id": fault_of_key,
    "name": fault_of_text,
    "email": _fault_of_email,
    "department": fault_of_text,
}
_FIELDS = frozenset((*_CHECKS, "joined_on", "left_on"))
