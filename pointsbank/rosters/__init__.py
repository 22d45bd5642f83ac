"""Rosters from files: who takes part in a programme, as HR keeps it in a spreadsheet.

    content ── kinds ──┬─ workbooks ── sheets ──┐
                       └─ delimited ────────────┴─ grids ── columns ── reading ── checking ── kept ── taking
                                                   cells    which is    learners   what the    until   in batches,
                                                            which       and faults directory   it is   under its lock
                                                                                   has         asked

Nothing is written to the directory before `taking`, and `taking` writes what `checking` has shown, or says what it
did not.
"""
