"""Booking, as tables: each row is an operation and what becomes of it.

Rows that begin with `|` are booked in one batch with the row above. `key` and
`print` (the fingerprint of the content) are an entry's own unless given; a refusal is written as its slug.
Unnamed learners, awarders and courses are the first.
"""

import re
from contextlib import closing

import pytest

from ledger.accounts import MAX_AMOUNT
from ledger.audit import audit
from ledger.errors import AmountTooLarge, StaleDirectory
from ledger.journal import MANY, Booked, Duplicate, lock, post
from pointsbank.database import Database
from tests.ledger.conftest import Bank

TABLES = {
    "an entry is numbered after the one before it": """
        allotment 10                          -> booked 1
        earning 4                             -> booked 2
        | earning 5 learner=2                 -> booked 3
        empty                                 -> booked 4
    """,
    "only issuance goes below zero": """
        earning 1                             -> insufficient-funds
        allotment 10                          -> booked 1
        earning 11                            -> insufficient-funds
        earning 10                            -> booked 2
        deduction 11                          -> insufficient-funds
        deduction 1 learner=2                 -> insufficient-funds
        deduction 10                          -> booked 3
        flowers 5                             -> booked 4
        allowance 6                           -> insufficient-funds
        allowance 5                           -> booked 5
        award 3                               -> booked 6
        award 3                               -> insufficient-funds
        award 2 course=2                      -> insufficient-funds
        award 2                               -> booked 7
    """,
    "a batch pays in its order, and a refused item stops no other": """
        allotment 10                          -> booked 1
        earning 6                             -> booked 2
        | earning 6                           -> insufficient-funds
        | earning 4 learner=2                 -> booked 3
        | earning 1                           -> insufficient-funds
        | deduction 2 learner=2               -> booked 4
        | earning 2                           -> booked 5
        | empty                               -> booked 6
    """,
    "money comes and goes within a batch": """
        earning 1                             -> insufficient-funds
        | allotment 3                         -> booked 1
        | earning 3                           -> booked 2
        | deduction 3                         -> booked 3
        | earning 3 learner=2                 -> booked 4
    """,
    "a key is booked once": """
        allotment 10                          -> booked 1
        earning 4 key=a print=1               -> booked 2
        earning 4 key=a print=1               -> duplicate 2
        earning 5 key=a print=2               -> key-conflict
        earning 4 key=a print=1 source=lms    -> booked 3
        empty key=b print=1                   -> booked 4
        empty key=b print=1                   -> duplicate 4
        earning 4 key=A print=1               -> insufficient-funds
        earning 2 key=A print=1               -> booked 5
    """,
    "a key stands once in a batch": """
        allotment 10                          -> booked 1
        earning 4 key=a print=1               -> booked 2
        | earning 4 key=a print=1             -> duplicate 2
        | earning 5 key=a print=2             -> key-conflict
        | earning 4 key=b print=1             -> booked 3
        | earning 4 key=a print=1             -> duplicate 2
        earning 1 key=c print=1               -> booked 4
        | earning 4 key=a print=1             -> duplicate 2
        | earning 4 key=a print=2             -> key-conflict
        | earning 4 key=a print=1             -> duplicate 2
    """,
    "a refused key is free": """
        earning 4 key=a print=1               -> insufficient-funds
        allotment 10                          -> booked 1
        earning 5 key=a print=2               -> booked 2
    """,
    "a repeat is not paid a second time": """
        allotment 10                          -> booked 1
        earning 4 key=a print=1               -> booked 2
        | earning 4 key=a print=1             -> duplicate 2
        | earning 6 key=b print=1             -> booked 3
        | earning 1                           -> insufficient-funds
    """,
    "a repeat of what is refused is refused alike": """
        allotment 10                          -> booked 1
        earning 11 key=a print=1              -> insufficient-funds
        | earning 11 key=a print=1            -> insufficient-funds
        | earning 10                          -> booked 2
    """,
    "an entry is reversed once": """
        allotment 10                          -> booked 1
        earning 4                             -> booked 2
        reversal 2 key=r print=1              -> booked 3
        reversal 2                            -> already-reversed
        reversal 2 key=r print=1              -> duplicate 3
        earning 5                             -> booked 4
        reversal 4 key=s print=1              -> booked 5
        | reversal 4                          -> already-reversed
        | reversal 4 key=s print=1            -> duplicate 5
    """,
    "what was spent cannot be reversed": """
        allotment 10                          -> booked 1
        earning 4                             -> booked 2
        deduction 1                           -> booked 3
        reversal 2                            -> insufficient-funds
        reversal 3                            -> booked 4
        reversal 2                            -> booked 5
    """,
    "a reversal that is refused for its key leaves the entry to another": """
        allotment 10                          -> booked 1
        earning 4                             -> booked 2
        empty key=a print=1                   -> booked 3
        reversal 2 key=a print=2              -> key-conflict
        | reversal 2 key=b print=2            -> booked 4
    """,
    "amounts are from 1 to what every client reads exactly": f"""
        allotment 0                           -> validation
        allotment -1                          -> validation
        allotment {MAX_AMOUNT + 1}            -> validation
        allotment {2**63}                     -> validation
        | empty                               -> booked 1
        allotment {MAX_AMOUNT}                -> booked 2
        earning {MAX_AMOUNT}                  -> booked 3
    """,
}


