"""What arrived, as those see it who look after it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pointsbank.database import Session


@dataclass(frozen=True, slots=True)
class Unbooked:
    """An event that was not booked. `times` counts it and those beside it that are not kept; `problem` is slug, title,
    message and errors."""

    number: int
    status: str
    arrived_at: datetime
    times: int
    source: str | None
    kind: str | None
    event_id: str | None
    learner: str | None
    entry: int | None
    problem: dict[str, Any] | None
    payload: str | None


@dataclass(frozen=True, slots=True)
class Source:
    """Of the last hour and the last day: events booked, sent again, without effect, and refused. `last_at` may be
    longer ago."""

    source: str
    hour: tuple[int, int, int, int]
    day: tuple[int, int, int, int]
    last_at: datetime
    is_silent: bool

    @property
    def events(self) -> tuple[int, int]:
        return sum(self.hour), sum(self.day)


def find(
    session: Session,
    limit: int,
    *,
    status: str | None = None,
    source: str | None = None,
    kind: str | None = None,
    before: int | None = None,
    after: int = 0,
) -> list[Unbooked]:
    """The newest first, of those numbered above `after` and below `before`."""
    rows = session.sql(
        """SELECT number, status, arrived_at, times, source, kind, event_id, learner, entry, problem, payload
             FROM unbooked
            WHERE company_id = %(company)s AND number > %(after)s
              AND number < coalesce(%(before)s::bigint, 9223372036854775807)
              AND (%(status)s::text IS NULL OR status = %(status)s)
              AND (%(source)s::text IS NULL OR source = %(source)s)
              AND (%(kind)s::text IS NULL OR kind = %(kind)s)
            ORDER BY number DESC LIMIT %(limit)s""",
        {"status": status, "source": source, "kind": kind, "before": before, "after": after, "limit": limit},
    )
    return [Unbooked(*row) for row in rows]


def last_number(session: Session) -> int:
    row = session.sql("SELECT last_number FROM unbooked_numbers WHERE company_id = %(company)s").fetchone()
    return 0 if row is None else int(row.last_number)


SILENT_AFTER_HOURS = 24


def sources(session: Session) -> list[Source]:
    """Those of the last eight days, the ones with the most rejections today first. Counted in steps of five minutes."""
    rows = session.sql(_SOURCES, {"silent": SILENT_AFTER_HOURS})
    return [Source(row.source, tuple(row[1:5]), tuple(row[5:9]), row.last_at, row.is_silent) for row in rows]


_HOUR = "FILTER (WHERE begins_at > now() - interval '1 hour')"
_DAY = "FILTER (WHERE begins_at > now() - interval '1 day')"
_STATUSES = ("booked", "duplicate", "ignored", "rejected")
_SUMS = ", ".join(
    f"coalesce(sum({status}) {span}, 0)::bigint AS {status}_{name}"
    for name, span in (("hour", _HOUR), ("day", _DAY))
    for status in _STATUSES
)
_SOURCES = f"""
SELECT source, {_SUMS}, max(last_at) AS last_at,
       max(last_at) < now() - make_interval(hours => %(silent)s) AS is_silent
  FROM arrivals WHERE company_id = %(company)s
 GROUP BY source ORDER BY rejected_day DESC, max(last_at) DESC, source LIMIT 100
"""  # noqa: S608 - constants
