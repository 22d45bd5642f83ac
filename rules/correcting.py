"""Corrections: the one way to change what a rulebook gave for an event that is booked.

The entry is reversed, and a new one stands in for it: with the same time, kind, data and dimensions, so that
whatever looks at facts finds the event once, as before, and with what the rules give now. Both are entries of the
source `pointsbank:corrections`. The stand-in's key is the number of the event's first entry and how often it has
been corrected, such as `17/1`; its reversal's key is that with `/reversal` behind it. So a correction is never
booked twice, and the first entry, which says where the event came from, is found from any that stands in for it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ledger import journal, terms
from ledger.draft import Draft, Transfer
from ledger.journal import Booked, Outcome
from ledger.reversals import KIND as REVERSAL
from pointsbank.database import Session
from pointsbank.directory.pools import fingerprint
from rules.certification import reviewing

SOURCE = "pointsbank:corrections"
MAX_REASON_CHARACTERS = 1_000


@dataclass(slots=True)
class Correction:
    """Of the entry with this number, which is not reversed.

    `transfers` are all that it gives now; None: what it gave, without that of the rules in `without`. `places` are
    the rules of which it holds a place from now on; None: those of which it does. `rulebook_version` None: as it was.
    """

    number: int
    reason: str
    transfers: list[Transfer] | None = None
    without: frozenset[int] = frozenset()
    note: str | None = None
    places: tuple[int, ...] | None = None
    rulebook_version: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Held by the entry `number`; `course` 0: none. `arrived` is the number of the event's first entry."""

    programme: int
    course: int
    rule: int
    number: int
    arrived: int


def origin(source: int, key: str, number: int, corrections: int | None) -> tuple[int, int]:
    """The number of an event's first entry, and how often it was corrected, told from the entry that stands in now.

    `corrections` is the number of the term SOURCE, if the company has it.
    """
    if source != corrections:
        return number, 0
    first, _, times = key.partition("/")
    return int(first), int(times)


def book(session: Session, together: Sequence[Sequence[Correction]]) -> list[Outcome]:
    """Books the corrections, those of one sequence all or none; the outcomes of the sequences, in their order.

    Call with the journal locked, having seen that none of the entries is reversed. A refusal is one for what an
    account cannot pay. Raises AmountTooLarge, and then nothing is to be committed.
    """
    corrections = [each for some in together for each in some]
    if not corrections:
        return []
    names = terms.intern(session, (SOURCE, REVERSAL))
    originals = _originals(session, [each.number for each in corrections])
    drafts = [
        draft
        for some in together
        for index, each in enumerate(some)
        for draft in _drafts(names, originals[each.number], each, follows=index > 0)
    ]
    stand_ins = dict(zip([each.number for each in corrections], journal.post(session, drafts)[1::2], strict=True))
    _move_places(session, names, corrections, originals, stand_ins)
    reviewing.look_at_reversals(session)
    return [stand_ins[some[0].number] for some in together]


def hold(session: Session, places: Iterable[Place]) -> None:
    """Notes who holds a place from now on."""
    rows = list(places)
    session.sql(
        """INSERT INTO places (company_id, programme, course, rule, number, arrived)
           SELECT %(company)s, * FROM unnest(%(programme)s::integer[], %(course)s::integer[], %(rule)s::integer[],
                                             %(number)s::bigint[], %(arrived)s::bigint[])
           ON CONFLICT DO NOTHING""",
        {name: [getattr(each, name) for each in rows] for name in Place.__slots__},
    )


def leave(session: Session, places: Iterable[tuple[int, int]]) -> None:
    """Frees places, each named by its entry's number and its rule."""
    rows = list(places)
    session.sql(
        """DELETE FROM places AS p
            USING unnest(%(numbers)s::bigint[], %(rules)s::integer[]) AS free (number, rule)
            WHERE p.company_id = %(company)s AND p.number = free.number AND p.rule = free.rule""",
        {"numbers": [number for number, _ in rows], "rules": [rule for _, rule in rows]},
    )


