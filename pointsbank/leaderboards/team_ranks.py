"""Ranks of teams as of a cut-off, for who asks often: each process keeps the sums that it computed.

Out of the ledger a board of a million transfers takes a second. Sums that are kept are true of the journal up to a
number and of what happened before a cut-off; from there they are moved on, by what was booked since, and by what was
booked before but was yet to happen. Ranks are those of `pointsbank.leaderboards.standings`.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock

from pointsbank.database import Session
from pointsbank.leaderboards import means, people, scores
from pointsbank.leaderboards.boards import Score
from pointsbank.leaderboards.earnings import Attribution, recorded_at, stretches
from pointsbank.leaderboards.frame import INSTANT, Frame, instant, micros
from pointsbank.leaderboards.periods import Window

MAX_BOARDS = 64
"""Kept of all companies: a number for each team."""
MAX_SUMS = 4
"""Kept of a board, for different cut-offs."""
MAX_BEHIND = 5_000
"""Entries by which sums are moved on; what is further behind is computed again."""
MAX_LATER = 10_000
"""Transfers that are yet to happen, for sums to be moved on to a later cut-off."""
LIVE = timedelta(minutes=1)
"""A cut-off that is no older is taken for now: the next one to be asked for is later."""


@dataclass(frozen=True, slots=True)
class _Sums:
    """`totals` by team, of entries up to `number`, which was booked at `booked_at`, that happened before `cut_off`.

    `version` is that of the programme's teams. `later` is what happens at or after the cut-off; None: not known.
    """

    number: int
    booked_at: int
    cut_off: datetime
    version: tuple[int, int]
    totals: Mapping[str, int]
    later: tuple[scores.Later, ...] | None


_kept: OrderedDict[tuple[int, str], tuple[_Sums, ...]] = OrderedDict()
_lock = Lock()


def ranks(session: Session, frame: Frame, score: Score, cut_off: datetime, number: int) -> dict[str, int]:
    """By the teams' keys. `frame` is of teams and of all time; the session is a snapshot or the company's writer."""
    totals = dict(_sums(session, frame, cut_off, number).totals)
    if score == "mean":
        sizes = _sizes(session, frame, cut_off - INSTANT)
        totals = {team: means.mean(total, sizes.get(team, 0)) for team, total in totals.items()}
    first: dict[int, int] = {}
    for place, total in enumerate(sorted(totals.values(), reverse=True), 1):
        first.setdefault(total, place)
    return {team: first[total] for team, total in totals.items()}


def _sums(session: Session, frame: Frame, cut_off: datetime, number: int) -> _Sums:
    key = session.company_id, frame.id
    version = _version(session, frame)
    with _lock:
        kept = _kept.get(key, ())
    near = [each for each in kept if each.version == version and _leads_to(each, cut_off, number)]
    before = max(near, key=lambda each: (each.cut_off, each.number), default=None)
    if before is not None and recorded_at(session, [before.number]).get(before.number) == before.booked_at:
        found = _moved(session, frame, before, cut_off, number)
    else:
        before, found = None, _computed(session, frame, cut_off, number, version)
    if session.changed:  # the directory, and that may yet be undone
        return found
    others = [each for each in kept if each is not before and each.version == version]
    with _lock:
        _kept[key] = (found, *others[: MAX_SUMS - 1])
        _kept.move_to_end(key)
        while len(_kept) > MAX_BOARDS:
            _kept.popitem(last=False)
    return found


def _leads_to(sums: _Sums, cut_off: datetime, number: int) -> bool:
    """Whether it can be moved on to there."""
    if not sums.number <= number <= sums.number + MAX_BEHIND:
        return False
    return sums.cut_off == cut_off or (sums.later is not None and sums.cut_off < cut_off)


def _version(session: Session, frame: Frame) -> tuple[int, int]:
    """Grows if a team is new, or somebody comes or goes, whenever."""
    row = session.sql(
        """SELECT count(*), coalesce(max(changed_in), 0) FROM teams
            WHERE company_id = %(company)s AND programme = %(programme)s""",
        frame.scope(),
    ).fetchone()
    assert row is not None, "an aggregate has one row"
    return row[0], row[1]


def _computed(session: Session, frame: Frame, cut_off: datetime, number: int, version: tuple[int, int]) -> _Sums:
    # All transfers are read anyway. With the statistics of tables that were just filled PostgreSQL would look up entry
    # by entry instead: 48 s for a million, when 6 do.
    session.sql("SET LOCAL enable_nestloop = off")
    totals = scores.totals(session, frame._replace(window=Window(None, cut_off)), number)
    later: tuple[scores.Later, ...] | None = None
    if cut_off >= datetime.now(UTC) - LIVE:
        found = tuple(each for each in scores.later_of(session, frame, cut_off) if each.number <= number)
        later = found if len(found) <= MAX_LATER else None
    session.sql("SET LOCAL enable_nestloop = on")
    return _Sums(number, recorded_at(session, [number])[number], cut_off, version, totals, later)


def _moved(session: Session, frame: Frame, before: _Sums, cut_off: datetime, number: int) -> _Sums:
    if (before.cut_off, before.number) == (cut_off, number):
        return before
    totals = dict(before.totals)
    pending = list(before.later or ())
    booked_at = before.booked_at
    attribution = Attribution.load(session)
    for stretch in stretches(session, before.number, number, MAX_BEHIND):
        attribution.look_up(session, [frame], stretch.earnings)
        booked_at = stretch.recorded_at
        for earning in stretch.earnings:
            team = attribution.member(frame, earning)
            if team is not None:
                pending.append(scores.Later(team, earning.amount, micros(earning.occurred_at), earning.number))
    later = []
    for each in pending:
        if instant(each.at) < cut_off:
            totals[each.key] += each.amount
        else:
            later.append(each)
    known = before.later is not None and len(later) <= MAX_LATER
    return _Sums(number, booked_at, cut_off, before.version, totals, tuple(later) if known else None)


def _sizes(session: Session, frame: Frame, at: datetime) -> dict[str, int]:
    """How many members each team has then."""
    rows = session.sql(
        f"""SELECT g.key, count(*)
             FROM ({people.STAYS}) AS s JOIN teams AS g ON g.company_id = %(company)s AND g.no = s.team
            WHERE s.from_at <= %(at)s AND coalesce(s.until_at, 'infinity') > %(at)s
            GROUP BY g.key""",  # noqa: S608 - a constant
        {**frame.scope(), "at": at},
    )
    return dict(rows.fetchall())
