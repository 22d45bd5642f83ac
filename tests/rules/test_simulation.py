"""Simulation writes nothing and says what re-evaluation then does: what booking by the version would have done."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger import journal, terms
from ledger.accounts import CONVERTED, CREDITS, holding
from ledger.audit import audit
from ledger.journal import Draft, Transfer
from pointsbank.database import Database
from pointsbank.directory import programmes
from rules import reevaluation, versions
from rules.cloudevent import parse_event
from rules.eligibility import as_of, evaluate
from rules.recording import Recorded, record
from rules.rulebook import parse
from rules.simulation.simulating import simulate
from tests.api.conftest import Caller, app, caller, new_company, programme  # noqa: F401 - fixtures
from tests.api.test_isolation import rows_of
from tests.rules.test_first import LEARNERS, START, P, balance, entries, raw

_ids = itertools.count()
Event = tuple[int, int, str, int]
"""Learner, minute, course, n."""

CERTIFICATES = [
    {
        "key": key,
        "kind": "points",
        "name": {"zh": key, "en": key},
        "criteria": criteria,
    }
    for key, criteria in (
        ("credits", {"fact": "credits", "in": "programme", "at_least": 9}),
        ("flowers", {"fact": "flowers", "in": "course:service", "at_least": 4}),
        ("events", {"fact": "events", "type": "quick", "at_least": 3}),
        ("both", {"all": [{"fact": "certificate", "key": "credits"}, {"fact": "certificate", "key": "events"}]}),
    )
]


def rule(key: str, amount: Any = "data.n", unit: str = "credits", **more: Any) -> dict[str, Any]:
    return {"key": key, "on": "quick", "award": {"unit": unit, "amount": amount}, **more}


def cap(within: str, amount: int) -> dict[str, Any]:
    return {"per": "learner", "within": within, "amount": amount}


def furnish(bank: Caller) -> Caller:
    """The programme of the fixture, of which `quick` events may be of two courses."""
    dates = {"starts_on": "2021-07-01", "ends_on": "2022-06-30"}
    bank.put(P, {"name": "x", **dates, "allotment": 100_000})
    for course in ("service", "skills"):
        bank.put(f"{P}/courses/{course}", {"name": course, "kind": "structured", "flowers": 1_000})
    bank.post("/v1/learners/batch", [{"id": one, "name": one} for one in LEARNERS])
    assert bank.post(f"{P}/enrolments", {"learners": LEARNERS, "from": "2021-07-01"}).status_code == 201
    return bank


def put_draft(bank: Caller, rules: Sequence[dict[str, Any]], certificates: Sequence[dict[str, Any]] = ()) -> None:
    answer = bank.put(f"{P}/rulebook/draft", {"earning": list(rules), "certificates": list(certificates)})
    assert answer.status_code == 200, answer.get_json()


def put_rules(bank: Caller, *rules: dict[str, Any]) -> None:
    put_draft(bank, rules)
    assert bank.post(f"{P}/rulebook/draft/activate").status_code == 200


def post(bank: Caller, database: Database, *raws: dict[str, Any]) -> None:
    results = record(database, bank.company_id, [parse_event(one, index) for index, one in enumerate(raws)])
    assert all(isinstance(result, Recorded) for result in results), results


def simulated(bank: Caller, database: Database) -> dict[str, Any]:
    *_, report = simulate(database, bank.company_id, "2021")
    assert isinstance(report, dict)
    return report


def activate(bank: Caller, database: Database) -> int:
    """In force, and a re-evaluation asked for; the version."""
    with database.transaction(bank.company_id) as session:
        found = programmes.get(session, "2021")
        version: int = versions.activate(session, found.no)["version"]
        reevaluation.ask(session, found, version, None)
    return version


def re_evaluate(bank: Caller, database: Database) -> reevaluation.ReEvaluation:
    version = activate(bank, database)
    for _ in reevaluation.run(database, bank.company_id, "2021", version):
        pass
    return latest(bank, database)


def latest(bank: Caller, database: Database) -> reevaluation.ReEvaluation:
    with database.snapshot(bank.company_id) as session:
        return reevaluation.latest(session, programmes.get(session, "2021").no)


def have(bank: Caller) -> list[dict[str, int]]:
    """What each learner has of each unit."""
    found = []
    for learner in LEARNERS:
        balances = bank.get(f"/v1/learners/{learner}/balances").get_json()["balances"]
        units = {f"{each['unit']} {each.get('course')}": each["balance"] for each in balances}
        found.append({unit: amount for unit, amount in units.items() if amount})
    return found


def qualified(bank: Caller, database: Database, document: dict[str, Any]) -> set[tuple[str, str]]:
    """(certificate, learner) by the ledger as it is."""
    with database.snapshot(bank.company_id) as session:
        keys = dict(session.sql("SELECT no, key FROM learners WHERE company_id = %(company)s").fetchall())
        rulebook, when = parse(document), as_of(session)
        judged = evaluate(session, programmes.get(session, "2021"), rulebook, sorted(keys), when)
    return {(each.rule.key, keys[no]) for no, all_of in judged.items() for each in all_of if each.qualified}


def assert_sound(bank: Caller, database: Database) -> None:
    with database.snapshot(bank.company_id) as session:
        assert list(audit(session)) == []


# --- the property --------------------------------------------------------------------------------------------

EVENTS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 6), st.sampled_from(["service", "skills"]), st.integers(0, 9)),
    min_size=1,
    max_size=14,
)


@st.composite
def rulebooks(draw: st.DrawFn) -> list[dict[str, Any]]:
    keys = draw(st.lists(st.sampled_from("abc"), unique=True, min_size=0, max_size=3))
    rules = []
    for key in keys:
        amount = draw(st.sampled_from(["data.n", "data.n - 2", 3]))
        made = rule(key, amount, draw(st.sampled_from(["credits", "flowers"])))
        if draw(st.booleans()):
            made["when"] = draw(st.sampled_from(["data.n > 3", "data.n < 7"]))
        if draw(st.booleans()):
            made["cap"] = cap(draw(st.sampled_from(["programme", "course", "day"])), draw(st.integers(4, 12)))
        if draw(st.booleans()):
            made["first"] = draw(st.integers(1, 3))
        rules.append(made)
    return rules


def batches(events: Sequence[Event], ends: set[int]) -> Iterator[list[dict[str, Any]]]:
    """An hour's minutes spread over two days."""
    cuts = sorted({0, len(events), *(end for end in ends if end < len(events))})
    for begin, end in itertools.pairwise(cuts):
        yield [
            raw(learner, minute * 360, f"s{begin}-{index}", course=course)
            | {"data": {"programme": "2021", "course": course, "n": n}}
            for index, (learner, minute, course, n) in enumerate(events[begin:end])
        ]


