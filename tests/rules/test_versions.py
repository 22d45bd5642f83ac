"""Versions of a rulebook: ahead of time, in force, retired; and workers that all change at the same moment."""

import itertools
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pointsbank.database import Database
from pointsbank.directory import programmes
from pointsbank.errors import Conflict, NotFound
from rules import versions
from rules.cloudevent import parse_event
from rules.recording import Recorded, record
from tests.api.conftest import Caller, app, caller, new_company, programme  # noqa: F401 - fixtures

P = "/v1/programmes/2021"
AHEAD = timedelta(seconds=1.5)
WAITS_SECONDS = 0.5
_ids = itertools.count()


def activate(bank: Caller, database: Database, amount: int, from_at: datetime | None = None) -> dict[str, Any]:
    """A version that gives so many credits for each event."""
    rule = {"key": "r", "on": "r", "award": {"unit": "credits", "amount": amount}}
    assert bank.put(f"{P}/rulebook/draft", {"earning": [rule]}).status_code == 200
    with database.transaction(bank.company_id) as session:
        return versions.activate(session, programmes.get(session, "2021").no, from_at)


def statuses(bank: Caller) -> dict[int, str]:
    items = bank.get(f"{P}/rulebook/versions").get_json()["items"]
    return {each["version"]: each["status"] for each in items}


def event() -> Any:
    raw = {"specversion": "1.0", "id": f"v{next(_ids)}", "source": "urn:t", "type": "r", "subject": "20210001"}
    return parse_event(raw | {"time": "2021-09-01T08:00:00Z", "data": {"programme": "2021"}}, 0)


def test_a_version_ahead_of_time_is_in_force_from_its_time_on_in_every_worker(
    programme: Caller,  # noqa: F811
    database: Database,
    database_url: str,
) -> None:
    activate(programme, database, 1)
    begins = datetime.now(UTC) + AHEAD
    shown = activate(programme, database, 2, begins)
    assert (shown["status"], shown["active_from"]) == ("scheduled", begins)
    assert statuses(programme) == {1: "active", 2: "scheduled"}
    workers = [Database(database_url), Database(database_url)]  # what is remembered is remembered for each of them

    def post(worker: Database) -> None:
        while datetime.now(UTC) < begins + timedelta(seconds=0.5):
            [result] = record(worker, programme.company_id, [event()])
            assert isinstance(result, Recorded), result

    threads = [threading.Thread(target=post, args=[worker]) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.snapshot(programme.company_id) as session:
        rows = session.sql(
            """SELECT e.recorded_at, e.rulebook_version, t.amount FROM entries AS e
                 JOIN transfers AS t ON t.company_id = %(company)s AND t.number = e.number AND t.rule IS NOT NULL
                WHERE e.company_id = %(company)s"""
        ).fetchall()
    for worker in workers:
        worker.close()
    assert {row.rulebook_version for row in rows} == {1, 2}
    for row in rows:
        assert (row.rulebook_version, row.amount) == ((2, 2) if row.recorded_at >= begins else (1, 1))
    assert statuses(programme) == {1: "retired", 2: "active"}
    assert programme.get(f"{P}/rulebook").get_json()["version"] == 2


def test_one_activation_is_ahead_at_a_time(programme: Caller, database: Database) -> None:  # noqa: F811
    later = datetime.now(UTC) + timedelta(hours=1)
    activate(programme, database, 1)
    activate(programme, database, 2, later)
    activate(programme, database, 3, later + timedelta(hours=1))
    assert statuses(programme) == {1: "active", 2: "retired", 3: "scheduled"}
    activate(programme, database, 4)
    assert statuses(programme) == {1: "retired", 2: "retired", 3: "retired", 4: "active"}


def test_the_first_version_may_be_ahead_of_time(programme: Caller, database: Database) -> None:  # noqa: F811
    activate(programme, database, 1, datetime.now(UTC) + timedelta(hours=1))
    assert programme.get(f"{P}/rulebook").status_code == 404
    [result] = record(database, programme.company_id, [event()])
    assert isinstance(result, Recorded)
    assert result.status == "ignored"


def test_a_time_that_is_over_is_refused(programme: Caller, database: Database) -> None:  # noqa: F811
    with pytest.raises(Conflict, match="is over"):
        activate(programme, database, 1, datetime.now(UTC) - timedelta(seconds=1))
    assert statuses(programme) == {1: "draft"}


def test_of_two_who_activate_at_once_the_second_finds_no_draft(programme: Caller, database: Database) -> None:  # noqa: F811
    """Else a version that was retired meanwhile could be put in force once more."""
    rule = {"key": "r", "on": "r", "award": {"unit": "credits", "amount": 1}}
    assert programme.put(f"{P}/rulebook/draft", {"earning": [rule]}).status_code == 200
    came_to: list[object] = []

    def second() -> None:
        try:
            with database.transaction(programme.company_id) as session:
                came_to.append(versions.activate(session, programmes.get(session, "2021").no))
        except NotFound as error:
            came_to.append(error.slug)

    thread = threading.Thread(target=second)
    with database.transaction(programme.company_id) as session:
        versions.activate(session, programmes.get(session, "2021").no)
        thread.start()
        thread.join(WAITS_SECONDS)
        assert thread.is_alive(), "it waits for the first"
    thread.join()
    assert came_to == ["not-found"]


def test_a_draft_is_replaced_dropped_and_activated_only_as_it_was_seen(programme: Caller, database: Database) -> None:  # noqa: F811
    def document(amount: int) -> dict[str, Any]:
        return {"earning": [{"key": "r", "on": "r", "award": {"unit": "credits", "amount": amount}}]}

    with database.transaction(programme.company_id) as session:
        number = programmes.get(session, "2021").no
        first = versions.put_draft(session, number, document(1), instead_of=versions.NO_DRAFT, by="陈")
        seen = versions.fingerprint_of(first)
        again = versions.put_draft(session, number, document(1), instead_of=seen, by="李")
        assert versions.fingerprint_of(again) == seen, "the same draft saved once more"
        second = versions.put_draft(session, number, document(2), instead_of=seen)
        assert versions.fingerprint_of(second) != seen
        for stale in (seen, versions.NO_DRAFT, "x"):
            with pytest.raises(versions.DraftChanged):
                versions.put_draft(session, number, document(3), instead_of=stale)
            with pytest.raises(versions.DraftChanged):
                versions.activate(session, number, fingerprint=stale)
            with pytest.raises(versions.DraftChanged):
                versions.drop_draft(session, number, stale)
        assert versions.find_draft(session, number) == second
        versions.drop_draft(session, number, versions.fingerprint_of(second))
        assert versions.find_draft(session, number) is None
        last = versions.put_draft(session, number, document(4), instead_of=versions.NO_DRAFT, by="陈")
        versions.activate(session, number, fingerprint=versions.fingerprint_of(last), by="李")
        assert versions.signed(session, number) == {last["version"]: ("陈", "李")}
