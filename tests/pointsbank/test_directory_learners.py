"""Learners, one by one and by the thousand."""

from collections.abc import Iterator
from datetime import date

import pytest

from pointsbank import company
from pointsbank.database import Database, Session
from pointsbank.directory import learners, snapshot
from pointsbank.directory.learners import Learner
from pointsbank.errors import Invalid, NotFound

_numbers = iter(range(10**6))


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.transaction(company.create(database, f"learners-{next(_numbers)}")) as opened:
        yield opened


def test_a_learner_is_put_and_read(session: Session) -> None:
    full = Learner("20210001", "李雷 😀", "li@example.com", "研发部", date(2021, 7, 1), date(2022, 1, 1))
    assert learners.put(session, full) == "created"
    assert learners.put(session, full) == "unchanged"
    assert learners.get(session, "20210001") == full
    assert learners.put(session, Learner("20210001", "李雷")) == "updated"
    assert learners.get(session, "20210001") == Learner("20210001", "李雷")
    for key in ("none", "\0", "", "\ud800"):
        with pytest.raises(NotFound):
            learners.get(session, key)


def test_a_batch_stores_the_good_ones(session: Session) -> None:
    learners.put_batch(session, [Learner("a", "一"), Learner("b", "二")])
    outcomes = learners.put_batch(
        session,
        [
            Learner("a", "一"),
            Learner("b", "三"),
            Learner("c", "四"),
            Learner("c", "四"),
            Learner("c", "五"),
            Learner("d", "\0"),
            Learner("e", "六", left_on=date(2020, 1, 1), joined_on=date(2021, 1, 1)),
        ],
    )
    assert outcomes[:4] == ["unchanged", "updated", "created", "unchanged"]
    paths = [[path for path, _ in each.errors] for each in outcomes if isinstance(each, Invalid)]
    assert paths == [["id"], ["name"], ["left_on"]]
    assert [each.key for each in learners.page(session, 9)] == ["a", "b", "c"]


def test_ten_thousand_take_as_many_statements_as_one(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    statements: list[str] = []
    plain = Session.sql
    monkeypatch.setattr(Session, "sql", lambda self, text, *rest: statements.append(text) or plain(self, text, *rest))
    learners.put(session, Learner("0", "零"))
    single, statements = statements, []
    many = [Learner(str(number), "名") for number in range(1, 10_001)]
    assert set(learners.put_batch(session, many)) == {"created"}
    assert len(statements) <= len(single)
    before = snapshot.load(session).version
    assert set(learners.put_batch(session, many)) == {"unchanged"}
    assert snapshot.load(session).version == before
    rows = session.sql("SELECT count(*), max(no) FROM learners WHERE company_id = %(company)s").fetchone()
    assert rows == (10_001, 10_001)


FAULTS = [
    (7, []),
    ({}, ["id", "name"]),
    ({"id": 1, "name": None}, ["id", "name"]),
    ({"id": "a/b", "name": " ", "age": 3}, ["age", "id", "name"]),
    ({"id": "a", "name": "x" * 201}, ["name"]),
    ({"id": "a", "name": "\ud800", "email": "nobody", "department": ["x"]}, ["name", "email", "department"]),
    ({"id": "a", "name": "n", "joined_on": "0000-01-01", "left_on": "9999-12-31"}, ["joined_on", "left_on"]),
    ({"id": "a", "name": "n", "joined_on": "2021-02-30", "left_on": 5}, ["joined_on", "left_on"]),
    ({"id": "a", "name": "n", "joined_on": "20210301", "left_on": "2021-W01-1"}, ["joined_on", "left_on"]),
    ({"id": "a", "name": "n", "joined_on": "2021-03-01", "left_on": "2021-02-01"}, ["left_on"]),
]


@pytest.mark.parametrize(("item", "paths"), FAULTS)
def test_every_fault_of_an_item_is_told(item: object, paths: list[str]) -> None:
    with pytest.raises(Invalid) as refused:
        learners.parse(item)
    assert [path for path, _ in refused.value.errors] == paths


def test_an_item_becomes_a_learner() -> None:
    item = {"id": "a", "name": "n", "email": None, "left_on": "2021-02-01"}
    assert learners.parse(item) == Learner("a", "n", left_on=date(2021, 2, 1))
