"""Boards by hand, then against a plain-Python reading of the same definitions."""

import itertools
import secrets
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.accounts import CREDITS, ISSUANCE, holding
from ledger.journal import Booked, Draft, Transfer, post
from ledger.terms import intern
from pointsbank.errors import Invalid, NotFound
from pointsbank.leaderboards import periods
from pointsbank.leaderboards.boards import Scope, parse
from pointsbank.leaderboards.standings import standings

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2021, 10, 20, 12, tzinfo=SHANGHAI)  # a Wednesday
START = datetime(2021, 7, 1, tzinfo=SHANGHAI)
P, SERVICE, NETWORK = "programme:2021", "course:2021/service", "course:2021/network"
DIRECTORY = """
INSERT INTO companies (company_id, key, name, timezone, credits_scale)
VALUES (%(company)s, 'c' || %(company)s, '公司', 'Asia/Shanghai', 2);
INSERT INTO journals (company_id) VALUES (%(company)s);
INSERT INTO units VALUES (%(company)s, 0, 'credits'), (%(company)s, 1, 'flowers:service'),
                         (%(company)s, 2, 'flowers:network'), (%(company)s, 3, 'flowers:other');
INSERT INTO programmes (company_id, no, key, name, starts_on, ends_on, timezone)
VALUES (%(company)s, 1, '2021', '2021', '2021-07-01', '2022-06-30', 'Asia/Shanghai'),
       (%(company)s, 2, '2022', '2022', '2021-07-01', '2022-06-30', 'Asia/Shanghai');
INSERT INTO courses (company_id, no, programme, key, name, kind, unit, flowers, opens_on, closes_on)
VALUES (%(company)s, 1, 1, 'service', 'Service', 'structured', 1, 1000, '2021-07-01', '2022-06-30'),
       (%(company)s, 2, 1, 'network', 'Network', 'practical', 2, 1000, '2021-07-01', '2022-06-30'),
       (%(company)s, 3, 2, 'other', 'Other', 'practical', 3, 1000, '2021-07-01', '2022-06-30');
INSERT INTO teams VALUES (%(company)s, 1, 1, 'red', '红队'), (%(company)s, 2, 1, 'blue', '蓝队'),
                         (%(company)s, 3, 1, 'empty', '空队');
INSERT INTO learners (company_id, no, key, name)
SELECT %(company)s, n, chr(96 + n), 'Learner ' || chr(96 + n) FROM generate_series(1, 6) AS n;
INSERT INTO enrolments (company_id, programme, learner, from_at)
SELECT %(company)s, 1, n, '2021-07-01T00:00:00+08:00' FROM generate_series(1, 5) AS n;
INSERT INTO enrolments VALUES (%(company)s, 2, 6, '2021-07-01T00:00:00+08:00'),
                              (%(company)s, 2, 1, '2021-07-01T00:00:00+08:00');
"""


