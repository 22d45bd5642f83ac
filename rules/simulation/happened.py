"""The events of a programme as they are booked, and what the rules of a version offer for each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from ledger import terms
from ledger.accounts import CREDITS
from pointsbank.database import Session
from pointsbank.directory import snapshot
from pointsbank.directory.snapshot import Course, Programme
from pointsbank.errors import Closed, NotFound
from rules import correcting
from rules.cloudevent import RESERVED_SOURCE, Event
from rules.earning import evaluate
from rules.errors import RuleFailed
from rules.parts import EarningRule, Rulebook

ROWS_AT_A_TIME = 5_000


class Given(NamedTuple):
    """What one rule gives: its term, and an amount of a unit."""

    rule: int
    unit: int
    amount: int


Gifts = tuple[Given, ...]
"""In the order of the rules' terms."""


@dataclass(slots=True)
class Happened:
    """An event that was not withdrawn. `first` is the number of its first entry, `number` that of the one that counts.

    `booked` is what that entry gave, `offered` what the rules give before limits; None: a rule cannot judge the event.
    `recorded_at` is when it was first booked: what was booked together has it in common.
    """

    first: int
    number: int
    learner: int
    course: int
    at: datetime
    recorded_at: datetime
    booked: Gifts
    offered: Gifts | None

    @property
    def turn(self) -> tuple[datetime, datetime, int]:
        """Events are replayed as they were booked: one batch after the other, each by time."""
        return self.recorded_at, self.at, self.first


@dataclass(slots=True)
class Ground:
    """What a version is tried on. `number` is the journal's last one; `terms` are the rules' by their keys, those of
    rules that are new to the company negative. `places` are held, by entry and rule.
    """

    programme: Programme
    rulebook: Rulebook
    number: int
    terms: dict[str, int]
    places: set[tuple[int, int]]
    events: list[Happened] = field(default_factory=list)
    failures: list["Failure"] = field(default_factory=list)

    @property
    def rules(self) -> Mapping[int, EarningRule]:
        return {self.terms[rule.key]: rule for rule in self.rulebook.earning}

    @property
    def courses(self) -> Mapping[int, Course]:
        return {course.no: course for course in self.programme.courses.values()}


class Failure(NamedTuple):
    """A rule that cannot judge an event which is booked; `number` is that of its first entry."""

    number: int
    rule: str
    reason: str


def ground(session: Session, programme_key: str, rulebook: Rulebook) -> Ground:
    """Without the events yet. Raises NotFound, and Closed for a programme that is closed."""
    programme = snapshot.load(session).programmes.get(programme_key)
    if programme is None:
        raise NotFound(f"There is no programme {programme_key}.")
    if programme.closed:
        raise Closed(f"Programme {programme.key} is closed: what is booked in it stays.")
    keys = [rule.key for rule in rulebook.earning]
    known = terms.find(session, keys)
    unknown = [key for key in keys if key not in known]
    known |= {key: -number for number, key in enumerate(unknown, 1)}
    row = session.sql("SELECT last_number FROM journals WHERE company_id = %(company)s").fetchone()
    assert row is not None, "every company has a journal"
    places = session.sql(
        """SELECT p.number, p.rule FROM places AS p
            WHERE p.company_id = %(company)s AND p.programme = %(programme)s
              AND NOT EXISTS (SELECT FROM entries AS r WHERE r.company_id = %(company)s AND r.reverses = p.number)""",
        {"programme": programme.no},
    )
    return Ground(programme, rulebook, row.last_number, known, {(place.number, place.rule) for place in places})


