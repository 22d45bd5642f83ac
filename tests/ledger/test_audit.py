"""The audit finds nothing in what was booked, and names what was changed by hand since."""

from ledger.accounts import CREDITS, holding, pool_of_programme
from ledger.audit import audit, extent
from ledger.closings import CLOSING_EVERY
from ledger.identity import entry_id
from ledger.journal import Transfer


def found(bank):
    with bank.database.snapshot(bank.company) as session:
        return list(audit(session))


def checks(bank):
    return {discrepancy.check for discrepancy in found(bank)}


def book_some(bank):
    """Numbers 6 to 13, after the five that the fixture has booked."""
    award = bank.award(5, learner=3)
    earning = bank.earning(200, learner=1, source=bank.terms["lms"])
    team = bank.draft(*(Transfer(CREDITS, pool_of_programme(1), holding(n), 10, n, 1) for n in (4, 5, 6)), team=1)
    bank.post(award, earning, bank.earning(300, learner=2), bank.earning(50, learner=1), team)
    bank.post(bank.reversal(6, award), bank.deduction(20, learner=2), bank.draft(learner=1, note="no rule matched"))


def test_nothing_is_found_in_what_was_booked(bank):
    assert found(bank) == []
    book_some(bank)
    assert found(bank) == []
    with bank.database.snapshot(bank.company) as session:
        assert extent(session) == (13, 14, 14, 3)


def test_nothing_is_found_in_an_empty_ledger(make_bank):
    assert found(make_bank()) == []


def test_a_changed_transfer_is_named_with_its_accounts_and_entry(bank, by_hand):
    book_some(bank)
    by_hand("UPDATE transfers SET amount = amount + 7 WHERE company_id = %(company)s AND number = 8")
    report = found(bank)
    changed = f"{entry_id(bank.company, 8)} (number 8)"
    of_account = {d.accounts[0]: d for d in report if d.check == "account-totals"}
    assert set(of_account) == {"holding:l2 (credits)", "pool:programme:2021 (credits)"}
    learner = of_account["holding:l2 (credits)"]
    assert "credits are stored as 300, its transfers come to 307" in learner.detail
    assert changed in learner.entries
    assert set(of_account["pool:programme:2021 (credits)"].entries) == {
        changed,
        f"{entry_id(bank.company, 12)} (number 12)",
    }


def test_a_deleted_entry_is_named_with_the_accounts_it_moved(bank, by_hand):
    book_some(bank)
    by_hand("DELETE FROM entries WHERE company_id = %(company)s AND number = 7")
    gap, alone = found(bank)
    assert (gap.check, gap.entries) == ("journal-gap", (f"{entry_id(bank.company, 7)} (number 7)",))
    assert (alone.check, alone.entries) == ("entry-missing", gap.entries)
    assert alone.accounts == ("holding:l1 (credits)", "pool:programme:2021 (credits)")


def test_a_changed_balance_is_named_with_its_entries(bank, by_hand):
    book_some(bank)
    by_hand("UPDATE accounts SET credits = 9999 WHERE company_id = %(company)s AND code = 'holding:l1'")
    totals, unit = found(bank)
    assert totals.accounts == ("holding:l1 (credits)",)
    assert totals.detail == "An account's credits are stored as 9999, its transfers come to 250."
    assert totals.entries == tuple(f"{entry_id(bank.company, n)} (number {n})" for n in (7, 9))
    assert (unit.check, unit.detail) == ("unit-sum", "The balances in credits sum to 9749, not to zero.")


def test_a_changed_closing_is_named(bank, by_hand):
    bank.post(*(bank.earning(1, learner=1) for _ in range(2 * CLOSING_EVERY + 5)))
    bank.post(*(bank.earning(1, learner=1) for _ in range(CLOSING_EVERY)))
    assert found(bank) == []
    by_hand("UPDATE closings SET credits = credits + 1 WHERE company_id = %(company)s AND number = 1010")
    (closing,) = found(bank)
    assert (closing.check, closing.accounts) == ("closing", ("holding:l1 (credits)",))
    assert "credits 506, earned 505" in closing.detail
    assert "0, 505, 505" in closing.detail


def test_two_units_of_a_learner_that_close_together_are_each_closed_once(bank):
    """`book()` once added up a learner's transfers twice when two of the holdings crossed in one batch."""
    bank.post(bank.allowance(900, awarder=1))
    both = [bank.earning(1, learner=1) for _ in range(CLOSING_EVERY)]
    bank.post(*both, *(bank.award(1, learner=1) for _ in range(CLOSING_EVERY)))
    assert found(bank) == []
    assert len(bank.sql("SELECT FROM closings WHERE company_id = %(company)s")) == 2


