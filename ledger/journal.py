"""Booking: `post` is the one function that writes to the ledger.

It runs straight down: lock the company's journal, find what is already booked, refuse what cannot be
booked, hand the rest to `book()` (bank.sql) as one staged set. A batch of any size is the same number of SQL
statements; a single entry is a batch of one. Each draft ends in one named outcome and stops no other.
"""

from collections.abc import Container, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import psycopg

from ledger.accounts import ISSUANCE, MAX_AMOUNT
from ledger.copying import int_array, staged
from ledger.draft import Draft as Draft
from ledger.draft import Transfer as Transfer
from ledger.errors import (
    AlreadyReversed,
    AmountTooLarge,
    InsufficientFunds,
    KeyConflict,
    LedgerError,
    StaleDirectory,
)
from ledger.identity import entry_id
from pointsbank.database import Session
from pointsbank.saying import say

_SEPARATOR = "\x1f"
MANY = 100
"""Drafts from which on a batch is booked in the hope that all of it is new; looking first costs it a tenth."""


class Booked(NamedTuple):
    number: int
    recorded_at: datetime


class Duplicate(NamedTuple):
    """Booked before with the same content, under this number."""

    number: int


Outcome = Booked | Duplicate | LedgerError


def lock(session: Session, directory_version: int | None = None) -> None:
    """Makes this transaction the company's one writer until it ends.

    Raises StaleDirectory if the directory is no longer of the version that the caller went by.
    """
    journal = session.lock_journal()
    if directory_version is not None and journal.directory_version != directory_version:
        raise StaleDirectory("The directory has changed.")


def post(session: Session, drafts: Sequence[Draft]) -> list[Outcome]:
    """Books the drafts in their order, each whole or not at all; the outcomes stand in the same order.

    Raises AmountTooLarge, booking nothing, if an account would turn over more than `MAX_AMOUNT`.
    """
    lock(session)
    if len(drafts) > MANY:
        try:
            with session.savepoint():
                return _post(session, drafts, look_up=False)
        except (psycopg.errors.UniqueViolation, _NotAllNew):
            pass  # a retry, most likely; find out what is booked
    return _post(session, drafts, look_up=True)


class _NotAllNew(Exception):
    """Something of a batch was refused before it was looked up whether it is booked."""


def _post(session: Session, drafts: Sequence[Draft], look_up: bool) -> list[Outcome]:
    outcomes: list[Outcome | None] = [None] * len(drafts)
    repeats = _find_repeats(drafts, outcomes)
    if look_up:
        _find_booked(session, drafts, outcomes)
    _refuse_impossible(drafts, outcomes)
    _refuse_reversed(session, drafts, outcomes)
    _refuse_apart(drafts, outcomes)
    _refuse_short(session, drafts, outcomes, repeats)
    accepted = [index for index, outcome in enumerate(outcomes) if outcome is None and index not in repeats]
    if not look_up and len(accepted) < len(drafts):
        raise _NotAllNew
    if accepted:
        first, recorded_at = _book(session, [drafts[index] for index in accepted])
        for number, index in enumerate(accepted, first):
            outcomes[index] = Booked(number, recorded_at)
    for index, earlier in repeats.items():
        before = outcomes[earlier]
        outcomes[index] = Duplicate(before.number) if isinstance(before, Booked) else before
    assert None not in outcomes
    return outcomes  # type: ignore[return-value]  # none is None any more, as asserted


def _find_repeats(drafts: Sequence[Draft], outcomes: list[Outcome | None]) -> dict[int, int]:
    """Drafts that repeat an earlier one of the same batch, by index; the same key with other content is refused."""
    first: dict[tuple[int, str], int] = {}
    repeats: dict[int, int] = {}
    for index, draft in enumerate(drafts):
        earlier = first.setdefault((draft.source, draft.key), index)
        if earlier == index:
            continue
        if drafts[earlier].fingerprint == draft.fingerprint:
            repeats[index] = earlier
        else:
            outcomes[index] = KeyConflict(
                say(
                    "The key %(key)s of this source is used a moment before with other content. "
                    "Give the new event an id of its own.",
                    key=draft.key,
                )
            )
    return repeats


