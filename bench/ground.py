"""What is measured on: one embedded PostgreSQL, a company with learners, a programme and its rulebook."""

import random
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg

from ledger import terms
from ledger.accounts import CREDITS, holding, pool_of_programme
from ledger.journal import Booked, Draft, Transfer, post
from pointsbank import company, embedded, keys
from pointsbank.database import Database, migrate
from pointsbank.directory import enrolments, learners, programmes
from rules import versions

BATCH = 10_000
LEARNERS = 10_000
POOL = 10**14
DAY_0 = datetime(2021, 9, 1, 8, tzinfo=UTC)
RULEBOOK = {
    "earning": [
        {
            "key": "scored",
            "on": "lms.assessment.scored",
            "when": "data.score >= 40",
            "award": {"unit": "credits", "amount": "data.score * data.weight"},
        }
    ]
}
FACTS = '{"programme":"2021","score":%d,"weight":18}'


@dataclass
class Ground:
    """`keys_of` makes the ids of events: UUIDs as CloudEvents' kits make them, or numbers in a row."""

    servers: embedded.Servers
    database: Database
    company_id: int
    key: str
    floor: "psycopg.Connection[tuple[object, ...]]"
    keys_of: Callable[[int], Iterator[str]]
    terms: dict[str, int]

    def __post_init__(self) -> None:
        self.dice = random.Random(2021)

    def drafts(self, learner: int | None = None) -> list[Draft]:
        """A batch for distinct learners in random order, or all for one."""
        order = list(range(1, LEARNERS + 1))
        self.dice.shuffle(order)
        names = self.terms
        drafts = []
        for key, each in zip(self.keys_of(BATCH), order, strict=True):
            no = learner or each
            score = self.dice.randint(40, 100)
            drafts.append(
                Draft(
                    source=names["urn:lms:scores"],
                    key=key,
                    kind=names["lms.assessment.scored"],
                    fingerprint=score,
                    occurred_at=DAY_0 + timedelta(seconds=self.dice.randrange(86_400 * 200)),
                    transfers=[
                        Transfer(CREDITS, pool_of_programme(1), holding(no), score * 18, no, 1, names["scored"])
                    ],
                    programme=1,
                    learner=no,
                    rulebook_version=1,
                    data=(FACTS % score).encode(),
                )
            )
        return drafts

    def post(self, drafts: list[Draft]) -> None:
        with self.database.transaction(self.company_id) as session:
            outcomes = post(session, drafts)
        assert all(isinstance(outcome, Booked) for outcome in outcomes)


def uuids(count: int) -> Iterator[str]:
    return (str(uuid.uuid4()) for _ in range(count))


def in_a_row() -> Callable[[int], Iterator[str]]:
    last = 0

    def following(count: int) -> Iterator[str]:
        nonlocal last
        start, last = last, last + count
        return (f"result-{number:012d}" for number in range(start, last))

    return following


@contextmanager
def opened(folder: Path, keys_of: Callable[[int], Iterator[str]]) -> Iterator[Ground]:
    with embedded.use(folder, redis=True) as servers:
        migrate(servers.database_url)
        database = Database(servers.database_url)
        with psycopg.connect(servers.superuser_url, dbname=embedded.DATABASE, autocommit=True) as floor:
            yield _prepared(servers, database, floor, keys_of)
        database.close()


def _prepared(
    servers: embedded.Servers,
    database: Database,
    floor: "psycopg.Connection[tuple[object, ...]]",
    keys_of: Callable[[int], Iterator[str]],
) -> Ground:
    company_id = company.create(database, f"bench-{uuid.uuid4().hex[:8]}")
    with database.transaction(company_id) as session:
        put = programmes.put(
            session,
            "2021",
            name="2021",
            starts_on=date(2021, 7, 1),
            ends_on=date(2022, 6, 30),
            timezone="Asia/Shanghai",
            allotment=POOL,
        )
        everyone = [learners.Learner(f"2021{number:05d}", f"学员{number}") for number in range(LEARNERS)]
        learners.put_batch(session, everyone)
        enrolments.enrol(session, "2021", [learner.key for learner in everyone])
        versions.put_draft(session, put[0].no, RULEBOOK)
        versions.activate(session, put[0].no)
        names = terms.intern(session, ["urn:lms:scores", "lms.assessment.scored", "scored"])
    floor.execute("DROP TABLE IF EXISTS floor, bare")
    floor.execute('CREATE TABLE floor (id bigint PRIMARY KEY, key text COLLATE "C" UNIQUE)')
    floor.execute("CREATE TABLE bare (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key text)")
    floor.execute("GRANT SELECT, INSERT ON bare TO pointsbank_service, pointsbank")
    key = keys.create(database, company_id, "bench", ["admin"])
    return Ground(servers, database, company_id, key, floor, keys_of, names)
