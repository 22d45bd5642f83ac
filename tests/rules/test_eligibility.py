"""Facts found in the ledger: what each counts, the entries it rests on, reversals, the cut-off, certificates."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import psycopg
import pytest

from ledger import balances, entries
from ledger.identity import number_of
from pointsbank import company, embedded, keys
from pointsbank.database import Database, Session
from pointsbank.directory import programmes
from pointsbank.errors import Invalid
from pointsbank.matches import settling
from rules import eligibility
from rules.eligibility import AsOf, Eligibility
from rules.explanation import MAX_ENTRIES_SHOWN, Explanation, with_ids
from rules.rulebook import parse
from tests.api.conftest import Caller, app, caller, new_company, programme  # noqa: F401 - fixtures

P = "/v1/programmes/2021"
RULES = [
    {"key": "scored", "on": "test", "award": {"unit": "credits", "amount": "data.n"}},
    {"key": "helped", "on": "helped", "award": {"unit": "credits", "amount": "data.n"}},
    {"key": "bloom", "on": "bloom", "award": {"unit": "flowers", "amount": "data.n"}},
]
CUT_OFF = datetime(2022, 1, 1, tzinfo=UTC)
A1, A2, B1, B2 = (f"2021000{n}" for n in range(1, 5))


def event(key: str, kind: str, learner: str, day: str, **data: Any) -> dict[str, Any]:
    data = {"programme": "2021", **data}
    head = {"specversion": "1.0", "id": key, "source": "urn:t", "type": kind, "subject": learner}
    return head | {"time": f"{day}T08:00:00+08:00", "data": data}


SERVICE = {"course": "service"}
# fmt: off
EVENTS = [
    event("t1",  "test",               A1, "2021-08-31", n=20, score=55, **SERVICE),
    event("t2",  "test",               A1, "2021-09-01", n=30, score=72.5, **SERVICE),
    event("t3",  "test",               A1, "2021-09-02", n=5, score=90, course="skills"),
    event("t4",  "test",               A1, "2021-10-02", n=9, score=99, **SERVICE),      # reversed
    event("t5",  "test",               A1, "2022-02-01", n=1000, score=100, **SERVICE),  # after the cut-off
    event("h1",  "helped",             A1, "2021-09-03", n=0, hours=2.5),
    event("h2",  "helped",             A1, "2021-09-04", n=4, hours=0.1),
    event("h3",  "helped",             A1, "2021-09-05", n=0, hours="long"),
    event("f1",  "bloom",              A1, "2021-09-06", n=3, **SERVICE),
    event("f2",  "bloom",              A1, "2021-09-06", n=4, course="skills"),
    event("p1",  "attendance.present", A1, "2021-09-07", **SERVICE),
    event("p2",  "attendance.present", A1, "2021-09-08", course="skills"),
    event("p3",  "attendance.late",    A1, "2021-09-09", **SERVICE),
    event("p4",  "attendance.absent",  A1, "2021-09-10", **SERVICE),
    event("p5",  "attendance.absent",  A1, "2021-09-11", **SERVICE),                     # reversed
    event("s1",  "safety.present",     A1, "2021-09-12"),
    event("v1",  "verdict",            A2, "2021-09-12", passed=True, **SERVICE),
    event("v2",  "verdict",            A2, "2021-09-13", passed=False, score=88, **SERVICE),
    event("c1",  "helped",             B1, "2021-09-14", n=100, hours=1),
]
REVERSED = ("t4", "p5")

FACTS: list[tuple[str, dict[str, Any], Any, Any, Any, str]] = [
    # Who, what, required, found, missing, and the events it rests on.
    (A1, {"fact": "credits", "in": "programme", "at_least": 60},                 60, 59, 1,     "t1 t2 t3 h2"),
    (A1, {"fact": "credits", "in": "company", "at_least": 59},                   59, 59, 0,     "t1 t2 t3 h2"),
    (A1, {"fact": "credits", "in": "phase:summer", "at_least": 25},              25, 20, 5,     "t1"),
    (A1, {"fact": "credits", "in": "phase:autumn", "at_least": 25},              25, 39, 0,     "t2 t3 h2"),
    (B2, {"fact": "credits", "in": "programme", "at_least": 60},                 60, 1, 59,     "pk/prize"),
    (A2, {"fact": "credits", "in": "programme", "at_least": 60},                 60, 0, 60,     ""),
    (A2, {"fact": "credits", "in": "programme", "at_least": 0},                  0, 0, 0,       ""),
    (A1, {"fact": "flowers", "in": "course:service", "at_least": 7},             7, 5, 2,       "f1 team one"),
    (A1, {"fact": "flowers", "in": "programme", "at_least": 9},                  9, 9, 0,       "f1 f2 team one"),
    (A1, {"fact": "passed", "in": "course:service"},                             60, 72.5, 0,   "t2"),
    (A1, {"fact": "passed", "in": "course:service", "at_least": 80.25},          80.25, 72.5, 7.75, "t2"),
    (A1, {"fact": "passed", "in": "course:service", "type": "quiz"},             60, None, 60,  ""),
    (A2, {"fact": "passed", "in": "course:service"},                             60, 60, 0,     "v1"),
    (A2, {"fact": "passed", "in": "course:service", "at_least": 60},             60, 88, 0,     "v2"),
    (A1, {"fact": "attendance", "in": "programme", "at_least": 75},              3, 2, 1,       "p1 p2 p3 p4"),
    (A1, {"fact": "attendance", "in": "programme", "at_least": 50},              2, 2, 0,       "p1 p2 p3 p4"),
    (A1, {"fact": "attendance", "in": "programme", "at_least": 50.01},           3, 2, 1,       "p1 p2 p3 p4"),
    (A1, {"fact": "attendance", "in": "course:service", "at_least": 33.3},       1, 1, 0,       "p1 p3 p4"),
    (A1, {"fact": "attendance", "in": "programme", "type": "safety", "at_least": 100}, 1, 1, 0, "s1"),
    (B2, {"fact": "attendance", "in": "programme", "at_least": 80},              1, 0, 1,       ""),
    (A1, {"fact": "events", "type": "helped", "at_least": 4},                    4, 3, 1,       "h1 h2 h3"),
    (A1, {"fact": "events", "type": "test", "in": "course:service", "at_least": 2}, 2, 2, 0,    "t1 t2"),
    (A1, {"fact": "events", "type": "helped", "sum": "hours", "at_least": 2.7},  2.7, 2.6, 0.1, "h1 h2"),
    (A1, {"fact": "events", "type": "helped", "sum": "hours", "at_least": 2.6},  2.6, 2.6, 0,   "h1 h2"),
    (A1, {"fact": "events", "type": "never", "at_least": 1},                     1, 0, 1,       ""),
    (A1, {"fact": "award", "at_least": 3},                                       3, 2, 1,       "team one"),
    (A1, {"fact": "award", "role": "committee", "in": "course:service"},         1, 1, 0,       "team"),
    (A1, {"fact": "award", "role": "mentor"},                                    1, 0, 1,       ""),
    (A1, {"fact": "award", "in": "course:skills"},                               1, 0, 1,       ""),
    (B1, {"fact": "team_rank", "in": "programme", "at_most": 1},                 1, 1, 0,       "c1 pk/prize"),
    (A1, {"fact": "team_rank", "in": "programme", "at_most": 1},                 1, 2, 1,       ""),
    (A1, {"fact": "team_rank", "in": "programme", "at_most": 2},                 2, 2, 0,       "t1 t2 t3 h2"),
    (A1, {"fact": "team_rank", "in": "course:service", "at_most": 1},            1, 1, 0,       "t1 t2"),
    (A1, {"fact": "team_rank", "in": "course:service", "unit": "flowers", "at_most": 1}, 1, 1, 0, "f1 team one"),
    (A1, {"fact": "team_rank", "in": "programme", "score": "mean", "at_most": 1}, 1, 2, 1,      ""),
    (B2, {"fact": "match_won"},                                                  1, 1, 0,       "pk"),
    (B2, {"fact": "match_won", "at_least": 2},                                   2, 1, 1,       "pk"),
    (B2, {"fact": "match_won", "key": "other"},                                  1, 0, 1,       ""),
    (A1, {"fact": "match_won", "key": "pk"},                                     1, 0, 1,       ""),
]
# fmt: on
TIME = {"time": "2021-09-20T08:00:00+08:00"}
PK = {
    "name": "PK",
    "teams": ["a", "b"],
    "unit": "credits",
    "starts_at": "2021-09-14T00:00:00+08:00",
    "ends_at": "2021-09-15T00:00:00+08:00",
    "prize": {"unit": "credits", "amount": 1},
}


def put_everything(bank: Caller, database: Database) -> None:
    directory = {"name": "2021届", "starts_on": "2021-07-01", "ends_on": "2022-06-30", "allotment": 100_000}
    phases = [("summer", "2021-07-01", "2021-08-31"), ("autumn", "2021-09-01", "2021-12-31")]
    directory["phases"] = [{"key": k, "name": k, "starts_on": s, "ends_on": e} for k, s, e in phases]
    assert bank.put(P, directory).status_code == 200
    bank.put(f"{P}/courses/skills", {"name": "技能", "kind": "practical", "flowers": 100})
    bank.put(f"{P}/rulebook/draft", {"earning": RULES})
    assert bank.post(f"{P}/rulebook/draft/activate").status_code == 200
    answer = bank.events(EVENTS).json
    assert answer["rejected"] == 0, answer
    for key in REVERSED:
        reverse(bank, key)
    for role, awarder in (("committee", "zhao"), ("trainer", "li")):
        body = {"name": awarder, "role": role, "allowances": {"service": 10}}
        assert bank.put(f"{P}/awarders/{awarder}", body).status_code == 201
    award = {"programme": "2021", "course": "service", "unit": "flowers", "amount": 1, "reason": "好", **TIME}
    for key, to in (("team", {"awarder": "zhao", "team": "a"}), ("one", {"awarder": "li", "learner": A1})):
        assert bank.post("/v1/awards", {**award, **to}, headers={"Idempotency-Key": key}).status_code == 201
    assert bank.put(f"{P}/matches/pk", PK).status_code == 201
    settling.settle_due(database)


def reverse(bank: Caller, key: str) -> None:
    [found] = bank.get(f"/v1/entries?source=urn:t&key={key}").json["items"]
    assert bank.post(f"/v1/entries/{found['id']}/reversal", {"reason": "错"}).status_code == 201


@pytest.fixture(scope="module")
def bank(app: Any, database: Database, request: pytest.FixtureRequest) -> Caller:  # noqa: F811
    """One for all that only read."""
    made = Caller(app, company.create(database, f"facts-{id(request)}"), "", "")
    made.key = keys.create(database, made.company_id, "test", ["admin"])
    programme.__wrapped__(made)  # type: ignore[attr-defined]  # pytest's fixture of one test, for a module
    put_everything(made, database)
    return made


def judge(
    session: Session, criteria: dict[str, Any], learner: str, cut_off: datetime = CUT_OFF, **more: Any
) -> Eligibility:
    certificate = {"key": "it", "kind": "points", "name": {"zh": "证", "en": "it"}, "criteria": criteria}
    rulebook = parse({"certificates": [certificate, *more.get("others", [])]})
    no = balances.learner_no(session, learner)
    as_of = AsOf(cut_off, more.get("number", eligibility.as_of(session).number))
    found = eligibility.evaluate(session, programmes.get(session, "2021"), rulebook, [no], as_of)
    return found[no][0]


def keys_of(session: Session, explanation: Explanation) -> list[str]:
    found = [each["key"] for each in entries.load(session, list(explanation.what.entries))]
    return [key.removeprefix("2021/") for key in found]


@pytest.mark.parametrize(("learner", "fact", "required", "found", "missing", "events"), FACTS)
def test_what_a_fact_counts(
    bank: Caller,
    database: Database,
    learner: str,
    fact: dict[str, Any],
    required: float,
    found: float,
    missing: float,
    events: str,
) -> None:
    with database.snapshot(bank.company_id) as session:
        judged = judge(session, fact, learner)
        shown = judged.explanation.as_json(bank.company_id)
        rests_on = keys_of(session, judged.explanation)
    assert (shown["required"], shown["found"], shown["missing"]) == (required, found, missing)
    assert judged.qualified == shown["holds"] == (missing == 0)
    assert sorted(rests_on) == sorted(events.split())
    assert judged.explanation.entries() == set(judged.explanation.what.entries)
    assert shown["entries_total"] == len(rests_on)
    assert [number_of(bank.company_id, each) for each in shown["entries"]] == list(judged.explanation.what.entries)
    assert {name: shown[name] for name in fact} == fact


def test_what_comes_later_does_not_count(bank: Caller, database: Database) -> None:
    """Neither what happened at the cut-off or after it, nor what was booked after the number."""
    credits = {"fact": "credits", "in": "programme", "at_least": 60}
    with database.snapshot(bank.company_id) as session:
        at = datetime(2021, 9, 2, tzinfo=UTC)  # the time of t3
        assert judge(session, credits, A1, at).explanation.found == 50
        assert judge(session, credits, A1, at + timedelta(microseconds=1)).explanation.found == 55
        assert judge(session, credits, A1, datetime(2022, 3, 1, tzinfo=UTC)).explanation.found == 1059
        [t4] = bank.get("/v1/entries?source=urn:t&key=t4").json["items"]
        reversal = number_of(bank.company_id, t4["reversed_by"])
        assert reversal is not None
        before, after = (judge(session, credits, A1, number=n).explanation for n in (reversal - 1, reversal))
    assert (before.found, after.found) == (68, 59)
    assert before.entries() - after.entries() == {t4["number"]}


def test_many_learners_are_asked_for_at_once(bank: Caller, database: Database) -> None:
    """As each of them alone, in the same number of statements."""
    certificates = [
        {"key": f"c{n}", "kind": "points", "name": {"zh": "证", "en": "it"}, "criteria": fact}
        for n, (_, fact, *_) in enumerate(FACTS)
    ]
    rulebook = parse({"certificates": certificates})
    with database.snapshot(bank.company_id) as session:
        ran: list[str] = []
        original = session.sql
        session.sql = lambda statement, *more: ran.append(statement) or original(statement, *more)  # type: ignore
        learners = [balances.learner_no(session, key) for key in (A1, A2, B1, B2)]
        found_programme = programmes.get(session, "2021")
        as_of = AsOf(CUT_OFF, eligibility.as_of(session).number)
        ran.clear()
        together = eligibility.evaluate(session, found_programme, rulebook, learners, as_of)
        statements = len(ran)
        ran.clear()
        for learner in learners:
            alone = eligibility.evaluate(session, found_programme, rulebook, [learner], as_of)[learner]
            assert [each.explanation.as_json(1) for each in alone] == [
                each.explanation.as_json(1) for each in together[learner]
            ]
    assert len(ran) == 4 * statements


POINTS = {
    "key": "points",
    "kind": "points",
    "name": {"zh": "积分证", "en": "Points certificate"},
    "criteria": {"fact": "credits", "in": "programme", "at_least": 59},
}


def test_a_certificate_that_was_never_issued_counts_by_its_criteria(bank: Caller, database: Database) -> None:
    needs = {"fact": "certificate", "key": "points"}
    with database.snapshot(bank.company_id) as session:
        yes = judge(session, needs, A1, others=[POINTS]).explanation
        no = judge(session, needs, A2, others=[POINTS]).explanation
    assert (yes.found, yes.missing, yes.what.state) == (1, 0, "qualified")
    assert (no.found, no.missing, no.what.state) == (0, 1, "short")
    assert len(yes.entries()) == 4
    assert yes.in_words("zh") == "持有“积分证”：已具备条件"
    assert no.in_words("en") == "the certificate “Points certificate” held: not yet earned"


def issue(database_url: str, bank: Caller, learner: str, **columns: Any) -> None:
    """A row of the register by hand: `rules.certification` has its own tests."""
    values = {
        "company_id": bank.company_id,
        "no": 1,
        "number": "PB-2022-000001-00000000",
        "programme": 1,
        "learner": int(learner[-1]),
        "rule": "points",
        "edition": 1,
        "kind": "points",
        "names": "{}",
        "equals": "[]",
        "rulebook_version": 1,
        "run": 1,
        "cut_off": CUT_OFF,
        "issued_at": CUT_OFF,
        "holder": "x",
        "explanation": "{}",
        "entries": [],
        "content": "{}",
        "credential": b"",
        "status_list": 1,
        "status_index": 1,
        "entry_number": 3,
        "changed_at": CUT_OFF,
        "changed_in": 1,
        **columns,
    }
    with psycopg.connect(database_url) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            f"INSERT INTO certificates ({', '.join(values)}) VALUES ({', '.join(['%s'] * len(values))})".encode(),
            list(values.values()),
        )


# fmt: off
STANDINGS: list[tuple[dict[str, Any], int, str]] = [
    ({},                                                                              1, "held"),
    ({"valid_until": CUT_OFF + timedelta(days=1)},                                    1, "held"),
    ({"valid_until": CUT_OFF},                                                        0, "expired"),
    ({"revoked_at": CUT_OFF, "revoked_reason": "x", "revoked_number": 4},             0, "revoked"),
    ({"revoked_at": CUT_OFF, "revoked_reason": "x", "revoked_number": 4, "valid_until": CUT_OFF}, 0, "revoked"),
    ({"revoked_at": CUT_OFF, "revoked_reason": "x", "revoked_number": 10**9},         1, "held"),
    ({"cut_off": CUT_OFF + timedelta(days=1)},                                        1, "qualified"),
    ({"entry_number": 10**9},                                                         1, "qualified"),
]
# fmt: on


@pytest.mark.parametrize(("columns", "found", "state"), STANDINGS)
def test_a_certificate_counts_as_it_stood(
    bank: Caller, database: Database, columns: dict[str, Any], found: int, state: str
) -> None:
    superuser = database.url.replace(f"{embedded.OWNER_ROLE}@", "postgres@")
    issue(superuser, bank, A1, **columns)
    try:
        with database.snapshot(bank.company_id) as session:
            needs = {"fact": "certificate", "key": "points"}
            explanation = judge(session, needs, A1, others=[POINTS]).explanation
        assert (explanation.found, explanation.what.state) == (found, state)
        if state == "held":
            assert explanation.entries() == {3}
    finally:
        with psycopg.connect(superuser) as connection:
            connection.execute("DELETE FROM certificates WHERE company_id = %s", [bank.company_id])


def test_long_lists_are_cut_and_the_record_is_whole(programme: Caller, database: Database) -> None:
    many = MAX_ENTRIES_SHOWN + 5
    programme.events([event(f"m{n}", "ping", A1, "2021-09-01") for n in range(many)])
    with database.snapshot(programme.company_id) as session:
        explanation = judge(session, {"fact": "events", "type": "ping", "at_least": 1}, A1).explanation
    shown = explanation.as_json(programme.company_id)
    numbers = sorted(explanation.entries())
    assert (shown["entries_total"], len(numbers)) == (many, many)
    assert [number_of(programme.company_id, each) for each in shown["entries"]] == numbers[-MAX_ENTRIES_SHOWN:]
    assert with_ids(orjson.loads(orjson.dumps(explanation.as_json(None))), programme.company_id) == shown


def test_a_cut_off_in_the_future_is_refused(bank: Caller, database: Database) -> None:
    with database.snapshot(bank.company_id) as session, pytest.raises(Invalid) as refusal:
        eligibility.as_of(session, datetime.now(UTC) + timedelta(minutes=1))
    assert [path for path, _ in refusal.value.errors] == ["cut_off"]


def eligible(bank: Caller, learner: str, query: str = "") -> Any:
    return bank.get(f"/v1/learners/{learner}/eligibility?programme=2021{query}")


def test_over_http(caller: Caller) -> None:  # noqa: F811
    caller.put("/v1/company", {"name": "云桥", "timezone": "Asia/Shanghai", "credits_scale": 1})
    bank = programme.__wrapped__(caller)  # type: ignore[attr-defined]  # credits fix the scale
    assert eligible(bank, A1).status_code == 404
    criteria = {"all": [{"fact": "credits", "in": "programme", "at_least": 600}, {"not": {"fact": "match_won"}}]}
    document = {"earning": RULES, "certificates": [{**POINTS, "criteria": criteria}]}
    assert bank.put(f"{P}/rulebook/draft", document).status_code == 200
    assert bank.post(f"{P}/rulebook/draft/activate").status_code == 200
    entry = bank.event(event("t", "test", A1, "2021-09-01", n=475)).json["entry"]
    answer = eligible(bank, A1, "&cut_off=2021-12-31T00:00:00Z").json
    [item] = answer.pop("items")
    assert answer == {
        "learner": A1,
        "programme": "2021",
        "rulebook_version": 1,
        "cut_off": "2021-12-31T00:00:00Z",
        "number": entry["number"],
    }
    assert (item["certificate"], item["qualified"]) == ("points", False)
    explanation = item["explanation"]
    assert (explanation["op"], explanation["required"], explanation["found"], explanation["missing"]) == (
        "all",
        2,
        1,
        1,
    )
    credits, won = explanation["of"]
    assert credits == {
        "fact": "credits",
        "in": "programme",
        "at_least": 600,
        "required": 600,
        "found": 475,
        "missing": 125,
        "holds": False,
        "entries": [entry["id"]],
        "entries_total": 1,
        "words": {
            "zh": "本项目积分不少于 60.0：还差 12.5 积分（现有 47.5）",
            "en": "at least 60.0 credits in the programme: 12.5 credits short (47.5 so far)",
        },
        "of": [],
    }
    assert (won["op"], won["required"], won["found"], won["missing"], won["holds"]) == ("not", 0, 0, 0, True)
    assert eligible(bank, A1, "&cut_off=2021-08-31T00:00:00Z").json["items"][0]["explanation"]["of"][0]["found"] == 0
    bank.event(event("t'", "test", A1, "2021-09-01", n=125))
    assert eligible(bank, A1).json["items"][0]["qualified"]


def test_what_cannot_be_asked_over_http(bank: Caller, new_company: Callable[..., Caller]) -> None:  # noqa: F811
    bank.put("/v1/learners/nobody", {"name": "无名"})
    refused = {
        "": (422, "programme"),
        "?programme=2021&cut_off=2999-01-01T00:00:00Z": (422, "cut_off"),
        "?programme=2021&cut_off=yesterday": (422, "cut_off"),
        "?programme=1999": (404, None),
        "?programme=2021&level=1": (422, "level"),
    }
    for query, (status, field) in refused.items():
        answer = bank.get(f"/v1/learners/{A1}/eligibility{query}")
        assert answer.status_code == status, answer.json
        assert field is None or answer.json["errors"][0]["path"] == field
    assert eligible(bank, "nobody").status_code == eligible(bank, "20219999").status_code == 404
    assert eligible(new_company("events:write"), A1).status_code == 403
    assert eligible(new_company("read"), A1).status_code == 404


def test_a_draft_names_places_of_its_programme(bank: Caller) -> None:
    criteria = {"any": [{"fact": "passed", "in": f"course:{key}"} for key in ("service", "skills", "cooking")]}
    criteria["any"] += [{"fact": "credits", "in": f"phase:{key}", "at_least": 1} for key in ("summer", "winter")]
    answer = bank.put(f"{P}/rulebook/draft", {"certificates": [{**POINTS, "criteria": criteria}]})
    assert answer.status_code == 422
    assert answer.json["errors"] == [
        {
            "path": "certificates[0].criteria.any[2].in",
            "message": "the programme has no course 'cooking'; it has service, skills",
        },
        {
            "path": "certificates[0].criteria.any[4].in",
            "message": "the programme has no phase 'winter'; it has autumn, summer",
        },
    ]
