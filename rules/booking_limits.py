"""Caps and `first` of events that are about to be booked, known for sure only under the journal's lock."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from ledger.errors import LedgerError
from ledger.journal import Booked, Outcome
from pointsbank.database import Session
from pointsbank.directory.snapshot import Programme
from rules import correcting
from rules.correcting import Correction, Place
from rules.judging import Judged
from rules.limits import PLACES_TAKEN, Contender, Contest, Limits, Loss, Offer

_NOT_BOOKED = 2**62
"""Arrives after all that is booked; within a batch by index."""


@dataclass(slots=True)
class Cut:
    """What the limits made of a batch: who took places, and who lost them."""

    taken: list[tuple[Judged, int]] = field(default_factory=list)
    losses: dict[int, list[tuple[Loss, Judged]]] = field(default_factory=lambda: defaultdict(list))


def has_limits(judged: Judged) -> bool:
    return any(one.rule.cap is not None or one.rule.first is not None for one in judged.earned)


def uncut(judged: Judged) -> Judged:
    """A copy whose transfers may be cut: a transaction that has to be tried again starts from the original."""
    transfers = [replace(transfer) for transfer in judged.draft.transfers]
    return replace(judged, draft=replace(judged.draft, transfers=transfers))


def apply(session: Session, judged: Sequence[Judged]) -> Cut:
    """Cuts the transfers of each draft down to what its rules may still give. Call with the journal locked.

    `judged` are new events only: what is booked already must neither be cut nor counted again.
    """
    cut = Cut()
    limited: dict[int, list[tuple[int, Judged]]] = defaultdict(list)
    for index, one in enumerate(judged):
        if has_limits(one):
            limited[one.programme.no].append((index, one))
    for ours in limited.values():
        _apply(session, ours[0][1].programme, ours, cut)
    return cut


def displace(session: Session, cut: Cut) -> None:
    """Frees the places that were lost and takes back what they gave. To be called before the batch is posted.

    Raises what refuses a correction; then nothing is to be committed.
    """
    lost = [loss for losses in cut.losses.values() for loss, _ in losses]
    if not lost:
        return
    correcting.leave(session, [(each.loser.number or 0, each.term) for each in lost])
    corrections = [
        Correction(
            number,
            "; ".join(_reason(loss, by) for loss, by in losses),
            without=frozenset(loss.term for loss, _ in losses),
            note=PLACES_TAKEN,
        )
        for number, losses in cut.losses.items()
        if any(loss.amount for loss, _ in losses)
    ]
    for outcome in correcting.book(session, [[each] for each in corrections]):
        if isinstance(outcome, LedgerError):
            raise outcome


def take_places(session: Session, cut: Cut, judged: Sequence[Judged], outcomes: Sequence[Outcome]) -> None:
    """Notes which of the booked entries took a place of a rule with `first`."""
    numbers = {
        id(one): outcome.number for one, outcome in zip(judged, outcomes, strict=True) if isinstance(outcome, Booked)
    }
    taken = [(one, term, numbers[id(one)]) for one, term in cut.taken if id(one) in numbers]
    if taken:
        correcting.hold(
            session,
            [Place(one.programme.no, one.draft.course or 0, term, number, number) for one, term, number in taken],
        )


def _apply(session: Session, programme: Programme, ours: Sequence[tuple[int, Judged]], cut: Cut) -> None:
    """The events of one programme, in the order in which they happened."""
    left: dict[tuple[int, int], int] = {}

    def can_pay(holder: Contender, term: int) -> bool:
        """Whether the holding still has what the place gave; if so, counts it as taken back."""
        paid = amounts.get((holder.number or 0, term))
        if paid is None:
            return True  # a cap left nothing of it
        if left[paid.account, paid.unit] < paid.amount:
            return False
        left[paid.account, paid.unit] -= paid.amount
        return True

    limits = Limits(programme.tz, can_pay)
    _read_used(session, programme, ours, limits)
    amounts = _read_holders(session, programme, ours, limits, left)
    waiting = [
        (Contender(one.enrolled.learner_no, one.draft.course or 0, one.draft.occurred_at, _NOT_BOOKED + index), one)
        for index, one in ours
    ]
    waiting.sort(key=lambda each: each[0].turn)
    judged_of = {id(who): one for who, one in waiting}
    for who, one in waiting:
        transfers = {transfer.rule or 0: transfer for transfer in one.draft.transfers}
        offers = [
            Offer(earned.rule, term, transfer.amount)
            for earned, (term, transfer) in zip(one.earned, transfers.items(), strict=True)
        ]
        why = limits.give(who, offers)
        for loss in limits.losses:
            cut.losses[loss.loser.number or 0].append((loss, judged_of[id(loss.to)]))
        limits.losses.clear()
        _keep_given(one, who.given, why)
    cut.taken += [
        (judged_of[id(who)], term)
        for (term, _), holders in limits.holders.items()
        for who in holders.values()
        if who.number is None
    ]


def _keep_given(judged: Judged, given: dict[int, int], why: str | None) -> None:
    draft = judged.draft
    kept = [(e, t) for e, t in zip(judged.earned, draft.transfers, strict=True) if t.rule in given]
    for _, transfer in kept:
        transfer.amount = given[transfer.rule or 0]
    judged.earned = [earned for earned, _ in kept]
    draft.transfers = [transfer for _, transfer in kept]
    draft.note = None if kept else why


class _Paid(NamedTuple):
    account: int
    unit: int
    amount: int


def _read_used(session: Session, programme: Programme, ours: Sequence[tuple[int, Judged]], limits: Limits) -> None:
    """What the rules with caps have given these learners: in the programme, per course, and per day."""
    rules = {t.rule for _, one in ours for e, t in zip(one.earned, one.draft.transfers, strict=True) if e.rule.cap}
    if not rules:
        return
    rows = session.sql(
        # OFFSET 0: each transfer's entry is looked up. A planner that has no statistics yet would begin with the
        # entries of the programme, and look for each of them among the transfers of all these learners.
        """SELECT t.rule, t.learner, coalesce(e.course, 0) AS course,
                  (t.occurred_at AT TIME ZONE %(timezone)s)::date AS day,
                  sum(t.amount * t.earning)::bigint AS amount
             FROM transfers AS t
            CROSS JOIN LATERAL (SELECT course FROM entries
                                 WHERE company_id = %(company)s AND number = t.number AND programme = %(programme)s
                                OFFSET 0) AS e
            WHERE t.company_id = %(company)s AND t.learner = ANY (%(learners)s) AND t.rule = ANY (%(rules)s)
            GROUP BY t.rule, t.learner, e.course, day""",
        {
            "timezone": programme.tz.key,
            "learners": sorted({one.enrolled.learner_no for _, one in ours}),
            "rules": sorted(rule for rule in rules if rule is not None),
            "programme": programme.no,
        },
    )
    for row in rows:
        limits.used[row.rule, row.learner, None, None] += row.amount
        limits.used[row.rule, row.learner, row.course, None] += row.amount
        limits.used[row.rule, row.learner, None, row.day] += row.amount


def _read_holders(
    session: Session,
    programme: Programme,
    ours: Sequence[tuple[int, Judged]],
    limits: Limits,
    left: dict[tuple[int, int], int],
) -> dict[tuple[int, int], _Paid]:
    """Who has the places of rules with `first`, and what each place gave, by entry and rule.

    Puts into `left` what the holders' holdings have. A place whose entry is reversed is free again.
    """
    contests: set[Contest] = {
        (t.rule or 0, one.draft.course or 0)
        for _, one in ours
        for e, t in zip(one.earned, one.draft.transfers, strict=True)
        if e.rule.first is not None
    }
    amounts: dict[tuple[int, int], _Paid] = {}
    if not contests:
        return amounts
    rows = session.sql(
        """SELECT p.rule, p.course, p.number, p.arrived, e.learner, e.occurred_at,
                  t.credit, t.unit, t.amount, a.credits - a.debits AS balance
             FROM unnest(%(rules)s::integer[], %(courses)s::integer[]) AS wanted (rule, course)
             JOIN places AS p ON p.company_id = %(company)s AND p.programme = %(programme)s
                             AND p.course = wanted.course AND p.rule = wanted.rule
             JOIN entries AS e ON e.company_id = %(company)s AND e.number = p.number
             LEFT JOIN transfers AS t ON t.company_id = %(company)s AND t.learner = e.learner
                                     AND t.number = p.number AND t.rule = p.rule
             LEFT JOIN accounts AS a ON a.company_id = %(company)s AND a.id = t.credit AND a.unit = t.unit
            WHERE NOT EXISTS (SELECT FROM entries AS r WHERE r.company_id = %(company)s AND r.reverses = p.number)""",
        {
            "programme": programme.no,
            "rules": [rule for rule, _ in contests],
            "courses": [course for _, course in contests],
        },
    )
    for row in rows:
        holder = Contender(row.learner, row.course, row.occurred_at, row.arrived, row.number)
        limits.holders[row.rule, row.course][row.learner] = holder
        if row.amount is not None:
            holder.given[row.rule] = row.amount
            amounts[row.number, row.rule] = _Paid(row.credit, row.unit, row.amount)
            left[row.credit, row.unit] = row.balance
    return amounts


def _reason(loss: Loss, by: Judged) -> str:
    event = f"event {by.event.id} of {by.event.source}, which happened at {by.draft.occurred_at.isoformat()}"
    if loss.to.learner == loss.loser.learner:
        return f"The place among the first {loss.rule.first} of {loss.rule.key} is now that of the earlier {event}"
    return f"Displaced from the first {loss.rule.first} of {loss.rule.key} by {event}"
