"""Each invariant of the ledger is broken by hand, and PostgreSQL refuses.

What the service's role may not do at all is tried as the service; what a constraint stops, whoever tries, is
tried as a superuser, whom no right and no row-level policy holds back.
"""

import psycopg
import pytest
from psycopg import errors

from ledger.journal import Transfer

LEDGER = ("entries", "transfers", "accounts", "closings")

# What the service may not do to the ledger, whatever its company.
FORBIDDEN = [
    *(f"DELETE FROM {table} WHERE company_id = %(company)s" for table in LEDGER),
    *(f"UPDATE {table} SET company_id = company_id WHERE company_id = %(company)s" for table in LEDGER),
    *(f"INSERT INTO {table} SELECT * FROM {table} WHERE company_id = %(company)s" for table in LEDGER),
    *(f"TRUNCATE {table}" for table in LEDGER),
    "UPDATE entries SET reason = 'another' WHERE company_id = %(company)s",
    "UPDATE transfers SET amount = 1 WHERE company_id = %(company)s",
    "UPDATE accounts SET credits = credits + 1 WHERE company_id = %(company)s",
    "UPDATE journals SET last_number = 0 WHERE company_id = %(company)s",
    "UPDATE journals SET last_recorded_at = now() WHERE company_id = %(company)s",
    "DELETE FROM journals WHERE company_id = %(company)s",
    "UPDATE units SET code = 'gold' WHERE company_id = %(company)s",
    "UPDATE terms SET term = 'another' WHERE company_id = %(company)s",
    "DELETE FROM learners WHERE company_id = %(company)s",
    "DELETE FROM companies WHERE company_id = %(company)s",
    "ALTER TABLE transfers DISABLE ROW LEVEL SECURITY",
    "DROP TABLE transfers",
    "CREATE TABLE mine (a integer)",
]


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_service_may_not(bank, statement):
    before = everything(bank)
    with pytest.raises((errors.InsufficientPrivilege, errors.InvalidParameterValue)):
        bank.sql(statement)
    assert everything(bank) == before


# What no one can store. Entry 5 exists, with an allowance of 100; entry 6 does not.
IMPOSSIBLE = [
    ("an amount of nothing", "UPDATE transfers SET amount = 0", errors.CheckViolation),
    ("an amount below nothing", "UPDATE transfers SET amount = -1", errors.CheckViolation),
    ("an amount beyond 2^53", "UPDATE transfers SET amount = 9007199254740992", errors.CheckViolation),
    ("a transfer to itself", "UPDATE transfers SET credit = debit", errors.CheckViolation),
    ("a transfer of no unit", "UPDATE transfers SET unit = NULL", errors.NotNullViolation),
    ("a transfer from nobody", "UPDATE transfers SET debit = NULL", errors.NotNullViolation),
    ("a pool below zero", "UPDATE accounts SET debits = credits + 1 WHERE id >> 32 = 1", errors.CheckViolation),
    ("a course below zero", "UPDATE accounts SET credits = 0 WHERE id >> 32 = 2", errors.CheckViolation),
    (
        "an account beyond 2^53",
        "UPDATE accounts SET debits = 9007199254740992 WHERE id = 0",
        errors.CheckViolation,
    ),
    ("a transfer twice", "INSERT INTO transfers SELECT * FROM transfers", errors.UniqueViolation),
    ("an entry's number twice", "INSERT INTO entries SELECT * FROM entries", errors.UniqueViolation),
    ("a key twice", "UPDATE entries SET key = 'the same', source = 1", errors.UniqueViolation),
    ("a number below one", "UPDATE entries SET number = 0 WHERE number = 1", errors.CheckViolation),
    ("a reversal of what comes later", "UPDATE entries SET reverses = number", errors.CheckViolation),
    ("two reversals", "UPDATE entries SET reverses = 1 WHERE number > 2", errors.UniqueViolation),
    ("an account's code twice", "UPDATE accounts SET code = 'holding:l1', unit = 0", errors.UniqueViolation),
]


@pytest.mark.parametrize(("what", "statement", "error"), IMPOSSIBLE)
def test_no_one_can_store(bank, by_hand, what, statement, error):
    mine = "company_id = %(company)s"
    where = f"{statement} AND {mine}" if " WHERE " in statement else f"{statement} WHERE {mine}"
    with pytest.raises(error):
        by_hand(where)


def book(bank, company, **given):
    """As the bank's session, books a credit from issuance to the first learner, but for what is given."""
    row = {
        "ordinal": 1, "line": 1, "occurred_at": "2021-09-01Z", "fingerprint": 0, "key": "staged", "source": 1,
        "kind": 1, "transfers": 1, "learner": 1, "holder": 1, "unit": 0, "debit": 0, "credit": (4 << 32) + 1,
        "amount": 1, "earning": 1,
    } | given  # fmt: skip
    columns = ", ".join(row)
    values = ", ".join(f"%({column})s" for column in row)
    with bank.database.transaction(bank.company) as session:
        session.sql(f"INSERT INTO pg_temp.staged ({columns}) VALUES ({values})", row)
        session.sql("SELECT * FROM book(%(whose)s)", {"whose": company})


