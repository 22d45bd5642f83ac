"""Re-evaluation: killed and taken up again, two at once, beside events that come in, ahead of time, superseded."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from ledger.errors import InsufficientFunds
from pointsbank.database import Database
from pointsbank.directory import programmes
from pointsbank.errors import Closed, NotFound
from rules import correcting, reevaluation, versions
from rules.simulation.progress import Progress
from tests.api.conftest import Caller, app, caller, new_company  # noqa: F401 - fixtures
from tests.rules.test_first import LEARNERS, P, balance, entries, raw
from tests.rules.test_simulation import (
    activate,
    assert_sound,
    furnish,
    latest,
    post,
    put_draft,
    put_rules,
    re_evaluate,
    rule,
    simulated,
)


@pytest.fixture
def bank(new_company: Callable[..., Caller]) -> Caller:  # noqa: F811
    """Twelve events of four learners, each worth 1; a draft by which each is worth 2, the first two 5 more."""
    bank = furnish(new_company())
    put_rules(bank, rule("a", 1))
    return bank


def fill(bank: Caller, database: Database) -> None:
    post(bank, database, *(raw(n % 4, n, course="service") for n in range(12)))
    put_draft(bank, [rule("a", 2), rule("quick", 5, first=2)])


FILLED = [11, 11, 6, 6]


def become_due(bank: Caller, database: Database) -> None:
    """As if nobody had worked on it for a minute."""
    with database.transaction(bank.company_id) as session:
        session.sql(
            """UPDATE re_evaluations SET due_at = now() - interval '1 s'
                WHERE company_id = %(company)s AND finished_at IS NULL"""
        )


def have(bank: Caller) -> list[int]:
    return [balance(bank, n) for n in range(4)]


@pytest.mark.parametrize("chunks", range(6))
def test_killed_after_any_chunk_and_taken_up_by_a_worker(
    bank: Caller, database: Database, monkeypatch: pytest.MonkeyPatch, chunks: int
) -> None:
    monkeypatch.setattr(reevaluation, "CHUNK", 1)  # a chunk for each learner
    fill(bank, database)
    steps = reevaluation.run(database, bank.company_id, "2021", activate(bank, database))
    for _ in range(chunks):
        next(steps, None)
    steps.close()
    begun = latest(bank, database)
    assert (begun.status, begun.corrections) == ("running", 3 * max(0, min(chunks - 1, 4)))
    become_due(bank, database)
    assert reevaluation.run_due(database) >= 1
    done = latest(bank, database)
    assert (done.status, done.corrections, have(bank)) == ("done", 12, FILLED)
    assert reevaluation.run_due(database) == 0
    stand_ins = [entry for entry in entries(bank, source="pointsbank:corrections") if entry["kind"] == "quick"]
    assert len(stand_ins) == 12
    assert_sound(bank, database)


def test_two_at_once_beside_events(bank: Caller, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reevaluation, "CHUNK", 1)
    fill(bank, database)
    version = activate(bank, database)
    start = threading.Barrier(3)
    failed: list[BaseException] = []

    def work(what: Callable[[], object]) -> None:
        start.wait()
        try:
            what()
        except BaseException as error:
            failed.append(error)

    def run() -> None:
        for _ in reevaluation.run(database, bank.company_id, "2021", version):
            pass

    def events() -> None:
        for minute in range(30, 0, -1):  # each earlier than what is there, so that places change hands
            post(bank, database, raw(minute % 4, -minute, course="service"))

    threads = [threading.Thread(target=work, args=[what]) for what in (run, run, events)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    put_draft(bank, [rule("a", 2), rule("quick", 5, first=2)])
    told = simulated(bank, database)
    assert (told["events"], told["corrections"]) == (42, 0)
    assert sum(have(bank)) == 42 * 2 + 2 * 5
    numbers = [entry["reverses"] for entry in entries(bank, source="pointsbank:corrections") if entry["reverses"]]
    assert len(numbers) == len(set(numbers))
    assert_sound(bank, database)


def test_ahead_of_time_it_begins_by_itself(bank: Caller, database: Database) -> None:
    fill(bank, database)
    begins = datetime.now(UTC) + timedelta(seconds=2)
    with database.transaction(bank.company_id) as session:
        found = programmes.get(session, "2021")
        version = versions.activate(session, found.no, begins)["version"]
        reevaluation.ask(session, found, version, begins)
    assert latest(bank, database).status == "scheduled"
    while latest(bank, database).status != "done" and datetime.now(UTC) < begins + timedelta(seconds=60):
        reevaluation.run_due(database)
    assert datetime.now(UTC) >= begins
    assert (latest(bank, database).status, have(bank)) == ("done", FILLED)


def test_another_version_ends_it(bank: Caller, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reevaluation, "CHUNK", 1)
    fill(bank, database)
    steps = reevaluation.run(database, bank.company_id, "2021", activate(bank, database))
    assert [next(steps).stage for _ in range(3)] == ["reading", "booking", "booking"]
    put_rules(bank, rule("a", 7))
    assert list(steps) == []
    assert (latest(bank, database).status, latest(bank, database).corrections) == ("superseded", 6)
    put_draft(bank, [rule("a", 7)])
    assert re_evaluate(bank, database).corrections == 12
    assert have(bank) == [21] * 4
    assert_sound(bank, database)


def test_what_is_reversed_meanwhile_is_left_out(
    bank: Caller, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reevaluation, "CHUNK", 1)
    fill(bank, database)
    steps = reevaluation.run(database, bank.company_id, "2021", activate(bank, database))
    assert isinstance(next(steps), Progress)
    last = next(entry for entry in entries(bank, learner=LEARNERS[3]))
    assert bank.post(f"/v1/entries/{last['id']}/reversal", {"reason": "错"}).status_code == 201
    for _ in steps:
        pass
    assert (latest(bank, database).status, have(bank)) == ("done", [11, 11, 6, 4])
    assert_sound(bank, database)


def test_who_cannot_pay_by_then_is_reported(bank: Caller, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the plan could not see: the ledger refuses, and the learner is left as is."""
    fill(bank, database)
    refusal = InsufficientFunds("x", account="holding", unit="credits", available=0, required=1)
    book, refusals = correcting.book, iter([refusal])

    def refusing(session, together):  # type: ignore[no-untyped-def]  # stands in for a typed function
        refused = next(refusals, None)
        if refused is None:
            return book(session, together)
        return [refused, *book(session, together[1:])]

    monkeypatch.setattr(correcting, "book", refusing)
    done = re_evaluate(bank, database)
    assert done.report is not None
    assert [each["learner"] for each in done.report["short"]["items"]] == [LEARNERS[0]]
    assert (done.status, have(bank)) == ("done", [3, 11, 11, 6])  # whom the place goes to instead
    assert_sound(bank, database)


def test_of_a_closed_programme_and_of_one_never_asked_for(bank: Caller, database: Database) -> None:
    with pytest.raises(NotFound):
        latest(bank, database)
    fill(bank, database)
    with database.transaction(bank.company_id) as session:
        session.sql("UPDATE programmes SET closed_at = now() WHERE company_id = %(company)s")
        found = programmes.get(session, "2021")
        with pytest.raises(Closed):
            reevaluation.ask(session, found, 2, None)
    assert bank.get(f"{P}/rulebook/draft").status_code == 200
