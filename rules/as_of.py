"""The state of the journal that is judged: what had happened by a cut-off, as far as it was booked by then."""

from dataclasses import dataclass
from datetime import datetime

from pointsbank.database import Session
from pointsbank.errors import Invalid
from pointsbank.saying import say


@dataclass(frozen=True, slots=True)
class AsOf:
    """What happened before `cut_off` (exclusive) and is numbered up to `number` (inclusive)."""

    cut_off: datetime
    number: int


def as_of(session: Session, cut_off: datetime | None = None) -> AsOf:
    """What is booked now; a cut-off that is left out is now. Raises Invalid for one in the future."""
    row = session.sql(
        "SELECT last_number, clock_timestamp() AS now FROM journals WHERE company_id = %(company)s"
    ).fetchone()
    assert row is not None, "every company has a journal"
    if cut_off is not None and cut_off > row.now:
        raise Invalid.field(
            "cut_off",
            say(
                "%(time)s lies in the future; choose a time that is over, or leave it out for now",
                time=cut_off.isoformat(),
            ),
        )
    return AsOf(cut_off or row.now, row.last_number)
