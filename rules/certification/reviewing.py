"""What a certificate rests on is taken back: it is flagged, with what its criteria say now, and HR decides.

A reversal flags the certificates that rest on what it reverses in its own transaction, if it comes through `reverse`
or is followed by `look_at_reversals`; whatever comes another way is found by the background within a minute, as
reversals are looked at in the journal's order, each once. Nothing is ever changed of the certificate itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ledger import reversals
from ledger.errors import LedgerError, NotReversible
from ledger.identity import entry_id
from ledger.journal import Booked, Duplicate
from pointsbank.database import Database, Session
from rules.certification import entries, judging, relooking
from rules.certification.register import Certificate
from rules.certification.run import Run

INTERVAL_SECONDS = 60
"""How often a worker looks for reversals that nobody has looked at."""
SHAKEN = (
    "What it rests on was taken back before, now something else was, and by what is booked now it would not be earned."
)
MAX_ENTRIES_SAID = 3
"""In the reason of a review; its explanation has them all."""


def reverse(session: Session, number: int, reason: str, key: str | None = None) -> Booked | Duplicate:
    """`ledger.reversals.reverse`, and flags the certificates that rest on the entry.

    Raises NotReversible for an entry of a certificate, too: it is revoked instead.
    """
    refused = _of_certificate(session, number)
    if refused is not None:
        raise refused
    outcome = reversals.reverse(session, number, reason, key)
    look_at_reversals(session)
    return outcome


def refusal(session: Session, number: int) -> LedgerError | None:
    """As `ledger.reversals.refusal`, and for an entry of a certificate."""
    return _of_certificate(session, number) or reversals.refusal(session, number)


def _of_certificate(session: Session, number: int) -> NotReversible | None:
    row = session.sql(
        """SELECT e.data->>'number' AS certificate FROM entries AS e
             JOIN terms AS s ON s.company_id = %(company)s AND s.no = e.source AND s.term = %(source)s
            WHERE e.company_id = %(company)s AND e.number = %(number)s""",
        {"number": number, "source": entries.SOURCE},
    ).fetchone()
    if row is None:
        return None
    return NotReversible(
        f"Entry {entry_id(session.company_id, number)} is of the certificate {row.certificate}. "
        f"A certificate is revoked: POST /v1/certificates/{row.certificate}/revoke.",
        "certificate",
    )


def resting_on(session: Session, number: int) -> list[str]:
    """The numbers of the certificates that rest on the entry, and would be flagged if it were reversed."""
    row = session.sql(
        """SELECT number AS reverses, programme, coalesce(holders, ARRAY[learner]) AS learners FROM entries
            WHERE company_id = %(company)s AND number = %(number)s""",
        {"number": number},
    ).fetchone()
    return [] if row is None else [each.number for each in _resting(session, [row])]


def taken_back(session: Session, certificate: Certificate) -> list[tuple[int, int]]:
    """Of what it rests on the entries that were reversed since, by their numbers, each with its reversal."""
    rows = session.sql(
        """SELECT r.reverses, r.number
             FROM certificates AS c
            CROSS JOIN LATERAL unnest(c.entries) AS own (number)
             JOIN entries AS r ON r.company_id = %(company)s AND r.reverses = own.number
            WHERE c.company_id = %(company)s AND c.no = %(no)s ORDER BY 1""",
        {"no": certificate.no},
    )
    return [(row.reverses, row.number) for row in rows]


def look_at_reversals(session: Session) -> int:
    """Flags what rests on entries reversed since this was done last; returns how many certificates that were.

    Makes the transaction the company's one writer. To be called after whatever reverses, in its transaction.
    """
    session.lock_journal()
    row = session.sql("SELECT looked_at FROM certificate_counts WHERE company_id = %(company)s").fetchone()
    if row is None:
        return 0  # nothing was ever issued
    found = _reversed_since(session, row.looked_at)
    if not found:
        return 0
    flagged = _flag_resting_on(session, found)
    flagged += _flag_shaken(session, found, flagged)
    relooking.ask(session, {each.programme for each in found if each.programme is not None})
    session.sql(
        "UPDATE certificate_counts SET looked_at = %(number)s WHERE company_id = %(company)s",
        {"number": found[-1].number},
    )
    return len(flagged)


def look_at_new(session: Session, run: Run, serials: Sequence[int]) -> None:
    """Flags those of certificates issued a moment ago that rest on what was reversed since the run began."""
    found = _reversed_since(session, run.number)
    if found:
        _flag_resting_on(session, found, serials)


def look_at_others(session: Session, revoked: Certificate) -> None:
    """Flags the learner's other certificates that ask for the one that was revoked, and are not earned without it."""
    rows = session.sql(
        """SELECT no FROM certificates
            WHERE company_id = %(company)s AND learner = %(learner)s AND programme = %(programme)s
              AND no <> %(no)s AND revoked_at IS NULL""",
        {"learner": revoked.learner, "programme": revoked.programme, "no": revoked.no},
    )
    why = f"The certificate {revoked.number}, which it asks for, was revoked."
    judged = judging.judge(session, [no for (no,) in rows])
    judging.flag(
        session,
        [(each, why) for each in judged if not each.qualified and _lacks(each.explanation, revoked.rule)],
    )


