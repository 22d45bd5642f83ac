"""Runs killed between any two steps or worked on by two at once, what is looked at again, and what verify finds."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from pointsbank import embedded
from pointsbank.database import Database
from pointsbank.settings import Settings
from rules.as_of import AsOf
from rules.certification import audit, evaluating, forgetting, issuing, relooking, reviewing, statement, sums, working
from rules.certification import run as runs
from rules.certification.amounts import shown
from rules.certification.register import Certificate, Filters, find, page
from rules.certification.run import Run, Wanted
from rules.certification.validity import valid_until
from tests.api.conftest import Caller, app, caller, new_company, programme  # noqa: F401 - fixtures

CUT_OFF = datetime(2022, 7, 1, tzinfo=UTC)
P = "/v1/programmes/2021"
LEARNERS = [f"2021000{n}" for n in range(1, 5)]
POINTS = {
    "key": "points",
    "kind": "points",
    "name": {"zh": "积分证", "en": "Points certificate"},
    "criteria": {"fact": "credits", "in": "programme", "at_least": 10},
}
RANKED = {
    "key": "ranked",
    "kind": "qualification",
    "name": {"zh": "任职资格证", "en": "Qualification certificate"},
    "criteria": {"fact": "team_rank", "in": "programme", "at_most": 1},
    "valid_for": "P1Y",
}
EARNING = [{"key": "scored", "on": "scored", "award": {"unit": "credits", "amount": "data.score"}}]


def event(identity: str, learner: str, score: int) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": identity,
        "source": "urn:lms",
        "type": "scored",
        "subject": learner,
        "time": "2021-10-18T09:30:00+08:00",
        "data": {"programme": "2021", "course": "service", "score": score},
    }


@pytest.fixture
def bank(programme: Caller, monkeypatch: pytest.MonkeyPatch) -> Caller:  # noqa: F811
    """Four learners with 40, 30, 20 and 10 credits; one learner or certificate a step."""
    monkeypatch.setattr(evaluating, "CHUNK_LEARNERS", 1)
    monkeypatch.setattr(issuing, "CHUNK_CERTIFICATES", 1)
    programme.put(f"{P}/rulebook/draft", {"earning": EARNING, "certificates": [POINTS, RANKED]})
    programme.post(f"{P}/rulebook/draft/activate")
    events = [event(f"e{n}", learner, 50 - 10 * n) for n, learner in enumerate(LEARNERS, 1)]
    assert programme.events(events).get_json()["booked"] == 4
    return programme


def settings(database: Database) -> Settings:
    return Settings(Path("var"), database.url, None, True, "http://127.0.0.1:8000", "warning", (bytes(32),))


def started(bank: Caller, database: Database, who: working.Worker, **wanted: Any) -> Run:
    return database.run(
        bank.company_id,
        lambda session: runs.start(session, "2021", Wanted(CUT_OFF, True, **wanted), who.name),
        writes=True,
    )


def certify(bank: Caller, database: Database, **wanted: Any) -> Run:
    who = working.worker(database, settings(database))
    *_, last = working.carry_out(who, bank.company_id, started(bank, database, who, **wanted).no)
    assert last.stage == "finished"
    return last


def issued(bank: Caller, database: Database, filters: Filters = Filters()) -> list[Certificate]:  # noqa: B008
    with database.snapshot(bank.company_id) as session:
        return page(session, filters, 500)


def faults(bank: Caller, database: Database) -> list[str]:
    with database.snapshot(bank.company_id) as session:
        return [str(each) for each in audit.audit(session)]


def become_due(bank: Caller, database: Database) -> None:
    """As if the lease of whoever worked on it had ended."""
    with database.transaction(bank.company_id) as session:
        session.sql("UPDATE certification_runs SET due_at = now() - interval '1 s' WHERE due_at IS NOT NULL")


EVERYONE = [(LEARNERS[n], "points") for n in range(4)]
FIRST_TEAM = [(LEARNERS[n], "ranked") for n in range(2)]


def assert_each_once(bank: Caller, database: Database) -> None:
    found = issued(bank, database)
    assert sorted((each.content.learner, each.rule) for each in found) == sorted(EVERYONE + FIRST_TEAM)
    assert len({each.number for each in found}) == len(found)
    assert faults(bank, database) == []


@pytest.mark.parametrize("steps", range(13))
def test_killed_after_any_step_and_taken_up_by_another(bank: Caller, database: Database, steps: int) -> None:
    who = working.worker(database, settings(database))
    run = started(bank, database, who)
    work = working.carry_out(who, bank.company_id, run.no)
    for _ in range(steps):
        next(work, None)
    work.close()
    other = working.worker(database, settings(database))
    assert working.continue_due(other) == 0, "its lease has not ended"
    become_due(bank, database)
    while working.continue_due(other):
        pass
    with database.snapshot(bank.company_id) as session:
        done = runs.numbered(session, run.no)
    assert (done.stage, done.evaluated, done.qualified, done.short, done.issued) == ("finished", 4, 6, 2, 6)
    assert_each_once(bank, database)


def test_two_runs_at_once(bank: Caller, database: Database) -> None:
    start = threading.Barrier(3)
    failed: list[BaseException] = []

    def work() -> None:
        start.wait()
        try:
            certify(bank, database)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert_each_once(bank, database)
    with database.snapshot(bank.company_id) as session:
        found = [runs.numbered(session, no) for no in (1, 2, 3)]
    assert sum(each.issued for each in found) == 6
    assert {each.issued + each.held for each in found} == {6}


def test_one_whose_lease_was_taken_over_writes_nothing(bank: Caller, database: Database) -> None:
    first, second = (working.worker(database, settings(database)) for _ in range(2))
    run = started(bank, database, first)
    become_due(bank, database)
    work = working.carry_out(second, bank.company_id, run.no)
    next(work)
    working.step(first, bank.company_id, run)
    with database.snapshot(bank.company_id) as session:
        assert runs.numbered(session, run.no).evaluated == 0


def test_what_was_judged_ahead_is_left_where_another_has_gone_on(bank: Caller, database: Database) -> None:
    first, second = (working.worker(database, settings(database)) for _ in range(2))
    run = started(bank, database, first)
    work = working.carry_out(first, bank.company_id, run.no)
    next(work)
    assert next(work).evaluated == 1
    become_due(bank, database)
    taken = working.carry_out(second, bank.company_id, run.no)
    assert [next(taken).evaluated for _ in range(3)] == [1, 2, 3]
    taken.close()
    become_due(bank, database)
    *_, last = work
    assert (last.stage, last.evaluated, last.issued) == ("finished", 4, 6)
    assert_each_once(bank, database)


def test_a_step_that_fails_is_tried_again_and_then_no_more(
    bank: Caller, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = working.worker(database, settings(database))
    run = started(bank, database, who)

    def fail(*_: Any) -> Any:
        raise ValueError("no such luck")

    monkeypatch.setattr(evaluating, "evaluate_some", fail)
    for attempt in range(1, working.MAX_ATTEMPTS + 1):
        become_due(bank, database)
        with pytest.raises(ValueError, match="no such luck"):
            list(working.carry_out(who, bank.company_id, run.no))
        with database.snapshot(bank.company_id) as session:
            now = runs.numbered(session, run.no)
        assert now.problem is not None
        assert now.stage == ("failed" if attempt == working.MAX_ATTEMPTS else "evaluating")
    become_due(bank, database)
    assert working.continue_due(who) == 0


def test_a_rank_that_is_lost_is_found_in_the_background(bank: Caller, database: Database) -> None:
    certify(bank, database)
    found = bank.get("/v1/entries?source=urn:lms&key=e1").get_json()["items"][0]["id"]
    assert bank.event(event("late", LEARNERS[2], 500)).status_code == 201
    assert bank.post(f"/v1/entries/{found}/reversal", {"reason": "x"}).status_code == 201
    flagged = {(each.content.learner, each.rule) for each in issued(bank, database, Filters(in_review=True))}
    # What rests on the entry itself is flagged with it; that the team mate's rank is lost takes a moment.
    assert (LEARNERS[0], "points") in flagged
    assert (LEARNERS[1], "ranked") not in flagged
    assert relooking.look_again(database) >= 1
    reviewed = issued(bank, database, Filters(in_review=True))
    assert {(each.content.learner, each.rule) for each in reviewed} == {(LEARNERS[0], "points"), *FIRST_TEAM}
    assert relooking.look_again(database) == 0
    assert faults(bank, database) == []


def test_what_was_reversed_while_a_run_was_at_work_is_flagged_as_it_is_issued(bank: Caller, database: Database) -> None:
    who = working.worker(database, settings(database))
    work = working.carry_out(who, bank.company_id, started(bank, database, who).no)
    while next(work).stage == "evaluating":
        pass
    found = bank.get("/v1/entries?source=urn:lms&key=e4").get_json()["items"][0]["id"]
    assert bank.post(f"/v1/entries/{found}/reversal", {"reason": "x"}).status_code == 201
    for _ in work:
        pass
    [flagged] = issued(bank, database, Filters(learner=LEARNERS[3]))
    assert flagged.review is not None
    assert (flagged.review.explanation["found"], flagged.revoked_at) == (0, None)
    assert reviewing.look_everywhere(database) == 0
    assert faults(bank, database) == []


def test_an_expired_one_is_issued_anew(bank: Caller, database: Database, by_hand: Callable[..., None]) -> None:
    certify(bank, database)
    by_hand("UPDATE certificates SET valid_until = issued_at + interval '1 microsecond' WHERE rule = 'ranked'")
    again = certify(bank, database)
    assert (again.issued, again.held) == (2, 4)
    editions = [each.edition for each in issued(bank, database, Filters(rule="ranked"))]
    assert sorted(editions) == [1, 1, 2, 2]


def test_results_of_a_preview_are_kept_for_a_while(
    bank: Caller, database: Database, by_hand: Callable[..., None]
) -> None:
    body = {"cut_off": CUT_OFF.isoformat()}
    preview, issuing_run = (
        bank.post(f"{P}/certification-runs", {**body, "issue": issue}).get_json()["id"] for issue in (False, True)
    )
    assert forgetting.forget(database) == 0
    by_hand("UPDATE certification_runs SET finished_at = finished_at - interval '31 days' WHERE no > 0")
    assert forgetting.forget(database) == 1
    assert forgetting.forget(database) == 0
    gone = bank.get(f"/v1/certification-runs/{preview}/results")
    assert (gone.status_code, "30 days" in gone.json["detail"]) == (404, True)
    assert bank.get(f"/v1/certification-runs/{preview}").json["qualified"] == 6
    assert len(bank.get(f"/v1/certification-runs/{issuing_run}/results").json["items"]) == 8
    assert faults(bank, database) == []


# --- what verify finds ---


@pytest.fixture
def by_hand(database: Database, bank: Caller) -> Callable[..., None]:
    """Runs SQL as nobody may, in the bank's company."""

    def run(statement: str) -> None:
        url = database.url.replace(f"{embedded.OWNER_ROLE}@", "postgres@")
        with psycopg.connect(url) as connection:
            connection.execute("SET session_replication_role = replica")
            assert connection.execute(f"{statement} AND company_id = {bank.company_id}".encode()).rowcount > 0

    return run


