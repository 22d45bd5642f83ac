"""The ledger as it would be if a plan were booked, for whoever reads entries and transfers.

Two temporary views stand before the tables whose names they have: PostgreSQL looks into a session's temporary schema
first. They add what booking the plan would add, a reversal and a stand-in for each change. So facts are found by the
very statements that find them in the real ledger. Both are gone when the block or the transaction ends.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from ledger import terms
from ledger.accounts import holding
from ledger.reversals import KIND as REVERSAL
from pointsbank.database import Session
from rules.simulation.planning import Plan, giver

_TABLES = """
CREATE TEMPORARY TABLE hypothetical_changes (
    ordinal integer NOT NULL, number bigint NOT NULL, learner integer NOT NULL, transfers integer NOT NULL
) ON COMMIT DROP;
CREATE TEMPORARY TABLE hypothetical_gifts (
    ordinal integer NOT NULL, line integer NOT NULL, unit integer NOT NULL, debit bigint NOT NULL,
    credit bigint NOT NULL, amount bigint NOT NULL, rule integer NOT NULL
) ON COMMIT DROP;
CREATE TEMPORARY TABLE hypothetical_entries (LIKE entries) ON COMMIT DROP;
CREATE TEMPORARY TABLE hypothetical_transfers (LIKE transfers) ON COMMIT DROP
"""

# Of each change the reversal has the number before that of the stand-in. Their keys and sources are nobody's.
_ENTRIES = """
INSERT INTO hypothetical_entries (company_id, number, occurred_at, recorded_at, fingerprint, reverses, source, kind,
                                  programme, course, learner, team, awarder, rulebook_version, transfers, key, data)
SELECT e.company_id, %(last)s + 2 * c.ordinal - s.undone, e.occurred_at, clock_timestamp(), 0,
       CASE s.undone WHEN 1 THEN e.number END, e.source, CASE s.undone WHEN 1 THEN %(reversal)s ELSE e.kind END,
       e.programme, e.course, e.learner, e.team, e.awarder, e.rulebook_version,
       CASE s.undone WHEN 1 THEN e.transfers ELSE c.transfers END, e.key, CASE s.undone WHEN 0 THEN e.data END
  FROM hypothetical_changes AS c
  JOIN entries AS e ON e.company_id = %(company)s AND e.number = c.number
 CROSS JOIN (VALUES (1), (0)) AS s (undone)
"""

_TRANSFERS = """
INSERT INTO hypothetical_transfers (company_id, learner, number, line, unit, debit, credit, amount, earning, rule,
                                    occurred_at)
SELECT t.company_id, t.learner, %(last)s + 2 * c.ordinal - 1, t.line, t.unit, t.credit, t.debit, t.amount,
       -t.earning, t.rule, t.occurred_at
  FROM hypothetical_changes AS c
  JOIN transfers AS t ON t.company_id = %(company)s AND t.learner = c.learner AND t.number = c.number
UNION ALL
SELECT e.company_id, e.learner, e.number, g.line, g.unit, g.debit, g.credit, g.amount, 1, g.rule, e.occurred_at
  FROM hypothetical_gifts AS g
  JOIN hypothetical_entries AS e ON e.number = %(last)s + 2 * g.ordinal
"""

_VIEWS = """
CREATE INDEX ON hypothetical_entries (company_id, number);
CREATE INDEX ON hypothetical_entries (company_id, reverses);
CREATE INDEX ON hypothetical_entries (company_id, learner, number) WHERE transfers = 0;
CREATE INDEX ON hypothetical_transfers (company_id, learner, number);
ANALYZE hypothetical_entries, hypothetical_transfers;
CREATE TEMPORARY VIEW entries WITH (security_invoker = true) AS
    SELECT * FROM "{schema}".entries UNION ALL SELECT * FROM hypothetical_entries;
CREATE TEMPORARY VIEW transfers WITH (security_invoker = true) AS
    SELECT * FROM "{schema}".transfers UNION ALL SELECT * FROM hypothetical_transfers
"""


@contextmanager
def ledger(session: Session, planned: Plan) -> Iterator[int]:
    """Within the block entries and transfers are as if the plan were booked. Gives the number of the last entry."""
    threshold = session.driver.prepare_threshold
    session.driver.prepare_threshold = None  # what was prepared reads the tables, whatever stands before them
    last = planned.ground.number
    try:
        session.driver.execute(_TABLES.encode())
        changes = _copy(session, planned)
        parameters = {"last": last, "reversal": terms.find(session, [REVERSAL]).get(REVERSAL, 0)}
        session.sql("ANALYZE hypothetical_changes, hypothetical_gifts")
        session.sql(_ENTRIES, parameters)
        session.sql(_TRANSFERS, parameters)
        row = session.sql("SELECT current_schema() AS name").fetchone()
        assert row is not None
        session.driver.execute(_VIEWS.format(schema=row.name).encode())
        yield last + 2 * changes
        session.driver.execute(b"DROP VIEW pg_temp.entries, pg_temp.transfers")
    finally:
        session.driver.prepare_threshold = threshold


def _copy(session: Session, planned: Plan) -> int:
    """Copies the plan's changes; how many there are."""
    on = planned.ground
    changes = [change for of_learner in planned.changes.values() for change in of_learner]
    with session.driver.cursor() as cursor, cursor.copy(b"COPY hypothetical_changes FROM STDIN") as copy:
        for ordinal, change in enumerate(changes, 1):
            copy.write(f"{ordinal}\t{change.event.number}\t{change.event.learner}\t{len(change.after)}\n")
    with session.driver.cursor() as cursor, cursor.copy(b"COPY hypothetical_gifts FROM STDIN") as copy:
        for ordinal, change in enumerate(changes, 1):
            event = change.event
            for line, (rule, unit, amount) in enumerate(change.after, 1):
                debit = giver(on, unit, event.course)
                copy.write(f"{ordinal}\t{line}\t{unit}\t{debit}\t{holding(event.learner)}\t{amount}\t{rule}\n")
    return len(changes)