@given(events=EVENTS, ends=st.sets(st.integers(1, 13)), before=rulebooks(), after=rulebooks())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_simulation_re_evaluation_and_booking_agree(
    new_company: Callable[..., Caller],  # noqa: F811
    database: Database,
    events: list[Event],
    ends: set[int],
    before: list[dict[str, Any]],
    after: list[dict[str, Any]],
) -> None:
    bank, other = furnish(new_company()), furnish(new_company())
    put_rules(bank, *before)
    put_rules(other, *after)
    for batch in batches(events, ends):
        post(bank, database, *batch)
        post(other, database, *batch)
    put_draft(bank, after, CERTIFICATES)
    document = bank.get(f"{P}/rulebook/draft").get_json()["document"]
    told = simulated(bank, database)
    had, qualified_before = have(bank), qualified(bank, database, document)
    done = re_evaluate(bank, database)

    assert (done.status, done.corrections) == ("done", told["corrections"])
    assert have(bank) == have(other)
    differences = {each["learner"]: each for each in told["learners"]["items"]}
    for learner, was, now in zip(LEARNERS, had, have(bank), strict=True):
        sums = [sum(amount for unit, amount in each.items() if unit.startswith("credits")) for each in (was, now)]
        if learner in differences:
            assert [differences[learner][when]["credits"] for when in ("before", "after")] == sums
        else:
            assert was == now
    # The version that was in force had no certificates.
    newly = {(each["certificate"], learner) for each in told["certificates"] for learner in each["newly"]}
    assert newly == qualified(bank, database, document)
    assert {each["certificate"]: each["after"] for each in told["certificates"]} == {
        key: sum(one == key for one, _ in newly) for key in ("credits", "flowers", "events", "both")
    }
    assert {key for key, _ in qualified_before ^ newly} <= {
        "credits",
        "flowers",
        "both",
    }  # events are counted as before
    # What is in force now changes nothing any more.
    put_draft(bank, after)
    again = simulated(bank, database)
    assert (again["corrections"], again["learners"]["total"]) == (0, 0)
    assert all(each["before"] == each["after"] for each in again["rules"])
    assert_sound(bank, database)


