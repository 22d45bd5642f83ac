"""Reports against boards, and against a plain reading of what was booked."""

from collections import Counter
from datetime import date
from fractions import Fraction
from math import comb, isclose

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.accounts import CREDITS
from ledger.reversals import reverse
from pointsbank.directory import courses, programmes
from pointsbank.errors import NotFound
from pointsbank.reports import selection as selecting
from pointsbank.reports.concentration import chance_of_as_many, gini
from pointsbank.reports.distribution import distribution, summary
from pointsbank.reports.givers import giving
from pointsbank.reports.happenings import happenings
from pointsbank.reports.over_time import MOST_STEPS, over_time
from pointsbank.reports.participation import participation
from pointsbank.reports.selection import Selection
from tests.pointsbank.board_company import SERVICE, SHANGHAI, START, Company, P, at

TIMES = [at(text) for text in ("07-05 09:00", "10-17 23:59", "10-18 00:00", "10-20 09:00", "11-01 00:00")]
AWARDS = st.tuples(
    st.lists(st.sampled_from("abcde"), min_size=1, max_size=3, unique=True),
    st.integers(-3, 9).filter(bool),
    st.sampled_from(TIMES),
    st.sampled_from([(CREDITS, 1, None), (CREDITS, 1, 1), (CREDITS, 2, 3), (1, 1, 1), (2, 1, 2)]),
)
PERIODS = st.sampled_from([(None, None), (date(2021, 10, 18), None), (date(2021, 10, 17), date(2021, 10, 31))])


def chosen(session, first=None, last=None, course=None, team=None):
    programme = programmes.get(session, "2021")
    return Selection(
        programme,
        None if course is None else courses.get(session, programme, course),
        next((each for each in selecting.teams(session, programme) if each.key == team), None),
        first,
        last,
    )


def period_of(first, last):
    return "all" if first is None else f"{first}..{last or date(2199, 1, 1)}"


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(AWARDS, max_size=14), PERIODS, st.sampled_from(["day", "week", "month"]))
def test_sums_are_those_of_boards_and_of_a_plain_reading(database, booked, period, step):
    company, (first, last) = Company(database), period
    company.join("a", "red", START, TIMES[2])
    company.join("a", "blue", TIMES[2])
    company.join("b", "blue")
    for learners, amount, when, (unit, programme, course) in booked:
        company.book_many(learners, amount, when, unit, programme, course)
    company.convert("a", 7, TIMES[1])
    with database.snapshot(company.id) as session:
        for unit in ("credits", "flowers"):
            for course in (None, "service"):
                selection = chosen(session, first, last, course)
                board = {"unit": unit, "period": period_of(first, last), "scope": SERVICE if course else P}
                by_team = over_time(session, selection, unit, "team", step)
                teams = {each.key: each.total for each in by_team.series if each.key is not None}
                rows = company.standings(members="teams", **board).rows
                assert teams == {row.member: row.score for row in rows}
                spread = distribution(session, selection, unit)
                found = {each.key: each.amount for each in spread.holders}
                rows = company.standings(members="learners", **board).rows
                assert {k: v for k, v in found.items() if v} == {row.member: row.score for row in rows if row.score}
                whole = sum(found.values())
                assert sum(each.learners for each in spread.bins) == len(found)
                assert sum(each.total for each in by_team.series) == whole
                by_course = over_time(session, selection, unit, "course", step)
                assert sum(each.total for each in by_course.series) == whole
                assert sum(getattr(each, unit) for each in happenings(session, selection)) == whole
                departments = participation(session, selection, 30).departments
                assert sum(getattr(each, unit) for each in departments) == whole
                if unit == "flowers":
                    assert giving(session, selection).total == whole
                amounts = [sum(each.amounts[place] for each in by_team.series) for place in range(len(by_team.starts))]
                steps = {start: amount for start, amount in zip(by_team.starts, amounts, strict=True) if amount}
                assert steps == steps_of(company, unit, course, first, last, step)


def steps_of(company, unit, course, first, last, step):
    """One transfer after the other."""
    found = Counter()
    for _, number, amount, when, _, programme, of_course in company.booked:
        day = when.astimezone(SHANGHAI).date()
        counts = number == 0 and programme == 1 if unit == "credits" else number in (1, 2)
        counts = counts and (course is None or of_course == 1)
        if counts and (first is None or first <= day) and (last is None or day <= last):
            start = day.replace(day=1) if step == "month" else day
            if step == "week":
                start = date.fromordinal(day.toordinal() - day.weekday())
            found[start] += amount
    return {start: amount for start, amount in found.items() if amount}


def test_a_team_has_what_was_earned_in_it_and_nobody_elses(database):
    company = Company(database)
    company.join("a", "red", START, TIMES[2])
    company.join("a", "blue", TIMES[2])
    company.book("a", 5, TIMES[0])
    company.book("a", 3, TIMES[3])
    company.book("c", 9, TIMES[3])
    with database.snapshot(company.id) as session:
        red, blue = chosen(session, team="red"), chosen(session, team="blue")
        assert [each.amount for each in distribution(session, red, "credits").holders] == [5]
        assert [each.amount for each in distribution(session, blue, "credits").holders] == [3]
        assert [(each.events, each.credits) for each in happenings(session, red)] == [(1, 5)]
        assert sum(each.credits for each in participation(session, blue, 30).departments) == 3
        assert [(each.key, each.total) for each in over_time(session, red, "credits", "team").series] == [("red", 5)]


