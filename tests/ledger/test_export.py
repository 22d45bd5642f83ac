"""What is exported is read by the programs it is for, with the balances that the ledger has."""

import csv
import io
import re
import subprocess
import sys
from decimal import Decimal

import pytest

from ledger.accounts import CREDITS, holding, pool_of_course, pool_of_programme
from ledger.export import export
from ledger.export.beancount import _account as beancount_account
from ledger.export.plain_text import _account as ledger_account
from ledger.journal import Transfer

HOSTILE = [
    "20210001",
    "张三",
    "王 小明",
    "a  b",
    "li-trainer",
    "li--trainer",
    "l",
    "L",
    "x",
    "X",
    "Xx",
    "a:b",
    "a",
    "a;b",
    'say "hi"',
    "back\\slash",
    "pipe|pipe",
    "(virtual)",
    "[balanced]",
    "<deferred>",
    "100%",
    "100%25",
    "=1+1",
    "@home",
    "*",
    "!",
    "#tag",
    "^link",
    "🌸",
    "محمد",
    "\u202eevil",
    "é",
    "e\u0301",
    "नमस्ते",
    "O'Neill, Ltd.",
    "-2d-",
    "-",
    " ",
    "ⅷ",
    "tab\there",
    "line\nbreak",
]
REASONS = [
    '"quoted"',
    "a\\b",
    "[2021-99-99]",
    "; date:2021-99-99",
    "a, b",
    "  [=2020]",
    "两行\n\ttab",
    "\x01\x7f",
    "\u2028",
]


@pytest.fixture
def hostile(bank):
    """A company whose learners, course and texts are whatever a name may be."""
    bank.sql(
        """INSERT INTO learners (company_id, no, key, name)
           SELECT %(company)s, 100 + place, key, key
             FROM unnest(%(keys)s::text[]) WITH ORDINALITY AS l (key, place)
           RETURNING no""",
        {"keys": HOSTILE},
    )
    learners = range(101, 101 + len(HOSTILE))
    bank.post(*(bank.earning(no, learner=no, reason=f"为{no}") for no in learners))
    bank.post(*(bank.award(1, learner=no, awarder=2, course=2) for no in learners))
    rule = bank.terms["scored"]
    first = bank.earning(1234, learner=1)
    (booked,) = bank.post(first)
    bank.post(bank.reversal(booked.number, first, reason="冲正"), bank.earning(1, learner=1))
    bank.post(*(bank.earning(1, reason=text, key=f"r{i}", note=text) for i, text in enumerate(REASONS)))
    bank.post(
        bank.draft(learner=1, note="no rule matched", data='{"a": [1, "[2021]"], "名": "\\u0007"}'.encode()),
        bank.draft(
            Transfer(CREDITS, pool_of_programme(1), holding(1), 2345, 1, 1, rule),
            Transfer(1, pool_of_course(1), holding(1), 3, 1, 1),
            learner=1,
            team=1,
            rulebook_version=1,
        ),
    )
    return bank


def exported(bank, export_format):
    with bank.database.snapshot(bank.company) as session:
        return "".join(export(session, export_format))


def of_ledger(bank):
    """What the accounts say: (code, unit) to balance, shown with the company's two decimals."""
    return {
        (row.code, row.unit): Decimal(row.balance) / (100 if row.unit == "credits" else 1)
        for row in bank.sql(
            """SELECT a.code, u.code AS unit, a.credits - a.debits AS balance FROM accounts AS a
                 JOIN units AS u ON u.company_id = a.company_id AND u.no = a.unit
                WHERE a.company_id = %(company)s AND a.credits <> a.debits"""
        )
    }