# --- by hand -------------------------------------------------------------------------------------------------


@pytest.fixture
def bank(new_company: Callable[..., Caller]) -> Caller:  # noqa: F811
    return furnish(new_company())


def test_nothing_is_written(bank: Caller, database: Database, database_url: str) -> None:
    put_rules(bank, rule("a"), rule("b", 2, "flowers", first=2))
    post(bank, database, *(raw(n % 4, n, course="service") for n in range(12)))
    put_draft(bank, [rule("a", "data.n * 2"), rule("c", 3, "flowers", first=1)], CERTIFICATES)
    before = rows_of(database_url, bank.company_id)
    told = simulated(bank, database)
    assert told["corrections"] == 12
    assert rows_of(database_url, bank.company_id) == before
    with database.snapshot(bank.company_id) as session:  # on the same connection: the real tables are back
        (row,) = session.sql("SELECT count(*) AS n, max(number) AS last FROM entries WHERE company_id = %(company)s")
        assert row.n == row.last == told["as_of"]
        assert session.sql("SELECT 1 FROM pg_class WHERE relname LIKE 'hypothetical%%'").fetchall() == []


def test_nobody_waits_for_a_simulation(bank: Caller, database: Database) -> None:
    put_rules(bank, rule("a"))
    post(bank, database, raw(0, 5, course="service"))
    put_draft(bank, [rule("a", 1)], CERTIFICATES)
    steps = simulate(database, bank.company_id, "2021")
    next(steps)
    post(bank, database, raw(1, 6, course="service"))  # would wait for the journal's lock, and fail
    *_, told = steps
    assert isinstance(told, dict)
    assert told["events"] == 1


def test_what_simulation_tells(bank: Caller, database: Database) -> None:
    put_rules(bank, rule("a"), rule("gone", 1))
    post(bank, database, raw(0, 9, course="service"), raw(1, 2, course="service"))
    put_draft(bank, [rule("new", 5, "flowers", first=1), rule("a", "data.n + 1")], CERTIFICATES)
    told = simulated(bank, database)
    none = {"entries": 0, "credits": 0, "flowers": 0}
    assert (told["version"], told["against"], told["events"], told["corrections"]) == (2, 1, 2, 2)
    assert told["distribution"] == [
        {
            "unit": "credits",
            "least": 3,
            "step": 1,
            "before": [1, 0, 0, 0, 0, 0, 0, 1],
            "after": [1, 0, 0, 0, 0, 0, 0, 1],
        },
        {"unit": "flowers", "least": 0, "step": 1, "before": [1, 0, 0, 0, 0, 0], "after": [0, 0, 0, 0, 0, 1]},
    ]
    assert told["rules"] == [
        {"rule": "new", "before": none, "after": {"entries": 1, "credits": 0, "flowers": 5}},
        {
            "rule": "a",
            "before": {"entries": 2, "credits": 11, "flowers": 0},
            "after": {"entries": 2, "credits": 13, "flowers": 0},
        },
        {"rule": "gone", "before": {"entries": 2, "credits": 2, "flowers": 0}, "after": none},
    ]
    assert told["learners"]["items"] == [
        {
            "learner": LEARNERS[1],
            "corrections": 1,
            "before": {"entries": 2, "credits": 3, "flowers": 0},
            "after": {"entries": 2, "credits": 3, "flowers": 5},
        },
        {
            "learner": LEARNERS[0],
            "corrections": 1,
            "before": {"entries": 2, "credits": 10, "flowers": 0},
            "after": {"entries": 1, "credits": 10, "flowers": 0},
        },
    ]
    (flowers,) = [each for each in told["certificates"] if each["certificate"] == "flowers"]
    assert (flowers["newly"], flowers["no_longer"], flowers["after"]) == ([LEARNERS[1]], [], 1)


