"""Boards against a plain-Python reading of the same definitions."""

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.accounts import CREDITS
from pointsbank.leaderboards import periods
from tests.pointsbank.board_company import NOW, SERVICE, SHANGHAI, START, Company, P, at


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

    def is_there(learner, when):
        left_on = company.leavers.get(learner)
        return left_on is None or when.astimezone(SHANGHAI).date() <= left_on

    def score(total, member, instant):
        if not mean:
            return total
        people = sum(team_of(learner, instant) == member and is_there(learner, instant) for learner in range(1, 7))
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


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    st.lists(awards, max_size=14),
    stays,
    st.dictionaries(st.sampled_from("abcde"), st.dates(date(2021, 10, 16), date(2021, 10, 21)), max_size=3),
    st.sampled_from(["all", "day", "week", "2021-10-18", "2021-10-17..2021-10-19"]),
)
def test_every_board_equals_the_plain_reading(database, booked, stays, leavers, period):
    company = Company(database)
    for learner, (first, then, moves) in zip("abcde", stays, strict=True):
        if first:
            company.join(learner, first, START, moves)
        if then:
            company.join(learner, then, moves)
    for learners, amount, when, (unit, programme, course) in booked:
        company.book_many(learners, amount, when, unit, programme, course)
    for learner, left_on in leavers.items():
        company.leave(learner, left_on)
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
