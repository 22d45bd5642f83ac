"""A company that PostgreSQL's statistics have never seen, beside one that they know, has quick lookups all the same."""

import re
from collections.abc import Iterator
from datetime import date

import psycopg
import pytest

from pointsbank import company
from pointsbank.database import Database
from pointsbank.directory import enrolments, learners, programmes, roster

KEYS = [f"l{number}" for number in range(4_000)]
DATES = {"starts_on": date(2021, 7, 1), "ends_on": date(2022, 6, 30)}


@pytest.fixture
def companies(fresh_database_url: str) -> Iterator[tuple[Database, list[int]]]:
    database = Database(fresh_database_url)
    made = []
    for key in ("known", "new"):
        made.append(company.create(database, key))
        with database.transaction(made[-1]) as session:
            programmes.put(session, "p", name="p", timezone="Asia/Shanghai", **DATES)
            learners.put_batch(session, [learners.Learner(each, each) for each in KEYS])
            enrolments.enrol(session, "p", KEYS)
        if key == "known":
            with psycopg.connect(fresh_database_url, autocommit=True) as connection:
                connection.execute("ANALYZE")
    yield database, made
    database.close()


def test_a_company_that_is_new_to_the_statistics(companies: tuple[Database, list[int]]) -> None:
    database, made = companies
    for company_id in made:
        with database.snapshot(company_id) as session:
            for table in ("learners", "enrolments"):
                plan = session.sql(f"EXPLAIN SELECT FROM {table} WHERE company_id = %(company)s").fetchone()
                assert plan is not None
                (expected,) = re.findall(r"rows=(\d+)", plan[0])
                assert int(expected) >= 10, (table, plan)
            found = roster.find_learners(session, 1, KEYS)
            assert len(found) == len(KEYS)
            assert all(each.from_at is not None for each in found.values())


@pytest.mark.parametrize("looked_up", ["= 1", "= ANY (ARRAY(SELECT generate_series(1, 2000)))", "= ANY (%(numbers)s)"])
def test_reversals_are_found_by_what_they_reverse_however_few_the_statistics_know(
    companies: tuple[Database, list[int]], looked_up: str
) -> None:
    """By the other index, which is in the order of their numbers, each lookup would go through all of them."""
    database, (known, _) = companies
    with database.snapshot(known) as session:
        session.sql("SET LOCAL enable_seqscan = off")  # as the journal is empty
        statement = f"SELECT number FROM entries WHERE company_id = %(company)s AND reverses {looked_up}"
        plan = session.sql(f"EXPLAIN {statement}", {"numbers": list(range(1, 2_000))}).fetchall()
        assert "entries_reversals" not in str(plan), plan
        later = """EXPLAIN SELECT number FROM entries
                    WHERE company_id = %(company)s AND number > 5 AND coalesce(reverses, 0) > 0 ORDER BY number"""
        assert "entries_reversals" in str(session.sql(later).fetchall())
