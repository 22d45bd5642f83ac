"""Training programmes: their dates, phases and allotment of credits."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from ledger.accounts import CREDITS, ISSUANCE, pool_of_programme
from pointsbank.database import Session
from pointsbank.directory import pools, version
from pointsbank.directory.days import end_of, is_zone, start_of
from pointsbank.directory.faults import fault_of_key, fault_of_text, refuse
from pointsbank.errors import Closed, FieldError, NotFound
from pointsbank.saying import say

MAX_PHASES = 100

_COLUMNS = "no, key, name, starts_on, ends_on, timezone, allotment, phases, closed_at"


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of a programme, from the first to the last of its days."""

    key: str
    name: str
    starts_on: date
    ends_on: date


@dataclass(frozen=True, slots=True)
class Programme:
    """`allotment` is of credits, in their smallest part; None: without limit, awards come from issuance."""

    no: int
    key: str
    name: str
    starts_on: date
    ends_on: date
    timezone: str
    allotment: int | None
    phases: tuple[Phase, ...]
    closed_at: datetime | None

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def starts_at(self) -> datetime:
        return start_of(self.starts_on, self.zone)

    @property
    def ends_at(self) -> datetime:
        """The first instant after it."""
        return end_of(self.ends_on, self.zone)


def get(session: Session, key: str) -> Programme:
    """Raises NotFound."""
    found = _find(session, key)
    if found is None:
        raise NotFound(f"There is no programme {key}.")
    return found


def exists(session: Session, key: str) -> bool:
    return _find(session, key) is not None


def page(session: Session, limit: int, after: str | None = None) -> list[Programme]:
    """At most `limit` programmes in the order of their keys, from the first one after that key."""
    rows = session.sql(
        f"""SELECT {_COLUMNS} FROM programmes
             WHERE company_id = %(company)s AND key > %(after)s ORDER BY key LIMIT %(limit)s""",  # noqa: S608 - columns
        {"after": after or "", "limit": limit},
    )
    return [_read(row) for row in rows]


def put(
    session: Session,
    key: str,
    *,
    name: str,
    starts_on: date,
    ends_on: date,
    timezone: str,
    allotment: int | None = None,
    phases: Sequence[Phase] = (),
) -> tuple[Programme, bool]:
    """Makes or changes a programme; True if it is new.

    Another allotment books the difference between `issuance` and the programme's pool. Without limit (None)
    what is left in the pool goes back; a limit set after that counts from then on. Raises Invalid, Closed,
    and Conflict if more was given than the allotment is lowered to.
    """
    wanted = Programme(0, key, name, starts_on, ends_on, timezone, allotment, tuple(phases), None)
    refuse(_faults(wanted))
    before = _find(session, key)
    if before is not None and _renumbered(wanted, before) == before:
        return before, False
    version.change(session)
    before = _find(session, key)
    if before is None:
        return _insert(session, wanted), True
    if before.closed_at is not None:
        raise Closed(say("The programme %(programme)s is closed and takes no changes.", programme=key))
    refuse(_courses_outside(session, before, wanted))
    return _update(session, before, _renumbered(wanted, before)), False


def _insert(session: Session, wanted: Programme) -> Programme:
    row = session.sql(
        f"""INSERT INTO programmes
                   (company_id, no, key, name, starts_on, ends_on, timezone, allotment, phases)
            SELECT %(company)s, coalesce(max(no), 0) + 1, %(key)s, %(name)s, %(starts_on)s, %(ends_on)s,
                   %(timezone)s, %(allotment)s, %(phases)s::jsonb
              FROM programmes WHERE company_id = %(company)s RETURNING {_COLUMNS}""",  # noqa: S608 - columns
        _values(wanted),
    ).fetchone()
    made = _read(row)
    pools.book(session, [_change(made, 0, made.allotment or 0)])
    return made


def _update(session: Session, before: Programme, wanted: Programme) -> Programme:
    session.sql(
        """UPDATE programmes
              SET name = %(name)s, starts_on = %(starts_on)s, ends_on = %(ends_on)s, timezone = %(timezone)s,
                  allotment = %(allotment)s, phases = %(phases)s::jsonb
            WHERE company_id = %(company)s AND no = %(no)s""",
        _values(wanted),
    )
    if wanted.allotment is None and before.allotment is not None:
        pool = (pool_of_programme(before.no), CREDITS)
        pools.book(session, [_change(before, pools.balances(session, [pool])[pool], 0)])
    elif wanted.allotment is not None:
        pools.book(session, [_change(before, before.allotment or 0, wanted.allotment)])
    return wanted