def at(text):
    """`10-18 09:30` of 2021 in the company's time zone."""
    return datetime.strptime(f"2021-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=SHANGHAI)


class Company:
    """Six learners a to f; a to e in programme 2021, a and f in 2022; teams red, blue and empty in 2021."""

    def __init__(self, database):
        self.database = database
        self.id = secrets.randbelow(2**60 - 1) + 1
        self.keys = itertools.count()
        self.booked = []  # (learner, unit, signed amount, occurred_at, number, programme, course)
        self.stays = []  # (learner, team, from_at, until_at)
        with database.transaction(self.id) as session:
            for statement in DIRECTORY.split(";\n")[:-1]:
                session.sql(statement)
            self.term = intern(session, ["lms"])["lms"]

    def book(self, learner, amount, when, unit=CREDITS, programme=1, course=None):
        """Awards, or with a negative amount takes back."""
        self.book_many([learner], amount, when, unit, programme, course)

    def book_many(self, learners, amount, when, unit=CREDITS, programme=1, course=None):
        numbers = [ord(learner) - 96 for learner in learners]
        sign = 1 if amount > 0 else -1
        transfers = [
            Transfer(unit, ISSUANCE, holding(n), amount, n, 1)
            if amount > 0
            else Transfer(unit, holding(n), ISSUANCE, -amount, n, -1)
            for n in numbers
        ]
        only = numbers[0] if len(numbers) == 1 else None
        draft = Draft(self.term, f"k{next(self.keys)}", self.term, 0, when, transfers, programme, course, only)
        with self.database.transaction(self.id) as session:
            (outcome,) = post(session, [draft])
        if isinstance(outcome, Booked):
            self.booked += [(n, unit, sign * abs(amount), when, outcome.number, programme, course) for n in numbers]
        return outcome

    def convert(self, learner, amount, when):
        n = ord(learner) - 96
        draft = Draft(
            self.term,
            f"k{next(self.keys)}",
            self.term,
            0,
            when,
            [Transfer(CREDITS, ISSUANCE, holding(n), amount, n)],
            1,
        )
        with self.database.transaction(self.id) as session:
            post(session, [draft])

    def join(self, learner, team, from_at=START, until_at=None):
        stay = (ord(learner) - 96, {"red": 1, "blue": 2, "empty": 3}[team], from_at, until_at)
        self.stays.append(stay)
        with self.database.transaction(self.id) as session:
            session.sql(
                """INSERT INTO memberships (company_id, programme, learner, from_at, until_at, team)
                   VALUES (%(company)s, 1, %(learner)s, %(from_at)s, %(until_at)s, %(team)s)""",
                dict(zip(("learner", "team", "from_at", "until_at"), stay, strict=True)),
            )

    def standings(self, now=NOW, limit=10, offset=0, around=None, **query):
        with self.database.snapshot(self.id) as session:
            return standings(session, parse(query), limit, offset, around, now)

    def rows(self, **query):
        return [(row.rank, row.member, row.score) for row in self.standings(**query).rows]


@pytest.fixture
def company(database):
    return Company(database)


# --- by hand ----------------------------------------------------------------------------------------


def test_everybody_in_scope_is_on_the_board_and_those_with_nothing_stand_last_together(company):
    assert company.rows() == [(1, key, 0) for key in "abcdef"]
    company.book("c", 5, at("10-01 09:00"))
    company.book("e", 7, at("10-02 09:00"))
    assert company.rows(scope=P) == [(1, "e", 7), (2, "c", 5), (3, "a", 0), (3, "b", 0), (3, "d", 0)]
    assert company.rows(scope="programme:2022") == [(1, "a", 0), (1, "f", 0)]
    board = company.standings(scope=P)
    assert board.size == 5
    assert board.number == 2
    assert [row.reached_at for row in board.rows] == [at("10-02 09:00"), at("10-01 09:00"), None, None, None]
    assert board.rows[0].name == "Learner e"


def test_equals_share_a_rank_and_who_reached_the_score_first_stands_first(company):
    company.book("a", 10, at("10-03 09:00"))
    company.book("b", 10, at("10-02 09:00"))  # booked later, happened earlier
    company.book("c", 10, at("10-03 09:00"))  # the same time as a, a later number
    company.book("d", 11, at("10-09 09:00"))
    company.book("e", 3, at("10-01 09:00"))
    assert company.rows(scope=P) == [(1, "d", 11), (2, "b", 10), (2, "a", 10), (2, "c", 10), (5, "e", 3)]


def test_one_entry_for_several_learners_leaves_them_in_the_order_of_their_ids(company):
    company.book_many(["d", "b", "a"], 4, at("10-03 09:00"))
    assert company.rows(scope=P)[:3] == [(1, "a", 4), (1, "b", 4), (1, "d", 4)]


def test_a_score_is_what_was_earned(company):
    company.book("a", 10, at("10-01 09:00"))
    company.book("a", -4, at("10-05 09:00"))
    company.convert("a", 100, at("10-06 09:00"))  # credits for flowers: not earned once more
    company.book("b", 6, at("10-02 09:00"))
    company.book("c", 9, at("10-01 09:00"))
    company.book("c", -9, at("10-01 09:00"))
    board = company.standings(scope=P)
    assert [(r.rank, r.member, r.score) for r in board.rows[:3]] == [(1, "b", 6), (1, "a", 6), (3, "c", 0)]
    assert board.rows[1].reached_at == at("10-05 09:00")
    assert board.rows[2].reached_at is None


def test_a_late_event_lands_in_the_period_in_which_it_happened(company):
    company.book("a", 5, at("10-20 08:00"))
    company.book("b", 7, at("10-17 23:59"))  # last Sunday, booked today
    assert company.rows(scope=P, period="day")[:2] == [(1, "a", 5), (2, "b", 0)]
    assert company.rows(scope=P, period="week")[:2] == [(1, "a", 5), (2, "b", 0)]
    assert company.rows(scope=P, period="month")[:2] == [(1, "b", 7), (2, "a", 5)]
    assert company.rows(scope=P, period="2021-W41")[:2] == [(1, "b", 7), (2, "a", 0)]
    assert company.rows(scope=P, period="2021-10-20..2021-10-20")[0] == (1, "a", 5)
    assert company.rows(scope=P, period="2021-10-17T23:59:00+08:00..2021-10-20T08:00:00+08:00")[:2] == [
        (1, "b", 7),
        (2, "a", 0),
    ]


def test_a_correction_in_a_later_period_takes_the_score_of_that_period_below_zero(company):
    company.book("a", 5, at("10-01 08:00"))
    company.book("a", -5, at("10-20 08:00"))
    assert company.rows(scope=P, period="day")[-1] == (5, "a", -5)
    assert company.rows(scope=P)[0] == (1, "a", 0)


def test_scopes_and_units(company):
    company.book("a", 1, at("10-01 08:00"), course=1)
    company.book("a", 2, at("10-01 08:00"), course=2)
    company.book("a", 4, at("10-01 08:00"))
    company.book("a", 8, at("10-01 08:00"), programme=2)
    company.book("a", 16, at("10-01 08:00"), unit=1, course=1)
    company.book("a", 32, at("10-01 08:00"), unit=2, course=2)
    company.book("a", 64, at("10-01 08:00"), unit=3, programme=2, course=3)
    first = {
        (scope, unit): company.rows(scope=scope, unit=unit)[0][2]
        for scope in ("company", P, SERVICE, NETWORK, "programme:2022", "course:2022/other")
        for unit in ("credits", "flowers")
    }
    assert first == {
        ("company", "credits"): 15,
        ("company", "flowers"): 112,
        (P, "credits"): 7,
        (P, "flowers"): 48,
        (SERVICE, "credits"): 1,
        (SERVICE, "flowers"): 16,
        (NETWORK, "credits"): 2,
        (NETWORK, "flowers"): 32,
        ("programme:2022", "credits"): 8,
        ("programme:2022", "flowers"): 64,
        ("course:2022/other", "credits"): 0,
        ("course:2022/other", "flowers"): 64,
    }


def test_a_transfer_counts_for_the_team_of_its_learner_at_the_time(company):
    moves = at("10-10 00:00")
    company.join("a", "red", START, moves)
    company.join("a", "blue", moves)
    company.join("b", "red")
    company.book("a", 10, moves - timedelta(microseconds=1))
    company.book("a", 3, moves)
    company.book("b", 1, at("10-11 08:00"))
    company.book("c", 50, at("10-11 08:00"))  # in no team
    assert company.rows(scope=P, members="teams") == [(1, "red", 11), (2, "blue", 3), (3, "empty", 0)]
    assert company.rows(scope=P, members="teams", score="mean") == [
        (1, "red", "11.00"),  # of b alone, now that a has left
        (2, "blue", "3.00"),
        (3, "empty", "0.00"),
    ]
    assert company.rows(scope=P, members="teams", score="mean", period="2021-09-01..2021-10-09") == [
        (1, "red", "5.00"),  # of a and b, who were in it at the period's end
        (2, "blue", "0.00"),
        (2, "empty", "0.00"),
    ]


def test_members_without_results_belong_to_the_mean_which_is_rounded_half_up(company):
    for learner in "abc":
        company.join(learner, "red")
    for learner in "de":
        company.join(learner, "blue")
    company.book("a", 200, at("10-01 08:00"))
    company.book("d", 3, at("10-01 08:00"))
    assert company.rows(scope=P, members="teams", score="mean") == [
        (1, "red", "66.67"),
        (2, "blue", "1.50"),
        (3, "empty", "0.00"),
    ]
    company.book("d", 2**52 - 3, at("10-02 08:00"))
    company.book("d", 1, at("10-02 08:00"))
    assert company.rows(scope=P, members="teams", score="mean")[0] == (1, "blue", "2251799813685248.50")


def test_moved_is_against_the_board_as_of_the_start_of_today(company):
    company.book("a", 10, at("10-19 23:59"))
    company.book("b", 5, at("10-19 12:00"))
    company.book("b", 6, at("10-20 00:00"))
    company.book("c", 1, at("10-20 09:00"))
    moved = [(row.member, row.rank, row.moved) for row in company.standings(scope=P).rows]
    assert moved == [("b", 1, 1), ("a", 2, -1), ("c", 3, 0), ("d", 4, -1), ("e", 4, -1)]
    assert {row.moved for row in company.standings(scope=P, period="2021-10-19").rows} == {0}


def test_pages_and_the_page_around_a_member(company):
    for score, learner in enumerate("abcdef"):
        company.book(learner, 10 - score, at("10-01 08:00"))
    cases = [
        ({"limit": 2}, "ab"),
        ({"limit": 2, "offset": 4}, "ef"),
        ({"limit": 2, "offset": 6}, ""),
        ({"limit": 3, "around": "c"}, "bcd"),
        ({"limit": 3, "around": "a"}, "abc"),
        ({"limit": 3, "around": "f"}, "def"),
        ({"limit": 1, "around": "e"}, "e"),
        ({"limit": 10, "around": "e"}, "abcdef"),
    ]
    for query, members in cases:
        page = company.standings(**query)
        assert "".join(row.member for row in page.rows) == members, query
        assert page.size == 6


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ({"scope": "programme:2099"}, "There is no programme 2099."),
        ({"scope": "course:2021/2099"}, "There is no course 2099"),
        ({"scope": "course:2022/service"}, "There is no course service"),
        ({"scope": P, "around": "f"}, "There is no learner f on this board."),
        ({"scope": P, "around": "nul\0"}, "There is no learner"),
        ({"scope": P, "members": "teams", "around": "a"}, "There is no team a on this board."),
    ],
)
def test_what_is_not_there_is_not_found(company, query, detail):
    with pytest.raises(NotFound) as error:
        company.standings(**query)
    assert error.value.detail.startswith(detail)


