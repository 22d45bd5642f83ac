"""A board over HTTP: its shape, its faults, and who may see it."""

from datetime import datetime

import pytest

from ledger.accounts import CREDITS, ISSUANCE, holding
from ledger.journal import Draft, Transfer, post
from ledger.terms import intern

PATH = "/v1/leaderboards"
DIRECTORY = """
INSERT INTO programmes (company_id, no, key, name, starts_on, ends_on, timezone)
VALUES (%(company)s, 1, '2021', '2021 届', '2021-07-01', '2022-06-30', 'Asia/Shanghai');
INSERT INTO learners (company_id, no, key, name)
VALUES (%(company)s, 1, '20210001', '李雷'), (%(company)s, 2, '20210002', '韩梅梅'),
       (%(company)s, 3, '20210003', '𠮷野');
INSERT INTO enrolments SELECT %(company)s, 1, n, '2021-07-01T00:00:00Z' FROM generate_series(1, 3) AS n;
INSERT INTO teams VALUES (%(company)s, 1, 1, 'a', '小组 a');
INSERT INTO memberships VALUES (%(company)s, 1, 1, '2021-07-01T00:00:00Z', NULL, 1),
                               (%(company)s, 1, 2, '2021-07-01T00:00:00Z', NULL, 1);
"""


@pytest.fixture
def board(caller, database):
    """The company of `caller` with three learners, of whom two have 5 credits and make up a team."""
    with database.transaction(caller.company_id) as session:
        for statement in DIRECTORY.split(";\n")[:-1]:
            session.sql(statement)
        term = intern(session, ["lms"])["lms"]
        drafts = [
            Draft(
                source=term,
                key=f"score-{learner}",
                kind=term,
                fingerprint=0,
                occurred_at=datetime.fromisoformat(time),
                transfers=[Transfer(CREDITS, ISSUANCE, holding(learner), 5, learner, 1)],
                programme=1,
                learner=learner,
            )
            for learner, time in ((1, "2021-10-18T09:30:00+08:00"), (2, "2021-10-18T09:00:00+08:00"))
        ]
        post(session, drafts)
    return caller


def test_a_board_in_full(board):
    response = board.get(f"{PATH}?scope=programme:2021&period=2021-10&limit=2")
    assert response.status_code == 200
    body = response.json
    assert datetime.fromisoformat(body["as_of"].pop("at")).tzinfo is not None
    assert body == {
        "board": {
            "scope": "programme:2021",
            "unit": "credits",
            "members": "learners",
            "period": "2021-10",
            "score": "sum",
            "scale": 0,
            "from_at": "2021-09-30T16:00:00Z",
            "until_at": "2021-10-31T16:00:00Z",
        },
        "source": "ledger",
        "as_of": {"number": 2},
        "size": 3,
        "ahead": None,
        "rows": [
            {
                "rank": 1,
                "member": {"id": "20210002", "name": "韩梅梅"},
                "score": 5,
                "reached_at": "2021-10-18T01:00:00Z",
                "moved": 0,
            },
            {
                "rank": 1,
                "member": {"id": "20210001", "name": "李雷"},
                "score": 5,
                "reached_at": "2021-10-18T01:30:00Z",
                "moved": 0,
            },
        ],
    }


def test_a_mean_is_a_text_with_two_decimals(board):
    body = board.get(f"{PATH}?scope=programme:2021&members=teams&score=mean").json
    assert [(row["member"]["id"], row["score"]) for row in body["rows"]] == [("a", "5.00")]
    assert body["board"]["from_at"] is None


def test_without_a_query_it_is_the_whole_company_of_all_time(board):
    body = board.get(PATH).json
    assert [row["member"]["id"] for row in body["rows"]] == ["20210002", "20210001", "20210003"]
    assert (body["rows"][2]["rank"], body["rows"][2]["reached_at"]) == (3, None)


def test_the_page_around_a_member(board):
    body = board.get(f"{PATH}?around=20210003&limit=1").json
    assert [row["member"]["id"] for row in body["rows"]] == ["20210003"]
    assert body["size"] == 3


@pytest.mark.parametrize(
    ("query", "paths"),
    [
        ("scope=galaxy&unit=stars&period=2021-13&members=people&score=mode",
         ["scope", "unit", "members", "score", "period"]),
        ("members=teams", ["members"]),
        ("score=mean", ["score"]),
        ("period=2021-10-02..2021-10-01", ["period"]),
        ("limit=0", ["limit"]),
        ("limit=501", ["limit"]),
        ("limit=ten", ["limit"]),
        ("offset=-1", ["offset"]),
        ("offset=99999999999999999999", ["offset"]),
        ("around=20210001&offset=3", ["offset"]),
        ("around=", ["around"]),
        ("around=%00", ["around"]),
        ("scope=programme:%00", ["scope"]),
    ],
)  # fmt: skip
def test_each_fault_is_named(board, query, paths):
    response = board.get(f"{PATH}?{query}")
    assert response.status_code == 422
    assert [error["path"] for error in response.json["errors"]] == paths


@pytest.mark.parametrize(
    "query", ["scope=programme:2022", "scope=course:2021/service", "around=2021", "scope=programme:2021&around=x"]
)
def test_what_is_not_there_is_404(board, query):
    response = board.get(f"{PATH}?{query}")
    assert response.status_code == 404
    assert response.json["type"].endswith("/problems/not-found")


def test_another_company_sees_nothing_of_it(board, new_company):
    other = new_company()
    assert other.get(PATH).json["rows"] == []
    assert other.get(f"{PATH}?scope=programme:2021").status_code == 404


def test_a_key_needs_the_scope_to_read(new_company):
    assert new_company("events:write").get(PATH).status_code == 403
    assert new_company("read").get(PATH).status_code == 200
