"""What matches say of their results and prizes, against the entries that fix and give them."""

from collections.abc import Iterator

from ledger.audit.discrepancy import Discrepancy, named, rows
from pointsbank.database import Session
from pointsbank.matches.settling import PRIZE_KIND, RESULT_KIND, SOURCE

# The entries of matches, beside what the matches say. Nothing here holds a result or a prize twice: the source and
# the key, which are compared, are unique in the journal.
_ENTRIES = f"""
WITH booked AS MATERIALIZED (
    SELECT e.number, e.key, k.term AS kind, e.data
      FROM entries AS e
      JOIN terms AS s ON s.company_id = %(company)s AND s.no = e.source AND s.term = '{SOURCE}'
      JOIN terms AS k ON k.company_id = %(company)s AND k.no = e.kind
     WHERE e.company_id = %(company)s
), said AS MATERIALIZED (
    SELECT m.result_number AS number, '{RESULT_KIND}' AS kind, p.key || '/' || m.key AS key, m.no
      FROM matches AS m JOIN programmes AS p ON p.company_id = %(company)s AND p.no = m.programme
     WHERE m.company_id = %(company)s AND m.result_number IS NOT NULL
    UNION ALL
    SELECT m.prize_number, '{PRIZE_KIND}', p.key || '/' || m.key || '/prize', m.no
      FROM matches AS m JOIN programmes AS p ON p.company_id = %(company)s AND p.no = m.programme
     WHERE m.company_id = %(company)s AND m.prize_number IS NOT NULL
)"""  # noqa: S608 - constants

_UNLIKE = f"""{_ENTRIES}
SELECT coalesce(s.number, b.number) AS number, s.key AS said, b.key AS booked
  FROM said AS s FULL JOIN booked AS b ON b.number = s.number AND b.key = s.key AND b.kind = s.kind
 WHERE s.number IS NULL OR b.number IS NULL
 ORDER BY 1, 2, 3
"""  # noqa: S608 - constants

# What is given, against what the result promised; a prize that is owed is either given or due.
_WRONG_PRIZES = f"""{_ENTRIES}, promised AS (
    SELECT m.no, s.key, m.result_number, m.prize_number, m.due_at, (b.data->'prize'->>'share')::bigint AS share,
           ARRAY(SELECT jsonb_array_elements_text(b.data->'prize'->'receivers') COLLATE "C" ORDER BY 1) AS receivers,
           EXISTS (SELECT FROM entries WHERE company_id = %(company)s AND reverses = m.result_number) AS withdrawn
      FROM matches AS m
      JOIN said AS s ON s.number = m.result_number
      JOIN booked AS b ON b.number = m.result_number
     WHERE m.company_id = %(company)s AND jsonb_typeof(b.data->'prize') = 'object'
), given AS (
    SELECT p.no, ARRAY(SELECT l.key FROM transfers AS t
                         JOIN learners AS l ON l.company_id = %(company)s AND l.no = t.learner
                        WHERE t.company_id = %(company)s AND t.number = p.prize_number
                          AND t.amount = p.share AND t.earning = 1
                        ORDER BY 1) AS receivers,
           (SELECT count(*) FROM transfers AS t
             WHERE t.company_id = %(company)s AND t.number = p.prize_number) AS transfers
      FROM promised AS p WHERE p.prize_number IS NOT NULL
)
SELECT p.key, p.result_number, p.prize_number, p.share, cardinality(p.receivers) AS receivers, g.no IS NULL AS owed
  FROM promised AS p LEFT JOIN given AS g ON g.no = p.no
 WHERE CASE WHEN g.no IS NULL
            THEN p.due_at IS NULL AND p.share > 0 AND cardinality(p.receivers) > 0 AND NOT p.withdrawn
            ELSE g.receivers <> p.receivers OR g.transfers <> cardinality(p.receivers) END
 ORDER BY p.result_number
"""  # noqa: S608 - constants


def audit(session: Session) -> Iterator[Discrepancy]:
    """Everything about the company's matches that does not hold; nothing if all does. Give it a snapshot."""
    yield from _results(session)
    yield from _prizes(session)


def _results(session: Session) -> Iterator[Discrepancy]:
    for row in rows(session, _UNLIKE):
        detail = (
            f"An entry with the key {row.booked} is of a match that does not know of it."
            if row.said is None
            else f"A match says that this entry has the key {row.said}, and there is none."
        )
        yield Discrepancy("match", detail, entries=named(session, (row.number,)))


def _prizes(session: Session) -> Iterator[Discrepancy]:
    for row in rows(session, _WRONG_PRIZES):
        promised = f"The match {row.key} promises {row.share} to each of {row.receivers}"
        if row.owed:
            detail = f"{promised}; it was not given, and is not due."
            yield Discrepancy("match-prize", detail, entries=named(session, (row.result_number,)))
        else:
            detail = f"{promised}; its prize gives something else."
            yield Discrepancy("match-prize", detail, entries=named(session, (row.prize_number, row.result_number)))
