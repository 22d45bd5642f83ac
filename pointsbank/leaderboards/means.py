"""Boards of the mean per member, computed from a team board of sums in Redis: the same as `standings` in SQL.

Teams are few, but how many people each has changes as time passes, without any event.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pointsbank.leaderboards.frame import INSTANT, Frame, instant, micros
from pointsbank.leaderboards.packing import Member
from pointsbank.leaderboards.people import Changes, count


@dataclass(frozen=True, slots=True)
class Ranked:
    """`score` in hundredths, half up."""

    member: Member
    score: int
    rank: int
    moved: int


def ranked(members: Iterable[Member], people: Changes, frame: Frame, before: int, now: int) -> list[Ranked]:
    """The whole board in its order. `before` and `now` in microseconds since 1970."""
    sized_at, sized_before = micros(frame.sized_at(instant(now))), before - INSTANT // INSTANT
    scored = [
        (
            member,
            mean(member.score, count(people, member.key, sized_at)),
            mean(member.score_before, count(people, member.key, sized_before)),
        )
        for member in members
    ]
    scored.sort(key=_order)
    ranks = _ranks(score for _, score, _ in scored)
    ranks_before = _ranks(score_before for _, _, score_before in scored)
    return [
        Ranked(member, score, ranks[score], ranks_before[score_before] - ranks[score])
        for member, score, score_before in scored
    ]


def mean(total: int, people: int) -> int:
    """In hundredths, half up: see _mean() in `standings`."""
    if people <= 0:
        return 0
    size = (abs(total) * 200 + people) // (2 * people)
    return size if total >= 0 else -size


def _order(scored: tuple[Member, int, int]) -> tuple[int, int, int, bytes]:
    member, score, _ = scored
    at, number = (member.at or 0, member.number) if score else (0, 0)
    return -score, at, number, member.key.encode()


def _ranks(scores: Iterable[int]) -> dict[int, int]:
    ranks: dict[int, int] = {}
    for place, score in enumerate(sorted(scores, reverse=True), 1):
        ranks.setdefault(score, place)
    return ranks
