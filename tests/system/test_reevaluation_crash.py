"""A re-evaluation killed with -9 again and again, and taken up again: each correction once, nothing half done."""

import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date

import pytest

from ledger.audit import audit
from pointsbank import company
from pointsbank.database import Database
from pointsbank.directory import enrolments, learners, programmes
from rules import reevaluation, versions
from rules.cloudevent import parse_event
from rules.recording import Recorded, record

LEARNERS = [f"l{number:03}" for number in range(100)]
EVENTS = 2_000
KILLS = 10
KILL_AFTER_SECONDS = 0.4  # at most, once it has begun to book
RUN = """
import sys
from pointsbank.database import Database
from rules import reevaluation
reevaluation.CHUNK = 10
for step in reevaluation.run(Database(sys.argv[1]), int(sys.argv[2]), "p", 2):
    print(step.stage, flush=True)
"""


def rulebook(amount: str, first: int) -> dict[str, object]:
    award = {"unit": "credits", "amount": amount}
    quick = {"key": "quick", "on": "e", "award": {"unit": "credits", "amount": 1_000}, "first": first}
    return {"earning": [{"key": "each", "on": "e", "award": award}, quick]}


@pytest.fixture
def bank(fresh_database_url: str) -> Iterator[Database]:
    with closing(Database(fresh_database_url)) as database:
        yield database


def furnish(bank: Database) -> int:
    """2,000 events of 1 credit and 5 places of 1,000; by the version in force now they are 2 credits and 50 places."""
    company_id = company.create(bank, "crash")
    with bank.transaction(company_id) as session:
        found, _ = programmes.put(
            session, "p", name="p", starts_on=date(2021, 7, 1), ends_on=date(2022, 6, 30), timezone="UTC"
        )
        learners.put_batch(session, [learners.Learner(key, key) for key in LEARNERS])
        enrolments.enrol(session, "p", LEARNERS)
        versions.put_draft(session, found.no, rulebook("1", 5))
        versions.activate(session, found.no)
    head = {"specversion": "1.0", "source": "urn:t", "type": "e", "data": {"programme": "p"}}
    events = [
        parse_event(
            head | {"id": f"e{n}", "subject": LEARNERS[n % 100], "time": f"2021-09-{n % 28 + 1:02}T08:00:00Z"}, n
        )
        for n in range(EVENTS)
    ]
    assert all(isinstance(result, Recorded) for result in record(bank, company_id, events))
    with bank.transaction(company_id) as session:
        versions.put_draft(session, found.no, rulebook("2", 50))
        versions.activate(session, found.no)
        reevaluation.ask(session, programmes.get(session, "p"), 2, None)
    return company_id


def test_killed_ten_times(bank: Database, measured: Callable[[str], None]) -> None:
    company_id = furnish(bank)
    dice = random.Random(4)
    booked = []
    for _ in range(KILLS):
        with subprocess.Popen(
            [sys.executable, "-c", RUN, bank.url, str(company_id)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if line == "booking\n":
                    break
            time.sleep(dice.random() * KILL_AFTER_SECONDS)
            process.kill()
        booked.append(corrections(bank, company_id))
    for _ in reevaluation.run(bank, company_id, "p", 2):
        pass
    assert len(set(booked)) > 2, booked  # it was killed at work
    with bank.snapshot(company_id) as session:
        done = reevaluation.latest(session, programmes.get(session, "p").no)
        rows = session.sql("SELECT credits - debits AS n FROM accounts WHERE company_id = %(company)s AND id >> 32 = 4")
        assert sum(row.n for row in rows) == 2 * EVENTS + 50 * 1_000
        assert (done.status, done.corrections) == ("done", corrections(bank, company_id))
        assert list(audit(session)) == []
        (count,) = session.sql("SELECT count(*) AS n FROM places WHERE company_id = %(company)s").fetchall()
    assert (done.corrections, count.n) == (EVENTS, 50)
    measured(f"Re-evaluation: corrections booked after each of {KILLS} kills: {booked}")


def corrections(bank: Database, company_id: int) -> int:
    """By the journal: an event that was corrected twice would count twice."""
    with bank.snapshot(company_id) as session:
        row = session.sql(
            """SELECT count(*) AS n FROM entries AS e JOIN terms AS t ON t.company_id = %(company)s AND t.no = e.source
                WHERE e.company_id = %(company)s AND t.term = 'pointsbank:corrections' AND e.reverses IS NULL"""
        ).fetchone()
        assert row is not None
        return int(row.n)
