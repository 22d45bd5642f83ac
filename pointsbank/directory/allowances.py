"""Adding to what an awarder may give, and taking back: once for each key, however often it is sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ledger import journal, terms
from ledger.accounts import MAX_AMOUNT, allowance, pool_of_course
from ledger.errors import InsufficientFunds, LedgerError
from ledger.journal import Booked, Draft, Transfer
from pointsbank.database import Session
from pointsbank.directory import awarders, courses, pools, programmes, version
from pointsbank.directory.faults import fault_of_text, refuse
from pointsbank.errors import Closed, Invalid
from pointsbank.saying import say

SOURCE = "pointsbank:allowances"
MAX_KEY_CHARACTERS = 256


@dataclass(frozen=True, slots=True)
class Given:
    """The entry's `number`; `is_new` is False if its key was booked before. `given` and `left` are now."""

    number: int
    is_new: bool
    given: int
    left: int


def give(session: Session, awarder: str, programme: str, course: str, amount: int, key: str) -> Given:
    """Books `amount` of the course's flowers from its pool to the awarder's allowance, once for each `key`.

    Raises NotFound, Invalid, Closed, InsufficientFunds if the pool is short, and KeyConflict if the key was
    sent with another awarder, course or amount.
    """
    return _change(session, awarder, programme, course, amount, key, gives=True)


def give_each(session: Session, keys: Sequence[str], programme: str, course: str, amount: int, key: str) -> int:
    """As `give`, `amount` to each of several awarders, all or none; returns how many got it now, not before.

    InsufficientFunds says what the pool has and what all of them together need.
    """
    journal.lock(session)
    in_programme = programmes.get(session, programme)
    of = courses.get(session, in_programme, course)
    pool = (pool_of_course(of.no), of.unit)
    available = pools.balances(session, [pool])[pool]
    try:
        given = [give(session, each, programme, course, amount, f"{key}:{each}") for each in dict.fromkeys(keys)]
    except InsufficientFunds as error:
        raise InsufficientFunds(
            error.detail, **{**error.extra, "available": available, "required": amount * len(set(keys))}
        ) from error
    return sum(each.is_new for each in given)


def take_back(session: Session, awarder: str, programme: str, course: str, amount: int, key: str) -> Given:
    """Books `amount` of what the awarder has not handed out yet back to the course's pool, once for each `key`.

    Raises as `give`; InsufficientFunds if the awarder has less left.
    """
    return _change(session, awarder, programme, course, amount, key, gives=False)


def _change(
    session: Session, awarder: str, programme: str, course: str, amount: int, key: str, *, gives: bool
) -> Given:
    if (fault := fault_of_text(key, MAX_KEY_CHARACTERS)) is not None:
        refuse([("Idempotency-Key", fault)])
    if not 1 <= amount <= MAX_AMOUNT:
        raise Invalid.field("amount", say("must be an integer from %(least)s to %(most)s.", least=1, most=MAX_AMOUNT))
    journal.lock(session)
    in_programme = programmes.get(session, programme)
    to = awarders.get(session, in_programme, awarder)
    of = courses.get(session, in_programme, course)
    pool, held = pool_of_course(of.no), allowance(to.no)
    by = amount if gives else -amount
    names = terms.intern(session, [SOURCE, awarders.KIND])
    draft = Draft(
        source=names[SOURCE],
        key=key,
        kind=names[awarders.KIND],
        fingerprint=pools.fingerprint(programme, awarder, course, by),
        occurred_at=datetime.now(UTC),
        transfers=[Transfer(of.unit, pool if gives else held, held if gives else pool, amount)],
        programme=in_programme.no,
        course=of.no,
        awarder=to.no,
    )
    [outcome] = journal.post(session, [draft])
    if isinstance(outcome, LedgerError):
        raise outcome
    given, left = to.allowances.get(course, 0), to.left.get(course, 0)
    if not isinstance(outcome, Booked):
        return Given(outcome.number, False, given, left)
    if of.closed_at is not None or in_programme.closed_at is not None:
        raise Closed(say("The course %(course)s is closed: its allowances take no changes.", course=course))
    version.change(session)
    awarders.write_totals(session, {(to.no, of.no): given + by})
    return Given(outcome.number, True, given + by, left + by)
