"""What another version of a rulebook makes of everything that is booked in a programme.

- `happened`: the events as they are booked, and what the version's rules offer for each;
- `replaying`: caps and `first` over them, in the order in which they were booked;
- `planning`: the differences, as far as holdings and pools can pay them: what re-evaluation books;
- `hypothetical`: the ledger as it would be then, for whatever reads it;
- `qualifying`: who would newly qualify for a certificate, and who no longer;
- `report`: all of it as clients see it.

Nothing here writes. `rules.reevaluation` books what is planned.
"""