def find_booked(session: Session, keys: Sequence[tuple[int, str]]) -> dict[int, tuple[int, int]]:
    """Which of the (source, key) pairs are booked: index → (number, fingerprint)."""
    if not keys:
        return {}
    joined = _SEPARATOR.join([key for _, key in keys])
    assert joined.count(_SEPARATOR) == len(keys) - 1, "keys hold no control characters"
    rows = session.sql(
        """SELECT wanted.place - 1 AS index, e.number, e.fingerprint
             FROM ROWS FROM (unnest(%(sources)s::integer[]), unnest(string_to_array(%(keys)s, %(separator)s)))
                  WITH ORDINALITY AS wanted (source, key, place)
            CROSS JOIN LATERAL (SELECT number, fingerprint FROM entries
                                 WHERE company_id = %(company)s AND source = wanted.source AND key = wanted.key
                                 LIMIT 1) AS e""",
        {"sources": int_array([source for source, _ in keys]), "keys": joined, "separator": _SEPARATOR},
    )
    return {index: (number, fingerprint) for index, number, fingerprint in rows}


def outcome_of_booked(session: Session, key: str, fingerprint: int, booked: tuple[int, int]) -> Duplicate | KeyConflict:
    """What becomes of a key that is booked: a retry if the content is the same."""
    number, its_fingerprint = booked
    if its_fingerprint == fingerprint:
        return Duplicate(number)
    first = entry_id(session.company_id, number)
    return KeyConflict(
        say(
            "The key %(key)s of this source is booked with other content, as entry %(first)s. "
            "Send the first content again, or give the new event an id of its own.",
            key=key,
            first=first,
        ),
        entry_id=first,
    )


def reversed_by(session: Session, numbers: Sequence[int]) -> dict[int, int]:
    """Those of the entries with these numbers that are reversed, each with the number of its reversal."""
    rows = session.sql(
        "SELECT reverses, number FROM entries WHERE company_id = %(company)s AND reverses = ANY (%(numbers)s)",
        {"numbers": list(numbers)},
    )
    return {row.reverses: row.number for row in rows}


def _find_booked(session: Session, drafts: Sequence[Draft], outcomes: list[Outcome | None]) -> None:
    for index, booked in find_booked(session, [(draft.source, draft.key) for draft in drafts]).items():
        outcomes[index] = outcome_of_booked(session, drafts[index].key, drafts[index].fingerprint, booked)


def _refuse_impossible(drafts: Sequence[Draft], outcomes: list[Outcome | None]) -> None:
    for index, draft in enumerate(drafts):
        for transfer in draft.transfers:
            if not 1 <= transfer.amount <= MAX_AMOUNT:
                outcomes[index] = AmountTooLarge(
                    f"The amount {transfer.amount} is not between 1 and {MAX_AMOUNT}.",
                    errors=[("amount", f"must be between 1 and {MAX_AMOUNT}")],
                )
                break


def _refuse_reversed(session: Session, drafts: Sequence[Draft], outcomes: list[Outcome | None]) -> None:
    wanted: dict[int, int] = {}
    for index, draft in enumerate(drafts):
        if draft.reverses is not None and outcomes[index] is None:
            wanted.setdefault(draft.reverses, index)
    if not wanted:
        return
    done = reversed_by(session, list(wanted))
    for index, draft in enumerate(drafts):
        if draft.reverses is None or outcomes[index] is not None:
            continue
        if draft.reverses in done:
            entry, by = (entry_id(session.company_id, number) for number in (draft.reverses, done[draft.reverses]))
            outcomes[index] = AlreadyReversed(f"Entry {entry} is reversed by {by}.")
        elif wanted[draft.reverses] != index:
            outcomes[index] = AlreadyReversed("An earlier item of this batch reverses the same entry.")


def _together(drafts: Sequence[Draft]) -> Iterator[list[int]]:
    """The indexes of the drafts, those together that are booked all or none."""
    unit: list[int] = []
    for index, draft in enumerate(drafts):
        if unit and not draft.follows:
            yield unit
            unit = []
        unit.append(index)
    if unit:
        yield unit


def _refuse_apart(drafts: Sequence[Draft], outcomes: list[Outcome | None]) -> None:
    """What is refused takes along all that is booked only with it."""
    if not any(draft.follows for draft in drafts):
        return
    for unit in _together(drafts):
        refused = next((each for index in unit if isinstance(each := outcomes[index], LedgerError)), None)
        if refused is not None:
            for index in unit:
                outcomes[index] = outcomes[index] or refused