def _change(programme: Programme, before: int, after: int) -> pools.Change:
    return pools.Change(
        kind="programme.allotted",
        about=f"programme:{programme.key}:allotment",
        path="allotment",
        unit=CREDITS,
        giver=ISSUANCE,
        pool=pool_of_programme(programme.no),
        before=before,
        after=after,
        programme=programme.no,
    )


def _faults(wanted: Programme) -> list[FieldError]:
    found: list[tuple[str, str | None]] = [
        ("programme", fault_of_key(wanted.key)),
        ("name", fault_of_text(wanted.name)),
        (
            "timezone",
            None if is_zone(wanted.timezone) else say("is not the IANA name of a time zone, such as Asia/Shanghai."),
        ),
        ("ends_on", None if wanted.ends_on >= wanted.starts_on else say("must not be before the first day.")),
        ("phases", None if len(wanted.phases) <= MAX_PHASES else say("must be at most %(most)s.", most=MAX_PHASES)),
    ]
    first: dict[str, int] = {}
    for index, phase in enumerate(wanted.phases):
        path = f"phases[{index}]"
        found += [(f"{path}.key", fault_of_key(phase.key)), (f"{path}.name", fault_of_text(phase.name))]
        if (earlier := first.setdefault(phase.key, index)) != index:
            found.append((f"{path}.key", say("is the id of phase %(number)s, too.", number=earlier + 1)))
        if phase.ends_on < phase.starts_on:
            found.append((f"{path}.ends_on", say("must not be before the first day.")))
        elif phase.starts_on < wanted.starts_on:
            found.append((f"{path}.starts_on", say("must not be before the programme starts.")))
        elif phase.ends_on > wanted.ends_on:
            found.append((f"{path}.ends_on", say("must not be after the programme ends.")))
    return [(path, fault) for path, fault in found if fault is not None]


def _courses_outside(session: Session, before: Programme, wanted: Programme) -> list[FieldError]:
    """A programme's dates hold its courses."""
    row = session.sql(
        """SELECT min(opens_on) AS opens_on, max(closes_on) AS closes_on
             FROM courses WHERE company_id = %(company)s AND programme = %(programme)s""",
        {"programme": before.no},
    ).fetchone()
    assert row is not None, "an aggregate has one row"
    faults: list[FieldError] = []
    if row.opens_on is not None and wanted.starts_on > row.opens_on:
        faults.append(("starts_on", say("must not be after %(day)s, when one of its courses opens.", day=row.opens_on)))
    if row.closes_on is not None and wanted.ends_on < row.closes_on:
        faults.append(
            ("ends_on", say("must not be before %(day)s, when one of its courses closes.", day=row.closes_on))
        )
    return faults


def _find(session: Session, key: str) -> Programme | None:
    if fault_of_key(key) is not None:
        return None
    row = session.sql(
        f"SELECT {_COLUMNS} FROM programmes WHERE company_id = %(company)s AND key = %(key)s",  # noqa: S608 - columns
        {"key": key},
    ).fetchone()
    return None if row is None else _read(row)


def _renumbered(wanted: Programme, before: Programme) -> Programme:
    return dataclasses.replace(wanted, no=before.no, closed_at=before.closed_at)


def _read(row: Any) -> Programme:
    phases = tuple(
        Phase(
            each["key"],
            each["name"],
            date.fromisoformat(each["starts_on"]),
            date.fromisoformat(each["ends_on"]),
        )
        for each in row.phases
    )
    return Programme(**{**row._asdict(), "phases": phases})


def _values(programme: Programme) -> dict[str, Any]:
    return {
        "no": programme.no,
        "key": programme.key,
        "name": programme.name,
        "starts_on": programme.starts_on,
        "ends_on": programme.ends_on,
        "timezone": programme.timezone,
        "allotment": programme.allotment,
        "phases": orjson.dumps(programme.phases).decode(),
    }
