"""Simulating a draft over what a programme has booked, beside bare SQL that reads the same entries and transfers."""

import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from bench.ground import DAY_0, POOL, Ground
from bench.memory import MEGABYTE
from pointsbank.database import Session
from pointsbank.directory import enrolments, learners, programmes
from rules import reevaluation, versions
from rules.cloudevent import Event
from rules.recording import Recorded, record
from rules.simulation.simulating import simulate

LEARNERS = 2_000
KEY = "simulated"
BATCH = 5_000
EARNING = [
    {"key": "marked", "on": "marked", "when": "data.score >= 40", "award": {"unit": "credits", "amount": "data.score"}},
    {
        "key": "daily",
        "on": "present",
        "award": {"unit": "credits", "amount": 1},
        "cap": {"per": "learner", "within": "day", "amount": 3},
    },
    {"key": "quick", "on": "quick", "award": {"unit": "credits", "amount": 5}, "first": 50},
]
CRITERIA = {
    "all": [
        {"fact": "credits", "in": "programme", "at_least": 4_000},
        {"fact": "events", "type": "present", "at_least": 20},
    ]
}


def rulebook(factor: int) -> dict[str, object]:
    """Every award of the first rule differs with the factor."""
    certificate = {"key": "points", "kind": "points", "name": {"zh": "积分证", "en": "Points"}, "criteria": CRITERIA}
    marked = EARNING[0] | {"award": {"unit": "credits", "amount": f"data.score * {factor}"}}
    return {"earning": [marked, *EARNING[1:]], "certificates": [certificate]}


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds; `megabytes` is what the process has grown by while it simulated, at the most."""

    bare: float
    simulated: float
    corrections: int
    re_evaluated: float
    megabytes: float


def fill(ground: Ground, events: int, progress: Callable[[int], None]) -> None:
    """A programme of its own, judged and booked as any batch of events is."""
    everyone = [f"2021{number:05d}" for number in range(LEARNERS)]
    with ground.database.transaction(ground.company_id) as session:
        main = programmes.get(session, "2021")
        programme, _ = programmes.put(
            session,
            KEY,
            name=KEY,
            starts_on=main.starts_on,
            ends_on=main.ends_on,
            timezone=main.timezone,
            allotment=POOL,
        )
        learners.put_batch(session, [learners.Learner(key, key) for key in everyone])
        enrolments.enrol(session, KEY, everyone)
        versions.put_draft(session, programme.no, rulebook(1))
        versions.activate(session, programme.no)
    for done in range(0, events, BATCH):
        results = record(ground.database, ground.company_id, list(_events(ground, everyone, done)))
        assert all(isinstance(result, Recorded) for result in results)
        progress(done + BATCH)


def _events(ground: Ground, everyone: list[str], done: int) -> Iterator[Event]:
    for number, key in enumerate(ground.keys_of(BATCH), done):
        kind = "marked" if number % 10 < 6 else "present" if number % 10 < 9 else "quick"
        at = DAY_0 + timedelta(seconds=ground.dice.randrange(86_400 * 200))
        data = {"programme": KEY, "score": ground.dice.randint(30, 100)}
        json = b'{"programme":"simulated","score":%d}' % data["score"]
        yield Event(number - done, key, "urn:lms", kind, ground.dice.choice(everyone), at, data, json, number)


def measure(ground: Ground) -> Measured:
    ground.floor.execute("ANALYZE")
    with ground.database.transaction(ground.company_id) as session:
        programme = programmes.get(session, KEY)
        versions.put_draft(session, programme.no, rulebook(2))
    bare = min(_bare(ground, programme.no) for _ in range(3))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    *_, report = simulate(ground.database, ground.company_id, KEY)
    simulated = time.perf_counter() - began
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert isinstance(report, dict)
    with ground.database.transaction(ground.company_id) as session:
        version = versions.activate(session, programme.no)["version"]
        reevaluation.ask(session, programmes.get(session, KEY), version, None)
    began = time.perf_counter()
    for _ in reevaluation.run(ground.database, ground.company_id, KEY, version):
        pass
    return Measured(bare, simulated, report["corrections"], time.perf_counter() - began, grown * 1024 / MEGABYTE)


def _bare(ground: Ground, programme: int) -> float:
    """The programme's entries with their data and transfers, read through a cursor and thrown away."""

    def read(session: Session) -> None:
        with session.driver.cursor(name="bare") as cursor:
            cursor.execute(
                b"""SELECT e.number, e.learner, e.occurred_at, e.data::text, t.rule, t.amount
                      FROM entries AS e
                      LEFT JOIN transfers AS t ON t.company_id = %(company)s AND t.learner = e.learner
                                              AND t.number = e.number
                     WHERE e.company_id = %(company)s AND e.programme = %(programme)s ORDER BY e.number""",
                {"company": session.company_id, "programme": programme},
            )
            while cursor.fetchmany(BATCH):
                pass

    began = time.perf_counter()
    with ground.database.snapshot(ground.company_id) as session:
        read(session)
    return time.perf_counter() - began