def test_another_companys_transfers_are_not_counted(company, database):
    other = Company(database)
    other.book("a", 5, at("10-01 08:00"))
    assert company.rows()[0] == (1, "a", 0)


# --- the query --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "paths"),
    [
        ({"scope": "galaxy"}, ["scope"]),
        ({"scope": "programme:"}, ["scope"]),
        ({"scope": "programme:a/b"}, ["scope"]),
        ({"scope": "course:a"}, ["scope"]),
        ({"scope": "course:a/b/c"}, ["scope"]),
        ({"scope": "programme:nul\0"}, ["scope"]),
        ({"unit": "stars"}, ["unit"]),
        ({"members": "people"}, ["members"]),
        ({"members": "teams"}, ["members"]),
        ({"score": "median"}, ["score"]),
        ({"score": "mean"}, ["score"]),
        ({"score": "mean", "unit": "x", "scope": "x", "period": "x"}, ["scope", "unit", "score", "period"]),
        *[
            ({"period": period}, ["period"])
            for period in (
                "", "yesterday", "2021", "2021-13", "2021-02-30", "2021-W53", "2021-W00", "1899-12-31",
                "2200-01", "0000-W01", "9999-12-31", "٢٠٢١-١٠-١٨", "2021-10-31..2021-10-01", "2021-10-01..",
                "..2021-10-01", "2021-10-01..2021-10-02..2021-10-03", "2021-10-01..2021-10-02T00:00:00Z",
                "2021-10-02T00:00:00Z..2021-10-02T00:00:00Z", "2021-10-01T00:00:00..2021-10-02T00:00:00",
                "2021-10-01T25:00:00Z..2021-10-02T00:00:00Z",
            )
        ],
    ],
)  # fmt: skip
def test_each_fault_of_a_query_is_named(query, paths):
    with pytest.raises(Invalid) as error:
        parse(query)
    assert [path for path, _ in error.value.errors] == paths


