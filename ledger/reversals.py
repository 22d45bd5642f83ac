"""Reversals, the only way to correct: a new entry that moves back what an earlier one moved."""

from hashlib import blake2b
from typing import Any

from ledger import terms
from ledger.accounts import AccountClass, class_of
from ledger.errors import AlreadyReversed, LedgerError, NotReversible
from ledger.identity import entry_id
from ledger.journal import Booked, Draft, Duplicate, Transfer, lock, post
from pointsbank.database import Session
from pointsbank.errors import NotFound

SOURCE = "pointsbank:reversals"
KIND = "reversal"

_KEPT_BY_DIRECTORY = (
    AccountClass.ISSUANCE,
    AccountClass.POOL_OF_PROGRAMME,
    AccountClass.POOL_OF_COURSE,
    AccountClass.ALLOWANCE,
)


def reverse(session: Session, number: int, reason: str, key: str | None = None) -> Booked | Duplicate:
    """Books the reversal of the entry of that number, and of it whole.

    The reversal has the entry's dimensions, its transfers backwards with debit and credit changed places, and
    its time: a fact that was wrong was wrong on its day, so that day's board and every cut-off after it are
    put right; when the correction was made is its `recorded_at`. An entry without transfers can be reversed,
    too: the fact is then withdrawn.

    With a `key` of the client's, the same reversal asked for again is a Duplicate; without one, a second
    reversal is AlreadyReversed. Raises NotFound, NotReversible for a reversal and for what the directory
    keeps, InsufficientFunds if what was given is no longer there.
    """
    source_and_kind = terms.intern(session, (SOURCE, KIND))
    lock(session)
    original, transfers = _load(session, number)
    refused = _refusal(session, original, transfers, may_be_repeated=key is not None)
    if refused is not None:
        raise refused
    draft = Draft(
        source=source_and_kind[SOURCE],
        key=entry_id(session.company_id, number) if key is None else key,
        kind=source_and_kind[KIND],
        fingerprint=_fingerprint(number, reason),
        occurred_at=original.occurred_at,
        transfers=[Transfer(t.unit, t.credit, t.debit, t.amount, t.learner, -t.earning, t.rule) for t in transfers],
        programme=original.programme,
        course=original.course,
        learner=original.learner,
        team=original.team,
        awarder=original.awarder,
        rulebook_version=original.rulebook_version,
        reverses=number,
        reason=reason,
    )
    (outcome,) = post(session, [draft])
    if isinstance(outcome, LedgerError):
        raise outcome
    return outcome


def refusal(session: Session, number: int) -> LedgerError | None:
    """Why the entry cannot be reversed; None if it can, but for what its accounts have left. Raises NotFound."""
    return _refusal(session, *_load(session, number), may_be_repeated=False)


def _load(session: Session, number: int) -> tuple[Any, list[Any]]:
    original = session.sql(_ORIGINAL, {"number": number}).fetchone()
    if original is None:
        raise NotFound(f"There is no entry {entry_id(session.company_id, number)}.")
    return original, session.sql(_TRANSFERS, {"number": number, "holders": original.holders}).fetchall()


_ORIGINAL = """
SELECT e.number, e.occurred_at, e.reverses, e.programme, e.course, e.learner, e.team, e.awarder,
       e.rulebook_version, r.number AS reversed_by,
       coalesce(e.holders, ARRAY[coalesce(e.learner, 0)]) AS holders
  FROM entries AS e
  LEFT JOIN entries AS r ON r.company_id = %(company)s AND r.reverses = e.number
 WHERE e.company_id = %(company)s AND e.number = %(number)s
"""

_TRANSFERS = """
SELECT unit, debit, credit, amount, learner, earning, rule FROM transfers
 WHERE company_id = %(company)s AND learner = ANY (%(holders)s) AND number = %(number)s
 ORDER BY line DESC
"""


def _refusal(session: Session, original: Any, transfers: list[Any], may_be_repeated: bool) -> LedgerError | None:
    own = entry_id(session.company_id, original.number)
    if original.reverses is not None:
        return NotReversible(f"Entry {own} is itself a reversal. Book the event again under a new id.", "reversal")
    sides = {class_of(account) for t in transfers for account in (t.debit, t.credit)}
    if sides and sides.issubset(_KEPT_BY_DIRECTORY):
        return NotReversible(
            f"Entry {own} follows from the directory. PUT the programme, the course or the awarder with the "
            "allotment, the flowers or the allowance that is right.",
            "directory",
        )
    if original.reversed_by is not None and not may_be_repeated:
        by = entry_id(session.company_id, original.reversed_by)
        return AlreadyReversed(f"Entry {own} is reversed by {by}.", reversed_by=by)
    return None


def _fingerprint(number: int, reason: str) -> int:
    digest = blake2b(f"{number} {reason}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
