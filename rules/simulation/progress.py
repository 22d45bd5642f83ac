"""How far a simulation, a re-evaluation, a certification run or a roster has come."""

from typing import Literal, NamedTuple


class Progress(NamedTuple):
    """Of `reading`: entries of the journal, or bytes of a file; `qualifying`: learners, for each version; `booking`:
    corrections; `evaluating`: learners; `issuing`: certificates; `comparing` and `writing`: rows of a roster."""

    stage: Literal["reading", "qualifying", "booking", "evaluating", "issuing", "comparing", "writing"]
    done: int
    of: int
