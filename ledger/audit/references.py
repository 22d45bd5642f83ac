"""What entries say about other entries and about the directory."""

from collections.abc import Iterator

from ledger.audit.discrepancy import Discrepancy, Fault, named, rows, with_accounts
from pointsbank.database import Session

# A mirror has the same transfers with the sides exchanged and what was earned taken back.
_WRONG_REVERSALS = """
WITH reversals AS MATERIALIZED (
    SELECT number, reverses, count(*) OVER (PARTITION BY reverses) AS times
      FROM entries WHERE company_id = %(company)s AND reverses IS NOT NULL
), unlike AS (
    SELECT DISTINCT number
      FROM (SELECT r.number, t.unit, t.learner, t.amount, t.debit, t.credit, t.earning, 1 AS undone
              FROM reversals AS r
              JOIN transfers AS t ON t.company_id = %(company)s AND t.number = r.reverses
            UNION ALL
            SELECT r.number, t.unit, t.learner, t.amount, t.credit, t.debit, -t.earning, -1
              FROM reversals AS r
              JOIN transfers AS t ON t.company_id = %(company)s AND t.number = r.number) AS sides
     GROUP BY number, unit, learner, amount, debit, credit, earning
    HAVING sum(undone) <> 0
)
SELECT r.number, r.reverses, r.times, e.number IS NULL AS missing, e.reverses IS NOT NULL AS of_a_reversal,
       u.number IS NOT NULL AS differs
  FROM reversals AS r
  LEFT JOIN entries AS e ON e.company_id = %(company)s AND e.number = r.reverses
  LEFT JOIN unlike AS u ON u.number = r.number
 WHERE r.times > 1 OR e.number IS NULL OR e.reverses IS NOT NULL OR u.number IS NOT NULL
 ORDER BY r.number
"""


def reversals(session: Session) -> Iterator[Discrepancy]:
    yield from with_accounts(session, _reversal_faults(session))


def _reversal_faults(session: Session) -> Iterator[Fault]:
    for row in rows(session, _WRONG_REVERSALS):
        faults = []
        if row.missing:
            faults.append("what it reverses is not there")
        if row.of_a_reversal:
            faults.append("it reverses a reversal")
        if row.times > 1:
            faults.append(f"the same entry is reversed {row.times} times")
        if row.differs:
            faults.append("its transfers are not the mirror of what it reverses")
        yield Fault("reversal", f"Of a reversal: {'; '.join(faults)}.", row.number, row.reverses)


_NOT_IN_DIRECTORY = """
SELECT *
  FROM (SELECT e.number, s.no IS NULL AS source, k.no IS NULL AS kind,
               e.programme IS NOT NULL AND p.no IS NULL AS programme,
               e.course IS NOT NULL AND (c.no IS NULL OR c.programme <> e.programme) AS course,
               e.learner IS NOT NULL AND l.no IS NULL AS learner,
               e.team IS NOT NULL AND t.no IS NULL AS team,
               e.awarder IS NOT NULL AND w.no IS NULL AS awarder,
               e.rulebook_version IS NOT NULL AND r.version IS NULL AS rulebook
          FROM entries AS e
          LEFT JOIN terms AS s ON s.company_id = %(company)s AND s.no = e.source
          LEFT JOIN terms AS k ON k.company_id = %(company)s AND k.no = e.kind
          LEFT JOIN programmes AS p ON p.company_id = %(company)s AND p.no = e.programme
          LEFT JOIN courses AS c ON c.company_id = %(company)s AND c.no = e.course
          LEFT JOIN learners AS l ON l.company_id = %(company)s AND l.no = e.learner
          LEFT JOIN teams AS t ON t.company_id = %(company)s AND t.no = e.team
          LEFT JOIN awarders AS w ON w.company_id = %(company)s AND w.no = e.awarder
          LEFT JOIN rulebooks AS r ON r.company_id = %(company)s AND r.programme = e.programme
                                  AND r.version = e.rulebook_version
         WHERE e.company_id = %(company)s) AS missing
 WHERE source OR kind OR programme OR course OR learner OR team OR awarder OR rulebook
 ORDER BY number
"""


def directory(session: Session) -> Iterator[Discrepancy]:
    for row in rows(session, _NOT_IN_DIRECTORY):
        missing = [name for name in row._fields[1:] if getattr(row, name)]
        detail = f"An entry refers to what is not there: {', '.join(missing)}."
        yield Discrepancy("directory", detail, entries=named(session, (row.number,)))