VIOLATIONS = [
    ("UPDATE certificates SET revoked_at = now(), revoked_reason = 'x', revoked_number = 9999 WHERE no = 1", "revoked"),
    ("DELETE FROM certificates WHERE no = 1", "no certificate is as it says"),
    ("UPDATE certificates SET learner = 4 WHERE no = 2", "there is none that is like it"),
    (r"UPDATE certificates SET credential = set_byte(credential, 300, 33) WHERE no = 1", "signature does not verify"),
    ("UPDATE certificates SET valid_until = now() WHERE rule = 'ranked'", "of another time"),
    ("UPDATE certificates SET status_index = 7, status_list = 3 WHERE no < 3", "place in the status lists 3#7"),
    ("UPDATE certificates SET number = 'PB-2022-000001-00000000' WHERE no < 3", "number PB-2022-000001-00000000"),
    (
        (
            "UPDATE certificates AS c SET run = 1, entries = ARRAY[(SELECT max(reverses) FROM entries AS e"
            " WHERE e.company_id = c.company_id)] WHERE no = 5"
        ),
        "is not flagged for a review",
    ),
]


@contextmanager
def without_constraints(database: Database) -> Iterator[None]:
    """The tests of what constraints forbid take them away, and put them back."""
    url = database.url.replace(f"{embedded.OWNER_ROLE}@", "postgres@")
    constraints = {
        "certificates_number": "UNIQUE (company_id, number)",
        "certificates_status": "UNIQUE (company_id, status_list, status_index)",
    }
    with psycopg.connect(url, autocommit=True) as connection:
        for name in constraints:
            connection.execute(f"ALTER TABLE certificates DROP CONSTRAINT {name}".encode())
        try:
            yield
        finally:
            connection.execute("SET session_replication_role = replica")
            connection.execute("DELETE FROM certificates")
            for name, constraint in constraints.items():
                connection.execute(f"ALTER TABLE certificates ADD CONSTRAINT {name} {constraint}".encode())