def read(session: Session, on: Ground) -> Iterator[int]:
    """Puts the events into `on`, in the order in which they are replayed; yields up to which number it has read."""
    names = {row.no: row.term for row in session.sql("SELECT no, term FROM terms WHERE company_id = %(company)s")}
    numbers = {term: no for no, term in names.items()}
    corrections = numbers.get(correcting.SOURCE)
    judge = _Judge(on, names)
    gifts: dict[tuple[Any, ...], Gifts] = {}
    found: dict[int, Happened] = {}
    last = 0
    for page in _pages(session, on, names, [numbers[kind] for kind in on.rulebook.rules_by_type if kind in numbers]):
        for number, source, kind, learner, course, at, recorded_at, key, is_reversed, data, *given in page:
            gift = gifts.get((*given,))
            if gift is None:
                gift = gifts[(*given,)] = () if given[0] is None else (Given(*given),)
            first, _ = correcting.origin(source, key, number, corrections)
            each = found.get(first)
            if number == last:
                assert each is not None, "its first transfer came before"
                if each.number == number:
                    each.booked = tuple(sorted(each.booked + gift))
            elif each is not None:
                if not is_reversed:
                    each.number, each.booked = number, gift
            else:
                offered = () if data is None else judge.offers(number, source, kind, key, course, at, data)
                entry = 0 if is_reversed else number
                found[number] = Happened(number, entry, learner, course, at, recorded_at, gift, offered)
            last = number
        yield last
    on.events = sorted((each for each in found.values() if each.number), key=lambda each: each.turn)
    on.failures = [failure for number, failure in judge.failures.items() if found[number].number]


class _Judge:
    """What the rules offer for events, each kind of offer kept once."""

    def __init__(self, on: Ground, names: Mapping[int, str]) -> None:
        self._on, self._names = on, names
        self._courses = on.courses
        self._offers: dict[tuple[Any, ...], Gifts] = {}
        self.failures: dict[int, Failure] = {}

    def offers(
        self, number: int, source: int, kind: int, key: str, course: int, at: datetime, data: str
    ) -> Gifts | None:
        event = Event(0, key, self._names[source], self._names[kind], "", at, orjson.loads(data), b"", 0)
        try:
            earned = evaluate(self._on.rulebook, event)
        except RuleFailed as failed:
            self.failures[number] = Failure(number, failed.rule, failed.reason)
            return None
        if not earned:
            return ()
        content = (course, *((one.rule.key, one.amount) for one in earned))
        offers = self._offers.get(content)
        if offers is None:
            given = (
                Given(
                    self._on.terms[one.rule.key],
                    CREDITS if one.unit == "credits" else self._courses[course].unit,
                    one.amount,
                )
                for one in earned
            )
            offers = self._offers[content] = tuple(sorted(given))
        return offers


def _pages(session: Session, on: Ground, names: Mapping[int, str], kinds: list[int]) -> Iterator[list[Any]]:
    own = [no for no, term in names.items() if term.startswith(RESERVED_SOURCE) and term != correcting.SOURCE]
    parameters = {
        "company": session.company_id,
        "programme": on.programme.no,
        "number": on.number,
        "kinds": kinds,
        "own": own,
    }
    # All of it will be read: the plan is to be the one that is quickest to its end.
    session.driver.execute(b"SET LOCAL cursor_tuple_fraction = 1; SET LOCAL jit = off")
    with session.driver.cursor(name="happened") as cursor:
        cursor.execute(_HAPPENED.encode(), parameters)
        while page := cursor.fetchmany(ROWS_AT_A_TIME):
            yield page


# A row for each transfer. What neither gave anything nor is of a kind that a rule looks at is left out, unless it
# was reversed: another entry may stand in for it.
_HAPPENED = """
SELECT e.number, e.source, e.kind, e.learner, coalesce(e.course, 0), e.occurred_at, e.recorded_at, e.key,
       r.number IS NOT NULL, CASE WHEN e.kind = ANY (%(kinds)s::integer[]) THEN e.data::text END,
       t.rule, t.unit, t.amount
  FROM entries AS e
  LEFT JOIN entries AS r ON r.company_id = %(company)s AND r.reverses = e.number
  LEFT JOIN transfers AS t ON t.company_id = %(company)s AND t.learner = e.learner AND t.number = e.number
 WHERE e.company_id = %(company)s AND e.programme = %(programme)s AND e.number <= %(number)s
   AND e.reverses IS NULL AND e.source <> ALL (%(own)s::integer[]) AND e.learner IS NOT NULL
   AND (e.transfers > 0 OR r.number IS NOT NULL OR e.kind = ANY (%(kinds)s::integer[]))
 ORDER BY e.number, t.line
"""
