"""What a worker remembers of a company, to judge events without asking the database for each.

All of it is valid for one version of the directory, which `ledger.journal.lock` compares under the journal's
lock, and until the next version of a rulebook that was activated ahead of time is in force, which the booking
compares with the time at which it recorded (`check_time`): whoever goes by what is over is told so
(StaleDirectory) and reads again. Terms never change.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import NamedTuple

from ledger import terms
from ledger.errors import StaleDirectory
from pointsbank.database import Database, Session
from pointsbank.directory import roster, snapshot
from pointsbank.directory.roster import Enrolled
from pointsbank.directory.snapshot import Directory
from rules import versions
from rules.parts import Rulebook
from rules.rulebook import parse

MAX_COMPANIES = 64
MAX_LEARNERS = 20_000
"""Remembered per company; about 400 bytes each."""
MAX_TERMS = 20_000


class InForce(NamedTuple):
    version: int
    rulebook: Rulebook


@dataclass(slots=True)
class Known:
    """Of one company. `rulebooks` are those in force, by the number of the programme, for what is recorded before
    `until` (None: until the directory changes)."""

    company_id: int
    directory: Directory
    rulebooks: dict[int, InForce]
    until: datetime | None
    terms: dict[str, int]
    learners: dict[tuple[int, str], Enrolled] = field(default_factory=dict)

    def find_learners(self, database: Database, wanted: Iterable[tuple[int, str]]) -> dict[tuple[int, str], Enrolled]:
        """(programme's number, learner's key) → the learner; who does not exist is left out."""
        found: dict[tuple[int, str], Enrolled] = {}
        missing: dict[int, list[str]] = {}
        for pair in set(wanted):
            enrolled = self.learners.get(pair)
            if enrolled is None:
                missing.setdefault(pair[0], []).append(pair[1])
            else:
                found[pair] = enrolled
        if missing:
            with database.snapshot(self.company_id) as session:
                for programme, names in missing.items():
                    rows = roster.find_learners(session, programme, names)
                    found |= {(programme, key): enrolled for key, enrolled in rows.items()}
            if len(self.learners) + len(found) > MAX_LEARNERS:
                self.learners.clear()
            if len(found) <= MAX_LEARNERS:
                self.learners.update(found)
        return found

    def check_time(self, recorded_at: datetime) -> None:
        """Raises StaleDirectory if what was recorded then is to be judged by a rulebook that was not yet in force."""
        if self.until is not None and recorded_at >= self.until:
            raise StaleDirectory("A version of the rulebook has come into force.")

    def find_terms(self, database: Database, names: Sequence[str]) -> dict[str, int]:
        """The numbers of sources, types and rule keys, which are given to them if they are new."""
        missing = [name for name in names if name not in self.terms]
        if not missing:
            return self.terms
        found = database.run(self.company_id, lambda session: terms.intern(session, missing))
        if len(self.terms) + len(found) > MAX_TERMS:
            self.terms.clear()
        self.terms.update(found)
        return {**self.terms, **found, **{name: self.terms[name] for name in names if name in self.terms}}


_known: OrderedDict[tuple[int, int], Known] = OrderedDict()
_lock = Lock()


def of_company(database: Database, company_id: int) -> Known:
    """What is remembered, as it was read last; the booking finds out whether it is still so."""
    key = (id(database), company_id)
    with _lock:
        known = _known.get(key)
        if known is not None:
            _known.move_to_end(key)
            return known
    return refresh(database, company_id)


def refresh(database: Database, company_id: int) -> Known:
    """Reads the directory again if its version has changed."""
    key = (id(database), company_id)
    before = _known.get(key)
    with database.snapshot(company_id) as session:
        now = versions.clock(session)
        if before is not None and snapshot.version(session) == before.directory.version:
            if before.until is None or now < before.until:
                return before
            directory = before.directory
        else:
            directory = snapshot.load(session)
        rulebooks = _rulebooks(session, now, before.rulebooks if before is not None else {})
        until = _until(session, now)
    known = Known(company_id, directory, rulebooks, until, before.terms if before is not None else {})
    with _lock:
        _known[key] = known
        _known.move_to_end(key)
        while len(_known) > MAX_COMPANIES:
            _known.popitem(last=False)
    return known


def _rulebooks(session: Session, now: datetime, before: dict[int, InForce]) -> dict[int, InForce]:
    """The rulebooks in force; one that is known already keeps its compiled expressions."""
    in_force: dict[int, InForce] = {}
    rows = session.sql(
        """SELECT DISTINCT ON (programme) programme, version FROM rulebooks
            WHERE company_id = %(company)s AND status = 'active' AND active_from <= %(now)s
            ORDER BY programme, active_from DESC""",
        {"now": now},
    )
    for programme, version in rows.fetchall():
        known = before.get(programme)
        if known is None or known.version != version:
            known = InForce(version, parse(versions.of_version(session, programme, version)["document"]))
        in_force[programme] = known
    return in_force


def _until(session: Session, now: datetime) -> datetime | None:
    row = session.sql(
        """SELECT min(active_from) AS until FROM rulebooks
            WHERE company_id = %(company)s AND status = 'active' AND active_from > %(now)s""",
        {"now": now},
    ).fetchone()
    return None if row is None else row.until
