"""Caps and `first`: what a rule may still give, known for sure only under the journal's lock.

A cap counts what the rule has given a learner within the programme, the course, or the day (in the
programme's time zone) on which it happened, less what was reversed. `first` N gives the rule's amount to the
first N learners, per programme and course: those whose entries are booked first, and within one batch those
to whom it happened first. Who comes late with an earlier time finds the places taken.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from ledger.journal import Booked, Outcome
from pointsbank.database import Session
from rules.judging import Judged
from rules.parts import Cap, EarningRule

CAP_REACHED = "cap reached"
PLACES_TAKEN = "places taken"

_Scope = tuple[int, int, int | None, date | None]
_Place = tuple[int, int, int]


def has_limits(judged: Judged) -> bool:
    return any(one.rule.cap is not None or one.rule.first is not None for one in judged.earned)


def uncut(judged: Judged) -> Judged:
    """A copy whose transfers may be cut: a transaction that has to be tried again starts from the original."""
    transfers = [replace(transfer) for transfer in judged.draft.transfers]
    return replace(judged, draft=replace(judged.draft, transfers=transfers))


def apply(session: Session, judged: Sequence[Judged]) -> None:
    """Cuts the transfers of each draft down to what its rules may still give. Call with the journal locked.

    `judged` are new events only: what is booked already must neither be cut nor counted again.
    """
    limited = [one for one in judged if has_limits(one)]
    if not limited:
        return
    used = _used(session, limited)
    taken = _taken(session, limited)
    for one in sorted(limited, key=lambda each: each.draft.occurred_at):
        _cut(one, used, taken)


def take_places(session: Session, judged: Sequence[Judged], outcomes: Sequence[Outcome]) -> None:
    """Notes which of the booked entries took a place of a rule with `first`."""
    rows = [
        (one.draft, transfer.rule, outcome.number)
        for one, outcome in zip(judged, outcomes, strict=True)
        if isinstance(outcome, Booked)
        for earned, transfer in zip(one.earned, one.draft.transfers, strict=True)
        if earned.rule.first is not None
    ]
    for draft, rule, number in rows:
        session.sql(
            "INSERT INTO places (company_id, programme, course, rule, number) "
            "VALUES (%(company)s, %(programme)s, %(course)s, %(rule)s, %(number)s)",
            {"programme": draft.programme, "course": draft.course or 0, "rule": rule, "number": number},
        )


def _cut(judged: Judged, used: dict[_Scope, int], taken: dict[_Place, set[int]]) -> None:
    draft = judged.draft
    kept, why = [], None
    for earned, transfer in zip(judged.earned, draft.transfers, strict=True):
        assert transfer.rule is not None
        rule: EarningRule = earned.rule
        if rule.first is not None:
            learners = taken[draft.programme or 0, draft.course or 0, transfer.rule]
            if transfer.learner in learners or len(learners) >= rule.first:
                why = why or PLACES_TAKEN
                continue
        if rule.cap is not None:
            scope = _scope(judged, transfer.rule, rule.cap)
            transfer.amount = min(transfer.amount, rule.cap.amount - used[scope])
            if transfer.amount <= 0:
                why = why or CAP_REACHED
                continue
            used[scope] += transfer.amount
        if rule.first is not None:
            learners.add(transfer.learner)
        kept.append((earned, transfer))
    judged.earned = [earned for earned, _ in kept]
    draft.transfers = [transfer for _, transfer in kept]
    draft.note = None if kept else why


def _scope(judged: Judged, rule: int, cap: Cap) -> _Scope:
    learner = judged.enrolled.learner_no
    if cap.within == "course":
        return rule, learner, judged.draft.course or 0, None
    if cap.within == "day":
        return rule, learner, None, judged.draft.occurred_at.astimezone(judged.programme.tz).date()
    return rule, learner, None, None


def _used(session: Session, limited: list[Judged]) -> dict[_Scope, int]:
    """What the rules with caps have given these learners: in the programme, per course, and per day."""
    used: dict[_Scope, int] = defaultdict(int)
    for programme in {one.programme.no: one.programme for one in limited}.values():
        ours = [one for one in limited if one.programme.no == programme.no]
        rules = {t.rule for one in ours for e, t in zip(one.earned, one.draft.transfers, strict=True) if e.rule.cap}
        if not rules:
            continue
        rows = session.sql(
            """SELECT t.rule, t.learner, coalesce(e.course, 0) AS course,
                      (t.occurred_at AT TIME ZONE %(timezone)s)::date AS day,
                      sum(t.amount * t.earning)::bigint AS amount
                 FROM transfers AS t
                 JOIN entries AS e ON e.company_id = %(company)s AND e.number = t.number
                WHERE t.company_id = %(company)s AND t.learner = ANY (%(learners)s) AND t.rule = ANY (%(rules)s)
                  AND e.programme = %(programme)s
                GROUP BY t.rule, t.learner, e.course, day""",
            {
                "timezone": programme.tz.key,
                "learners": sorted({one.enrolled.learner_no for one in ours}),
                "rules": sorted(rule for rule in rules if rule is not None),
                "programme": programme.no,
            },
        )
        for row in rows:
            used[row.rule, row.learner, None, None] += row.amount
            used[row.rule, row.learner, row.course, None] += row.amount
            used[row.rule, row.learner, None, row.day] += row.amount
    return used


def _taken(session: Session, limited: list[Judged]) -> dict[_Place, set[int]]:
    """Who has the places of rules with `first`. A place whose entry is reversed is free again."""
    taken: dict[_Place, set[int]] = defaultdict(set)
    wanted: set[tuple[int, int]] = {
        (one.draft.programme or 0, t.rule or 0)
        for one in limited
        for e, t in zip(one.earned, one.draft.transfers, strict=True)
        if e.rule.first is not None
    }
    if not wanted:
        return taken
    rows: Any = session.sql(
        """SELECT p.programme, p.course, p.rule, e.learner
             FROM unnest(%(programmes)s::integer[], %(rules)s::integer[]) AS wanted (programme, rule)
             JOIN places AS p ON p.company_id = %(company)s AND p.programme = wanted.programme AND p.rule = wanted.rule
             JOIN entries AS e ON e.company_id = %(company)s AND e.number = p.number
            WHERE NOT EXISTS (SELECT FROM entries AS r WHERE r.company_id = %(company)s AND r.reverses = p.number)""",
        {"programmes": [programme for programme, _ in wanted], "rules": [rule for _, rule in wanted]},
    )
    for row in rows:
        taken[row.programme, row.course, row.rule].add(row.learner)
    return taken
