"""Programmes and courses, and what they book when something is set aside."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from ledger import journal, terms
from ledger.accounts import CREDITS, holding, pool_of_programme
from pointsbank import company
from pointsbank.database import Database, Session
from pointsbank.directory import courses, programmes, snapshot
from pointsbank.directory.learners import Learner
from pointsbank.directory.learners import put as put_learner
from pointsbank.directory.programmes import Phase
from pointsbank.errors import Closed, Conflict, Invalid, NotFound

_numbers = iter(range(10**6))
YEAR = {"starts_on": date(2021, 7, 1), "ends_on": date(2022, 6, 30), "timezone": "Asia/Shanghai"}


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.transaction(company.create(database, f"programmes-{next(_numbers)}")) as opened:
        yield opened


def put(session: Session, key: str = "2021", **fields: Any) -> tuple[programmes.Programme, bool]:
    commit(session)
    return programmes.put(session, key, **({"name": "2021届"} | YEAR | fields))


def put_course(
    session: Session, programme: str, key: str, kind: str = "structured", **fields: Any
) -> tuple[courses.Course, bool]:
    commit(session)
    return courses.put(session, programme, key, **({"name": "课", "kind": kind} | fields))


def commit(session: Session) -> None:
    """One command, one transaction."""
    session.driver.execute(f"COMMIT; BEGIN; SET LOCAL app.company_id = '{session.company_id}'".encode())


def version(session: Session) -> int:
    return snapshot.load(session).version


def accounts(session: Session) -> dict[str, int]:
    rows = session.sql(
        "SELECT code, credits - debits AS balance FROM accounts WHERE company_id = %(company)s AND id <> 0"
    )
    return {row.code: row.balance for row in rows}


def give(session: Session, amount: int) -> None:
    """Books credits out of the programme's pool."""
    commit(session)
    put_learner(session, Learner("l", "李"))
    names = terms.intern(session, ["test", "given"])
    transfer = journal.Transfer(CREDITS, pool_of_programme(1), holding(1), amount, learner=1, earning=1)
    draft = journal.Draft(
        names["test"], str(next(_numbers)), names["given"], 1, datetime.now(UTC), [transfer], learner=1
    )
    [outcome] = journal.post(session, [draft])
    assert isinstance(outcome, journal.Booked)


# Allotments in their order, with what is given between them, and the pool after each.
ALLOTMENTS = [
    # allotment, given before, pool after
    [(100, 0, 100), (150, 0, 150), (120, 30, 90), (30, 0, 0), (29, 0, Conflict), (30, 0, 0)],
    [(None, 0, None), (40, 0, 40), (None, 15, 0), (40, 0, 40), (0, 0, 0)],
    [(0, 0, None), (5, 0, 5), (5, 0, 5), (None, 0, 0), (None, 0, 0)],
]


@pytest.mark.parametrize("steps", ALLOTMENTS)
def test_an_allotment_is_what_the_pool_was_given_in_all(
    session: Session, steps: list[tuple[int | None, int, Any]]
) -> None:
    for allotment, given, expected in steps:
        if given:
            give(session, given)
        if expected is Conflict:
            commit(session)
            with pytest.raises(Conflict, match="30 were given"), session.savepoint():
                programmes.put(session, "2021", name="2021届", allotment=allotment, **YEAR)
        else:
            assert put(session, allotment=allotment)[0].allotment == allotment
            assert accounts(session).get("pool:programme:2021") == expected


def test_allotments_are_entries_with_keys_that_count(session: Session) -> None:
    for allotment in (100, 150, 120):
        put(session, allotment=allotment)
    rows = session.sql(
        """SELECT e.key, s.term AS source, k.term AS kind, e.programme, e.data
             FROM entries AS e JOIN terms AS s ON s.company_id = %(company)s AND s.no = e.source
             JOIN terms AS k ON k.company_id = %(company)s AND k.no = e.kind
            WHERE e.company_id = %(company)s ORDER BY number"""
    ).fetchall()
    assert [row.key for row in rows] == [f"programme:2021:allotment:{n}" for n in (1, 2, 3)]
    assert {row[1:4] for row in rows} == {("pointsbank:directory", "programme.allotted", 1)}
    assert rows[2].data == {"before": 150, "after": 120}


def test_the_same_again_changes_nothing(session: Session) -> None:
    phases = [Phase("融入期", "融入期", date(2021, 7, 1), date(2021, 9, 30))]
    first, created = put(session, allotment=100, phases=phases)
    before = version(session)
    assert created
    assert put(session, allotment=100, phases=phases) == (first, False)
    assert version(session) == before
    changed, created = put(session, allotment=100)
    assert (changed.phases, created, version(session)) == ((), False, before + 1)
    assert programmes.get(session, "2021") == changed


