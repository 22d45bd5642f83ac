"""`first` N: by time, then by arrival, whatever comes in which order; and what is taken back, with its reason."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger import journal, terms
from ledger.accounts import CONVERTED, CREDITS, holding
from ledger.audit import audit
from ledger.journal import Draft, Transfer
from pointsbank.database import Database
from rules.cloudevent import parse_event
from rules.recording import Recorded, record
from tests.api.conftest import Caller, app, caller, new_company, programme  # noqa: F401 - fixtures

P = "/v1/programmes/2021"
LEARNERS = [f"2021000{n}" for n in range(1, 5)]
START = datetime(2021, 9, 1, tzinfo=UTC)
_ids = itertools.count()


def put_rules(bank: Caller, *rules: dict[str, Any]) -> None:
    assert bank.put(f"{P}/rulebook/draft", {"earning": list(rules)}).status_code == 200
    assert bank.post(f"{P}/rulebook/draft/activate").status_code == 200


def rule(key: str, amount: Any, **more: Any) -> dict[str, Any]:
    """Of events of type `quick`."""
    return {"key": key, "on": "quick", "award": {"unit": "credits", "amount": amount}, **more}


def raw(learner: int, minute: int, key: str = "", **data: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": key or f"e{next(_ids)}",
        "source": "urn:t",
        "type": "quick",
        "subject": LEARNERS[learner],
        "time": (START + timedelta(minutes=minute)).isoformat(),
        "data": {"programme": "2021", "n": minute, **data},
    }


def post(bank: Caller, database: Database, *raws: dict[str, Any]) -> list[int | str | None]:
    """What each event got, or why it got nothing."""
    got: list[int | str | None] = []
    for result in record(database, bank.company_id, [parse_event(one, index) for index, one in enumerate(raws)]):
        assert isinstance(result, Recorded), result
        assert result.judged is not None
        draft = result.judged.draft
        got.append(sum(each.amount for each in draft.transfers) or draft.note)
    return got


def balance(bank: Caller, learner: int) -> int:
    balances = bank.get(f"/v1/learners/{LEARNERS[learner]}/balances").get_json()["balances"]
    return sum(each["balance"] for each in balances)


def entries(bank: Caller, **filters: str) -> list[dict[str, Any]]:
    query = "&".join(f"{name}={value}" for name, value in filters.items())
    items: list[dict[str, Any]] = bank.get(f"/v1/entries?limit=500&{query}").get_json()["items"]
    return items


def assert_sound(bank: Caller, database: Database) -> None:
    with database.snapshot(bank.company_id) as session:
        assert list(audit(session)) == []


# Steps: (learner, minute) one after the other, and what each got; at the end, what each learner has.
ORDERS: tuple[tuple[int, list[tuple[int, int]], list[Any], list[int]], ...] = (
    (2, [(0, 1), (1, 2), (2, 3)], [5, 5, "places taken"], [5, 5, 0]),
    (2, [(1, 2), (2, 3), (0, 1)], [5, 5, 5], [5, 5, 0]),
    (1, [(2, 3), (1, 2), (0, 1)], [5, 5, 5], [5, 0, 0]),
    # Of the same time, who arrives first.
    (1, [(0, 1), (1, 1)], [5, "places taken"], [5, 0, 0]),
    # One place a learner, that of the first event.
    (2, [(0, 2), (0, 3), (0, 1), (1, 9)], [5, "places taken", 5, 5], [5, 5, 0]),
    # Who was displaced may come back with something earlier.
    (1, [(0, 5), (1, 4), (0, 3)], [5, 5, 5], [5, 0, 0]),
)


@pytest.mark.parametrize(("first", "steps", "got", "have"), ORDERS)
def test_an_earlier_one_that_comes_late_takes_its_place(
    programme: Caller,  # noqa: F811
    database: Database,
    first: int,
    steps: list[tuple[int, int]],
    got: list[Any],
    have: list[int],
) -> None:
    put_rules(programme, rule("quick", 5, first=first))
    assert [post(programme, database, raw(*step))[0] for step in steps] == got
    assert [balance(programme, learner) for learner in range(3)] == have
    assert_sound(programme, database)


def test_what_is_taken_back_is_corrected_with_its_reason(programme: Caller, database: Database) -> None:  # noqa: F811
    put_rules(programme, rule("quick", 5, first=1), rule("always", 2))
    assert post(programme, database, raw(0, 9, "late", reason="及时")) == [7]
    assert post(programme, database, raw(1, 3, "early")) == [7]
    assert balance(programme, 0) == 2
    stand_in, reversal, original = entries(programme, learner=LEARNERS[0])
    displaced = (
        "Displaced from the first 1 of quick by event early of urn:t, which happened at 2021-09-01T00:03:00+00:00"
    )
    assert (stand_in["source"], stand_in["reason"]) == ("pointsbank:corrections", displaced)
    assert (stand_in["key"], reversal["key"]) == (f"{original['number']}/1", f"{original['number']}/1/reversal")
    for name in ("kind", "data", "occurred_at", "programme", "course", "learner", "team", "rulebook_version"):
        assert stand_in[name] == original[name], name
    assert [(each["rule"], each["amount"]) for each in stand_in["transfers"]] == [("always", 2)]
    assert (reversal["reverses"], reversal["kind"], reversal["reason"]) == (original["id"], "reversal", displaced)
    assert original["reversed_by"] == reversal["id"]
    assert_sound(programme, database)


def test_an_entry_is_corrected_as_often_as_it_must_be(programme: Caller, database: Database) -> None:  # noqa: F811
    put_rules(programme, rule("one", 1, first=2), rule("two", 2, first=1), rule("odd", 4, when="data.n < 8"))
    assert post(programme, database, raw(0, 9)) == [3]
    first = entries(programme, learner=LEARNERS[0])[0]["number"]
    assert post(programme, database, raw(1, 5)) == [7]
    assert balance(programme, 0) == 1
    assert post(programme, database, raw(2, 4)) == [7]
    assert [balance(programme, learner) for learner in range(3)] == [0, 5, 7]
    last = entries(programme, learner=LEARNERS[0])[0]
    assert (last["key"], last["note"], last["transfers"]) == (f"{first}/2", "places taken", [])
    assert_sound(programme, database)


def test_one_batch_may_take_several_places_of_one_entry(programme: Caller, database: Database) -> None:  # noqa: F811
    put_rules(programme, rule("odd", 1, first=1, when="data.n % 2 == 1"), rule("any", 2, first=1))
    assert post(programme, database, raw(0, 9)) == [3]
    assert post(programme, database, raw(1, 7), raw(2, 2)) == [1, 2]
    assert [balance(programme, learner) for learner in range(3)] == [0, 1, 2]
    stand_in = entries(programme, learner=LEARNERS[0])[0]
    assert stand_in["key"].endswith("/1")
    assert [part.split()[6] for part in stand_in["reason"].split("; ")] == ["any", "odd"]
    assert_sound(programme, database)


def test_what_is_spent_stays_given(programme: Caller, database: Database) -> None:  # noqa: F811
    put_rules(programme, rule("quick", 5, first=1))
    assert post(programme, database, raw(0, 9)) == [5]
    spend(programme, database, 4)
    kept = "places taken; what was given to the last of those who hold them is spent"
    assert post(programme, database, raw(1, 1)) == [kept]
    assert [balance(programme, learner) for learner in range(2)] == [1, 0]
    assert entries(programme, learner=LEARNERS[1])[0]["note"] == kept
    assert_sound(programme, database)


def spend(bank: Caller, database: Database, amount: int) -> None:
    with database.transaction(bank.company_id) as session:
        names = terms.intern(session, ["spent"])
        (no,) = session.sql(
            "SELECT no FROM learners WHERE company_id = %(company)s AND key = %(key)s", {"key": LEARNERS[0]}
        ).fetchone()  # type: ignore[misc]  # there is one
        move = Transfer(CREDITS, holding(no), CONVERTED, amount, no)
        journal.post(session, [Draft(names["spent"], "x", names["spent"], 0, START, [move], learner=no)])


def test_a_displacement_that_nobody_can_pay_for_is_none(programme: Caller, database: Database) -> None:  # noqa: F811
    """The event that would displace is refused for another reason: then nothing happens at all."""
    assert programme.put(f"{P}/courses/tiny", {"name": "x", "kind": "practical", "flowers": 1}).status_code == 201
    flowers = {"key": "flowers", "on": "quick", "award": {"unit": "flowers", "amount": 2}, "when": "data.n < 5"}
    put_rules(programme, rule("quick", 5, first=1), flowers)
    assert post(programme, database, raw(0, 9, course="tiny")) == [5]
    [refused] = record(database, programme.company_id, [parse_event(raw(1, 1, course="tiny"), 0)])
    assert getattr(refused, "slug", None) == "insufficient-funds"
    assert [balance(programme, learner) for learner in range(2)] == [5, 0]
    assert post(programme, database, raw(1, 6, course="tiny")) == [5]
    assert [balance(programme, learner) for learner in range(2)] == [0, 5]


def test_a_cap_that_leaves_nothing_leaves_the_place(programme: Caller, database: Database) -> None:  # noqa: F811
    cap = {"per": "learner", "within": "programme", "amount": 5}
    assert programme.put(f"{P}/courses/skills", {"name": "x", "kind": "practical", "flowers": 1}).status_code == 201
    put_rules(programme, rule("quick", 5, first=1, cap=cap))
    assert post(programme, database, raw(0, 1, course="service"), raw(0, 5, course="skills")) == [5, "cap reached"]
    assert post(programme, database, raw(1, 6, course="skills")) == ["places taken"]
    assert post(programme, database, raw(1, 4, course="skills")) == [5]
    assert_sound(programme, database)


def test_a_place_that_is_given_back_is_for_who_comes_next(programme: Caller, database: Database) -> None:  # noqa: F811
    put_rules(programme, rule("quick", 5, first=1))
    assert post(programme, database, raw(0, 1, "winner"), raw(1, 2)) == [5, "places taken"]
    (winner,) = entries(programme, source="urn:t", key="winner")
    assert programme.post(f"/v1/entries/{winner['id']}/reversal", {"reason": "错"}).status_code == 201
    assert [balance(programme, learner) for learner in range(2)] == [0, 0]  # nobody moves up by it
    assert post(programme, database, raw(2, 3)) == [5]
    assert post(programme, database, raw(1, 2)) == [5]  # and it was earlier still


# (learner, minute) of each event, and after which of them a batch ends.
EVENTS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6)), min_size=1, max_size=14)


def winners(events: Sequence[tuple[int, int]], first: int) -> dict[int, int]:
    """Learner → minute, by the words of the docs: the first event of each, and of these the first N."""
    order = sorted(range(len(events)), key=lambda arrived: (events[arrived][1], arrived))
    won: dict[int, int] = {}
    for arrived in order:
        learner, minute = events[arrived]
        if learner not in won and len(won) < first:
            won[learner] = minute
    return won


@given(events=EVENTS, first=st.integers(1, 3), ends=st.sets(st.integers(1, 13)))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_any_order_of_arrival_gives_the_same_winners(
    programme: Caller,  # noqa: F811
    database: Database,
    events: list[tuple[int, int]],
    first: int,
    ends: set[int],
) -> None:
    """The amount tells which event of a learner it was."""
    key = f"race{next(_ids)}"
    put_rules(programme, {**rule(key, "data.n + 1", first=first), "on": key})
    before = [balance(programme, learner) for learner in range(4)]
    cuts = sorted({0, len(events), *(end for end in ends if end < len(events))})
    for begin, end in itertools.pairwise(cuts):
        post(programme, database, *({**raw(*event), "type": key} for event in events[begin:end]))
    after = [balance(programme, learner) for learner in range(4)]
    won = winners(events, first)
    assert [b - a for a, b in zip(before, after, strict=True)] == [
        won[learner] + 1 if learner in won else 0 for learner in range(4)
    ]
    assert_sound(programme, database)
