"""What HR decides about a certificate: it is revoked, or a review ends with it being kept. Each is an entry, too."""

from datetime import UTC, datetime

from ledger import journal, terms
from ledger.errors import KeyConflict, LedgerError
from ledger.journal import Draft
from pointsbank.database import Session
from pointsbank.directory.faults import fault_of_text
from pointsbank.directory.pools import fingerprint
from pointsbank.errors import Conflict, Invalid
from pointsbank.saying import say
from rules.certification import entries, numbers, reviewing
from rules.certification.register import Certificate, get


class AlreadyRevoked(Conflict):
    """Revoked once and for all; `revoked_at` says when."""

    slug, title = "already-revoked", "Already revoked"


def revoke(session: Session, number: str, reason: str, request_key: str | None = None) -> Certificate:
    """The certificate, revoked: the next status list says so. It is not issued again unless a run is told to.

    Asked again with the same `request_key` it is as the first time. Certificates of the learner that are no longer
    earned without this one are flagged. Raises NotFound, Invalid, AlreadyRevoked, and KeyConflict for a key that was
    used for something else.
    """
    found = _begin(session, number, reason)
    key = _key(found, "revoked", request_key)
    if found.revoked_at is not None:
        if request_key is not None and _booked(session, key, (found.number, reason)) is not None:
            return found
        raise AlreadyRevoked(
            say(
                "The certificate %(number)s was revoked on %(day)s: %(reason)s",
                number=found.number,
                day=f"{found.revoked_at:%Y-%m-%d}",
                reason=found.revoked_reason,
            ),
            revoked_at=found.revoked_at,
        )
    entry = _post(session, found, entries.REVOKED, key, reason, (found.number, reason))
    [change] = numbers.take_changes(session, 1)
    session.sql(
        """UPDATE certificates
              SET revoked_at = clock_timestamp(), revoked_reason = %(reason)s, revoked_number = %(entry)s,
                  review_since = NULL, review_why = NULL, review = NULL,
                  changed_at = clock_timestamp(), changed_in = %(change)s
            WHERE company_id = %(company)s AND no = %(no)s""",
        {"no": found.no, "reason": reason, "entry": entry, "change": change},
    )
    reviewing.look_at_others(session, found)
    return get(session, found.number)


def keep(session: Session, number: str, reason: str, request_key: str | None = None) -> Certificate:
    """The certificate, no longer flagged: HR has looked at it, and it stays valid.

    Raises NotFound, Invalid, Conflict if it is not flagged, and KeyConflict as `revoke`.
    """
    found = _begin(session, number, reason)
    key = _key(found, "kept", request_key or f"{found.changed_in}")
    content = (found.number, reason)
    if request_key is not None and _booked(session, key, content) is not None:
        return found
    if found.review is None:
        raise Conflict(say("The certificate %(number)s is not under review.", number=found.number))
    _post(session, found, entries.REVIEWED, key, reason, content)
    [change] = numbers.take_changes(session, 1)
    session.sql(
        """UPDATE certificates SET review_since = NULL, review_why = NULL, review = NULL,
                                   changed_at = clock_timestamp(), changed_in = %(change)s
            WHERE company_id = %(company)s AND no = %(no)s""",
        {"no": found.no, "change": change},
    )
    return get(session, found.number)


def _begin(session: Session, number: str, reason: str) -> Certificate:
    if (fault := fault_of_text(reason, MAX_REASON_CHARACTERS)) is not None:
        raise Invalid.field("reason", fault)
    session.lock_journal()
    return get(session, number)


MAX_REASON_CHARACTERS = 1_000


def _key(found: Certificate, what: str, request_key: str | None) -> str:
    """A number has no colon, so no two certificates have the same key; a certificate is revoked once."""
    return f"{found.number}:{what}" + ("" if request_key is None else f":{request_key}")


def _booked(session: Session, key: str, content: tuple[str, ...]) -> int | None:
    """The number of the entry with this key. Raises KeyConflict if it says something else."""
    names = terms.intern(session, [entries.SOURCE])
    booked = journal.find_booked(session, [(names[entries.SOURCE], key)]).get(0)
    if booked is None:
        return None
    outcome = journal.outcome_of_booked(session, key, fingerprint(*content), booked)
    if isinstance(outcome, KeyConflict):
        raise outcome
    return outcome.number


def _post(session: Session, found: Certificate, kind: str, key: str, reason: str, content: tuple[str, ...]) -> int:
    names = terms.intern(session, [entries.SOURCE, kind])
    draft = Draft(
        source=names[entries.SOURCE],
        key=key,
        kind=names[kind],
        fingerprint=fingerprint(*content),
        occurred_at=datetime.now(UTC),
        programme=found.programme,
        learner=found.learner,
        rulebook_version=found.rulebook_version,
        reason=reason,
        data=entries.changed(found.number, found.rule),
    )
    [outcome] = journal.post(session, [draft])
    if isinstance(outcome, LedgerError):
        raise outcome
    return outcome.number