def test_what_was_reversed_is_neither_earned_nor_an_event(database):
    company = Company(database)
    company.book("a", 5, TIMES[0])
    outcome = company.book("b", 4, TIMES[0])
    with database.transaction(company.id) as session:
        reverse(session, outcome.number, "a mistake")
    with database.snapshot(company.id) as session:
        selection = chosen(session)
        assert [(each.events, each.learners, each.credits) for each in happenings(session, selection)] == [(1, 1, 5)]
        (department,) = participation(session, selection, 30).departments
        assert (department.learners, department.taking_part, department.events) == (5, 1, 1)
        assert "b" in {each.key for each in department.silent}


def test_who_is_silent_and_since_when(database):
    company = Company(database)
    with database.transaction(company.id) as session:
        session.sql("UPDATE learners SET department = 'Sales' WHERE company_id = %(company)s AND no <= 2")
        session.sql("UPDATE learners SET left_on = '2021-10-01' WHERE company_id = %(company)s AND no = 3")
    company.book("a", 1, at("10-19 12:00"))
    company.book("b", 1, at("10-01 12:00"))
    with database.snapshot(company.id) as session:
        found = participation(session, chosen(session, last=date(2021, 10, 20)), 14)
    assert {each.name: (each.learners, each.taking_part) for each in found.departments} == {
        "Sales": (2, 2),
        None: (3, 0),
    }
    assert {each.key: each.days for each in found.silent} == {"b": 19, "d": 112, "e": 112}, "a is not, and c has left"
    assert [each.name for each in found.departments] == ["Sales", None]
    assert found.months == [date(2021, 10, 1)]


def test_a_step_too_short_for_the_period_becomes_longer(database):
    company = Company(database)
    company.book("a", 1, at("01-02 00:00").replace(year=2019))
    company.book("a", 1, at("12-31 00:00"))
    with database.snapshot(company.id) as session:
        found = over_time(session, chosen(session), "credits", "team", "day")
        assert (found.step, len(found.starts) <= MOST_STEPS) == ("week", True)
        assert over_time(session, chosen(session, team="red"), "flowers", "team").starts == ()


def test_whose_flowers_stand_out(database):
    """One gives all to one of two teams, the other to both in turn."""
    company = Company(database)
    for learner, team in zip("abcd", ("red", "red", "blue", "blue"), strict=True):
        company.join(learner, team)
    with database.transaction(company.id) as session:
        for no, key in ((1, "one"), (2, "two"), (3, "none")):
            session.sql(
                "INSERT INTO awarders VALUES (%(company)s, %(no)s, 1, %(key)s, %(key)s, 'trainer')",
                {"no": no, "key": key},
            )
    for turn in range(20):
        company.book("ab"[turn % 2], 1, TIMES[3], unit=1, course=1, awarder=1)
        company.book("abcd"[turn % 4], 1, TIMES[3], unit=1, course=1, awarder=2)
    company.book_many("ab", 1, TIMES[3], unit=1, course=1, awarder=2)
    company.book("a", 5, TIMES[3], unit=1, course=1)
    with database.snapshot(company.id) as session:
        found = giving(session, chosen(session))
    two, one, none = found.givers
    assert [each.awarder.key for each in found.givers] == ["two", "one", "none"]
    assert (two.flowers, two.awards, two.reached, two.is_rare) == (22, 21, 4, False)
    assert (one.flowers, one.awards, one.reached, one.gini, one.is_rare) == (20, 20, 2, 0.0, True)
    assert (none.flowers, none.share_of_top, none.is_rare) == (0, 0.0, False)
    assert (found.by_rules, found.total) == (5, 47)


def test_another_programmes_or_companys_is_not_in_it(database):
    company, other = Company(database), Company(database)
    other.book("a", 5, TIMES[0])
    company.book("a", 7, TIMES[0], programme=2)
    with database.snapshot(company.id) as session:
        assert happenings(session, chosen(session)) == []
        assert distribution(session, chosen(session), "credits").overall.total == 0
        with pytest.raises(NotFound):
            programmes.get(session, "1999")


@given(st.lists(st.integers(0, 50), min_size=1, max_size=12))
def test_gini_is_half_the_mean_difference(amounts):
    mean = Fraction(sum(amounts), len(amounts))
    differences = sum(abs(a - b) for a in amounts for b in amounts)
    expected = Fraction(differences, 2 * len(amounts) ** 2) / mean if mean else 0
    assert isclose(gini(amounts), float(expected), abs_tol=1e-12)


@given(st.integers(0, 60), st.integers(-1, 61), st.fractions(0, 1, max_denominator=20))
def test_chances_are_those_of_the_binomial_distribution(tries, hits, chance):
    exact = sum(comb(tries, n) * chance**n * (1 - chance) ** (tries - n) for n in range(max(0, hits), tries + 1))
    assert isclose(chance_of_as_many(tries, hits, float(chance)), float(exact), rel_tol=1e-6, abs_tol=1e-12)


@given(st.lists(st.integers(-20, 10_000), min_size=1, max_size=60))
def test_quartiles_lie_in_order(amounts):
    found = summary(None, amounts)
    assert found.least <= found.lower <= found.median <= found.upper <= found.most
    assert (found.total, found.learners) == (sum(amounts), len(amounts))
