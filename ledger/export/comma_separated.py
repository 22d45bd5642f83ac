"""The journal as a table: a row for each transfer with what its entry says, one for an entry without any."""

import csv
import io
from collections.abc import Iterator

from ledger.export.journal import Journal

ENTRY_COLUMNS = [
    "number",
    "id",
    "recorded_at",
    "occurred_at",
    "source",
    "key",
    "kind",
    "programme",
    "course",
    "learner",
    "team",
    "awarder",
    "reason",
    "note",
    "rulebook_version",
    "reverses",
    "data",
]
TRANSFER_COLUMNS = [
    "line",
    "unit",
    "amount",
    "shown",
    "debit",
    "credit",
    "earning",
    "rule",
]
"""`amount` counts smallest parts, as the API does; `shown` has the company's decimals."""


def comma_separated(journal: Journal) -> Iterator[str]:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*ENTRY_COLUMNS, *TRANSFER_COLUMNS])
    for entry in journal.entries():
        say = entry.facts.get
        said = [str(entry.number), *[say(name, "") for name in ENTRY_COLUMNS[1:]]]
        if not entry.transfers:
            writer.writerow([*said, *[""] * len(TRANSFER_COLUMNS)])
        for t in entry.transfers:
            unit, shown = journal.units[t.unit].code, journal.amount(t.unit, t.amount)
            writer.writerow([*said, t.line, unit, t.amount, shown, t.debit, t.credit, t.earning, t.rule])
        yield text.getvalue()
        text.seek(0)
        text.truncate()
    yield text.getvalue()