@pytest.mark.parametrize("title", TABLES)
def test_table(make_bank, title):
    bank = make_bank()
    booked = {}
    for batch in batches(TABLES[title]):
        drafts = [draft(bank, booked, operation) for operation, _ in batch]
        outcomes = bank.post(*drafts)
        assert [named(outcome) for outcome in outcomes] == [expected for _, expected in batch], batch
        booked |= {o.number: d for o, d in zip(outcomes, drafts, strict=True) if isinstance(o, Booked)}
    with bank.database.snapshot(bank.company) as session:
        assert list(audit(session)) == []
    assert len(bank.sql("SELECT FROM entries WHERE company_id = %(company)s")) == len(booked)


def batches(table):
    found = []
    for line in filter(None, map(str.strip, table.splitlines())):
        operation, expected = re.split(r"\s+-> ", line)
        if operation.startswith("|"):
            found[-1].append((operation[1:].split(), expected))
        else:
            found.append([(operation.split(), expected)])
    return found


def draft(bank, booked, words):
    given = dict(word.split("=") for word in words if "=" in word)
    numbers = [int(word) for word in words[1:] if "=" not in word]
    given = {name: int(value) if value.isdigit() else value for name, value in given.items()}
    if "print" in given:
        given["fingerprint"] = given.pop("print")
    if "source" in given:
        given["source"] = bank.terms[given["source"]]
    match words[0]:
        case "empty":
            return bank.draft(**given)
        case "reversal":
            return bank.reversal(numbers[0], booked.get(numbers[0]), **given)
        case name:
            return getattr(bank, name)(*numbers, **given)


def named(outcome):
    match outcome:
        case Booked():
            return f"booked {outcome.number}"
        case Duplicate():
            return f"duplicate {outcome.number}"
        case _:
            return outcome.slug


def test_a_refusal_says_what_is_left(bank):
    (refused,) = bank.post(bank.award(101))
    assert refused.detail == "allowance:li-trainer:service has 100 flowers:service left, 101 are needed."
    assert refused.extra == {
        "account": "allowance:li-trainer:service",
        "unit": "flowers:service",
        "available": 100,
        "required": 101,
    }


def test_an_entry_that_is_refused_says_what_all_of_it_needs(bank):
    (refused,) = bank.post(bank.draft(bank.award(60).transfers[0], bank.award(60, 2).transfers[0]))
    assert refused.detail == "allowance:li-trainer:service has 100 flowers:service left, 120 are needed."


