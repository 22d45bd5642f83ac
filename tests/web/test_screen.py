"""The big screen: what its stream holds, with names and without."""

import random
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from pointsbank.database import Database
from pointsbank.directory import programmes
from pointsbank.matches import match as matches
from pointsbank.screen.awards import KEPT, Awards
from pointsbank.screen.pseudonyms import Pseudonyms
from tests.api.conftest import Caller
from tests.api.test_stream import Client
from tests.web.conftest import Reader
from tests.web.walls import FLOWERS, give, screen, stream_of, until

NAMES = ("李雷", "韩梅梅", "林涛", "𠮷野")


# What it shows ---------------------------------------------------------------------------------------------


def test_it_shows_teams_learners_and_awards_as_they_change(
    awarded: Caller, wall: Callable[..., tuple[Reader, str]]
) -> None:
    reader, page = wall()
    with closing(stream_of(reader, page)) as client:
        first = screen(client)
        assert [(team["name"], team["place"], team["rank"]) for team in first["teams"]] == [
            ("小组a", 0, 1),
            ("小组b", 1, 1),
        ]
        assert (first["learners"], first["blooms"], first["awards"], first["matches"]) == ([], [], [], [])
        give(awarded, 5, "举一反三", learner="20210003")
        changed = until(client, lambda it: bool(it["learners"] and it["awards"]))
        assert [(team["name"], team["credits"]) for team in changed["teams"]] == [("小组b", 5), ("小组a", 0)]
        assert [(each["name"], each["score"], each["team"]) for each in changed["learners"]] == [("林涛", 5, 1)]
        (award,) = changed["awards"]
        assert (award["giver"], award["role"], award["reason"], award["amount"]) == (None, None, ["举一反三"], 5)
        assert [each["name"] for each in award["to"]] == ["林涛"]
        give(awarded, 2, "协作", team="a", awarder="li", **FLOWERS)
        flowered = until(client, lambda it: len(it["awards"]) == 2 and bool(it["blooms"]))
        newest = flowered["awards"][0]
        assert (newest["giver"], newest["role"], newest["unit"], newest["count"]) == ("李静宜", "trainer", "flowers", 2)
        assert (newest["team"]["name"], newest["to"]) == ("小组a", [])
        assert {team["name"]: team["flowers"] for team in flowered["teams"]} == {"小组a": 4, "小组b": 0}


def test_an_award_that_is_taken_back_is_no_news(awarded: Caller, wall: Callable[..., tuple[Reader, str]]) -> None:
    reader, page = wall()
    entries = [give(awarded, 1, reason)["entry"]["id"] for reason in ("one", "two")]
    with closing(stream_of(reader, page)) as client:
        assert [each["reason"] for each in screen(client)["awards"]] == [["two"], ["one"]]
        undone = awarded.post(f"/v1/entries/{entries[1]}/reversal", {"reason": "by mistake"})
        assert undone.status_code == 201, undone.json
        assert until(client, lambda it: len(it["awards"]) == 1)["awards"][0]["reason"] == ["one"]


def test_what_is_read_past_a_number_is_what_is_read_anew(awarded: Caller, database: Database) -> None:
    dice, kept, given = random.Random(7), Awards(), list[str]()
    for turn in range(60):
        if given and dice.random() < 0.3:
            gone = given.pop(dice.randrange(len(given)))
            awarded.post(f"/v1/entries/{gone}/reversal", {"reason": "by mistake"})
        else:
            learner = f"2021000{dice.randint(1, 4)}"
            given.append(give(awarded, 1, f"{turn}", learner=learner, awarder="li", **FLOWERS)["entry"]["id"])
        if dice.random() < 0.5:
            with database.snapshot(awarded.company_id) as session:
                programme = programmes.get(session, "2021")
                assert kept.newest(session, programme) == Awards().newest(session, programme)
    with database.snapshot(awarded.company_id) as session:
        assert len(kept.newest(session, programmes.get(session, "2021"))) == min(KEPT, len(given))


def test_teams_can_be_compared_per_member(programme: Caller, wall: Callable[..., tuple[Reader, str]]) -> None:
    give(programme, 3)
    reader, page = wall(score="mean")
    with closing(stream_of(reader, page)) as client:
        shown = screen(client)
    assert [team["credits"] for team in shown["teams"]] == ["1.50", "0.00"]
    assert shown["learners"][0]["score"] == 3


