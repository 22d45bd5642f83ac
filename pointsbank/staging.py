"""What a connection brings along for booking: the table that a batch is copied into, and its sums.

Both are temporary and belong to the login role, so the service can fill the table and not redefine either.
`book()` (migrations/bank.sql) reads them, and empties the table when it has booked: to have it emptied at each
commit (ON COMMIT DELETE ROWS) costs more than booking a single event, as its indexes are made anew and every
plan that reads it with them.

`movements` says by its HAVING, which always holds, that it has one row: PostgreSQL then begins with it, and looks
accounts up by their key. It would else walk over all accounts of a company, whose number it does not know, for
as long as they seem fewer to it than the movements.
"""

STAGED = """
CREATE TEMPORARY TABLE IF NOT EXISTS staged (
    ordinal integer NOT NULL, line integer NOT NULL, occurred_at timestamptz NOT NULL,
    holder integer, unit integer, debit bigint, credit bigint, amount bigint, earning smallint, rule integer,
    fingerprint bigint, key text, reason text, note text, data jsonb, learner integer, holders integer[],
    transfers integer, source integer, kind integer, programme integer, course integer, team integer,
    awarder integer, rulebook_version integer, reverses bigint
) ON COMMIT PRESERVE ROWS
"""

MOVEMENTS = """
CREATE OR REPLACE TEMPORARY VIEW movements AS
SELECT unit, id, total(debits) AS debits, total(credits) AS credits, total(earned) AS earned, count(*) AS transfers
  FROM (SELECT unit, debit AS id, amount AS debits, 0 AS credits,
               CASE WHEN earning < 0 THEN -amount ELSE 0 END AS earned
          FROM pg_temp.staged WHERE amount IS NOT NULL
        UNION ALL
        SELECT unit, credit, 0, amount, CASE WHEN earning > 0 THEN amount ELSE 0 END
          FROM pg_temp.staged WHERE amount IS NOT NULL) AS sides
 GROUP BY unit, id
HAVING count(*) = count(id) AND total(debits + credits) = total(debits) + total(credits)
"""
