"""Recording: caps, places, versions, retries, and threads that race, each against the ledger."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ledger import entries
from pointsbank.database import Database
from pointsbank.directory import version
from pointsbank.errors import PointsBankError
from rules import known
from rules.cloudevent import parse_event
from rules.recording import Recorded, Result, Turnstile, record
from rules.showing import shown
from tests.api.conftest import Caller, app, caller, new_company, programme  # noqa: F401 - fixtures

P = "/v1/programmes/2021"
LEARNERS = ("20210001", "20210002", "20210003", "20210004")


def rule(key: str, amount: Any = "data.n", unit: str = "credits", **more: Any) -> dict[str, Any]:
    """Of events of the type that is its key."""
    return {"key": key, "on": key, "award": {"unit": unit, "amount": amount}, **more}


def cap(within: str, amount: int) -> dict[str, Any]:
    return {"cap": {"per": "learner", "within": within, "amount": amount}}


RULES = [
    rule("plain"),
    rule("flowers", unit="flowers"),
    rule("in-programme", **cap("programme", 10)),
    rule("in-course", **cap("course", 10)),
    rule("in-day", **cap("day", 10)),
    rule("quick", 5, first=3),
]


def put_rules(bank: Caller, rules: list[dict[str, Any]]) -> None:
    assert bank.put(f"{P}/rulebook/draft", {"earning": rules}).status_code == 200
    assert bank.post(f"{P}/rulebook/draft/activate").status_code == 200


@pytest.fixture
def bank(programme: Caller) -> Caller:  # noqa: F811
    """With these rules, and a second course."""
    programme.put(f"{P}/courses/skills", {"name": "技能", "kind": "practical", "flowers": 10})
    put_rules(programme, RULES)
    return programme


def raw(kind: str, n: int = 1, key: str = "", at: str = "2021-09-01T08:00:00+08:00", **more: Any) -> dict[str, Any]:
    subject = more.pop("subject", LEARNERS[0])
    data = {"programme": "2021", "n": n, **more}
    identity = key or f"{kind}-{n}-{at}-{subject}-{sorted(more.items())}"
    head = {"specversion": "1.0", "id": identity, "source": "urn:t", "type": kind}
    return head | {"subject": subject, "time": at, "data": data}


def post(bank: Caller, database: Database, *raws: dict[str, Any]) -> list[Result]:
    return record(database, bank.company_id, [parse_event(one, index) for index, one in enumerate(raws)])


def given(bank: Caller, results: list[Result]) -> list[Any]:
    """What each event gave in all, or why it gave nothing."""
    answers: list[Any] = []
    for result in results:
        if not isinstance(result, Recorded):
            answers.append(result.slug)
        elif result.judged is None:
            answers.append(result.status)
        else:
            draft = result.judged.draft
            answers.append(sum(one.amount for one in draft.transfers) or draft.note)
    return answers


SAME, LATE = "2021-09-01T23:59:59+08:00", "2021-09-02T00:00:00+08:00"
CAPS: tuple[tuple[str, list[tuple[int, dict[str, Any]]], list[Any]], ...] = (
    ("in-programme", [(7, {}), (2, {}), (5, {}), (1, {})], [7, 2, 1, "cap reached"]),
    ("in-programme", [(12, {}), (1, {"at": LATE, "course": "service"})], [10, "cap reached"]),
    ("in-programme", [(9, {}), (9, {"subject": LEARNERS[1]})], [9, 9]),
    ("in-course", [(9, {"course": "service"}), (9, {"course": "skills"}), (9, {"course": "service"})], [9, 9, 1]),
    # The day is the programme's: these are one day in UTC and two in Shanghai.
    ("in-day", [(9, {"at": SAME}), (9, {"at": LATE}), (9, {"at": SAME, "subject": LEARNERS[1]})], [9, 9, 9]),
    ("in-day", [(9, {"at": SAME}), (9, {"at": "2021-09-01T00:00:00+08:00"})], [1, 9]),
)


@pytest.mark.parametrize("together", [True, False], ids=["one batch", "one by one"])
@pytest.mark.parametrize(("kind", "steps", "expected"), CAPS)
def test_caps(
    bank: Caller, database: Database, kind: str, steps: list[tuple[int, Any]], expected: list[Any], together: bool
) -> None:
    raws = [raw(kind, n, key=f"k{index}", **more) for index, (n, more) in enumerate(steps)]
    if together:
        results = post(bank, database, *raws)
    else:
        results = [post(bank, database, one)[0] for one in raws]
        expected = [9, 1] if expected == [1, 9] else expected  # in a batch, what happened first goes first
    assert given(bank, results) == expected
    assert given(bank, post(bank, database, *raws)) == ["duplicate"] * len(raws)


def test_a_reversal_frees_what_a_cap_has_used(bank: Caller, database: Database) -> None:
    (first,) = post(bank, database, raw("in-programme", 8))
    assert isinstance(first, Recorded)
    reverse(bank, first)
    assert given(bank, post(bank, database, raw("in-programme", 9))) == [9]


def reverse(bank: Caller, result: Recorded) -> None:
    assert result.judged is not None
    entry = shown(bank.company_id, result, result.judged)
    assert bank.post(f"/v1/entries/{entry['id']}/reversal", {"reason": "错"}).status_code == 201


def test_first_within_a_batch_goes_by_time_and_is_freed_by_reversal(bank: Caller, database: Database) -> None:
    at = [f"2021-09-0{day}T08:00:00+08:00" for day in (4, 1, 3, 2)]
    raws = [raw("quick", 1, at=at[n], subject=LEARNERS[n]) for n in range(4)]
    results = post(bank, database, *raws)
    assert given(bank, results) == ["places taken", 5, 5, 5]
    again = raw("quick", 2, at=at[1], subject=LEARNERS[1])
    assert given(bank, post(bank, database, again)) == ["places taken"]  # a learner has one place
    assert isinstance(results[1], Recorded)
    reverse(bank, results[1])
    assert given(bank, post(bank, database, raw("quick", 3, at=at[0], subject=LEARNERS[0]))) == [5]
    assert given(bank, post(bank, database, raw("quick", 4, at=at[0], subject=LEARNERS[1]))) == ["places taken"]


def test_first_3_of_50_threads(bank: Caller, database: Database) -> None:
    ids = [f"r{n:02}" for n in range(50)]
    assert bank.post("/v1/learners/batch", [{"id": one, "name": one} for one in ids]).status_code == 200
    assert bank.post(f"{P}/enrolments", {"learners": ids}).status_code == 201
    turnstile = Turnstile(database)
    start = threading.Barrier(10)

    def race(part: int) -> list[Any]:
        start.wait()
        mine = [parse_event(raw("quick", subject=one), 0) for one in ids[part::10]]
        return given(bank, [turnstile.record(bank.company_id, one) for one in mine])

    with ThreadPoolExecutor(10) as pool:
        answers = [answer for part in pool.map(race, range(10)) for answer in part]
    assert sorted(map(str, answers)) == ["5"] * 3 + ["places taken"] * 47


def test_turnstile_books_each_event_once_for_16_threads(bank: Caller, database: Database) -> None:
    turnstile = Turnstile(database)
    start = threading.Barrier(16)

    def storm(_: int) -> list[Result]:
        start.wait()
        return [turnstile.record(bank.company_id, parse_event(raw("plain", n), 0)) for n in range(1, 11)]

    with ThreadPoolExecutor(16) as pool:
        answers = [one for part in pool.map(storm, range(16)) for one in part]
    statuses = [one.status for one in answers if isinstance(one, Recorded)]
    assert (statuses.count("booked"), statuses.count("duplicate")) == (10, 150)
    assert bank.get("/v1/learners/20210001/balances").get_json()["balances"][0]["balance"] == 55


def test_an_event_is_judged_by_the_version_in_force(bank: Caller, database: Database) -> None:
    post(bank, database, raw("plain", 1))
    put_rules(bank, [rule("plain", 100)])
    results = post(bank, database, raw("plain", 2), raw("quick"))
    assert given(bank, results) == [100, "no rule matched"]
    versions = [entry["rulebook_version"] for entry in bank.get("/v1/entries?source=urn:t").get_json()["items"]]
    assert versions == [2, 2, 1]


SHORTER = {"name": "x", "kind": "practical", "flowers": 1_000, "closes_on": "2021-08-01"}
RETRIED = (
    ("the learner has left", "/v1/learners/20210001", {"name": "李雷", "left_on": "2021-08-01"}),
    ("the course ends before", f"{P}/courses/service", SHORTER),
)


@pytest.mark.parametrize(("path", "body"), [each[1:] for each in RETRIED], ids=[each[0] for each in RETRIED])
def test_a_retry_is_a_duplicate_whatever_has_changed(
    bank: Caller, database: Database, path: str, body: dict[str, Any]
) -> None:
    event = raw("plain", 5, key="before", course="service")
    (first,) = post(bank, database, event)
    changed = bank.put(path, body)
    assert changed.status_code == 200, changed.get_json()
    late = raw("plain", 6, key="after", course="service")
    again, other, refused = post(bank, database, event, event | {"subject": LEARNERS[1]}, late)
    assert isinstance(first, Recorded)
    assert isinstance(again, Recorded)
    assert (again.status, again.number) == ("duplicate", first.number)
    assert isinstance(other, PointsBankError)
    assert (other.slug, other.status) == ("key-conflict", 409)
    assert isinstance(refused, PointsBankError)
    assert refused.status == 422


def test_a_retry_is_a_duplicate_in_a_worker_that_remembers_nothing(bank: Caller, database: Database) -> None:
    event = raw("plain", 5, course="service")
    (first,) = post(bank, database, event)
    with database.transaction(bank.company_id) as session:
        version.change(session)
        session.sql("UPDATE courses SET closed_at = now() WHERE company_id = %(company)s AND key = 'service'")
    known._known.clear()
    again, late = post(bank, database, event, raw("plain", 6, course="service"))
    assert isinstance(first, Recorded)
    assert isinstance(again, Recorded)
    assert (again.status, again.number) == ("duplicate", first.number)
    assert isinstance(late, PointsBankError)
    assert late.slug == "closed"


def test_what_is_remembered_is_never_booked_by(bank: Caller, database: Database) -> None:
    """One enrols, another posts: a post that begins after the enrolment was answered is taken."""
    ids = [f"n{n:02}" for n in range(20)]
    bank.post("/v1/learners/batch", [{"id": one, "name": one} for one in ids])
    for n, one in enumerate(ids):
        event = raw("plain", subject=one)
        (before,) = post(bank, database, event)
        assert isinstance(before, PointsBankError), n
        assert bank.post(f"{P}/enrolments", {"learners": [one]}).status_code == 201
        (after,) = post(bank, database, event)
        assert isinstance(after, Recorded), n


def test_directory_changed_by_others_while_posting(bank: Caller, database: Database) -> None:
    """Whoever has left when an event is booked is refused: the journal's order tells."""
    stop = threading.Event()
    refused: list[Result] = []

    def posting() -> None:
        n = 0
        while not stop.is_set():
            n += 1
            refused.extend(r for r in post(bank, database, raw("plain", n)) if isinstance(r, PointsBankError))

    thread = threading.Thread(target=posting)
    thread.start()
    for n in range(20):
        assert bank.put("/v1/learners/20210002", {"name": f"名{n}"}).status_code == 200
    left = bank.put("/v1/learners/20210001", {"name": "李雷", "left_on": "2021-08-01"})
    booked_by_then = len(bank.get("/v1/entries?kind=plain&limit=500").get_json()["items"])
    assert left.status_code == 200
    stop.set()
    thread.join()
    assert len(bank.get("/v1/entries?kind=plain&limit=500").get_json()["items"]) == booked_by_then
    assert {error.errors[0][0] for error in refused if isinstance(error, PointsBankError)} <= {"subject"}