def test_beancount_reads_it_without_an_error(hostile, tmp_path):
    from beancount import loader
    from beancount.core.data import Open, Transaction

    file = tmp_path / "bank.beancount"
    file.write_text(exported(hostile, "beancount"), "utf-8")
    check = subprocess.run([f"{sys.prefix}/bin/bean-check", str(file)], capture_output=True, text=True, check=False)
    assert (check.returncode, check.stdout, check.stderr) == (0, "", "")

    entries, errors, _ = loader.load_file(str(file))
    assert errors == []
    opened = {e.account: e.meta["code"] for e in entries if isinstance(e, Open)}
    units = {e.currency: e.meta["code"] for e in entries if type(e).__name__ == "Commodity"}
    assert len(set(opened.values())) == len(opened)
    balances = {}
    for posting in (p for e in entries if isinstance(e, Transaction) for p in e.postings):
        account = opened[posting.account], units[posting.units.currency]
        balances[account] = balances.get(account, 0) + posting.units.number
    assert {account: balance for account, balance in balances.items() if balance} == of_ledger(hostile)

    booked = {int(e.meta["number"]): e for e in entries if isinstance(e, Transaction)}
    assert sorted(booked) == list(range(1, len(booked) + 1))
    assert {e.meta["name"] for e in entries if isinstance(e, Open) and "name" in e.meta} >= set(HOSTILE) - {"\x01\x7f"}
    reasons = {e.meta.get("reason") for e in booked.values()}
    assert reasons >= {reason for reason in REASONS if "\x01" not in reason}
    mixed = booked[len(booked)]
    assert (mixed.meta["team"], mixed.meta["rulebook_version"], mixed.postings[0].meta["rule"]) == (
        "red",
        "1",
        "scored",
    )
    silent = booked[len(booked) - 1]
    assert (silent.postings, silent.meta["note"]) == ([], "no rule matched")
    assert silent.meta["data"] == '{"a": [1, "[2021]"], "名": "\\u0007"}'


@pytest.mark.parametrize("program", ["ledger", "hledger"])
def test_ledger_and_hledger_read_the_same_balances(hostile, tmp_path, needs_program, program):
    path = needs_program(program)
    file = tmp_path / "bank.ledger"
    file.write_text(exported(hostile, "ledger"), "utf-8")
    command = {
        "ledger": ["bal", "--flat", "--format", "%(account)\t%(strip(display_total))\n", "--no-total"],
        "hledger": ["bal", "--flat", "-N", "-O", "csv", "--layout=bare"],
    }[program]
    run = subprocess.run(
        [path, "-f", str(file), *command],
        capture_output=True,
        text=True,
        check=False,
        env={"LC_ALL": "C.UTF-8"},
    )
    assert (run.returncode, run.stderr) == (0, "")
    read = read_ledger(run.stdout) if program == "ledger" else read_hledger(run.stdout)
    codes = {}
    for (code, unit), balance in of_ledger(hostile).items():
        account = ledger_account(code, unit)
        codes[account, unit] = balance
    assert read == codes


def read_ledger(text):
    balances, account = {}, ""
    for line in text.splitlines():
        name, _, amounts = line.rpartition("\t")
        account = name or account
        amount, _, commodity = amounts.strip().partition(" ")
        balances[account, commodity.strip('"')] = Decimal(amount)
    return balances


def read_hledger(text):
    rows = csv.DictReader(io.StringIO(text))
    return {(row["account"], row["commodity"].strip('"')): Decimal(row["balance"]) for row in rows}


def test_the_table_has_a_row_for_each_transfer(hostile):
    rows = list(csv.DictReader(io.StringIO(exported(hostile, "csv"))))
    balances = {}
    for row in rows:
        if row["unit"]:
            amount = Decimal(row["shown"])
            assert amount == Decimal(row["amount"]) / (100 if row["unit"] == "credits" else 1)
            for side, sign in (("debit", -1), ("credit", 1)):
                account = row[side], row["unit"]
                balances[account] = balances.get(account, 0) + sign * amount
    assert {account: balance for account, balance in balances.items() if balance} == of_ledger(hostile)
    assert {row["learner"] for row in rows} >= set(HOSTILE)
    assert {row["reason"] for row in rows} >= set(REASONS)
    assert next(row["note"] for row in rows if not row["unit"]) == "no rule matched"
    reversal = next(row for row in rows if row["reverses"])
    assert reversal["reverses"] in {row["id"] for row in rows}


@pytest.mark.parametrize("export_format", ["beancount", "ledger", "csv"])
def test_an_empty_journal_is_exported(make_bank, export_format):
    assert exported(make_bank(), export_format)


def test_no_two_accounts_share_a_name():
    keys = {*HOSTILE, *(re.sub("[^ -~]", "-", key) for key in HOSTILE), "X-5", "5", "a1-", "A1"}
    for name in (beancount_account, ledger_account):
        assert len({name(f"holding:{key}", "credits") for key in keys}) == len(keys)


def test_days_are_those_of_the_company(bank, by_hand):
    by_hand("UPDATE entries SET recorded_at = '2021-09-30T16:00Z' WHERE company_id = %(company)s")
    assert "\n2021-10-01 * " in exported(bank, "beancount")
    assert "2021-09-30 " not in exported(bank, "ledger")