# What `book` refuses to book, however it was staged: the database is the second to check what Python checked.
UNBOOKABLE = [
    ("what an account does not have", {"debit": (4 << 32) + 2, "holder": 2}, errors.CheckViolation),
    ("an amount of nothing", {"amount": 0}, errors.CheckViolation),
    ("a transfer to itself", {"credit": 0}, errors.CheckViolation),
    ("an earning of two", {"earning": 2}, errors.CheckViolation),
    ("an account of no one", {"credit": (4 << 32) + 999}, errors.NotNullViolation),
    ("an account of no class", {"credit": 9 << 32}, errors.NotNullViolation),
    ("a key that is booked", {"key": "taken"}, errors.UniqueViolation),
    ("a number left out", {"ordinal": 2}, errors.RaiseException),
    ("a transfer left out", {"transfers": 2}, errors.RaiseException),
    ("an entry left out", {"line": 2}, errors.RaiseException),
]


@pytest.mark.parametrize(("what", "given", "error"), UNBOOKABLE)
def test_what_is_staged_wrongly_is_not_booked(bank, what, given, error):
    bank.post(bank.draft(key="taken", source=1))
    before = everything(bank)
    with pytest.raises(error):
        book(bank, bank.company, **given)
    assert everything(bank) == before


def test_what_is_staged_rightly_is_booked(bank):
    book(bank, bank.company)
    assert bank.balance((4 << 32) + 1) == 1


# --- other companies ------------------------------------------------------------------------------


def tables(bank):
    """Every table of the schema, with whether the service may read it."""
    return [
        row.name
        for row in bank.sql(
            """SELECT c.relname AS name FROM pg_class AS c
                WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace
                  AND c.relname <> 'alembic_version'"""
        )
    ]


def everything(bank):
    """All that the company has in the ledger, by table, without saying which company."""
    return {t: bank.sql(f"SELECT t::text AS row FROM {t} AS t ORDER BY 1") for t in (*LEDGER, "journals")}


def test_every_table_is_secured_by_row_also_from_its_owner(bank, by_hand):
    unsecured = by_hand(
        """SELECT relname FROM pg_class
            WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'
              AND NOT (relrowsecurity AND relforcerowsecurity)"""
    )
    assert unsecured == []


def test_a_query_that_forgets_the_company_returns_its_own_rows_only(bank, make_bank):
    other = make_bank()
    for table in tables(bank):
        companies = {row.company_id for row in bank.sql(f"SELECT company_id FROM {table}")}
        assert companies <= {bank.company}, table
    assert {row.number for row in bank.sql("SELECT number FROM entries")} == {1, 2, 3, 4, 5}
    assert other.sql("SELECT FROM entries") == []


def test_without_a_company_there_are_no_rows(bank):
    with bank.database.engine.connect() as connection:
        driver = connection.connection.driver_connection
        for table in tables(bank):
            assert driver.execute(f"SELECT FROM {table}").fetchall() == [], table


def test_no_row_of_another_company_can_be_read_or_written(bank, make_bank):
    other = make_bank()
    other.furnish()
    before = everything(bank)
    theirs = {"theirs": bank.company}
    for table in tables(bank):
        assert other.sql(f"SELECT FROM {table} WHERE company_id = %(theirs)s", theirs) == []
    rename = "UPDATE learners SET name = 'mine' WHERE company_id = %(theirs)s RETURNING no"
    assert other.sql(rename, theirs) == []
    with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
        other.sql("INSERT INTO units (company_id, no, code) VALUES (%(theirs)s, 9, 'gold')", theirs)
    with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
        other.sql("UPDATE learners SET company_id = %(theirs)s WHERE no = 1", theirs)
    with pytest.raises(psycopg.Error):
        book(other, bank.company)
    assert everything(bank) == before


def test_two_companies_with_the_same_ids_have_nothing_in_common(bank, make_bank):
    other = make_bank()
    other.furnish()
    bank.post(bank.earning(5, key="same"), bank.award(1, key="also"))
    other.post(other.earning(7, key="same", fingerprint=1), other.award(2, key="also"))
    holding = (4 << 32) + 1
    assert (bank.balance(holding), bank.balance(holding, 1)) == (5, 1)
    assert (other.balance(holding), other.balance(holding, 1)) == (7, 2)


def test_a_failure_in_the_middle_books_nothing(bank):
    before = everything(bank)
    drafts = [bank.earning(1), bank.draft(Transfer(0, 0, (4 << 32) + 999, 1, 999, 1), learner=999)]
    with pytest.raises(errors.NotNullViolation):
        bank.post(*drafts)
    assert everything(bank) == before
