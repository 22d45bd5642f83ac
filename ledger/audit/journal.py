"""The journal, its entries, and the transfers of each."""

from collections.abc import Iterator

from ledger.audit.discrepancy import NAMED_ENTRIES, Discrepancy, Fault, named, rows, with_accounts
from pointsbank.database import Session

_OUT_OF_ORDER = """
SELECT * FROM (SELECT number, lag(number, 1, 0::bigint) OVER journal AS before,
                      recorded_at, lag(recorded_at) OVER journal AS recorded_before
                 FROM entries WHERE company_id = %(company)s
               WINDOW journal AS (ORDER BY number)) AS e
 WHERE number <> before + 1 OR recorded_at < recorded_before
 ORDER BY number
"""


def numbers(session: Session) -> Iterator[Discrepancy]:
    for row in rows(session, _OUT_OF_ORDER):
        if row.number != row.before + 1:
            missing = range(row.before + 1, row.number)
            yield Discrepancy(
                "journal-gap",
                f"{len(missing)} numbers of the journal are missing before number {row.number}.",
                entries=named(session, missing[:NAMED_ENTRIES]),
            )
        if row.recorded_before is not None and row.recorded_at < row.recorded_before:
            yield Discrepancy(
                "journal-order",
                f"An entry was recorded at {row.recorded_at.isoformat()}, before the one ahead of it, "
                f"which was recorded at {row.recorded_before.isoformat()}.",
                entries=named(session, (row.number, row.before)),
            )


_END = """
SELECT j.last_number, j.last_recorded_at, e.number, e.recorded_at
  FROM journals AS j
 CROSS JOIN (SELECT coalesce(max(number), 0) AS number, max(recorded_at) AS recorded_at
               FROM entries WHERE company_id = %(company)s) AS e
 WHERE j.company_id = %(company)s AND (j.last_number <> e.number OR j.last_recorded_at < e.recorded_at)
"""


def end(session: Session) -> Iterator[Discrepancy]:
    for row in rows(session, _END):
        missing = range(row.number + 1, row.last_number + 1)
        yield Discrepancy(
            "journal-end",
            f"The journal's last number is stored as {row.last_number}, recorded at "
            f"{row.last_recorded_at.isoformat()}; its last entry has the number {row.number}.",
            entries=named(session, missing[:NAMED_ENTRIES]),
        )


_REPEATED_KEYS = """
SELECT key, count(*) AS found, min(number) AS first, max(number) AS last
  FROM entries WHERE company_id = %(company)s GROUP BY source, key HAVING count(*) > 1
"""


def keys(session: Session) -> Iterator[Discrepancy]:
    for row in rows(session, _REPEATED_KEYS):
        yield Discrepancy(
            "key-twice",
            f"The key {row.key} of one source is booked {row.found} times.",
            entries=named(session, (row.first, row.last)),
        )


_ENTRIES_UNLIKE_TRANSFERS = """
SELECT coalesce(e.number, t.number) AS number, e.number IS NULL AS alone,
       e.transfers AS stored, coalesce(t.found, 0) AS found, t.last_line,
       t.happened IS DISTINCT FROM e.occurred_at AS other_time
  FROM (SELECT number, transfers, occurred_at, coalesce(learner, 0) AS learner,
               holders IS NULL AS only_its_own
          FROM entries WHERE company_id = %(company)s) AS e
  FULL JOIN (SELECT number, count(*) AS found, max(line) AS last_line,
                    min(learner) AS lowest, max(learner) AS highest,
                    CASE WHEN min(occurred_at) = max(occurred_at) THEN min(occurred_at) END AS happened
               FROM transfers WHERE company_id = %(company)s GROUP BY number) AS t ON t.number = e.number
 WHERE e.number IS NULL OR e.transfers <> coalesce(t.found, 0) OR t.last_line <> t.found
    OR t.found > 0 AND t.happened IS DISTINCT FROM e.occurred_at
    OR e.only_its_own AND (t.lowest <> e.learner OR t.highest <> e.learner)
 ORDER BY 1
"""


def entries(session: Session) -> Iterator[Discrepancy]:
    yield from with_accounts(session, _entry_faults(session))


def _entry_faults(session: Session) -> Iterator[Fault]:
    for row in rows(session, _ENTRIES_UNLIKE_TRANSFERS):
        if row.alone:
            check, detail = "entry-missing", f"{row.found} transfers belong to an entry that is not there."
        elif row.stored != row.found:
            check, detail = (
                "entry-transfers",
                f"An entry should have {row.stored} transfers and has {row.found}.",
            )
        elif row.last_line != row.found:
            check, detail = "entry-lines", f"An entry's transfers are not numbered from 1 to {row.found}."
        elif row.other_time:
            check, detail = "entry-time", "An entry and its transfers have not happened at the same time."
        else:
            check, detail = "entry-holders", _NOT_NAMED
        yield Fault(check, detail, row.number)


_NOT_NAMED = "An entry moves holdings of learners whom it does not name."

_HOLDERS_NOT_NAMED = """
SELECT DISTINCT e.number
  FROM entries AS e
  JOIN transfers AS t ON t.company_id = %(company)s AND t.number = e.number
 WHERE e.company_id = %(company)s AND e.holders IS NOT NULL AND t.learner <> ALL (e.holders)
"""


def holders(session: Session) -> Iterator[Discrepancy]:
    """An entry of several learners names them all, or their transfers would not be found."""
    faults = (Fault("entry-holders", _NOT_NAMED, row.number) for row in rows(session, _HOLDERS_NOT_NAMED))
    yield from with_accounts(session, faults)


_WRONG_TRANSFERS = """
SELECT number, line, amount, debit = credit AS same, holding <> learner AS other_learner, earns_nowhere
  FROM (SELECT number, line, amount, debit, credit, learner, rule,
               CASE WHEN debit >> 32 = 4 AND credit >> 32 = 4 THEN -1
                    WHEN debit >> 32 = 4 THEN debit & 4294967295
                    WHEN credit >> 32 = 4 THEN credit & 4294967295 ELSE 0 END AS holding,
               earning > 0 AND credit >> 32 <> 4 OR earning < 0 AND debit >> 32 <> 4 AS earns_nowhere
          FROM transfers WHERE company_id = %(company)s) AS t
 WHERE amount < 1 OR debit = credit OR holding <> learner OR earns_nowhere
    OR rule NOT IN (SELECT no FROM terms WHERE company_id = %(company)s)
 ORDER BY number, line
"""


def transfers(session: Session) -> Iterator[Discrepancy]:
    """What must hold of a transfer by itself. Whether its accounts exist shows when they are added up."""
    yield from with_accounts(session, _transfer_faults(session))


def _transfer_faults(session: Session) -> Iterator[Fault]:
    for row in rows(session, _WRONG_TRANSFERS):
        if row.amount < 1:
            fault = f"has the amount {row.amount}"
        elif row.same:
            fault = "debits and credits the same account"
        elif row.other_learner:
            fault = "does not name the one learner whose holding it moves"
        elif row.earns_nowhere:
            fault = "counts as earned without moving a holding that way"
        else:
            fault = "was made by a rule that is not there"
        yield Fault("transfer", f"Transfer {row.line} of an entry {fault}.", row.number)
