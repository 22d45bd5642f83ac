"""Matches by hand: who wins, what is given to whom, what may change when, and that all of it happens once."""

import itertools
import threading
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from ledger import entries, terms
from ledger.audit import audit
from ledger.journal import Draft, post
from ledger.reversals import reverse
from pointsbank import company as companies
from pointsbank.directory import courses, learners, programmes, teams
from pointsbank.directory.learners import Learner
from pointsbank.directory.teams import TeamChange
from pointsbank.errors import Closed, Conflict, Invalid, NotFound
from pointsbank.matches import match as matches
from pointsbank.matches import planning, score, settling
from pointsbank.matches.audit import audit as audit_matches
from pointsbank.matches.planning import MAX_CONTESTANTS, MAX_GRACE_SECONDS, MatchWanted, PrizeWanted
from rules import awards

SECOND = timedelta(seconds=1)
PROGRAMME = {"name": "P", "starts_on": date(2021, 7, 1), "ends_on": date(2190, 6, 30), "timezone": "Asia/Shanghai"}
TEAMS = {"red": "ab", "blue": "cde", "green": "f", "empty": ""}


def at(text):
    """`10-18 09:30` of 2021, in UTC."""
    return datetime.strptime(f"2021-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=UTC)


START, END = at("10-18 09:00"), at("10-18 10:00")


class Bank:
    """Learners a to f in the teams red, blue and green, and g, who is not enrolled; two courses."""

    numbers = itertools.count()

    def __init__(self, database, allotment=1_000):
        self.database = database
        self.id = companies.create(database, f"matches-{next(self.numbers)}-{id(database)}")
        self.put_programme(allotment)
        for course in ("service", "hotline"):
            self.run(lambda s, c=course: courses.put(s, "p", c, name=c, kind="practical", flowers=100))
        everyone = [Learner(key, key.upper()) for key in "abcdefg"]
        self.run(lambda s: learners.put_batch(s, everyone))
        for team, members in TEAMS.items():
            self.join(team, members)

    def run(self, work):
        return self.database.run(self.id, work)

    def put_programme(self, allotment):
        self.run(lambda s: programmes.put(s, "p", **PROGRAMME, allotment=allotment))

    def join(self, team, members, from_on=None):
        self.run(lambda s: teams.put(s, "p", TeamChange(team, team.title(), list(members), from_on)))

    def leave(self, learner, on):
        self.run(lambda s: learners.put(s, Learner(learner, learner.upper(), left_on=on)))

    def award(self, learner, amount, when, course=None):
        """Credits, from the programme's pool. Returns the entry's number."""
        award = awards.Award(None, learner, None, "p", course, "credits", amount, "x", when)
        return self.run(lambda s: awards.give(s, award, None, {})).number

    def flowers(self, learner, amount, when, course):
        """As a rule would give them: from the course's pool."""

        def work(session):
            names = terms.intern(session, ["lms"])
            programme = programmes.get(session, "p")
            found = courses.get(session, programme, course)
            no = learners.find_numbers(session, [learner])[learner]
            moved = [settling.journal.Transfer(found.unit, (2 << 32) + found.no, (4 << 32) + no, amount, no, 1)]
            key = str(next(self.numbers))
            draft = Draft(names["lms"], key, names["lms"], 1, when, moved, programme.no, found.no, no)
            post(session, [draft])

        self.run(work)

    def put(self, key="m", prize=None, **wanted):
        wanted = {"name": "PK", "unit": "credits", "starts_at": START, "ends_at": END, "grace_seconds": 0, **wanted}
        if "learners" not in wanted:
            wanted.setdefault("teams", ["red", "blue", "green"])
        if prize is not None:
            prize = PrizeWanted(*prize)
        return self.run(lambda s: planning.put(s, "p", MatchWanted(key, prize=prize, **wanted)))

    def match(self, key="m"):
        with self.database.snapshot(self.id) as session:
            return matches.get(session, programmes.get(session, "p"), key)

    def score(self, key="m"):
        with self.database.snapshot(self.id) as session:
            return score.of(session, matches.get(session, programmes.get(session, "p"), key))

    def rows(self, key="m"):
        return [(place.rank, place.member, place.score) for place in self.score(key).places]

    def settle(self):
        settling.settle_due(self.database)

    def retry(self):
        """As if the time to try again had come."""
        self.run(lambda s: s.sql("UPDATE matches SET due_at = now() WHERE due_at IS NOT NULL").rowcount)
        self.settle()

    def entries(self, kind):
        with self.database.snapshot(self.id) as session:
            return entries.load(session, entries.find(session, entries.Filters(kind=kind), None, 500))

    def received(self):
        """Of all prizes: learner to amount."""
        moved = [transfer for entry in self.entries("match.prize") for transfer in entry["transfers"]]
        return {transfer["credit"].removeprefix("holding:"): transfer["amount"] for transfer in moved}

    def discrepancies(self):
        with self.database.snapshot(self.id) as session:
            return [str(each) for each in (*audit(session), *audit_matches(session))]


@pytest.fixture
def bank(database):
    bank = Bank(database)
    yield bank
    assert bank.discrepancies() == []


# --- who wins what -----------------------------------------------------------------------------------

IN, OUT = START + 60 * SECOND, END + 60 * SECOND
CREDITS_5, CREDITS_1 = ("credits", 5), ("credits", 1)
FLOWERS = ("flowers", 4, "service")

# (learner, amount, when, course of flowers or None), the match, then its rows, winners, and what each got.
CASES = {
    "the team with more wins, each member gets the prize": (
        [("a", 2, IN), ("b", 3, IN), ("c", 4, IN)],
        {"prize": CREDITS_5},
        [(1, "red", 5), (2, "blue", 4), (3, "green", 0)],
        ["red"],
        {"a": 5, "b": 5},
    ),
    "a draw: each member of both gets half, rounded down": (
        [("a", 4, IN), ("c", 4, IN + SECOND), ("f", 1, IN)],
        {"prize": CREDITS_5},
        [(1, "red", 4), (1, "blue", 4), (3, "green", 1)],
        ["red", "blue"],
        dict.fromkeys("abcde", 2),
    ),
    "a draw of three over two is nothing": (
        [("a", 4, IN), ("c", 4, IN), ("f", 4, IN)],
        {"prize": ("credits", 2)},
        [(1, "red", 4), (1, "blue", 4), (1, "green", 4)],
        ["red", "blue", "green"],
        {},
    ),
    "nobody with more than 0: no winner": (
        [("a", 9, START - SECOND), ("c", 9, END)],
        {"prize": CREDITS_5},
        [(1, "blue", 0), (1, "green", 0), (1, "red", 0)],
        [],
        {},
    ),
    "the first instant counts, the last one does not": (
        [("a", 1, START), ("c", 2, START - timedelta(microseconds=1)), ("f", 2, END)],
        {"prize": CREDITS_1},
        [(1, "red", 1), (2, "blue", 0), (2, "green", 0)],
        ["red"],
        {"a": 1, "b": 1},
    ),
    "the last instant before the end counts": (
        [("f", 1, END - timedelta(microseconds=1))],
        {"prize": CREDITS_1},
        [(1, "green", 1), (2, "blue", 0), (2, "red", 0)],
        ["green"],
        {"f": 1},
    ),
    "only those who compete": (
        [("c", 9, IN), ("a", 1, IN)],
        {"teams": ["green", "red"], "prize": CREDITS_1},
        [(1, "red", 1), (2, "green", 0)],
        ["red"],
        {"a": 1, "b": 1},
    ),
    "learners": (
        [("a", 1, IN), ("b", 2, IN), ("c", 9, IN)],
        {"learners": ["a", "b"], "prize": CREDITS_5},
        [(1, "b", 2), (2, "a", 1)],
        ["b"],
        {"b": 5},
    ),
    "learners who draw": (
        [("a", 2, IN + SECOND), ("b", 2, IN)],
        {"learners": ["a", "b", "f"], "prize": CREDITS_5},
        [(1, "b", 2), (1, "a", 2), (3, "f", 0)],
        ["b", "a"],
        {"a": 2, "b": 2},
    ),
    "credits of a course, a prize in its flowers": (
        [("a", 9, IN, None), ("c", 2, IN, "service"), ("f", 3, IN, "hotline")],
        {"course": "service", "prize": ("flowers", 1)},
        [(1, "blue", 2), (2, "green", 0), (2, "red", 0)],
        ["blue"],
        dict.fromkeys("cde", 1),
    ),
    "flowers of all courses": (
        [("a", 2, IN, "service", "flowers"), ("b", 2, IN, "hotline", "flowers"), ("c", 3, IN, "service", "flowers")],
        {"unit": "flowers", "prize": FLOWERS},
        [(1, "red", 4), (2, "blue", 3), (3, "green", 0)],
        ["red"],
        {"a": 4, "b": 4},
    ),
    "flowers of one course": (
        [("a", 2, IN, "service", "flowers"), ("b", 2, IN, "hotline", "flowers"), ("c", 3, IN, "service", "flowers")],
        {"unit": "flowers", "course": "service", "prize": ("credits", 7)},
        [(1, "blue", 3), (2, "red", 2), (3, "green", 0)],
        ["blue"],
        dict.fromkeys("cde", 7),
    ),
    "without a prize": (
        [("f", 1, IN)],
        {"teams": ["red", "green"]},
        [(1, "green", 1), (2, "red", 0)],
        ["green"],
        {},
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_the_score_the_winners_and_the_prize(bank, case):
    told, wanted, rows, winners, received = case
    for learner, amount, when, *where in told:
        if where[1:]:
            bank.flowers(learner, amount, when, where[0])
        else:
            bank.award(learner, amount, when, *where)
    bank.put(**wanted)
    live = bank.score()
    assert (live.status, bank.rows()) == ("ended", rows)
    bank.settle()
    settled = bank.score()
    assert (settled.status, bank.rows(), settled.result.winners) == ("settled", rows, winners)
    assert [place.reached_at for place in settled.places] == [place.reached_at for place in live.places]
    assert bank.received() == received
    assert len(bank.entries("match.prize")) == bool(received)
    (entry,) = bank.entries("match.settled")
    assert (entry["source"], entry["key"], entry["occurred_at"]) == ("pointsbank:matches", "p/m", END)
    assert entry["data"]["winners"] == winners
    bank.retry()
    assert len(bank.entries("match.settled")) == 1
    assert bank.received() == received


def test_what_was_taken_back_does_not_count(bank):
    number = bank.award("a", 9, IN)
    bank.award("c", 1, IN)
    bank.put(prize=CREDITS_1)
    bank.run(lambda s: reverse(s, number, "a mistake"))
    assert bank.rows() == [(1, "blue", 1), (2, "green", 0), (2, "red", 0)]


def test_the_result_is_not_moved_by_what_comes_later_but_late_events_in_the_grace_count(bank):
    bank.award("a", 1, IN)
    bank.put(prize=CREDITS_5, grace_seconds=MAX_GRACE_SECONDS, ends_at=datetime.now(UTC) - SECOND)
    bank.settle()
    assert (bank.score().status, bank.entries("match.settled")) == ("ended", [])
    bank.award("c", 3, IN)
    assert bank.rows()[0] == (1, "blue", 3)
    bank.retry()  # as if the grace were over
    rows, result = bank.rows(), bank.score().result
    assert result.winners == ["blue"]
    bank.award("a", 50, IN)
    bank.join("blue", "", date(2021, 7, 1))
    assert (bank.rows(), bank.score().result) == (rows, result)


def test_a_match_goes_from_upcoming_to_settled(bank):
    now = datetime.now(UTC)
    day = timedelta(days=1)
    for key, starts_at, ends_at, status in (
        ("upcoming", now + day, now + 2 * day, "upcoming"),
        ("running", now - day, now + day, "running"),
        ("ended", now - day, now - SECOND, "ended"),
    ):
        bank.put(key, starts_at=starts_at, ends_at=ends_at, grace_seconds=MAX_GRACE_SECONDS)
        bank.settle()
        assert (bank.score(key).status, bank.score(key).result) == (status, None)
    bank.put("over")
    bank.settle()
    assert bank.score("over").status == "settled"


# --- who is a member when ------------------------------------------------------------------------------


def test_points_go_to_the_team_of_the_moment_and_the_prize_to_the_members_at_the_end(bank):
    bank.join("red", "ab", date(2021, 7, 1))
    bank.join("blue", "acde", date(2021, 10, 19))  # a moves from red to blue
    bank.award("a", 5, at("10-18 02:00"))
    bank.award("a", 2, at("10-19 02:00"))
    bank.put(starts_at=at("10-17 00:00"), ends_at=at("10-20 00:00"), prize=CREDITS_1)
    bank.settle()
    assert bank.rows() == [(1, "red", 5), (2, "blue", 2), (3, "green", 0)]
    assert bank.received() == {"b": 1}


def test_who_changes_teams_at_the_very_end_was_a_member(bank):
    midnight = at("10-17 16:00")  # in Shanghai
    bank.join("blue", "acde", date(2021, 10, 18))
    bank.award("a", 5, midnight - SECOND)
    bank.put(starts_at=at("10-17 00:00"), ends_at=midnight, prize=CREDITS_1)
    bank.settle()
    assert bank.received() == {"a": 1, "b": 1}


@pytest.mark.parametrize(
    ("left_on", "received"), [(date(2021, 10, 17), {"b": 1}), (date(2021, 10, 18), {"a": 1, "b": 1})]
)
def test_who_left_the_company_before_the_end_gets_nothing(bank, left_on, received):
    bank.award("a", 5, at("10-17 10:00"))
    bank.leave("a", left_on)
    bank.put(starts_at=at("10-17 00:00"), prize=CREDITS_1)
    bank.settle()
    assert (bank.score().result.winners, bank.received()) == (["red"], received)


def test_an_empty_team_may_win_and_gets_nothing(bank):
    bank.award("f", 5, at("10-17 10:00"))
    bank.join("green", "", date(2021, 10, 18))
    bank.put(starts_at=at("10-17 00:00"), prize=CREDITS_1)
    bank.settle()
    result = bank.score().result
    assert (result.winners, list(result.prize.receivers), bank.entries("match.prize")) == (["green"], [], [])
    assert bank.match().due_at is None


# --- prizes that cannot be given ------------------------------------------------------------------------


def test_a_prize_waits_for_its_pool_and_is_given_once(bank):
    bank.award("a", 5, IN)
    bank.put(prize=("credits", 500))
    bank.settle()
    assert bank.score().result.winners == ["red"]
    problem = bank.match().prize_problem
    assert (problem["slug"], problem["available"], problem["required"]) == ("insufficient-funds", 995, 1_000)
    first = bank.entries("match.settled")
    bank.settle()
    assert bank.match().due_at > datetime.now(UTC)
    bank.retry()
    assert bank.received() == {}
    bank.put_programme(1_005)
    bank.join("red", "abc")  # c was no member at the end
    bank.retry()
    assert bank.received() == {"a": 500, "b": 500}
    assert (bank.match().prize_problem, bank.match().due_at) == (None, None)
    assert bank.entries("match.settled") == first


def test_without_a_limit_credits_come_from_issuance(database):
    bank = Bank(database, allotment=None)
    bank.award("f", 1, IN)
    bank.put(prize=("credits", 5_000))
    bank.settle()
    (entry,) = bank.entries("match.prize")
    (transfer,) = entry["transfers"]
    assert (transfer["debit"], transfer["credit"], entry["learner"]) == ("issuance", "holding:f", "f")
    assert bank.discrepancies() == []


def test_flowers_come_from_the_courses_pool(bank):
    bank.award("f", 1, IN)
    bank.put(prize=FLOWERS)
    bank.settle()
    (entry,) = bank.entries("match.prize")
    (transfer,) = entry["transfers"]
    assert (transfer["unit"], transfer["debit"], entry["course"]) == (
        "flowers:service",
        "pool:course:service",
        "service",
    )


def test_more_than_an_account_can_hold_is_a_problem_and_no_obstacle(database):
    bank = Bank(database, allotment=None)
    bank.award("f", 2**53 - 2, IN)
    bank.put(prize=CREDITS_5)
    bank.settle()
    assert bank.score().status == "settled"
    assert bank.match().prize_problem["slug"] == "validation"
    assert bank.discrepancies() == []


def test_a_prize_that_was_taken_back_stays_so(bank):
    bank.award("f", 1, IN)
    bank.put(prize=CREDITS_1)
    bank.settle()
    bank.run(lambda s: reverse(s, bank.match().prize_number, "they cheated"))
    bank.retry()
    assert len(bank.entries("match.prize")) == 1
    assert bank.score().result.prize.reversed_by == bank.score().result.prize.number + 1


def test_a_result_that_was_withdrawn_earns_nothing_any_more(bank):
    bank.award("f", 1, IN)
    bank.put(prize=("credits", 5_000))
    bank.settle()
    bank.run(lambda s: reverse(s, bank.match().result_number, "they cheated"))
    bank.put_programme(10_000)
    bank.retry()
    assert (bank.received(), bank.match().due_at, bank.match().prize_problem) == ({}, None, None)
    assert bank.score().result.reversed_by is not None


@pytest.mark.parametrize("table", ["programmes", "courses"])
def test_what_is_closed_gives_no_prize_but_the_result_stands(bank, table):
    bank.award("f", 1, IN)
    bank.put(prize=FLOWERS)
    bank.run(lambda s: s.sql(f"UPDATE {table} SET closed_at = now() WHERE company_id = %(company)s").rowcount)
    bank.settle()
    assert (bank.score().result.winners, bank.match().prize_problem["slug"]) == (["green"], "closed")
    with pytest.raises(Closed):
        bank.put("another", prize=FLOWERS)


# --- what may change -------------------------------------------------------------------------------------

LATER = {"starts_at": datetime.now(UTC) + timedelta(days=1), "ends_at": datetime.now(UTC) + timedelta(days=2)}
OTHER = [
    {"teams": ["red", "green"]},
    {"learners": ["a", "b"]},
    {"unit": "flowers"},
    {"course": "service"},
    {"starts_at": START + SECOND},
    {"ends_at": END + SECOND},
    {"grace_seconds": MAX_GRACE_SECONDS - 1},
    {"prize": CREDITS_5},
]


def test_before_it_starts_everything_may_change(bank):
    assert bank.put(**LATER) is True
    assert bank.put(**LATER) is False
    before = bank.match()
    for change in OTHER:
        moved = {field: LATER[field] + SECOND if field in LATER else value for field, value in change.items()}
        bank.put(**{**LATER, **moved})
        assert bank.match() != before
    bank.put(**LATER, name="x", learners=["f", "a"], unit="flowers", course="hotline", prize=FLOWERS)
    match = bank.match()
    assert (match.name, match.members, [each.key for each in match.contestants]) == ("x", "learners", ["f", "a"])
    assert (match.course.key, match.prize.course.key, match.settles_at) == ("hotline", "service", LATER["ends_at"])


def test_once_it_has_started_only_its_name_may_change(bank):
    running = {"grace_seconds": MAX_GRACE_SECONDS, "ends_at": datetime.now(UTC) - SECOND}
    bank.put(**running)
    before = bank.match()
    for change in OTHER:
        with pytest.raises(Conflict) as refused:
            bank.put(**{**running, "name": "y", **change})
        assert [path for path, _ in refused.value.errors] == [
            "teams" if field == "learners" else field for field in change
        ]
    assert bank.match() == before
    assert bank.put(**running, name="y", teams=["green", "blue", "red"]) is False
    assert (bank.match().name, bank.match().due_at) == ("y", before.due_at)


def test_once_it_is_settled_nothing_changes_and_the_same_again_is_no_change(bank):
    bank.put(prize=CREDITS_5)
    bank.settle()
    before = bank.match()
    for change in ({"name": "y"}, *OTHER[:-1], {"prize": CREDITS_1}):
        with pytest.raises(Closed):
            bank.put(**{"prize": CREDITS_5, **change})
    assert bank.put(prize=CREDITS_5) is False
    assert bank.match() == before


FAULTS = [
    ({"teams": ["red"]}, "teams"),
    ({"learners": []}, "learners"),
    ({"teams": [f"t{n}" for n in range(MAX_CONTESTANTS + 1)]}, "teams"),
    ({"teams": ["red", "blue"], "learners": ["a", "b"]}, "teams"),
    ({"teams": ["red", "blue", "red"]}, "teams[2]"),
    ({"teams": ["red", "nobody"]}, "teams[1]"),
    ({"teams": ["red", "a/b"]}, "teams[1]"),
    ({"learners": ["a", "b", "a"]}, "learners[2]"),
    ({"learners": ["a", "nobody"]}, "learners[1]"),
    ({"learners": ["a", "g"]}, "learners[1]"),
    ({"name": ""}, "name"),
    ({"key": "a/b"}, "match"),
    ({"unit": "gold"}, "unit"),
    ({"course": "nothing"}, "course"),
    ({"ends_at": START}, "ends_at"),
    ({"starts_at": at("06-01 00:00"), "ends_at": at("06-02 00:00")}, "ends_at"),
    ({"starts_at": START.replace(year=2190, month=7), "ends_at": END.replace(year=2191)}, "starts_at"),
    ({"grace_seconds": -1}, "grace_seconds"),
    ({"grace_seconds": MAX_GRACE_SECONDS + 1}, "grace_seconds"),
    ({"prize": ("flowers", 1)}, "prize.course"),
    ({"prize": ("flowers", 1, "nothing")}, "prize.course"),
    ({"prize": ("gold", 1)}, "prize.unit"),
    ({"prize": ("credits", 0)}, "prize.amount"),
    ({"prize": ("credits", 2**53)}, "prize.amount"),
]


def test_each_fault_is_named(bank):
    for wanted, path in FAULTS:
        with pytest.raises(Invalid) as refused:
            bank.put(**wanted)
        assert [each for each, _ in refused.value.errors] == [path], wanted
    with pytest.raises(NotFound):
        bank.match()
    with pytest.raises(NotFound):
        bank.run(lambda s: planning.put(s, "nothing", MatchWanted("m", "x", "credits", START, END, ["red", "blue"])))


# --- once, and cheaply -----------------------------------------------------------------------------------


def test_many_workers_at_once_settle_once(database):
    banks = [Bank(database) for _ in range(3)]
    for bank in banks:
        bank.award("a", 1, IN)
        for number in range(5):
            bank.put(f"m{number}", prize=CREDITS_1)
    together = threading.Barrier(6)

    def work():
        together.wait()
        settling.settle_due(database)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for bank in banks:
        assert (len(bank.entries("match.settled")), len(bank.entries("match.prize"))) == (5, 5)
        assert bank.discrepancies() == []


def test_a_match_that_cannot_be_settled_is_put_off_and_stops_no_other(bank, monkeypatch, caplog):
    for key in ("m", "n"):
        bank.put(key)
    monkeypatch.setattr(settling, "result_key", lambda match: f"p/{match.key}" if match.key == "n" else "\0")
    bank.settle()
    assert [bank.score(key).status for key in ("m", "n")] == ["ended", "settled"]
    assert bank.match().due_at > datetime.now(UTC)
    assert "could not be settled" in caplog.text
    monkeypatch.undo()
    bank.retry()
    assert bank.score().status == "settled"


def test_what_is_due_of_all_companies_is_found_by_an_index(database, bank):
    bank.put()
    with database.transaction(0) as session:
        assert session.sql("SELECT count(*) FROM matches").fetchone() == (0,)
        session.sql("SET LOCAL app.every_company = 'on'")
        session.sql("SET LOCAL enable_seqscan = off")
        plan = session.sql("EXPLAIN SELECT company_id, no FROM matches WHERE due_at <= now() ORDER BY due_at LIMIT 9")
        text = "\n".join(line for (line,) in plan)
        assert "Index Cond: (due_at <= now())" in text, text
        assert "matches_due" in text
        with pytest.raises(psycopg.errors.InsufficientPrivilege):  # to see is not to write
            session.sql("INSERT INTO matches SELECT * FROM matches")


# --- the audit finds what was changed by hand ----------------------------------------------------------

BROKEN = [
    ("UPDATE matches SET result_number = 1, prize_number = NULL", "says that this entry has the key p/m, and"),
    ("UPDATE matches SET prize_number = NULL", "of a match that does not know of it"),
    ("UPDATE matches SET prize_number = NULL", "it was not given, and is not due"),
    ("DELETE FROM transfers WHERE learner = 2 AND number = (SELECT prize_number FROM matches)", "gives something else"),
    ("UPDATE transfers SET amount = 4 WHERE number = (SELECT prize_number FROM matches)", "gives something else"),
]


@pytest.mark.parametrize(("damage", "found"), BROKEN)
def test_verify_sees_what_does_not_hold(database, database_url, damage, found):
    bank = Bank(database)
    bank.award("a", 1, IN)
    bank.put(prize=CREDITS_5)
    bank.settle()
    assert bank.discrepancies() == []
    with psycopg.connect(database_url) as connection:
        connection.execute(f"SET app.company_id = '{bank.id}'")
        connection.execute(damage)
    with database.snapshot(bank.id) as session:
        assert any(found in str(each) for each in audit_matches(session))
    with psycopg.connect(database_url) as connection:  # whoever verifies all companies later finds it whole
        connection.execute(f"SET app.company_id = '{bank.id}'")
        connection.execute("DELETE FROM contestants")
        connection.execute("DELETE FROM matches")