def _drafts(names: dict[str, int], original: Any, correction: Correction, follows: bool) -> tuple[Draft, Draft]:
    first, times = origin(original.source, original.key, original.number, names[SOURCE])
    key = f"{first}/{times + 1}"
    # What both have of the original.
    dimensions = {
        "source": names[SOURCE],
        "occurred_at": original.occurred_at,
        "programme": original.programme,
        "course": original.course,
        "learner": original.learner,
        "team": original.team,
        "awarder": original.awarder,
        "reason": correction.reason[:MAX_REASON_CHARACTERS],
    }
    reversal = Draft(
        **dimensions,
        key=f"{key}/reversal",
        kind=names[REVERSAL],
        fingerprint=fingerprint(key),
        transfers=[
            Transfer(t.unit, t.credit, t.debit, t.amount, t.learner, -t.earning, t.rule)
            for t in reversed(original.moved)
        ],
        rulebook_version=original.rulebook_version,
        reverses=original.number,
        follows=follows,
    )
    given = correction.transfers
    if given is None:
        given = [each for each in original.moved if each.rule not in correction.without]
    stand_in = Draft(
        **dimensions,
        key=key,
        kind=original.kind,
        fingerprint=fingerprint(key),
        transfers=given,
        rulebook_version=correction.rulebook_version or original.rulebook_version,
        note=None if given else correction.note,
        data=None if original.data is None else original.data.encode(),
        follows=True,
    )
    return reversal, stand_in


@dataclass(slots=True)
class _Original:
    number: int
    source: int
    key: str
    kind: int
    occurred_at: Any
    programme: int | None
    course: int | None
    learner: int | None
    team: int | None
    awarder: int | None
    rulebook_version: int | None
    data: str | None
    moved: list[Transfer]


def _originals(session: Session, numbers: list[int]) -> dict[int, _Original]:
    rows = session.sql(
        """SELECT number, source, key, kind, occurred_at, programme, course, learner, team, awarder,
                  rulebook_version, data::text
             FROM entries WHERE company_id = %(company)s AND number = ANY (%(numbers)s)""",
        {"numbers": numbers},
    )
    originals = {row.number: _Original(**row._asdict(), moved=[]) for row in rows}
    moved = session.sql(
        """SELECT wanted.number, t.unit, t.debit, t.credit, t.amount, t.learner, t.earning, t.rule
             FROM unnest(%(numbers)s::bigint[], %(learners)s::integer[]) AS wanted (number, learner)
             JOIN transfers AS t ON t.company_id = %(company)s AND t.learner = wanted.learner
                                AND t.number = wanted.number
            ORDER BY t.number, t.line""",
        {"numbers": list(originals), "learners": [each.learner for each in originals.values()]},
    )
    for number, *transfer in moved:
        originals[number].moved.append(Transfer(*transfer))
    return originals


def _move_places(
    session: Session,
    names: dict[str, int],
    corrections: Sequence[Correction],
    originals: dict[int, _Original],
    stand_ins: dict[int, Outcome],
) -> None:
    """The places that the corrected entries hold are those of the entries that stand in for them."""
    booked = {number: outcome.number for number, outcome in stand_ins.items() if isinstance(outcome, Booked)}
    rows = session.sql(
        """DELETE FROM places AS p USING unnest(%(numbers)s::bigint[]) AS moved (number)
            WHERE p.company_id = %(company)s AND p.number = moved.number
        RETURNING p.number, p.rule""",
        {"numbers": list(booked)},
    )
    held: dict[int, list[int]] = {}
    for row in rows:
        held.setdefault(row.number, []).append(row.rule)
    places = []
    for each in corrections:
        if each.number in booked:
            old, number = originals[each.number], booked[each.number]
            first, _ = origin(old.source, old.key, old.number, names[SOURCE])
            rules = held.get(each.number, ()) if each.places is None else each.places
            places += [Place(old.programme or 0, old.course or 0, rule, number, first) for rule in rules]
    if places:
        hold(session, places)
