"""The ledger as it would be if a plan were booked, for whoever reads entries and transfers.

Two temporary tables stand before those whose names they have: PostgreSQL looks into a session's temporary schema
first. They hold what the programme and its learners have in the real ones, and what booking the plan would add: a
reversal and a stand-in for each change. So facts are found by the very statements that find them in the real ledger.
Both are gone when the block or the transaction ends.

Views of the real tables and what is added would spare the copying, but of a union PostgreSQL knows nothing: it took a
join of a hundred entries for one of millions, and went over all of them for each.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from ledger import terms
from ledger.accounts import holding
from ledger.copying import COPY_CHUNK_ROWS
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
CREATE TEMPORARY TABLE entries (LIKE {real}.entries) ON COMMIT DROP;
CREATE TEMPORARY TABLE transfers (LIKE {real}.transfers) ON COMMIT DROP;
SET LOCAL work_mem = '64MB'
"""

_REAL = (
    """INSERT INTO pg_temp.transfers
       SELECT t.* FROM {real}.transfers AS t
        WHERE t.company_id = %(company)s AND t.number <= %(last)s
          AND t.learner IN (SELECT learner FROM enrolments
                             WHERE company_id = %(company)s AND programme = %(programme)s)""",
    """INSERT INTO pg_temp.entries
       SELECT e.* FROM {real}.entries AS e
        WHERE e.company_id = %(company)s AND e.number <= %(last)s
          AND (e.programme = %(programme)s
               OR e.learner IN (SELECT learner FROM enrolments
                                 WHERE company_id = %(company)s AND programme = %(programme)s)
               OR e.number IN (SELECT number FROM pg_temp.transfers))""",
    "ANALYZE pg_temp.entries, pg_temp.transfers, hypothetical_changes, hypothetical_gifts",
)

# Of each change the reversal has the number before that of the stand-in. Their keys and sources are nobody's.
_ENTRIES = """
INSERT INTO pg_temp.entries (company_id, number, occurred_at, recorded_at, fingerprint, reverses, source, kind,
                                  programme, course, learner, team, awarder, rulebook_version, transfers, key, data)
SELECT e.company_id, %(last)s + 2 * c.ordinal - s.undone, e.occurred_at, clock_timestamp(), 0,
       CASE s.undone WHEN 1 THEN e.number END, e.source, CASE s.undone WHEN 1 THEN %(reversal)s ELSE e.kind END,
       e.programme, e.course, e.learner, e.team, e.awarder, e.rulebook_version,
       CASE s.undone WHEN 1 THEN e.transfers ELSE c.transfers END, e.key, CASE s.undone WHEN 0 THEN e.data END
  FROM hypothetical_changes AS c
  JOIN pg_temp.entries AS e ON e.company_id = %(company)s AND e.number = c.number
 CROSS JOIN (VALUES (1), (0)) AS s (undone)
"""

_TRANSFERS = """
INSERT INTO pg_temp.transfers (company_id, learner, number, line, unit, debit, credit, amount, earning, rule,
                                    occurred_at)
SELECT t.company_id, t.learner, %(last)s + 2 * c.ordinal - 1, t.line, t.unit, t.credit, t.debit, t.amount,
       -t.earning, t.rule, t.occurred_at
  FROM hypothetical_changes AS c
  JOIN pg_temp.transfers AS t ON t.company_id = %(company)s AND t.learner = c.learner AND t.number = c.number
UNION ALL
SELECT e.company_id, e.learner, e.number, g.line, g.unit, g.debit, g.credit, g.amount, 1, g.rule, e.occurred_at
  FROM hypothetical_gifts AS g
  JOIN pg_temp.entries AS e ON e.company_id = %(company)s AND e.number = %(last)s + 2 * g.ordinal
"""

# Made last: the statements above go over all there is, and filling an index row by row takes longer.
_INDEXES = """
CREATE INDEX ON pg_temp.entries (company_id, number);
CREATE INDEX ON pg_temp.transfers (company_id, learner, number);
CREATE INDEX ON pg_temp.entries (company_id, reverses) WHERE reverses IS NOT NULL;
CREATE INDEX ON pg_temp.entries (company_id, learner, number) WHERE transfers = 0;
ANALYZE pg_temp.entries, pg_temp.transfers
"""


@contextmanager
def ledger(session: Session, planned: Plan) -> Iterator[int]:
    """Within the block entries and transfers are as if the plan were booked. Gives the number of the last entry."""
    threshold = session.driver.prepare_threshold
    session.driver.prepare_threshold = None  # what was prepared reads the real tables, whatever stands before them
    on = planned.ground
    parameters = {
        "last": on.number,
        "programme": on.programme.no,
        "reversal": terms.find(session, [REVERSAL]).get(REVERSAL, 0),
    }
    try:
        row = session.sql("SELECT quote_ident(current_schema()) AS name").fetchone()
        assert row is not None, "there is a schema, or there were no tables"
        session.driver.execute(_TABLES.format(real=row.name).encode())
        changes = _copy(session, planned)
        for statement in (*_REAL, _ENTRIES, _TRANSFERS):
            session.sql(statement.format(real=row.name), parameters)
        session.driver.execute(_INDEXES.encode())
        yield on.number + 2 * changes
        session.driver.execute(b"DROP TABLE pg_temp.entries, pg_temp.transfers")
    finally:
        session.driver.prepare_threshold = threshold


def _copy(session: Session, planned: Plan) -> int:
    """Copies the plan's changes; how many there are."""
    on = planned.ground
    changes = [change for of_learner in planned.changes.values() for change in of_learner]
    rows = [
        f"{ordinal}\t{change.event.number}\t{change.event.learner}\t{len(change.after)}\n"
        for ordinal, change in enumerate(changes, 1)
    ]
    gifts = [
        f"{ordinal}\t{line}\t{unit}\t{giver(on, unit, change.event.course)}\t{holding(change.event.learner)}"
        f"\t{amount}\t{rule}\n"
        for ordinal, change in enumerate(changes, 1)
        for line, (rule, unit, amount) in enumerate(change.after, 1)
    ]
    for table, lines in (("hypothetical_changes", rows), ("hypothetical_gifts", gifts)):
        with session.driver.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN".encode()) as copy:
            for start in range(0, len(lines), COPY_CHUNK_ROWS):
                copy.write("".join(lines[start : start + COPY_CHUNK_ROWS]))
    return len(changes)