# What is changed by hand, and the checks that notice.
CHANGES = [
    ("UPDATE journals SET last_number = 20 WHERE company_id = %(company)s", {"journal-end"}),
    ("DELETE FROM entries WHERE company_id = %(company)s AND number = 13", {"journal-end"}),
    (
        "UPDATE entries SET recorded_at = '2001-01-01Z' WHERE company_id = %(company)s AND number = 9",
        {"journal-order"},
    ),
    ("UPDATE entries SET transfers = 2 WHERE company_id = %(company)s AND number = 9", {"entry-transfers"}),
    (
        "UPDATE entries SET occurred_at = '2001-01-01Z' WHERE company_id = %(company)s AND number = 9",
        {"entry-time"},
    ),
    ("UPDATE entries SET learner = 7 WHERE company_id = %(company)s AND number = 9", {"entry-holders"}),
    (
        "UPDATE entries SET holders = '{4,5}' WHERE company_id = %(company)s AND number = 10",
        {"entry-holders"},
    ),
    ("UPDATE entries SET programme = 9 WHERE company_id = %(company)s AND number = 9", {"directory"}),
    ("UPDATE entries SET kind = 99 WHERE company_id = %(company)s AND number = 9", {"directory"}),
    ("UPDATE entries SET rulebook_version = 9 WHERE company_id = %(company)s AND number = 9", {"directory"}),
    (
        "DELETE FROM transfers WHERE company_id = %(company)s AND number = 9",
        {"entry-transfers", "account-totals"},
    ),
    ("UPDATE transfers SET line = 3 WHERE company_id = %(company)s AND number = 9", {"entry-lines"}),
    (
        "UPDATE transfers SET learner = 7 WHERE company_id = %(company)s AND number = 9",
        {"entry-holders", "transfer"},
    ),
    ("UPDATE transfers SET rule = 99 WHERE company_id = %(company)s AND number = 9", {"transfer"}),
    ("UPDATE transfers SET earning = 0 WHERE company_id = %(company)s AND number = 9", {"account-totals"}),
    (
        "UPDATE transfers SET earning = -1 WHERE company_id = %(company)s AND number = 9",
        {"account-totals", "transfer"},
    ),
    (
        "UPDATE transfers SET credit = credit + 1000 WHERE company_id = %(company)s AND number = 9",
        {"account-missing", "account-totals", "transfer"},
    ),
    (
        "UPDATE transfers SET unit = 5 WHERE company_id = %(company)s AND number = 1",
        {"account-missing", "account-totals"},
    ),
    (
        "UPDATE accounts SET earned = 0 WHERE company_id = %(company)s AND code = 'holding:l1'",
        {"account-totals"},
    ),
    (
        "UPDATE accounts SET transfers = 0 WHERE company_id = %(company)s AND code = 'holding:l1'",
        {"account-totals"},
    ),
    (
        "UPDATE accounts SET code = 'holding:l9' WHERE company_id = %(company)s AND code = 'holding:l1'",
        {"account-code"},
    ),
    (
        "DELETE FROM accounts WHERE company_id = %(company)s AND code = 'holding:l1'",
        {"account-missing", "unit-sum"},
    ),
    (
        "UPDATE accounts SET unit = 9 WHERE company_id = %(company)s AND unit = 2",
        {"account-totals", "account-missing", "unit-missing", "account-code"},
    ),
    (
        "DELETE FROM entries WHERE company_id = %(company)s AND number = 6",
        {"journal-gap", "entry-missing", "reversal"},
    ),
    ("UPDATE entries SET reverses = 7 WHERE company_id = %(company)s AND reverses = 6", {"reversal"}),
    ("UPDATE entries SET reverses = 11 WHERE company_id = %(company)s AND number = 13", {"reversal"}),
    (
        "UPDATE transfers SET amount = 4 WHERE company_id = %(company)s AND number = 11",
        {"reversal", "account-totals"},
    ),
]


def test_each_change_by_hand_is_noticed(make_bank, by_hand):
    for statement, expected in CHANGES:
        changed = make_bank()
        changed.furnish()
        book_some(changed)
        by_hand(statement, company=changed.company)
        assert checks(changed) == expected, statement
