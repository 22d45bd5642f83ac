"""What is to be booked: an entry that has no number yet, with its transfers."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(slots=True)
class Transfer:
    """An amount of one unit from a debited to a credited account.

    `learner` is the one whose holding it moves (0: nobody's), `earning` +1 or -1 if that raises or lowers what the
    learner has earned, 0 if it only moves (conversion, expiry, allotments).
    """

    unit: int
    debit: int
    credit: int
    amount: int
    learner: int = 0
    earning: int = 0
    rule: int | None = None


@dataclass(slots=True)
class Draft:
    """An entry to be booked. `source`, `kind` are terms; `data` is compact JSON; `fingerprint` 64 bits, signed.

    An entry moves its learner's holdings, or those of several learners and is then itself of none. One that `follows`
    is booked with the draft before it or not at all, and what they move is paid together.
    """

    source: int
    key: str
    kind: int
    fingerprint: int
    occurred_at: datetime
    transfers: list[Transfer] = field(default_factory=list)
    programme: int | None = None
    course: int | None = None
    learner: int | None = None
    team: int | None = None
    awarder: int | None = None
    rulebook_version: int | None = None
    reverses: int | None = None
    reason: str | None = None
    note: str | None = None
    data: bytes | None = None
    follows: bool = False