def test_a_scope_reads_as_it_was_written():
    for text in ("company", "programme:2021", "course:2021/服务:1"):
        assert str(parse({"scope": text}).scope) == text
    assert parse({}).scope == Scope()


@pytest.mark.parametrize(
    ("text", "zone", "from_at", "until_at"),
    [
        ("day", "Asia/Shanghai", "2021-10-19T16:00", "2021-10-20T16:00"),
        ("week", "Asia/Shanghai", "2021-10-17T16:00", "2021-10-24T16:00"),
        ("month", "Asia/Shanghai", "2021-09-30T16:00", "2021-10-31T16:00"),
        ("2020-W53", "UTC", "2020-12-28T00:00", "2021-01-04T00:00"),
        ("2021-12", "UTC", "2021-12-01T00:00", "2022-01-01T00:00"),
        ("2024-02", "UTC", "2024-02-01T00:00", "2024-03-01T00:00"),
        ("2021-03-28", "Europe/Berlin", "2021-03-27T23:00", "2021-03-28T22:00"),  # 23 hours
        ("2021-10-31", "Europe/Berlin", "2021-10-30T22:00", "2021-10-31T23:00"),  # 25 hours
        ("2021-10-01..2021-10-02", "UTC", "2021-10-01T00:00", "2021-10-03T00:00"),
        (
            "2021-10-01T08:00:00+08:00..2021-10-02T00:00:00z",
            "Asia/Shanghai",
            "2021-10-01T00:00",
            "2021-10-02T00:00",
        ),
        (
            "2021-10-01T08:00:00 08:00..2021-10-02T00:00:00Z",
            "Asia/Shanghai",
            "2021-10-01T00:00",
            "2021-10-02T00:00",
        ),
    ],
)
def test_periods_are_those_of_the_time_zone(text, zone, from_at, until_at):
    window = periods.parse(text).window(ZoneInfo(zone), NOW)
    assert window.from_at == datetime.fromisoformat(from_at).replace(tzinfo=UTC)
    assert window.until_at == datetime.fromisoformat(until_at).replace(tzinfo=UTC)