def _refuse_short(
    session: Session, drafts: Sequence[Draft], outcomes: list[Outcome | None], repeats: Container[int]
) -> None:
    """Refuses, in order, whatever an account that may not go below zero cannot pay at its turn."""
    demand: dict[tuple[int, int], int] = {}
    for draft in drafts:
        for t in draft.transfers:
            if t.debit != ISSUANCE:
                demand[t.debit, t.unit] = demand.get((t.debit, t.unit), 0) + t.amount
    if not demand:
        return
    left = dict.fromkeys(demand, 0) | _balances(session, list(demand))
    if all(left[account] >= amount for account, amount in demand.items()):
        return
    names: dict[tuple[int, int], tuple[str, str]] = {}
    for unit in _together(drafts):
        indexes = [index for index in unit if outcomes[index] is None and index not in repeats]
        transfers = [transfer for index in indexes for transfer in drafts[index].transfers]
        short = _pay(transfers, left)
        if short is not None:
            refused = _short(session, transfers, *short, names)
            for index in indexes:
                outcomes[index] = refused


def _pay(transfers: Sequence[Transfer], left: dict[tuple[int, int], int]) -> tuple[Transfer, int] | None:
    """Moves the amounts in `left`, or leaves it as it was and returns the transfer that cannot be paid."""
    before: dict[tuple[int, int], int] = {}
    for t in transfers:
        for account, amount in (((t.debit, t.unit), -t.amount), ((t.credit, t.unit), t.amount)):
            if account in left:
                before.setdefault(account, left[account])
                left[account] += amount
    for t in transfers:
        if left.get((t.debit, t.unit), 0) < 0:
            available = before[t.debit, t.unit]
            left.update(before)
            return t, available
    return None


def _short(
    session: Session,
    transfers: Sequence[Transfer],
    transfer: Transfer,
    available: int,
    names: dict[tuple[int, int], tuple[str, str]],
) -> InsufficientFunds:
    """Says what all of it takes from the account: to a team, that is its members' amounts together.

    `names` remembers the codes of accounts and units: it may be one account that refuses thousands.
    """
    account = transfer.debit, transfer.unit
    required = sum(t.amount for t in transfers if (t.debit, t.unit) == account)
    required -= sum(t.amount for t in transfers if (t.credit, t.unit) == account)
    if account not in names:
        row = session.sql(
            """SELECT account_code(%(company)s, %(unit)s, %(account)s) AS code, code AS unit
                 FROM units WHERE company_id = %(company)s AND no = %(unit)s""",
            {"unit": transfer.unit, "account": transfer.debit},
        ).fetchone()
        assert row is not None, "every transfer has a unit of the company"
        names[account] = row.code, row.unit
    code, unit = names[account]
    return InsufficientFunds(
        say(
            "%(account)s has %(available)s %(unit)s left, %(required)s are needed.",
            account=code,
            available=available,
            unit=unit,
            required=required,
        ),
        account=code,
        unit=unit,
        available=available,
        required=required,
    )


def _balances(session: Session, accounts: list[tuple[int, int]]) -> dict[tuple[int, int], int]:
    rows = session.sql(
        """SELECT a.id, a.unit, a.credits - a.debits AS balance
             FROM unnest(%(ids)s::bigint[], %(units)s::integer[]) AS wanted (id, unit)
             JOIN accounts AS a ON a.company_id = %(company)s AND a.id = wanted.id AND a.unit = wanted.unit""",
        {"ids": [account for account, _ in accounts], "units": [unit for _, unit in accounts]},
    )
    return {(row.id, row.unit): row.balance for row in rows}


def _book(session: Session, drafts: list[Draft]) -> tuple[int, datetime]:
    """Books the drafts, which all can be; returns the first one's number and when."""
    try:
        with session.driver.cursor() as cursor, cursor.copy(b"COPY pg_temp.staged FROM STDIN") as copy:
            for chunk in staged(drafts):
                copy.write(chunk)
        row = session.sql("SELECT first_number, booked_at FROM book(%(company)s)").fetchone()
    except psycopg.errors.CheckViolation as error:
        if error.diag.table_name != "accounts":
            raise
        raise AmountTooLarge(
            f"An account would turn over more than {MAX_AMOUNT}.",
            errors=[("amount", f"the account's total would pass {MAX_AMOUNT}")],
        ) from error
    assert row is not None
    return row.first_number, row.booked_at
