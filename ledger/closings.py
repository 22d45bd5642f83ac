"""Subtotals of busy holdings.

`book()` closes a holding whenever its number of transfers passes a multiple of `CLOSING_EVERY`: one row with
what has moved since the closing before, and the first and last time at which it happened. A balance as of a
time then adds up whole closings and reads the transfers of only those few that the time cuts.
"""

CLOSING_EVERY = 500
"""Near the root of a million: as many closings to add up as transfers to read between two."""