def test_a_correction_says_what_and_why(bank: Caller, database: Database) -> None:
    put_rules(bank, rule("a"), rule("b", 2))
    post(bank, database, raw(0, 9, "one", course="service", reason="及时"))
    put_draft(bank, [rule("a", 4)])
    re_evaluate(bank, database)
    stand_in, reversal, original = entries(bank, learner=LEARNERS[0])
    assert stand_in["reason"] == "Re-evaluated by version 2 of the rulebook: a 4 instead of 9; b nothing instead of 2"
    assert (stand_in["rulebook_version"], reversal["rulebook_version"]) == (2, 1)
    assert (stand_in["kind"], stand_in["data"], stand_in["occurred_at"]) == (
        original["kind"],
        original["data"],
        original["occurred_at"],
    )
    put_draft(bank, [rule("z", 4, when="false")])
    re_evaluate(bank, database)
    nothing = entries(bank, learner=LEARNERS[0])[0]
    assert (nothing["key"], nothing["transfers"], nothing["note"]) == (
        f"{original['number']}/2",
        [],
        "no rule gives anything",
    )
    assert_sound(bank, database)


def test_what_was_withdrawn_stays_withdrawn_and_the_next_in_line_moves_up(bank: Caller, database: Database) -> None:
    put_rules(bank, rule("a", 5, first=1))
    post(bank, database, raw(0, 1, "winner", course="service"), raw(1, 2, course="service"))
    (winner,) = entries(bank, source="urn:t", key="winner")
    assert bank.post(f"/v1/entries/{winner['id']}/reversal", {"reason": "错"}).status_code == 201
    assert [balance(bank, n) for n in range(2)] == [0, 0]
    put_draft(bank, [rule("a", 5, first=1)])
    told = simulated(bank, database)
    assert [each["learner"] for each in told["learners"]["items"]] == [LEARNERS[1]]
    re_evaluate(bank, database)
    assert [balance(bank, n) for n in range(2)] == [0, 5]
    # Whoever reverses what stands in for an event withdraws the event.
    stand_in = entries(bank, learner=LEARNERS[1])[0]
    assert bank.post(f"/v1/entries/{stand_in['id']}/reversal", {"reason": "错"}).status_code == 201
    put_draft(bank, [rule("a", 7, first=1)])
    assert simulated(bank, database)["events"] == 0


def test_places_are_those_of_the_new_version_from_then_on(bank: Caller, database: Database) -> None:
    put_rules(bank, rule("a", 5))
    post(bank, database, *(raw(n, 10 + n, course="service") for n in range(3)))
    put_draft(bank, [rule("a", 5, first=2)])
    re_evaluate(bank, database)
    assert [balance(bank, n) for n in range(4)] == [5, 5, 0, 0]
    post(bank, database, raw(3, 30, course="service"))
    assert [balance(bank, n) for n in range(4)] == [5, 5, 0, 0]
    post(bank, database, raw(3, 5, course="service"))
    assert [balance(bank, n) for n in range(4)] == [5, 0, 0, 5]


