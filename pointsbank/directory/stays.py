"""Who is in which team from when until when: the arithmetic of memberships, in memory.

A learner's stays in the teams of a programme are in the order of time and do not overlap.
"""

from collections.abc import Iterable
from datetime import datetime

from pointsbank.directory.roster import Stay

Stays = tuple[Stay, ...]


def join(stays: Stays, team: int, at: datetime) -> Stays:
    """As before until then; from then on in this team and no other."""
    return _merged([*_until(stays, at), Stay(at, None, team)])


def leave(stays: Stays, team: int, at: datetime) -> Stays:
    """From then on no longer in this team; what is known of other teams stays."""
    kept = [stay for stay in stays if stay.team != team]
    return _merged([*kept, *_until([stay for stay in stays if stay.team == team], at)])


def out(stays: Stays, at: datetime) -> Stays:
    """As before until then; from then on in no team."""
    return _merged(_until(stays, at))


def _until(stays: Iterable[Stay], at: datetime) -> list[Stay]:
    return [
        stay if stay.until_at is not None and stay.until_at <= at else stay._replace(until_at=at)
        for stay in stays
        if stay.from_at < at
    ]


def _merged(stays: list[Stay]) -> Stays:
    """In the order of time, with stays that follow each other in the same team made one."""
    merged: list[Stay] = []
    for stay in sorted(stays, key=lambda each: each.from_at):
        if merged and merged[-1].team == stay.team and merged[-1].until_at == stay.from_at:
            merged[-1] = merged[-1]._replace(until_at=stay.until_at)
        else:
            merged.append(stay)
    return tuple(merged)
