"""Amounts set aside: a programme's allotment, a course's flowers, an awarder's allowance.

What is set aside is a balance in the ledger. Raising it books the difference from the giver to the pool,
lowering it books back what the pool still has; nothing that was given out is ever taken back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b

import orjson

from ledger import journal, terms
from ledger.errors import LedgerError
from ledger.journal import Draft, Transfer
from pointsbank.database import Session
from pointsbank.errors import Conflict, FieldError
from pointsbank.saying import say

SOURCE = "pointsbank:directory"
_AFTER_ALL_TEXTS = "\U0010ffff"

Account = tuple[int, int]
"""An account's id and its unit."""


@dataclass(frozen=True, slots=True)
class Change:
    """Sets `pool` from `before` to `after`, both in all, with `giver` on the other side.

    `about` begins the keys of such entries, `path` is the field that a client sent.
    """

    kind: str
    about: str
    path: str
    unit: int
    giver: int
    pool: int
    before: int
    after: int
    programme: int
    course: int | None = None
    awarder: int | None = None


def book(session: Session, changes: Sequence[Change]) -> None:
    """Books the differences, all or none, in a transaction that is the company's one writer.

    Raises Conflict, naming what was given, if a pool no longer has what is to be taken from it, and
    InsufficientFunds if a giver is short.
    """
    moving = [change for change in changes if change.after != change.before]
    if not moving:
        return
    _refuse_spent(session, moving)
    names = terms.intern(session, [SOURCE, *(change.kind for change in moving)])
    numbers = _next_numbers(session, names[SOURCE], [change.about for change in moving])
    drafts = [_draft(change, f"{change.about}:{number}", names) for change, number in zip(moving, numbers, strict=True)]
    for outcome in journal.post(session, drafts):
        if isinstance(outcome, LedgerError):
            raise outcome


def balances(session: Session, accounts: Sequence[Account]) -> dict[Account, int]:
    """What each account has; 0 for one that was never booked on."""
    rows = session.sql(
        """SELECT a.id, a.unit, a.credits - a.debits AS balance
             FROM unnest(%(ids)s::bigint[], %(units)s::integer[]) AS wanted (id, unit)
             JOIN accounts AS a
               ON a.company_id = %(company)s AND a.id = wanted.id AND a.unit = wanted.unit""",
        {"ids": [account for account, _ in accounts], "units": [unit for _, unit in accounts]},
    )
    return dict.fromkeys(accounts, 0) | {(row.id, row.unit): row.balance for row in rows}


def fingerprint(*content: object) -> int:
    """64 bits of the content, signed as PostgreSQL's bigint is."""
    return int.from_bytes(blake2b(orjson.dumps(content), digest_size=8).digest(), "big", signed=True)


def _refuse_spent(session: Session, changes: Sequence[Change]) -> None:
    lowered = [change for change in changes if change.after < change.before]
    if not lowered:
        return
    left = balances(session, [(change.pool, change.unit) for change in lowered])
    faults: list[FieldError] = []
    for change in lowered:
        unspent = left[change.pool, change.unit]
        if change.before - change.after > unspent:
            given = change.before - unspent
            faults.append(
                (
                    change.path,
                    say(
                        "cannot be lowered to %(after)s, as %(given)s were given already.",
                        after=change.after,
                        given=given,
                    ),
                )
            )
    if faults:
        raise Conflict("; ".join(f"{path} {message}" for path, message in faults), errors=faults)


def _next_numbers(session: Session, source: int, abouts: list[str]) -> list[int]:
    """For each beginning of keys, one more than the keys that begin so: it grows with each change."""
    rows = session.sql(
        """SELECT (SELECT count(*) FROM entries
                    WHERE company_id = %(company)s AND source = %(source)s
                      AND key >= wanted.about || ':' AND key < wanted.about || ':' || %(last)s) + 1
             FROM unnest(%(abouts)s::text[]) WITH ORDINALITY AS wanted (about, place) ORDER BY place""",
        {"source": source, "abouts": abouts, "last": _AFTER_ALL_TEXTS},
    )
    return [number for (number,) in rows]


def _draft(change: Change, key: str, names: dict[str, int]) -> Draft:
    amount = change.after - change.before
    debit, credit = (change.giver, change.pool) if amount > 0 else (change.pool, change.giver)
    return Draft(
        source=names[SOURCE],
        key=key,
        kind=names[change.kind],
        fingerprint=fingerprint(key, change.before, change.after),
        occurred_at=datetime.now(UTC),
        transfers=[Transfer(change.unit, debit, credit, abs(amount))],
        programme=change.programme,
        course=change.course,
        awarder=change.awarder,
        data=orjson.dumps({"before": change.before, "after": change.after}),
    )