def spend(bank: Caller, database: Database, learner: int, amount: int) -> None:
    with database.transaction(bank.company_id) as session:
        names = terms.intern(session, ["spent"])
        row = session.sql(
            "SELECT no FROM learners WHERE company_id = %(company)s AND key = %(key)s", {"key": LEARNERS[learner]}
        ).fetchone()
        assert row is not None
        move = Transfer(CREDITS, holding(row.no), CONVERTED, amount, row.no)
        journal.post(
            session, [Draft(names["spent"], f"x{next(_ids)}", names["spent"], 0, START, [move], learner=row.no)]
        )


def test_who_cannot_pay_is_left_as_is_and_keeps_the_place(bank: Caller, database: Database) -> None:
    put_rules(bank, rule("a", 5, first=1), rule("b", 2))
    post(bank, database, raw(0, 1, "early", course="service"), raw(0, 2, course="service"), raw(1, 3, course="service"))
    spend(bank, database, 0, 8)
    assert [balance(bank, n) for n in range(2)] == [1, 2]
    # Who was first would be another one; and what the learner has does not cover what is to be taken back.
    put_draft(bank, [rule("a", 5, first=1, when="data.n > 2"), rule("b", 1)])
    told = simulated(bank, database)
    assert told["short"] == {
        "total": 1,
        "items": [
            {
                "learner": LEARNERS[0],
                "account": f"holding:{LEARNERS[0]}",
                "unit": "credits",
                "available": 1,
                "required": 7,
            }
        ],
    }
    assert [each["learner"] for each in told["learners"]["items"]] == [LEARNERS[1]]
    done = re_evaluate(bank, database)
    assert done.report is not None
    assert done.report["short"] == told["short"]
    assert [balance(bank, n) for n in range(2)] == [1, 1]  # the place is taken
    assert_sound(bank, database)


def test_a_pool_that_runs_short_gives_to_some_and_to_the_others_nothing(bank: Caller, database: Database) -> None:
    bank.put(f"{P}/courses/tiny", {"name": "x", "kind": "practical", "flowers": 10})
    put_rules(bank, rule("a", 2, "flowers"), rule("gone", 1, "flowers", when="data.n == 1"))
    post(bank, database, *(raw(n, n, course="tiny") for n in range(4)))
    put_draft(bank, [rule("a", 3, "flowers"), rule("extra", 1, "flowers", when="data.n > 0")])
    told = simulated(bank, database)
    # 9 of 10 are given. Learner 0 takes 1, learner 1 takes 1, which is what is left with nobody giving back.
    re_evaluate(bank, database)
    given = [balance(bank, n) for n in range(4)]
    assert sum(given) <= 10
    assert [each["account"] for each in told["short"]["items"]] == ["pool:course:tiny"] * told["short"]["total"]
    short = {each["learner"] for each in told["short"]["items"]}
    assert given == [(2 + (n == 1)) if LEARNERS[n] in short else (3 + (n > 0)) for n in range(4)]
    assert 0 < len(short) < 4
    assert_sound(bank, database)


def test_closed_courses_and_what_no_rule_can_judge_are_left_alone(bank: Caller, database: Database) -> None:
    put_rules(bank, rule("a", 5, cap=cap("programme", 12)))
    post(bank, database, raw(0, 1, course="service"), raw(0, 2, "odd", course="skills"), raw(0, 3, course="skills"))
    assert bank.post(f"{P}/courses/service/close").status_code == 200
    put_draft(bank, [rule("a", "data.n == 2 ? data.nothing : 9", cap=cap("programme", 12))])
    told = simulated(bank, database)
    assert told["courses_left_alone"] == [{"course": "service", "events": 1}]
    (failure,) = told["failures"]["items"]
    (odd,) = entries(bank, source="urn:t", key="odd")
    assert (failure["entry_id"], failure["rule"]) == (odd["id"], "a")
    assert "data.nothing is missing" in failure["reason"]
    re_evaluate(bank, database)
    assert balance(bank, 0) == 12  # 5 and 5 stay, and count
    assert_sound(bank, database)
