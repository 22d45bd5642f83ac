"""Ranks of teams whose sums are kept and moved on, step by step the same as a board out of the ledger."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest

from pointsbank.database import Database, Session
from pointsbank.leaderboards import scores, team_ranks
from pointsbank.leaderboards.boards import Board, Scope
from pointsbank.leaderboards.frame import of_scope
from pointsbank.leaderboards.periods import Instants
from pointsbank.leaderboards.standings import standings
from tests.api.conftest import Caller, app, caller, new_company, programme  # noqa: F401 - fixtures

P = "/v1/programmes/p"
LEARNERS = [f"l{n}" for n in range(6)]
STEPS = 60
START = datetime(1900, 1, 1, tzinfo=UTC)
BOARDS: list[tuple[str | None, Literal["credits", "flowers"], Literal["sum", "mean"]]] = [
    (None, "credits", "sum"),
    (None, "credits", "mean"),
    ("c", "credits", "sum"),
    ("c", "flowers", "sum"),
]
RULES = [
    {"key": unit, "on": "x", "award": {"unit": unit, "amount": "data.n"}, "when": condition}
    for unit, condition in (("credits", "true"), ("flowers", "has(data.course)"))
]


@pytest.fixture
def bank(caller: Caller) -> Caller:  # noqa: F811
    """A programme that lasts: some of what is booked is yet to happen."""
    today = datetime.now(UTC).date()
    begins, ends = today - timedelta(days=100), today + timedelta(days=100)
    caller.put(P, {"name": "p", "starts_on": f"{begins}", "ends_on": f"{ends}", "allotment": None})
    caller.put(f"{P}/courses/c", {"name": "c", "kind": "practical", "flowers": 10_000})
    caller.post("/v1/learners/batch", [{"id": key, "name": key} for key in LEARNERS])
    for team, members in (("a", LEARNERS[:2]), ("b", LEARNERS[2:4]), ("c", LEARNERS[4:])):
        caller.put(f"{P}/teams/{team}", {"name": team, "members": members, "from": f"{begins}"})
    caller.put(f"{P}/rulebook/draft", {"earning": RULES})
    assert caller.post(f"{P}/rulebook/draft/activate").status_code == 200
    return caller


def expected(session: Session, board: tuple[Any, Any, Any], cut_off: datetime, number: int) -> dict[str, int]:
    course, unit, score = board
    until = Instants("until", START, cut_off)
    found = standings(session, Board(Scope("p", course), unit, "teams", until, score), limit=None, up_to=number)
    return {row.member: row.rank for row in found.rows}


def happen(bank: Caller, dice: random.Random, step: int, booked: list[str]) -> None:
    """An event, past or future; a reversal; somebody who goes to another team, or leaves the company or comes back."""
    fate = dice.random()
    if fate < 0.75 or not booked:
        now = datetime.now(UTC)
        hours = dice.choice((-2000, -500, -30, -1, 0, 1, 40))
        data = {"programme": "p", "n": dice.randint(1, 5), **({"course": "c"} if dice.random() < 0.5 else {})}
        head = {
            "specversion": "1.0",
            "id": f"{step}",
            "source": "urn:t",
            "type": "x",
            "subject": dice.choice(LEARNERS[:-1]),
        }
        entry = bank.event({**head, "time": (now + timedelta(hours=hours)).isoformat(), "data": data}).json["entry"]
        booked.append(entry["id"])
    elif fate < 0.9:
        assert bank.post(f"/v1/entries/{booked.pop()}/reversal", {"reason": "x"}).status_code == 201
    elif fate < 0.94:
        left_on = datetime.now(UTC).date() - timedelta(days=dice.randint(0, 40))
        leaver = {"name": "l", "left_on": dice.choice((None, f"{left_on}"))}
        assert bank.put(f"/v1/learners/{LEARNERS[-1]}", leaver).status_code == 200
    else:
        members = dice.sample(LEARNERS, 2)
        since = datetime.now(UTC).date() - timedelta(days=dice.randint(0, 50))
        assert bank.put(f"{P}/teams/a", {"name": "a", "members": members, "from": f"{since}"}).status_code == 200


def test_step_by_step_as_the_ledger_has_it(bank: Caller, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    computed = 0
    original = scores.totals

    def totals(*arguments: Any) -> dict[str, int]:
        nonlocal computed
        computed += 1
        return original(*arguments)

    monkeypatch.setattr(scores, "totals", totals)
    dice, booked, asked = random.Random(4), list[str](), 0
    fixed = datetime.now(UTC) - timedelta(days=10)
    for step in range(STEPS):
        happen(bank, dice, step, booked)
        with database.snapshot(bank.company_id) as session:
            row = session.sql("SELECT last_number FROM journals WHERE company_id = %(company)s").fetchone()
            assert row is not None
            # Now; the same past cut-off again and again; some other; in a while; and as it was some entries ago.
            now = datetime.now(UTC)
            soon = now + timedelta(hours=dice.choice((0.5, 2)))
            questions = [(now, 0), (fixed, 0), (now - timedelta(hours=dice.randint(1, 999)), 0), (soon, 0), (now, 3)]
            for cut_off, ago in dice.sample(questions, 3):
                board = dice.choice(BOARDS)
                frame = of_scope(session, Scope("p", board[0]), board[1], "teams")
                number = max(0, row.last_number - ago)
                found = team_ranks.ranks(session, frame, board[2], cut_off, number)
                assert found == expected(session, board, cut_off, number), (step, board, cut_off, ago)
                asked += 1
    assert computed < asked * 3 / 4  # the others were moved on


def test_sums_of_another_history_are_not_moved_on(bank: Caller, database: Database) -> None:
    """As if the database had been put back to an earlier state, and other entries had taken the same numbers."""
    dice = random.Random(1)
    with database.snapshot(bank.company_id) as session:
        frame = of_scope(session, Scope("p"), "credits", "teams")
    happen(bank, dice, 0, [])
    cut_off = datetime.now(UTC) + timedelta(days=90)
    with database.snapshot(bank.company_id) as session:
        row = session.sql("SELECT last_number FROM journals WHERE company_id = %(company)s").fetchone()
        assert row is not None
        right = team_ranks.ranks(session, frame, "sum", cut_off, row.last_number)
        key = (bank.company_id, frame.id)
        [kept] = team_ranks._kept[key]
        false = {team: -total for team, total in kept.totals.items()}
        team_ranks._kept[key] = (type(kept)(kept.number, kept.booked_at + 1, cut_off, kept.version, false, None),)
        assert team_ranks.ranks(session, frame, "sum", cut_off, row.last_number) == right