def _lacks(explanation: Mapping[str, Any], rule: str) -> bool:
    """Whether a criterion in it asks for the certificate with this key, and does not hold."""
    if (explanation.get("fact"), explanation.get("key")) == ("certificate", rule):
        return not explanation["holds"]
    return any(_lacks(each, rule) for each in explanation["of"])


def _reversed_since(session: Session, number: int) -> list[Any]:
    return session.sql(
        """SELECT number, reverses, occurred_at, programme, coalesce(holders, ARRAY[learner]) AS learners FROM entries
            WHERE company_id = %(company)s AND number > %(after)s AND coalesce(reverses, 0) > 0 ORDER BY number""",
        {"after": number},
    ).fetchall()


def _flag_resting_on(session: Session, found: Sequence[Any], serials: Sequence[int] | None = None) -> list[int]:
    rows = _resting(session, found, serials)
    by_entry = {each.reverses: each.number for each in found}
    why = {row.no: _why(session, [(number, by_entry[number]) for number in row.taken_back]) for row in rows}
    judged = judging.judge(session, list(why))
    judging.flag(session, [(each, why[each.no]) for each in judged])
    return [each.no for each in judged]


def _flag_shaken(session: Session, found: Sequence[Any], but: Sequence[int]) -> list[int]:
    """Flags those that had lost something that they rest on before, and are not earned any more.

    By now they rest on what was booked since, on an entry that stands in for a corrected one, say. If that is reversed,
    none of the entries that they were issued for is.
    """
    latest = max(each.reverses for each in found)
    rows = session.sql(_SHAKEN, {**_whose(found), "but": list(but), "latest": latest}).fetchall()
    shaken = [row.no for row in rows if any(_came_later(each, row) for each in found)] if rows else []
    judged = [each for each in judging.judge(session, shaken) if not each.qualified]
    judging.flag(session, [(each, SHAKEN) for each in judged])
    return [each.no for each in judged]


def _came_later(reversal: Any, certificate: Any) -> bool:
    """Whether what it reverses was booked after the certificate's run had begun, and counts for it all the same."""
    is_its = certificate.learner in reversal.learners or reversal.learners == [None]
    counts = reversal.reverses > certificate.number and reversal.occurred_at < certificate.cut_off
    return bool(is_its and counts)


def _whose(found: Sequence[Any]) -> dict[str, list[int]]:
    return {
        "learners": sorted({learner for each in found for learner in each.learners if learner is not None}),
        "programmes": sorted({each.programme for each in found if each.learners == [None]}),
    }


def _resting(session: Session, found: Sequence[Any], serials: Sequence[int] | None = None) -> list[Any]:
    return session.sql(
        _RESTING,
        {
            **_whose(found),
            "reversed": [each.reverses for each in found],
            "serials": None if serials is None else list(serials),
        },
    ).fetchall()


# By learner or, for an entry that is nobody's, by programme: under row-level security no index is used for what is in
# an array. Those that are revoked need no review.
_RESTING = """
SELECT no, number, taken_back
  FROM certificates AS c
 CROSS JOIN LATERAL (SELECT array_agg(number ORDER BY number) AS taken_back
                       FROM unnest(c.entries) AS number WHERE number = ANY (%(reversed)s::bigint[])) AS found
 WHERE c.company_id = %(company)s AND c.revoked_at IS NULL
   AND (c.learner = ANY (%(learners)s::integer[]) OR c.programme = ANY (%(programmes)s::integer[]))
   AND (%(serials)s::bigint[] IS NULL OR c.no = ANY (%(serials)s::bigint[]))
   AND taken_back IS NOT NULL
 ORDER BY no
"""


_SHAKEN = """
SELECT c.no, c.learner, c.cut_off, r.number
  FROM certificates AS c
  JOIN certification_runs AS r ON r.company_id = %(company)s AND r.no = c.run AND r.number < %(latest)s
 WHERE c.company_id = %(company)s AND c.revoked_at IS NULL AND c.no <> ALL (%(but)s::bigint[])
   AND (c.learner = ANY (%(learners)s::integer[]) OR c.programme = ANY (%(programmes)s::integer[]))
   AND EXISTS (SELECT FROM unnest(c.entries) AS own (number)
                 JOIN entries AS b ON b.company_id = %(company)s AND b.reverses = own.number)
 ORDER BY c.no
"""


def _why(session: Session, taken_back: Iterable[tuple[int, int]]) -> str:
    said = [
        f"{entry_id(session.company_id, number)} was reversed by {entry_id(session.company_id, by)}"
        for number, by in taken_back
    ]
    more = len(said) - MAX_ENTRIES_SAID
    return (
        "It rests on what was taken back: entry "
        + ", entry ".join(said[:MAX_ENTRIES_SAID])
        + (f", and {more} more." if more > 0 else ".")
    )


def look_everywhere(database: Database) -> int:
    """`look_at_reversals` in every company that has reversals which nobody has looked at; how many were flagged."""
    with database.transaction(0) as session:
        session.sql("SET LOCAL app.every_company = 'on'")
        rows = session.sql("SELECT company_id, looked_at FROM certificate_counts").fetchall()
    flagged = 0
    for company_id, looked_at in rows:
        with database.transaction(company_id) as session:
            missed = bool(_reversed_since(session, looked_at))
        if missed:
            flagged += database.run(company_id, look_at_reversals, writes=True)
    return flagged