def test_who_comes_back_is_told_only_what_changed(
    programme: Caller, wall: Callable[..., tuple[Reader, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.streams.screens.LOOKED_AT_SECONDS", 3_600)
    reader, page = wall()
    with closing(stream_of(reader, page)) as client:
        seen, _ = client.board()
    answer = reader.get("/screen-stream/2021", headers={"Last-Event-ID": seen})
    with closing(Client(answer)) as client:
        assert "retry" in client.next()
        assert client.next()["event"] == "as_of"
        give(programme, 3)
        assert until(client, lambda it: bool(it["awards"]))["learners"][0]["score"] == 3


def test_the_match_that_runs_is_shown_else_the_next_else_the_last(programme: Caller, database: Database) -> None:
    now = datetime.now(UTC)
    spans = {
        "old": (-90, -80),
        "ended": (-9, -3),
        "running": (-1, 5),
        "short": (-2, 1),
        "next": (2, 9),
        "later": (50, 60),
    }
    programme.put("/v1/programmes/2021", {"name": "2021", "starts_on": "2021-07-01", "ends_on": "2199-06-30"})
    for key, (start, end) in spans.items():
        body = {"name": key, "teams": ["a", "b"], "unit": "credits"}
        body |= {
            "starts_at": (now + timedelta(days=start)).isoformat(),
            "ends_at": (now + timedelta(days=end)).isoformat(),
        }
        answer = programme.put(f"/v1/programmes/2021/matches/{key}", body)
        assert answer.status_code == 201, answer.json

    def near(days: float) -> list[str]:
        with database.snapshot(programme.company_id) as session:
            found = matches.nearest(session, programmes.get(session, "2021"), now + timedelta(days=days), 6)
        return [each.key for each in found]

    assert near(0) == ["short", "running", "next", "later", "ended", "old"]
    assert near(20) == ["later", "next", "running", "short", "ended", "old"]
    assert near(70)[0] == "later"


def test_a_running_match_is_a_duel(programme: Caller, wall: Callable[..., tuple[Reader, str]]) -> None:
    now = datetime.now(UTC)
    programme.put("/v1/programmes/2021", {"name": "2021", "starts_on": "2021-07-01", "ends_on": "2199-06-30"})
    body = {"name": "今日PK", "learners": ["20210001", "20210003"], "unit": "credits"}
    body |= {"starts_at": (now - timedelta(hours=1)).isoformat(), "ends_at": (now + timedelta(hours=1)).isoformat()}
    assert programme.put("/v1/programmes/2021/matches/pk", body).status_code == 201
    give(programme, 4, learner="20210003", time=now.isoformat())
    reader, page = wall(hides_names=True)
    with closing(stream_of(reader, page)) as client:
        (match,) = screen(client)["matches"]
    assert (match["name"], match["status"]) == (["今日PK"], "running")
    assert [(place["score"], place["name"], place["team"]) for place in match["places"]] == [(4, None, 1), (0, None, 0)]


# Names hidden ----------------------------------------------------------------------------------------------


def test_where_names_are_hidden_nothing_tells_who_it_is(
    awarded: Caller, wall: Callable[..., tuple[Reader, str]]
) -> None:
    give(awarded, 3, "帮助韩梅梅和 20210003，不是202100031", learner="20210001")
    give(awarded, 1, "热心", learner="20210004", awarder="study", **FLOWERS)
    give(awarded, 1, "协作", team="b", awarder="li", **FLOWERS)
    reader, page = wall(hides_names=True)
    html = reader.get(page).text
    with closing(stream_of(reader, page)) as client:
        _, shown = client.board()
    told = orjson.dumps(shown).decode() + html
    for name in (*NAMES, "20210001", "20210002", "20210004", "李静宜", "学习委员"):
        assert name not in told, name
    assert (shown["learners"][0]["name"], shown["learners"][0]["score"]) == (None, 3)
    newest, given, helped = shown["awards"]
    assert (newest["giver"], newest["role"], given["role"]) == (None, "trainer", "committee")
    text = helped["reason"]
    assert [part for part in text if isinstance(part, str)] == ["帮助", "和 ", "，不是202100031"]
    numbers = [part for part in text if isinstance(part, int)]
    assert len(set(numbers) | {shown["learners"][0]["number"]}) == 3


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Ana Weiß 和 李小雷", [1, " 和 ", 2]),
        ("李小雷雷", [2, "雷"]),
        ("ANA WEIß, Anabel", [1, ", Anabel"]),
        ("(e7) E7 e71 1e7 第e7次", ["(", 3, ") ", 3, " e71 1e7 第", 3, "次"]),
        ("a.c abc", [4, " abc"]),
        ("İpek", [5]),
        ("nobody", ["nobody"]),
        ("", []),
    ],
)
def test_names_in_texts(text: str, parts: list[str | int]) -> None:
    meant = {"Ana Weiß": 1, "李小": 9, "李小雷": 2, "E7": 3, "a.c": 4, "İpek": 5}
    assert Pseudonyms({}, meant).hide(text) == parts


def test_pseudonyms_stay_whoever_comes(awarded: Caller, wall: Callable[..., tuple[Reader, str]]) -> None:
    for learner in range(1, 5):
        give(awarded, learner, learner=f"2021000{learner}")
    reader, page = wall(hides_names=True)

    def numbers() -> list[int]:
        with closing(stream_of(reader, page)) as client:
            return [each["number"] for each in screen(client)["learners"]]

    first = numbers()
    assert sorted(first) == [1, 2, 3, 4]
    awarded.put("/v1/learners/00000000", {"name": "先来"})
    awarded.post("/v1/programmes/2021/enrolments", {"learners": ["00000000"], "from": "2021-07-01"})
    give(awarded, 9, learner="00000000")
    assert numbers() == [5, *first]


def test_hidden_names_stay_hidden_where_somebody_is_signed_in(
    awarded: Caller, reader: Reader, link_of: Callable[..., str]
) -> None:
    give(awarded, 3)
    reader.user("hr", "hr")
    reader.become("hr")
    page = reader.get(f"/screen/link/{link_of(hides_names=True)}").headers["Location"]
    with closing(stream_of(reader, page)) as client:
        assert screen(client)["learners"][0]["name"] is None
    with closing(stream_of(reader, "/screen/2021")) as client:
        assert screen(client)["learners"][0]["name"] == "李雷"
    with closing(stream_of(reader, "/screen/2021?names=hidden&score=mean")) as client:
        shown = screen(client)
    assert (shown["learners"][0]["name"], shown["teams"][0]["credits"]) == (None, "1.50")
