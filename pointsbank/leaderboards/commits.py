"""When each company's ledger was last written to, in memory that all workers of a service share.

So a reader in one worker knows that a board may have been overtaken by what another worker has just booked, and
whoever books and then reads sees it. What is booked elsewhere (another host, a command) is noticed a little later.
"""

import mmap
import struct
import time

SLOTS = 4_096
"""Companies that share one are taken to write together: their boards are looked after once more than they need."""

_SECONDS = struct.Struct("d")


class Commits:
    """To be made before the workers are forked. Times are those of `time.monotonic`, which a host has one of."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, SLOTS * _SECONDS.size)

    def note(self, company_id: int) -> None:
        _SECONDS.pack_into(self._shared, company_id % SLOTS * _SECONDS.size, time.monotonic())

    def last(self, company_id: int) -> float:
        """0 if there was none."""
        (seconds,) = _SECONDS.unpack_from(self._shared, company_id % SLOTS * _SECONDS.size)
        return float(seconds)


OF_THIS_SERVICE = Commits()