# --- against plain Python ---------------------------------------------------------------------------


def expected(company, members, teams, mean, keep, window, before, now):  # noqa: C901 - the whole definition
    """(rank, member, score, reached_at, moved) by the definitions, one transfer after another."""

    def totals(until):
        total, reached = dict.fromkeys(members, 0), {}
        for learner, unit, amount, when, number, programme, course in sorted(
            company.booked, key=lambda b: (b[3], b[4])
        ):
            if (window.from_at and when < window.from_at) or (until and when >= until):
                continue
            owner = team_of(learner, when) if teams else learner
            if owner in total and keep(unit, programme, course):
                total[owner] += amount
                reached[owner] = (when, number)
        return total, reached

    def team_of(learner, when):
        for who, team, from_at, until_at in company.stays:
            if who == learner and from_at <= when and (until_at is None or when < until_at):
                return team
        return None

    def score(total, member, instant):
        if not mean:
            return total
        people = sum(team_of(learner, instant) == member for learner in range(1, 7))
        exact = Decimal(total) / people if people else Decimal(0)
        return exact.quantize(Decimal("0.01"), ROUND_HALF_UP) + 0  # no minus zero

    least = timedelta(microseconds=1)
    end = min(now, window.until_at - least) if window.until_at else now
    cut = max(before, window.from_at) if window.from_at else before
    cut = min(cut, window.until_at) if window.until_at else cut
    total, reached = totals(window.until_at)
    old, _ = totals(cut)
    scores = {m: score(total[m], m, end) for m in members}
    olds = {m: score(old[m], m, cut - least) for m in members}

    def rank(of, member):
        return 1 + sum(other > of[member] for other in of.values())

    def place(member):
        key = (reached[member],) if scores[member] else ()
        return (-scores[member], key, members[member])

    return [
        (
            rank(scores, m),
            members[m],
            f"{scores[m]:.2f}" if mean else scores[m],
            reached[m][0] if scores[m] else None,
            rank(olds, m) - rank(scores, m),
        )
        for m in sorted(members, key=place)
    ]