def test_every_fault_is_told_at_once(session: Session) -> None:
    phases = [
        Phase("a", "一", date(2021, 6, 30), date(2021, 7, 2)),
        Phase("a", "\u202e\0", date(2021, 7, 2), date(2021, 7, 1)),
        Phase("b/c", "三", date(2021, 7, 1), date(2022, 7, 1)),
    ]
    with pytest.raises(Invalid) as refused:
        put(session, "x" * 129, name="", timezone="Asia", phases=phases)
    assert [path for path, _ in refused.value.errors] == [
        *("programme", "name", "timezone", "phases[0].starts_on", "phases[1].name", "phases[1].key"),
        *("phases[1].ends_on", "phases[2].key", "phases[2].ends_on"),
    ]
    assert version(session) == 0


@pytest.mark.parametrize("name", ["😀" * 200, "李" * 200, "Ünïcödé مرحبا", "a\u0301", "'; DROP TABLE x; --"])
def test_names_in_any_script_are_kept_as_sent(session: Session, name: str) -> None:
    put(session, "届", name=name)
    put_course(session, "届", "课", "practical", name=name)
    assert programmes.get(session, "届").name == name
    assert courses.get(session, programmes.get(session, "届"), "课").name == name


def test_what_is_not_there_is_not_found(session: Session) -> None:
    for key in ("none", "\0", "\ud800", "", "x" * 1000):
        with pytest.raises(NotFound):
            programmes.get(session, key)
        with pytest.raises(NotFound):
            put_course(session, key, "c")
    made, _ = put(session)
    with pytest.raises(NotFound, match="no course \0 in the programme 2021"):
        courses.get(session, made, "\0")


def test_pages_follow_keys(session: Session) -> None:
    for key in ("b", "a", "é", "c"):
        put(session, key)
        put_course(session, "b", key)
    assert [each.key for each in programmes.page(session, 2)] == ["a", "b"]
    assert [each.key for each in programmes.page(session, 9, after="b")] == ["c", "é"]
    assert [each.key for each in courses.page(session, programmes.get(session, "b"), 2, "a")] == ["b", "c"]


def test_a_course_has_its_own_flowers(session: Session) -> None:
    put(session)
    put(session, "2022")
    course, created = put_course(session, "2021", "service", flowers=1000)
    assert (created, course.unit_code, course.opens_on) == (True, "flowers:service", date(2021, 7, 1))
    other, _ = put_course(session, "2022", "service", "practical", flowers=5)
    assert (other.unit_code, other.unit) == ("flowers:2022/service", course.unit + 1)
    assert accounts(session) == {"pool:course:service": 1000, "pool:course:2022/service": 5}
    again = put_course(session, "2021", "service", flowers=1000)
    assert again == (course, False)
    put_course(session, "2021", "service")
    assert accounts(session)["pool:course:service"] == 0


def test_a_course_lies_within_its_programme(session: Session) -> None:
    put(session)
    with pytest.raises(Invalid) as refused:
        put_course(
            session,
            "2021",
            "a",
            "other",
            opens_on=date(2022, 7, 1),
            closes_on=date(2021, 6, 30),
        )
    assert [path for path, _ in refused.value.errors] == ["kind", "opens_on", "closes_on", "closes_on"]
    put_course(session, "2021", "a", closes_on=date(2022, 6, 1))
    put(session, ends_on=date(2022, 6, 1))
    with pytest.raises(Invalid) as refused:
        put(session, starts_on=date(2021, 7, 2), ends_on=date(2022, 5, 31))
    assert [path for path, _ in refused.value.errors] == ["starts_on", "ends_on"]


def test_a_closed_course_takes_no_changes(session: Session) -> None:
    put(session)
    put_course(session, "2021", "a", flowers=5)
    session.sql("UPDATE courses SET closed_at = now() WHERE company_id = %(company)s")
    assert not put_course(session, "2021", "a", flowers=5)[1]
    with pytest.raises(Closed):
        put_course(session, "2021", "a", name="b", flowers=5)
    assert snapshot.load(session).programmes["2021"].courses["a"].closed


def test_the_snapshot_has_dates_as_instants_of_the_programmes_zone(session: Session) -> None:
    put(session, allotment=1)
    put(session, "uk", timezone="Europe/London", starts_on=date(2021, 3, 28), ends_on=date(2021, 10, 31))
    put_course(session, "2021", "a", closes_on=date(2021, 7, 1))
    directory = snapshot.load(session)
    programme, uk = directory.programmes["2021"], directory.programmes["uk"]
    assert programme.starts_at == datetime(2021, 6, 30, 16, tzinfo=UTC)
    assert programme.ends_at == datetime(2022, 6, 30, 16, tzinfo=UTC)
    assert (uk.starts_at, uk.ends_at) == (
        datetime(2021, 3, 28, tzinfo=UTC),
        datetime(2021, 11, 1, tzinfo=UTC),
    )
    assert programme.courses["a"].closes_at == datetime(2021, 7, 1, 16, tzinfo=UTC)
    assert (programme.allotment_is_limited, uk.allotment_is_limited, uk.closed) == (True, False, False)
