"""Pinned boards over HTTP: what a programme may pin, and the faults."""

import pytest

PATH = "/v1/programmes/2021/leaderboards/pinned"
ALL = {"unit": "credits", "members": "learners", "period": "all", "score": "sum"}


def test_what_is_pinned_is_what_is_read(programme):
    assert programme.get(PATH).json == {"boards": []}
    wanted = [
        {"members": "teams", "period": "week", "score": "mean"},
        {"scope": "course:2021/service", "unit": "flowers"},
        {"scope": "company", "period": "2021-10-01..2021-10-18"},
    ]
    answer = programme.put(PATH, {"boards": wanted})
    assert answer.status_code == 200
    assert answer.json == {"boards": [ALL | {"scope": "programme:2021"} | each for each in wanted]}
    assert programme.get(PATH).json == answer.json


def test_a_list_takes_the_place_of_the_one_before(programme):
    programme.put(PATH, {"boards": [{"members": "teams"}, {"period": "day"}]})
    assert programme.put(PATH, {"boards": [{"period": "day"}]}).json["boards"][0]["period"] == "day"
    assert len(programme.get(PATH).json["boards"]) == 1
    assert programme.put(PATH, {"boards": []}).json == programme.get(PATH).json == {"boards": []}


@pytest.mark.parametrize(
    ("boards", "paths"),
    [
        ([{"unit": "stars"}], ["boards[0].unit"]),
        ([{}, {"period": "2021-13", "score": "mean"}], ["boards[1].score", "boards[1].period"]),
        ([{"scope": "company", "members": "teams"}], ["boards[0].members"]),
        ([{"scope": "galaxy"}], ["boards[0].scope"]),
        ([{"scope": "programme:2022"}], ["boards[0].scope"]),
        ([{"scope": "course:2021/nothing"}], ["boards[0].scope"]),
        ([{"members": "teams"}, {"members": "teams"}], ["boards[1]"]),
        ([{"rows": 10}], ["boards[0].rows"]),
        ([{"period": f"2021-10-{day:02}"} for day in range(1, 22)], ["boards"]),
    ],
)  # fmt: skip
def test_every_fault_has_its_path_and_nothing_is_pinned(programme, boards, paths):
    answer = programme.put(PATH, {"boards": boards})
    assert (answer.status_code, answer.json["type"].rpartition("/")[2]) == (422, "validation")
    assert [error["path"] for error in answer.json["errors"]] == paths
    assert programme.get(PATH).json == {"boards": []}


def test_an_unknown_programme_is_not_found(caller):
    for answer in (caller.get(PATH), caller.put(PATH, {"boards": []})):
        assert (answer.status_code, answer.json["detail"]) == (404, "There is no programme 2021.")
