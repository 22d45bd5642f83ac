"""A plain query is answered past Flask, and as Flask answers it; all else is Flask's."""

from urllib.parse import quote

import flask
import pytest

from tests.api.conftest import Caller
from tests.api.test_leaderboards import PATH, board  # noqa: F401 - a fixture

QUERIES = [
    "scope=company",
    "scope=programme:2021&members=teams&score=mean",
    "scope=programme:2021&period=2021-10&limit=2",
    "scope=programme:2021&around=20210003&limit=1",
    "limit=1&offset=2",
    "offset=9&scope=company",
]


@pytest.fixture
def without_flask(app: flask.Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> flask.Response:
        return flask.Response("asked", 299)

    monkeypatch.setattr(app, "full_dispatch_request", refuse)


@pytest.mark.parametrize("query", QUERIES)
def test_the_answer_is_the_same(board: Caller, query: str) -> None:  # noqa: F811 - the fixture
    escaped = "&".join(f"{name}={quote(text[0])}%{ord(text[1]):02X}{text[2:]}" for name, text in _pairs(query))
    plain, other = board.get(f"{PATH}?{query}"), board.get(f"{PATH}?{escaped}")
    assert (plain.status_code, plain.mimetype) == (other.status_code, other.mimetype) == (200, "application/json")
    assert dict(plain.headers).keys() == dict(other.headers).keys()
    said, told = plain.json, other.json
    said["as_of"].pop("at"), told["as_of"].pop("at")
    assert said == told


def _pairs(query: str) -> list[tuple[str, str]]:
    """With a zero in front of numbers of one digit, which are the same then."""
    pairs = (pair.split("=") for pair in query.split("&"))
    return [(name, text if len(text) > 1 else f"0{text}") for name, text in pairs]


@pytest.mark.usefixtures("without_flask")
def test_what_is_left_to_flask(board: Caller) -> None:  # noqa: F811 - the fixture
    for query in QUERIES:
        assert board.get(f"{PATH}?{query}").status_code == 200, query
    assert board.get(PATH).status_code == 200
    for query in (
        "scope=programme%3A2021",
        "scope=programme:2022",
        "around=nobody&scope=company",
        "around=20210003&offset=1",
        "offset=1&around=20210003",
        "limit=1000",
        "limit=x",
        "unknown=1",
        "score=mean",
        "token=pbw_x",
        "limit=1&&offset=2",
        "limit",
    ):
        assert board.get(f"{PATH}?{query}").status_code == 299, query
    assert board.send("HEAD", PATH).status_code == 299
    assert board.get(f"{PATH}/").status_code == 299
    for text in ("", "Bearer", "Bearer pb_x", "Basic x", "Bearer pbw_x"):
        assert board.get(PATH, headers={"Authorization": text}).status_code == 299, text


@pytest.mark.usefixtures("without_flask")
def test_a_key_that_may_not_read(new_company: object) -> None:
    other: Caller = new_company("events:write")  # type: ignore[operator]
    assert other.get(PATH).status_code == 299