def test_an_account_turns_over_no_more_than_every_client_reads_exactly(make_bank):
    bank = make_bank()
    bank.post(bank.allotment(MAX_AMOUNT))
    with pytest.raises(AmountTooLarge, match="turn over"):
        bank.post(bank.draft(), bank.allotment(1))
    assert len(bank.sql("SELECT FROM entries WHERE company_id = %(company)s")) == 1


@pytest.mark.parametrize("size", [1, MANY, MANY + 1, 3 * MANY])
def test_a_batch_of_any_size_is_booked_in_its_order_and_retried(bank, size):
    drafts = [bank.earning(1, learner=n % 10 + 1) for n in range(size)]
    assert [o.number for o in bank.post(*drafts)] == list(range(6, 6 + size))
    assert bank.post(*drafts) == [Duplicate(number) for number in range(6, 6 + size)]
    more = [*drafts, bank.earning(10_000), bank.earning(1)]
    assert [named(o) for o in bank.post(*more)[-2:]] == ["insufficient-funds", f"booked {6 + size}"]


def test_texts_are_booked_as_they_are(bank):
    texts = ["a\tb", "a\\nb", "line\nbreak\r", "\\N", "\\.", "", "'\"", "红花🌸", "\u2028\x7f"]
    data = [b'{"a":"\\\\ \\" \\u0007"}', '{"名":"\\t"}'.encode()]
    bank.post(*(bank.draft(key=f"k{n}\\t红花", reason=text, note=text) for n, text in enumerate(texts)))
    bank.post(*(bank.draft(data=each) for each in data))
    rows = bank.sql(
        "SELECT key, reason, note, data::text FROM entries "
        "WHERE company_id = %(company)s AND number > 5 ORDER BY number"
    )
    assert [(r.reason, r.note) for r in rows[: len(texts)]] == [(text, text) for text in texts]
    assert [r.key for r in rows[: len(texts)]] == [f"k{n}\\t红花" for n, _ in enumerate(texts)]
    assert [r.data for r in rows[len(texts) :]] == ['{"a": "\\\\ \\" \\u0007"}', '{"名": "\\t"}']


def test_a_changed_directory_is_noticed_under_the_lock(bank):
    bank.sql("UPDATE journals SET directory_version = 7 WHERE company_id = %(company)s RETURNING 1")
    with bank.database.transaction(bank.company) as session:
        lock(session, 7)
        with pytest.raises(StaleDirectory):
            lock(session, 6)


def test_two_batches_in_one_transaction_are_booked_once_each(make_bank):
    bank = make_bank()
    drafts = [bank.allotment(100), bank.earning(7), bank.earning(5)]
    with bank.database.transaction(bank.company) as session:
        first = post(session, drafts[:1])
        second = post(session, drafts[1:])
    assert [outcome.number for outcome in (*first, *second)] == [1, 2, 3]
    with bank.database.snapshot(bank.company) as session:
        rows = session.sql("SELECT code, credits - debits AS balance FROM accounts WHERE company_id = %(company)s")
        assert dict(rows.fetchall()) == {"issuance": -100, "pool:programme:2021": 88, "holding:l1": 12}


@pytest.mark.parametrize("batch", [1, 50], ids=["one", "batch"])
def test_booking_looks_up_the_accounts_that_it_moves_and_no_others(fresh_database_url, batch):
    """It once walked over all accounts of the company, because the statement was planned for fewer."""
    with closing(Database(fresh_database_url)) as database:
        bank = Bank(database, 2_000)
        bank.post(bank.allotment(100_000))
        for _ in range(2):
            bank.post(*[bank.earning(1, learner=learner) for learner in bank.learners])
        with database.transaction(bank.company) as session:
            before = _accounts_read(session)
            post(session, [bank.earning(1, learner=learner) for learner in range(1, batch + 1)])
            assert _accounts_read(session) - before <= 3 * (batch + 1)


def _accounts_read(session):
    (row,) = session.sql(
        "SELECT idx_tup_fetch + seq_tup_read AS count FROM pg_stat_xact_user_tables WHERE relname = 'accounts'"
    )
    return row.count
