"""Teams, who is in them when, and who is enrolled."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from pointsbank import company
from pointsbank.database import Database, Session
from pointsbank.directory import enrolments, learners, programmes, roster, snapshot, stays, teams
from pointsbank.directory.roster import Stay
from pointsbank.directory.teams import TeamChange
from pointsbank.errors import Invalid, NotFound

_numbers = iter(range(10**6))

# --- stays: a letter is a day, "." is a day in no team; the last one goes on for ever ---------------

DAYS = 8
DAY_0 = datetime(2021, 7, 1, tzinfo=UTC)
STEPS = [
    # before     what         from  after
    ("........", "join a", 0, "aaaaaaaa"),
    ("........", "join a", 3, "...aaaaa"),
    ("aaaaaaaa", "join b", 3, "aaabbbbb"),
    ("aaaaaaaa", "join a", 3, "aaaaaaaa"),
    ("aaabbbbb", "join a", 3, "aaaaaaaa"),
    ("aaabbbbb", "join c", 1, "accccccc"),
    ("aaabbbbb", "join c", 0, "cccccccc"),
    ("aabb....", "join a", 5, "aabb.aaa"),
    ("aabb....", "join b", 4, "aabbbbbb"),
    ("aaaaaaaa", "leave a", 3, "aaa....."),
    ("aaaaaaaa", "leave a", 0, "........"),
    ("aaabbbbb", "leave a", 1, "a..bbbbb"),
    ("aaabbaaa", "leave a", 2, "aa.bb..."),
    ("aaabbbbb", "leave a", 6, "aaabbbbb"),
    ("aaabbbbb", "leave c", 0, "aaabbbbb"),
]


def _stays(text: str) -> stays.Stays:
    found: list[Stay] = []
    for day, letter in enumerate(text):
        at = DAY_0 + timedelta(days=day)
        until = None if day == DAYS - 1 else at + timedelta(days=1)
        if letter == ".":
            continue
        if found and found[-1].team == ord(letter) and found[-1].until_at == at:
            found[-1] = found[-1]._replace(until_at=until)
        else:
            found.append(Stay(at, until, ord(letter)))
    return tuple(found)


@pytest.mark.parametrize(("before", "what", "at", "after"), STEPS)
def test_joining_and_leaving(before: str, what: str, at: int, after: str) -> None:
    verb, team = what.split()
    change = {"join": stays.join, "leave": stays.leave}[verb]
    assert change(_stays(before), ord(team), DAY_0 + timedelta(days=at)) == _stays(after)


# --- in the database --------------------------------------------------------------------------------


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.transaction(company.create(database, f"teams-{next(_numbers)}")) as opened:
        programmes.put(
            opened,
            "p",
            name="p",
            starts_on=date(2021, 7, 1),
            ends_on=date(2022, 6, 30),
            timezone="Asia/Shanghai",
        )
        learners.put_batch(opened, [learners.Learner(key, key) for key in "abcdef"])
        yield opened


START = datetime(2021, 6, 30, 16, tzinfo=UTC)
MARCH = date(2022, 3, 1)
MARCH_AT = datetime(2022, 2, 28, 16, tzinfo=UTC)


def put(session: Session, team: str, members: str, from_on: date | None = None) -> str:
    return teams.put(session, "p", TeamChange(team, team, list(members), from_on))[1]


def version(session: Session) -> int:
    return snapshot.load(session).version


def stays_of(session: Session, learner: str) -> list[tuple[datetime, datetime | None, int]]:
    return [tuple(stay) for stay in roster.find_learners(session, 1, [learner])[learner].stays]


def members(session: Session, team: str, at: datetime | None = None) -> str:
    return "".join(teams.get(session, programmes.get(session, "p"), team, at).members)


def test_a_first_team_counts_from_the_programmes_start_and_enrols(session: Session) -> None:
    assert put(session, "red", "ab") == "created"
    found = roster.find_learners(session, 1, ["a", "c", "none", "\x1f"])
    assert found == {
        "a": roster.Enrolled(1, START, None, (Stay(START, None, 1),)),
        "c": roster.Enrolled(3, None, None, ()),
    }
    assert found["a"].team_at(START) == 1
    assert found["a"].team_at(START - timedelta(seconds=1)) is None


def test_a_change_of_team_counts_from_now(session: Session) -> None:
    put(session, "red", "ab")
    before = datetime.now(UTC)
    assert put(session, "blue", "bc") == "created"
    first, second = stays_of(session, "b")
    assert first[0] == START
    assert before <= first[1] == second[0] <= datetime.now(UTC)
    assert stays_of(session, "c") == [(START, None, 2)]
    assert (members(session, "red"), members(session, "blue")) == ("a", "bc")
    assert members(session, "red", MARCH_AT) == "ab"


def test_the_same_again_changes_nothing(session: Session) -> None:
    for from_on in (None, MARCH, None):
        put(session, "red", "ab", from_on)
        before = version(session), stays_of(session, "a")
        assert put(session, "red", "ba", from_on) == "unchanged"
        assert (version(session), stays_of(session, "a")) == before
    assert teams.put(session, "p", TeamChange("red", "红队", ["a", "b"]))[1] == "updated"
    assert version(session) == before[0] + 1


def test_a_change_may_be_past_and_replaces_what_came_later(session: Session) -> None:
    put(session, "red", "ab")
    put(session, "blue", "b")
    assert put(session, "blue", "b", MARCH) == "updated"
    assert stays_of(session, "b") == [(START, MARCH_AT, 1), (MARCH_AT, None, 2)]
    assert put(session, "red", "", MARCH) == "updated"
    assert stays_of(session, "a") == [(START, MARCH_AT, 1)]
    assert members(session, "red") == ""
    put(session, "blue", "a")
    assert stays_of(session, "a")[1][0] > MARCH_AT


def test_the_start_of_a_day_is_that_of_the_programmes_zone(session: Session) -> None:
    put(session, "red", "a", date(2021, 1, 1))
    found = roster.find_learners(session, 1, ["a"])["a"]
    assert found.from_at == found.stays[0].from_at == datetime(2020, 12, 31, 16, tzinfo=UTC)


def test_a_programme_to_come_has_its_teams_from_its_start(session: Session) -> None:
    year = datetime.now(UTC).year + 2
    programmes.put(session, "q", name="q", starts_on=date(year, 7, 1), ends_on=date(year, 12, 31), timezone="UTC")
    teams.put(session, "q", TeamChange("red", "red", ["a"]))
    team, _ = teams.put(session, "q", TeamChange("blue", "blue", ["a"]))
    assert team.members == ("a",)
    assert [stay.team for stay in roster.find_learners(session, 2, ["a"])["a"].stays] == [2]
    [enrolled] = enrolments.page(session, programmes.get(session, "q"), 9)
    assert (enrolled.team, enrolled.from_at) == ("blue", datetime(year, 7, 1, tzinfo=UTC))


def test_every_fault_is_told_at_once(session: Session) -> None:
    changes = [
        TeamChange("red", "红", ["a", "x", "a"]),
        TeamChange("a/b", "\0", ["b", "\ud800"]),
        TeamChange("red", "红", ["b"]),
    ]
    with pytest.raises(Invalid) as refused:
        teams.put_batch(session, "p", changes)
    assert sorted(path for path, _ in refused.value.errors) == [
        *("[0].members[1]", "[0].members[2]", "[1].id", "[1].members[1]", "[1].name"),
        *("[2].id", "[2].members[0]"),
    ]
    with pytest.raises(Invalid) as refused:
        put(session, "red", "abz")
    assert [path for path, _ in refused.value.errors] == ["members[2]"]
    for missing in ("none", "\0"):
        with pytest.raises(NotFound):
            teams.put_batch(session, missing, [])
        with pytest.raises(NotFound):
            members(session, missing)


def test_a_batch_of_large_teams_takes_few_statements(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    learners.put_batch(session, [learners.Learner(f"l{n}", "名") for n in range(2_000)])
    texts: list[str] = []
    plain = Session.sql

    def counted(self: Session, statement: str, *parameters: dict[str, object]) -> object:
        texts.append(statement)
        return plain(self, statement, *parameters)

    monkeypatch.setattr(Session, "sql", counted)
    batch = [TeamChange(f"t{t}", "队", [f"l{n}" for n in range(t, 2_000, 5)]) for t in range(5)]
    assert teams.put_batch(session, "p", batch) == ["created"] * 5
    assert len(texts) < 20
    assert teams.put_batch(session, "p", batch) == ["unchanged"] * 5
    assert [(team.key, team.size) for team in teams.page(session, programmes.get(session, "p"), 2, "t0")] == [
        ("t1", 400),
        ("t2", 400),
    ]


# --- enrolments ---------------------------------------------------------------------------------------


def test_enrolling_counts_from_the_programmes_start_or_earlier(session: Session) -> None:
    assert enrolments.enrol(session, "p", ["a", "b"]) == enrolments.Counts(2, 0, 0)
    before = version(session)
    assert enrolments.enrol(session, "p", ["a", "b"]) == enrolments.Counts(0, 0, 2)
    assert enrolments.enrol(session, "p", ["a"], MARCH) == enrolments.Counts(0, 0, 1)
    assert version(session) == before
    assert enrolments.enrol(session, "p", ["a", "c"], date(2021, 6, 1)) == enrolments.Counts(1, 1, 0)
    found = roster.find_learners(session, 1, ["a", "b"])
    assert (found["a"].from_at, found["b"].from_at) == (datetime(2021, 5, 31, 16, tzinfo=UTC), START)


def test_who_was_enrolled_later_joins_the_first_team_then(session: Session) -> None:
    enrolments.enrol(session, "p", ["a"], MARCH)
    put(session, "red", "a")
    assert stays_of(session, "a") == [(MARCH_AT, None, 1)]
    put(session, "red", "a", date(2021, 7, 1))
    assert roster.find_learners(session, 1, ["a"])["a"].from_at == START


def test_the_enrolled_are_listed_with_their_team(session: Session) -> None:
    enrolments.enrol(session, "p", ["f", "a"])
    put(session, "red", "b")
    listed = enrolments.page(session, programmes.get(session, "p"), 9)
    assert [(each.learner, each.team) for each in listed] == [("a", None), ("b", "red"), ("f", None)]
    assert enrolments.page(session, programmes.get(session, "p"), 1, listed[0].no) == listed[1:2]


def test_unknown_learners_are_named(session: Session) -> None:
    with pytest.raises(Invalid) as refused:
        enrolments.enrol(session, "p", ["a", "x", "a", "\0"])
    assert [path for path, _ in refused.value.errors] == ["learners[1]", "learners[2]", "learners[3]"]


def test_who_left_did_so_at_the_end_of_the_day(session: Session) -> None:
    learners.put(session, learners.Learner("a", "a", left_on=date(2022, 2, 28)))
    assert roster.find_learners(session, 1, ["a"])["a"].left_at == MARCH_AT
