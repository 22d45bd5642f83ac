"""What must stay true of certificates: what is said of each, against the journal, its signature, and its status.

The journal is the truth. A certificate has one entry that issued it, which names it and the digest of its credential;
one that revoked it if, and only if, it is revoked; and where something that it rests on is reversed, it is flagged, or
HR has decided since.
"""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from credentials import signing_keys
from credentials.verifying import Outcome, verify
from ledger.audit.discrepancy import Discrepancy, named, rows
from pointsbank.database import Session
from rules.certification.entries import ISSUED, REVIEWED, REVOKED, SOURCE

CHECK = "certificate"

# The entries of certificates, beside what the certificates say of them.
_UNLIKE = f"""
WITH booked AS MATERIALIZED (
    SELECT e.number, e.key, k.term AS kind, e.data->>'number' AS certificate, e.learner, e.programme,
           e.data->>'credential_sha256' AS digest
      FROM entries AS e
      JOIN terms AS s ON s.company_id = %(company)s AND s.no = e.source AND s.term = '{SOURCE}'
      JOIN terms AS k ON k.company_id = %(company)s AND k.no = e.kind AND k.term <> '{REVIEWED}'
     WHERE e.company_id = %(company)s
), said AS MATERIALIZED (
    SELECT c.entry_number AS number, '{ISSUED}' AS kind, c.number AS certificate, c.learner, c.programme,
           encode(sha256(c.credential), 'hex') AS digest,
           p.key || '/' || l.key || '/' || c.rule || '/' || c.edition AS key
      FROM certificates AS c
      JOIN programmes AS p ON p.company_id = %(company)s AND p.no = c.programme
      JOIN learners AS l ON l.company_id = %(company)s AND l.no = c.learner
     WHERE c.company_id = %(company)s
    UNION ALL
    SELECT revoked_number, '{REVOKED}', number, learner, programme, NULL, NULL FROM certificates
     WHERE company_id = %(company)s AND revoked_at IS NOT NULL
)
SELECT coalesce(s.number, b.number) AS number, coalesce(s.kind, b.kind) AS kind,
       coalesce(s.certificate, b.certificate) AS certificate, s.number IS NULL AS unknown, b.number IS NULL AS missing
  FROM said AS s
  FULL JOIN booked AS b
    ON b.number = s.number AND b.kind = s.kind AND b.certificate = s.certificate AND b.learner = s.learner
   AND b.programme = s.programme AND b.digest IS NOT DISTINCT FROM s.digest AND (s.key IS NULL OR b.key = s.key)
 WHERE s.number IS NULL OR b.number IS NULL
 ORDER BY 1, 2
"""  # noqa: S608 - constants

_TWICE = """
SELECT 'number' AS what, number AS value FROM certificates WHERE company_id = %(company)s
 GROUP BY number HAVING count(*) > 1
UNION ALL
SELECT 'serial', split_part(number, '-', 3) FROM certificates WHERE company_id = %(company)s
 GROUP BY split_part(number, '-', 3) HAVING count(*) > 1
UNION ALL
SELECT 'place in the status lists', status_list || '#' || status_index FROM certificates WHERE company_id = %(company)s
 GROUP BY status_list, status_index HAVING count(*) > 1
UNION ALL
SELECT 'edition', learner || '/' || programme || '/' || rule || '/' || edition FROM certificates
 WHERE company_id = %(company)s GROUP BY learner, programme, rule, edition HAVING count(*) > 1
"""

# Two that are valid at once: only after it was revoked, or has expired, is one issued again.
_VALID_TWICE = """
SELECT a.number, b.number AS other, b.entry_number
  FROM certificates AS a
  JOIN certificates AS b ON b.company_id = %(company)s AND b.learner = a.learner AND b.programme = a.programme
   AND b.rule = a.rule AND b.edition > a.edition
 WHERE a.company_id = %(company)s AND (a.revoked_number IS NULL OR a.revoked_number > b.entry_number)
   AND (a.valid_until IS NULL OR a.valid_until > b.issued_at)
"""

# What was looked at by HR after the reversal was decided on; what nobody has looked at yet is the background's.
_UNFLAGGED = f"""
SELECT c.number, r.reverses, r.number AS reversal
  FROM certificates AS c
  JOIN certification_runs AS run ON run.company_id = %(company)s AND run.no = c.run
  JOIN certificate_counts AS looked ON looked.company_id = %(company)s
  JOIN entries AS r ON r.company_id = %(company)s AND r.reverses = ANY (c.entries)
   AND r.number > run.number AND r.number <= looked.looked_at
 WHERE c.company_id = %(company)s AND c.revoked_at IS NULL AND c.review_since IS NULL
   AND NOT EXISTS (SELECT FROM entries AS e
                     JOIN terms AS k ON k.company_id = %(company)s AND k.no = e.kind AND k.term = '{REVIEWED}'
                    WHERE e.company_id = %(company)s AND e.learner = c.learner AND e.transfers = 0
                      AND e.number > r.number AND e.data->>'number' = c.number)
"""  # noqa: S608 - constants

_CREDENTIALS = """
SELECT number, entry_number, credential, content->>'number' AS written, valid_until,
       (content->>'valid_until')::timestamptz AS valid_until_written
  FROM certificates WHERE company_id = %(company)s ORDER BY no
"""


def audit(session: Session) -> Iterator[Discrepancy]:
    """Everything about the company's certificates that does not hold; nothing if all does. Give it a snapshot."""
    yield from _entries(session)
    for row in rows(session, _TWICE):
        yield Discrepancy(CHECK, f"The {row.what} {row.value} was given to more than one certificate.")
    for row in rows(session, _VALID_TWICE):
        detail = f"{row.other} was issued while {row.number}, of the same, was valid."
        yield Discrepancy(CHECK, detail, entries=named(session, [row.entry_number]))
    for row in rows(session, _UNFLAGGED):
        detail = f"{row.number} rests on an entry that was reversed, and is not flagged for a review."
        yield Discrepancy(CHECK, detail, entries=named(session, [row.reverses, row.reversal]))
    yield from _signatures(session)


def _entries(session: Session) -> Iterator[Discrepancy]:
    for row in rows(session, _UNLIKE):
        if row.unknown:
            detail = f"An entry ({row.kind}) is of {row.certificate}, and no certificate is as it says."
        else:
            detail = (
                f"{row.certificate} says that this entry ({row.kind}) is its own, and there is none that is like it."
            )
        yield Discrepancy(CHECK, detail, entries=named(session, [row.number]))


def _signatures(session: Session) -> Iterator[Discrepancy]:
    """A signature by a key that was revoked since is still what was signed."""
    keys = signing_keys.every(session)
    for row in rows(session, _CREDENTIALS):
        outcome = verify(bytes(row.credential), keys)
        fault = _fault(row, outcome)
        if fault is not None:
            digest = sha256(row.credential).hexdigest()
            yield Discrepancy(
                CHECK, f"{row.number} {fault} (SHA-256 {digest}).", entries=named(session, [row.entry_number])
            )


def _fault(row: Any, outcome: Outcome) -> str | None:
    if outcome not in (Outcome.GENUINE, Outcome.KEY_REVOKED):
        return f"has a credential whose signature does not verify: {outcome}"
    if row.written != row.number or row.valid_until != row.valid_until_written:
        return "has a content that is of another certificate, or of another time"
    return None