@pytest.mark.parametrize(("statement", "said"), VIOLATIONS)
def test_verify_says_what_does_not_hold(
    bank: Caller, database: Database, by_hand: Callable[..., None], statement: str, said: str
) -> None:
    certify(bank, database)
    last = bank.get("/v1/entries?source=urn:lms&key=e4").get_json()["items"][0]["id"]
    assert bank.post(f"/v1/entries/{last}/reversal", {"reason": "x"}).status_code == 201
    assert faults(bank, database) == []
    with without_constraints(database):
        by_hand(statement)
        assert any(said in each for each in faults(bank, database)), faults(bank, database)


# --- what certificates say ---


def test_the_sums_are_the_credits_of_the_programme(bank: Caller, database: Database) -> None:
    award = {"learner": LEARNERS[0], "programme": "2021", "unit": "credits", "amount": 7, "reason": "好"}
    given = bank.post("/v1/awards", award | {"time": "2021-10-18T09:30:00+08:00"}).get_json()["entry"]["id"]
    bank.post("/v1/awards", award | {"time": "2021-10-19T09:30:00+08:00", "amount": 2})
    assert bank.post(f"/v1/entries/{given}/reversal", {"reason": "x"}).status_code == 201
    certify(bank, database)
    with database.snapshot(bank.company_id) as session:
        [number] = [each.number for each in page(session, Filters(learner=LEARNERS[0], rule="points"), 2)]
        found = find(session, number)
        assert found is not None
        sum_up = sums.of(session, found.programme, [found.learner], AsOf(CUT_OFF, 10_000))[found.learner]
        lines = statement.lines(session, found)
    assert [(each.key, each.rule, each.amount) for each in sum_up] == [("scored", True, 40), ("awards", False, 2)]
    assert found.content.credits == "42"
    assert [(line.amount, line.balance) for line in lines] == [
        ("+40", "40"),
        ("+7", "47"),
        ("-7", "40"),
        ("+2", "42"),
    ]
    assert lines[2].what == {"zh": "冲正: x", "en": "Reversed: x"}


