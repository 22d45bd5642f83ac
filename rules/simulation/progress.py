"""How far a simulation, a re-evaluation or a certification run has come."""

from typing import Literal, NamedTuple


class Progress(NamedTuple):
    """Of `reading`: entries of the journal; `qualifying`: learners, for each version; `booking`: corrections;
    `evaluating`: learners; `issuing`: certificates."""

    stage: Literal["reading", "qualifying", "booking", "evaluating", "issuing"]
    done: int
    of: int