times = st.sampled_from(
    [at(t) for t in ("10-12 09:00", "10-17 23:59", "10-18 00:00", "10-19 23:59", "10-20 00:00", "10-20 09:00")]
)
awards = st.tuples(
    st.lists(st.sampled_from("abcde"), min_size=1, max_size=3, unique=True),
    st.integers(-3, 3).filter(bool),
    times,
    st.sampled_from([(CREDITS, 1, None), (CREDITS, 1, 1), (CREDITS, 2, 3), (1, 1, 1), (2, 1, 2)]),
)
stays = st.lists(
    st.tuples(st.sampled_from(["red", "blue", None]), st.sampled_from(["red", "blue", None]), times),
    min_size=5,
    max_size=5,
)
SCOPES = {
    ("company", "credits"): lambda unit, programme, course: unit == 0,
    ("company", "flowers"): lambda unit, programme, course: unit != 0,
    (P, "credits"): lambda unit, programme, course: unit == 0 and programme == 1,
    (P, "flowers"): lambda unit, programme, course: unit in (1, 2),
    (SERVICE, "credits"): lambda unit, programme, course: unit == 0 and course == 1,
    (SERVICE, "flowers"): lambda unit, programme, course: unit == 1,
}  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(awards, max_size=14),
    stays,
    st.sampled_from(["all", "day", "week", "2021-10-18", "2021-10-17..2021-10-19"]),
)
def test_every_board_equals_the_plain_reading(database, booked, stays, period):
    company = Company(database)
    for learner, (first, then, moves) in zip("abcde", stays, strict=True):
        if first:
            company.join(learner, first, START, moves)
        if then:
            company.join(learner, then, moves)
    for learners, amount, when, (unit, programme, course) in booked:
        company.book_many(learners, amount, when, unit, programme, course)
    window = periods.parse(period).window(SHANGHAI, NOW)
    for (scope, unit), keep in SCOPES.items():
        learners = {n: chr(96 + n) for n in range(1, 7 if scope == "company" else 6)}
        kinds = [("learners", "sum", learners)]
        if scope != "company":
            teams = {1: "red", 2: "blue", 3: "empty"}
            kinds += [("teams", "sum", teams), ("teams", "mean", teams)]
        for members, score, known in kinds:
            found = company.standings(scope=scope, unit=unit, members=members, score=score, period=period)
            rows = [(r.rank, r.member, r.score, r.reached_at, r.moved) for r in found.rows]
            wanted = expected(company, known, members == "teams", score == "mean", keep, window, at("10-20 00:00"), NOW)
            assert rows == wanted, (scope, unit, members, score)
            assert found.size == len(known)
