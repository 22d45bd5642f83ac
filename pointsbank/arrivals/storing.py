"""Writing what arrived: three statements a company, however many events, and the oldest rows go."""

from datetime import timedelta

from pointsbank.arrivals.gathered import Gathered
from pointsbank.database import Session

KEPT = {"rejected": 5_000, "duplicate": 500}
"""Rows of a company that are kept of each status, and up to TRIMMED_EVERY more."""
TRIMMED_EVERY = 250
KEPT_FOR = timedelta(days=30)
COUNTS_KEPT_FOR = timedelta(days=8)


def store(session: Session, gathered: Gathered) -> None:
    _count(session, gathered)
    rows: list[tuple[object, ...]] = [
        ("rejected", each.times, *each.sent, None, each.problem.decode(), each.payload) for each in gathered.rejected
    ]
    rows += [("duplicate", each.times, *each.sent, each.entry, None, None) for each in gathered.again.values()]
    if rows:
        names = ("status", "times", "source", "kind", "event_id", "learner", "entry", "problem", "payload")
        columns = dict(zip(names, (list(column) for column in zip(*rows, strict=True)), strict=True))
        found = session.sql(_INSERT, {**columns, "added": len(rows)}).fetchone()
        assert found is not None, "the number is taken"
        if found.last_number // TRIMMED_EVERY != (found.last_number - len(rows)) // TRIMMED_EVERY:
            trim(session)


def trim(session: Session) -> None:
    for status, kept in KEPT.items():
        session.sql(_TRIM, {"status": status, "kept": kept})


def forget_old(session: Session) -> None:
    session.sql(
        "DELETE FROM unbooked WHERE company_id = %(company)s AND arrived_at < now() - %(kept)s", {"kept": KEPT_FOR}
    )
    session.sql(
        "DELETE FROM arrivals WHERE company_id = %(company)s AND begins_at < now() - %(kept)s",
        {"kept": COUNTS_KEPT_FOR},
    )


def _count(session: Session, gathered: Gathered) -> None:
    sources = sorted({source for source, _status in gathered.counts})
    counts = {
        status: [gathered.counts[source, status] for source in sources]
        for status in ("booked", "duplicate", "ignored", "rejected")
    }
    session.sql(_COUNT, {"sources": sources, **counts})


_COUNT = """
INSERT INTO arrivals (company_id, begins_at, source, booked, duplicate, ignored, rejected, last_at)
SELECT %(company)s, date_bin('5 minutes', now(), '2000-01-01T00:00:00Z'), source, booked, duplicate, ignored, rejected,
       now()
  FROM unnest(%(sources)s::text[], %(booked)s::bigint[], %(duplicate)s::bigint[], %(ignored)s::bigint[],
              %(rejected)s::bigint[]) AS new (source, booked, duplicate, ignored, rejected)
 ORDER BY source
    ON CONFLICT (company_id, begins_at, source) DO UPDATE
   SET booked = arrivals.booked + excluded.booked, duplicate = arrivals.duplicate + excluded.duplicate,
       ignored = arrivals.ignored + excluded.ignored, rejected = arrivals.rejected + excluded.rejected,
       last_at = excluded.last_at
"""

_INSERT = """
WITH numbers AS (
    INSERT INTO unbooked_numbers VALUES (%(company)s, %(added)s)
        ON CONFLICT (company_id) DO UPDATE SET last_number = unbooked_numbers.last_number + excluded.last_number
    RETURNING last_number
), added AS (
    INSERT INTO unbooked (company_id, number, status, arrived_at, times, source, kind, event_id, learner, entry,
                          problem, payload)
    SELECT %(company)s, (SELECT last_number FROM numbers) - %(added)s + new.place, new.status, clock_timestamp(),
           new.times, new.source, new.kind, new.event_id, new.learner, new.entry, new.problem::jsonb, new.payload
      FROM unnest(%(status)s::text[], %(times)s::integer[], %(source)s::text[], %(kind)s::text[],
                  %(event_id)s::text[], %(learner)s::text[], %(entry)s::bigint[], %(problem)s::text[],
                  %(payload)s::text[])
           WITH ORDINALITY AS new (status, times, source, kind, event_id, learner, entry, problem, payload, place)
)
SELECT last_number FROM numbers
"""

_TRIM = """
DELETE FROM unbooked
 WHERE company_id = %(company)s AND status = %(status)s
   AND number <= (SELECT number FROM unbooked
                   WHERE company_id = %(company)s AND status = %(status)s
                   ORDER BY number DESC OFFSET %(kept)s LIMIT 1)
"""
