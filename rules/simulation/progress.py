"""How far a simulation or a re-evaluation has come."""

from typing import Literal, NamedTuple


class Progress(NamedTuple):
    """Of `reading`: entries of the journal; `qualifying`: learners, for each version; `booking`: corrections."""

    stage: Literal["reading", "qualifying", "booking"]
    done: int
    of: int