def test_amounts_with_decimals() -> None:
    assert [shown(each, 2) for each in (8650, -5, 0, 100)] == ["86.50", "-0.05", "0.00", "1.00"]
    assert [shown(each, 0) for each in (86, -5)] == ["86", "-5"]


SHANGHAI = ZoneInfo("Asia/Shanghai")
NEW_YORK = ZoneInfo("America/New_York")
# fmt: off
PERIODS = [
    ("2022-07-01T00:00:00Z", "P2Y",    SHANGHAI, "2024-07-01T15:59:59Z"),
    ("2022-07-01T18:00:00Z", "P2Y",    SHANGHAI, "2024-07-02T15:59:59Z"),  # it is the second there
    ("2024-02-29T00:00:00Z", "P1Y",    SHANGHAI, "2025-02-28T15:59:59Z"),
    ("2023-01-31T00:00:00Z", "P1M",    SHANGHAI, "2023-02-28T15:59:59Z"),
    ("2023-01-31T00:00:00Z", "P1M1D",  SHANGHAI, "2023-03-01T15:59:59Z"),
    ("2023-01-31T00:00:00Z", "P2W",    SHANGHAI, "2023-02-14T15:59:59Z"),
    ("2022-01-01T12:00:00Z", "P6M",    NEW_YORK, "2022-07-02T03:59:59Z"),  # in summer time by then
    ("2022-01-01T12:00:00Z", "P999Y",  SHANGHAI, None),
    ("2022-01-01T12:00:00Z", None,     SHANGHAI, None),
]
# fmt: on


@pytest.mark.parametrize(("issued_at", "valid_for", "zone", "last"), PERIODS)
def test_how_long_one_is_valid(issued_at: str, valid_for: str | None, zone: ZoneInfo, last: str | None) -> None:
    found = valid_until(datetime.fromisoformat(issued_at), valid_for, zone)
    assert found == (None if last is None else datetime.fromisoformat(last))