def test_a_pool_that_runs_short_refuses_in_order(bank: Caller, database: Database) -> None:
    raws = [raw("flowers", n, course="skills", subject=LEARNERS[n % 4]) for n in (4, 5, 3, 1)]
    assert given(bank, post(bank, database, *raws)) == [4, 5, "insufficient-funds", 1]
    assert given(bank, post(bank, database, *raws)) == ["duplicate", "duplicate", "insufficient-funds", "duplicate"]


def test_what_a_short_pool_refuses_uses_up_no_cap(
    bank: Caller, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it take a transaction for each: a programme that has given all away is sent whole batches."""
    rules = [rule("capped", unit="flowers", **cap("programme", 5)), rule("roomy", unit="flowers", **cap("day", 9_000))]
    put_rules(bank, [*rules, rule("swift", 5, "flowers", first=1)])
    runs = 0
    run = database.run

    def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal runs
        runs += 1
        return run(*args, **kwargs)

    monkeypatch.setattr(database, "run", counted)
    steps = (("capped", 4, 0), ("capped", 5, 1), ("capped", 5, 2), ("capped", 2, 2), *[("roomy", 4, 3)] * 200)
    raws = [
        raw(kind, n, key=f"short-{index}", course="skills", subject=LEARNERS[who])
        for index, (kind, n, who) in enumerate((*steps, ("capped", 1, 2)))
    ]
    expected = [4, 5, *["insufficient-funds"] * 202, 1]
    assert given(bank, post(bank, database, *raws)) == expected
    assert runs <= 4
    assert given(bank, post(bank, database, *raws)) == [*["duplicate"] * 2, *["insufficient-funds"] * 202, "duplicate"]
    swift = [raw("swift", course="skills", subject=LEARNERS[who], at=at) for who, at in ((1, SAME), (2, LATE))]
    assert given(bank, post(bank, database, *swift)) == ["insufficient-funds"] * 2
    assert given(bank, post(bank, database, swift[1])) == ["insufficient-funds"]


def test_a_bad_event_stops_no_other(bank: Caller, database: Database) -> None:
    raws = [raw("plain", n) for n in range(1, 8)]
    raws[2]["data"]["n"] = 2**53
    raws[4]["subject"] = "nobody"
    raws[5]["data"]["programme"] = "1999"
    raws[6]["data"]["course"] = "nothing"
    assert given(bank, post(bank, database, *raws)) == [1, 2, "validation", 4, "validation", "validation", "validation"]


@pytest.mark.parametrize("allotment", [100_000, None], ids=["limited", "unlimited"])
def test_what_is_shown_is_what_is_loaded(
    caller: Caller,  # noqa: F811
    database: Database,
    allotment: int | None,
    new_company: Callable[..., Caller],  # noqa: F811
) -> None:
    dates = {"starts_on": "2021-07-01", "ends_on": "2022-06-30"}
    for path, body in (
        (P, {"name": "x", **dates, "allotment": allotment}),
        (f"{P}/courses/service", {"name": "x", "kind": "practical", "flowers": 100}),
        ("/v1/learners/20210001", {"name": "李雷"}),
        ("/v1/learners/20210002", {"name": "单人"}),
        (f"{P}/teams/a", {"name": "一组", "members": ["20210001"]}),
    ):
        assert caller.put(path, body).status_code == 201
    caller.post(f"{P}/enrolments", {"learners": ["20210002"]})
    put_rules(caller, [*RULES, rule("both"), rule("both-flowers", 2, "flowers") | {"on": "both"}])
    results = post(
        caller,
        database,
        raw("plain", 3, reason="及时"),
        raw("flowers", 3, course="service"),
        raw("both", 3, course="service", subject="20210002"),
        raw("unknown", 3),
        raw("plain", 0),
        raw("in-programme", 12),
        raw("in-programme", 1),
    )
    assert given(caller, results) == [3, 3, 5, "no rule matched", "amount 0", 10, "cap reached"]
    for result in results:
        assert isinstance(result, Recorded)
        assert result.judged is not None
        with database.snapshot(caller.company_id) as session:
            (loaded,) = entries.load(session, [result.number])
        assert shown(caller.company_id, result, result.judged) == loaded
    assert (results[0].judged.draft.team is None, results[2].judged.draft.team is None) == (False, True)  # type: ignore[union-attr]  # checked above
