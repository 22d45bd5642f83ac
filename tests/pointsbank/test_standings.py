"""Boards by hand: ranks, ties, periods, scopes, teams, means, pages."""

from datetime import date, timedelta

import pytest

from pointsbank.errors import NotFound
from tests.pointsbank.board_company import NETWORK, SERVICE, START, Company, P, at


@pytest.fixture
def company(database):
    return Company(database)


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


def test_who_has_left_the_company_is_no_member_of_a_team_any_more(company):
    company.join("a", "red")
    company.join("b", "red")
    company.join("c", "blue", at("10-12 00:00"))
    company.book("a", 10, at("10-11 08:00"))
    company.leave("b", date(2021, 10, 15))
    company.leave("c", date(2021, 10, 11))  # before the day on which the team has them
    means = {"scope": P, "members": "teams", "score": "mean"}
    assert company.rows(**means)[0] == (1, "red", "10.00")
    assert company.rows(**means, period="2021-10-11..2021-10-15")[0] == (1, "red", "5.00")
    assert company.rows(**means, period="2021-10-11..2021-10-16")[0] == (1, "red", "10.00")
    company.leave("b", None)
    assert company.rows(**means)[0] == (1, "red", "5.00")


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
