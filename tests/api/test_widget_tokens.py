"""Widget tokens: what one reads, what it does not, and on whose pages."""

import html
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import flask
import pytest
from werkzeug.test import TestResponse

from api.board_auth import Credential
from pointsbank import widgets
from pointsbank.database import Database
from pointsbank.keys import company_text
from tests.api.conftest import Caller

TOKENS = "/v1/widget-tokens"
BOARD = {"scope": "programme:2021", "members": "teams"}
QUERY = "scope=programme:2021&members=teams"
LISTED, OTHER = "https://intranet.example.com", "https://elsewhere.example.com"
CORS = "Access-Control-Allow-Origin"
REVOKED_WITHIN_SECONDS = widgets.TOKEN_CACHE_SECONDS + 0.2


@pytest.fixture
def lister(programme: Caller) -> Caller:
    """A company with programme 2021 that lists one origin."""
    assert programme.put("/v1/company", {"name": "甲", "origins": [LISTED]}).status_code == 200
    return programme


@pytest.fixture
def token(lister: Caller) -> str:
    """Of `lister`, for the teams of programme 2021."""
    return new_token(lister)


def new_token(caller: Caller, **more: Any) -> str:
    answer = caller.post(TOKENS, {**BOARD, **more})
    assert answer.status_code == 201, answer.json
    text: str = answer.json["token"]
    return text


def show(
    app: flask.Flask, token: str, query: str = QUERY, origin: str | None = None, by_header: bool = False
) -> TestResponse:
    """The board as a widget asks for it."""
    headers = {} if origin is None else {"Origin": origin}
    if by_header:
        return app.test_client().get(
            f"/v1/leaderboards?{query}", headers={**headers, "Authorization": f"Bearer {token}"}
        )
    return app.test_client().get(f"/v1/leaderboards?{query}&token={token}", headers=headers)


def problem(answer: TestResponse) -> tuple[int, str]:
    assert answer.mimetype == "application/problem+json"
    return answer.status_code, answer.json["type"].rpartition("/")[2]


@pytest.fixture
def pass_two_hours(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From then on tokens are looked at two hours later."""

    class Later(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime.now(tz) + timedelta(hours=2)

    return lambda: monkeypatch.setattr("pointsbank.widgets.datetime", Later)


# --- making, listing, revoking -----------------------------------------------------------------------


def test_a_token_is_made_listed_and_revoked(lister: Caller, app: flask.Flask) -> None:
    before = datetime.now(UTC)
    made = lister.post(TOKENS, {**BOARD, "score": "mean", "name": "大屏", "ttl_seconds": 3600}).json
    assert before < datetime.fromisoformat(made["expires_at"]) - timedelta(seconds=3600) < datetime.now(UTC)
    text, embed = made.pop("token"), made.pop("embed")
    board = {"scope": "programme:2021", "unit": "credits", "members": "teams", "period": "all", "score": "mean"}
    assert (made["board"], made["name"], made["revoked_at"]) == (board, "大屏", None)
    assert lister.get(TOKENS).json == {"items": [made], "next": None}
    assert show(app, text, f"{QUERY}&score=mean").status_code == 200
    shown = re.search(r'src="([^"]+)" board="([^"]+)" limit="10" token="([^"]+)">', embed)
    assert shown is not None
    assert html.unescape(shown[2]) == "scope=programme:2021&members=teams&score=mean"
    assert (shown[1], shown[3]) == ("http://127.0.0.1:8000", text)

    answers = [lister.send("DELETE", f"{TOKENS}/{made['id']}") for _ in range(2)]
    assert [(answer.status_code, answer.data) for answer in answers] == [(204, b"")] * 2
    revoked = lister.get(TOKENS).json["items"][0]["revoked_at"]
    time.sleep(REVOKED_WITHIN_SECONDS)
    assert problem(show(app, text, f"{QUERY}&score=mean")) == (401, "token-revoked")
    lister.send("DELETE", f"{TOKENS}/{made['id']}")
    assert lister.get(TOKENS).json["items"][0]["revoked_at"] == revoked, "when it was revoked does not change"


def test_tokens_are_listed_page_by_page(lister: Caller) -> None:
    made = [lister.post(TOKENS, {**BOARD, "name": f"屏 {n}"}).json["id"] for n in range(3)]
    first = lister.get(f"{TOKENS}?limit=2").json
    second = lister.get(f"{TOKENS}?limit=2&cursor={first['next']}").json
    assert [each["id"] for each in first["items"] + second["items"]] == made
    assert second["next"] is None


def test_without_an_end_it_is_good_for_a_year(lister: Caller) -> None:
    ends = datetime.fromisoformat(lister.post(TOKENS, BOARD).json["expires_at"])
    assert abs(ends - datetime.now(UTC) - timedelta(days=365)) < timedelta(seconds=5)


def test_only_an_administrator_makes_and_revokes(new_company: Callable[..., Caller]) -> None:
    writer = new_company("directory:write", "awards:write", "rules:write", "events:write", "read")
    assert problem(writer.post(TOKENS, {"scope": "company"})) == (403, "forbidden")
    assert problem(writer.send("DELETE", f"{TOKENS}/x")) == (403, "forbidden")
    assert writer.get(TOKENS).json == {"items": [], "next": None}


@pytest.mark.parametrize(
    ("body", "status", "path"),
    [
        ({"scope": "programme:nowhere"}, 404, None),
        ({"scope": "course:2021/nowhere"}, 404, None),
        ({"scope": "everything"}, 422, "scope"),
        ({"scope": None}, 422, "scope"),
        ({"unit": "euros"}, 422, "unit"),
        ({"scope": "company"}, 422, "members"),
        ({"members": "learners", "score": "mean"}, 422, "score"),
        ({"period": "2021-13"}, 422, "period"),
        ({"period": "2021-10-31..2021-10-01"}, 422, "period"),
        ({"limit": 0}, 422, "limit"),
        ({"limit": 501}, 422, "limit"),
        ({"limit": "10"}, 422, "limit"),
        ({"name": ""}, 422, "name"),
        ({"name": "x" * 201}, 422, "name"),
        ({"ttl_seconds": 0}, 422, "ttl_seconds"),
        ({"ttl_seconds": widgets.MAX_TTL_SECONDS + 1}, 422, "ttl_seconds"),
        ({"ttl_seconds": 60, "expires_at": "2099-01-01T00:00:00Z"}, 422, "ttl_seconds"),
        ({"expires_at": "2021-01-01T00:00:00Z"}, 422, "expires_at"),
        ({"expires_at": "2199-01-01T00:00:00Z"}, 422, "expires_at"),
        ({"expires_at": "tomorrow"}, 422, "expires_at"),
        ({"offset": 3}, 422, "offset"),
        ({"token": "pbw_x"}, 422, "token"),
    ],
)
def test_a_board_or_end_that_cannot_be(lister: Caller, body: dict[str, Any], status: int, path: str | None) -> None:
    answer = lister.post(TOKENS, {**BOARD, **body})
    assert problem(answer)[0] == status, answer.json
    assert path is None or [error["path"] for error in answer.json["errors"]] == [path]
    assert lister.get(TOKENS).json["items"] == []


# --- reading -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("by_header", [False, True])
def test_any_page_of_its_board_and_no_other_board(app: flask.Flask, token: str, by_header: bool) -> None:
    for page in ("", "&limit=1", "&offset=1", "&around=b", "&unit=credits", "&period=all&score=sum"):
        answer = show(app, token, QUERY + page, by_header=by_header)
        assert answer.status_code == 200, (page, answer.json)
        assert answer.json["rows"][0]["member"]["id"] in ("a", "b")
    for other in ("", "scope=programme:2021", f"{QUERY}&unit=flowers", f"{QUERY}&period=week", f"{QUERY}&score=mean"):
        answer = show(app, token, other, by_header=by_header)
        assert problem(answer) == (403, "other-board"), other
        assert answer.json["detail"] == "This widget token is for another board."
    assert problem(show(app, token, f"{QUERY}&limmit=1", by_header=by_header)) == (422, "validation")


def test_the_board_tells_its_scale(caller: Caller) -> None:
    assert caller.put("/v1/company", {"name": "甲", "credits_scale": 2}).status_code == 200
    scales = {
        unit: caller.get(f"/v1/leaderboards?unit={unit}").json["board"]["scale"] for unit in ("credits", "flowers")
    }
    assert scales == {"credits": 2, "flowers": 0}


def forgeries(token: str, stranger: Caller) -> dict[str, str]:
    """Texts that no company made, by what is wrong with them."""
    head, _, signature = token.rpartition(".")
    company, identity = head.split("_")[1:]
    theirs = company_text(stranger.company_id)
    return {
        "empty": "pbw_",
        "malformed": "pbw_x",
        "not one at all": "你好",
        "an unknown id": f"pbw_{company}_{'0' * 16}.{signature}",
        "an unknown company": f"pbw_{'b' * 12}_{identity}.{signature}",
        "another company": f"pbw_{theirs}_{identity}.{signature}",
        "another signature": f"{head}.{'A' * 43}",
        "a signature that goes on": f"{token}A",
        "no signature": head,
        "an API key": stranger.key,
    }


def test_a_text_that_is_no_token_is_unknown_whatever_is_wrong(
    app: flask.Flask, token: str, new_company: Callable[..., Caller]
) -> None:
    stranger = new_company()
    stranger.put("/v1/company", {"name": "乙", "origins": [LISTED]})
    bodies = set()
    for what, text in forgeries(token, stranger).items():
        for origin in (None, LISTED, OTHER):
            answer = show(app, text, origin=origin)
            assert problem(answer) == (401, "token-unknown"), what
            assert CORS not in answer.headers, f"{what}: whether anybody lists the origin is not told"
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            bodies.add(answer.data)
    assert len(bodies) == 1, "the same words for all"


def test_a_token_of_another_company_reads_that_companys_board(
    app: flask.Flask, token: str, new_company: Callable[..., Caller]
) -> None:
    """And a revocation by one company does not touch the other's."""
    stranger = new_company()
    theirs = stranger.post(TOKENS, {"scope": "company"}).json
    assert show(app, theirs["token"], "").json["size"] == 0
    assert problem(show(app, theirs["token"])) == (403, "other-board")
    mine = widgets_id(token)
    assert problem(stranger.send("DELETE", f"{TOKENS}/{mine}")) == (404, "not-found")
    time.sleep(REVOKED_WITHIN_SECONDS)
    assert show(app, token).status_code == 200


def widgets_id(token: str) -> str:
    return token.split("_")[2].partition(".")[0]


def test_an_expired_token_says_so_to_its_own_pages(
    lister: Caller, app: flask.Flask, pass_two_hours: Callable[[], None]
) -> None:
    token = new_token(lister, ttl_seconds=3600)
    assert show(app, token, origin=LISTED).status_code == 200
    pass_two_hours()
    answer = show(app, token, origin=LISTED)
    assert problem(answer) == (401, "token-expired")
    assert (answer.headers[CORS], answer.headers["Vary"]) == (LISTED, "Origin")
    assert CORS not in show(app, token, origin=OTHER).headers


def test_a_revoked_token_says_so_to_its_own_pages(lister: Caller, app: flask.Flask, token: str) -> None:
    lister.send("DELETE", f"{TOKENS}/{widgets_id(token)}")
    answer = show(app, token, origin=LISTED)
    assert (problem(answer), answer.headers[CORS]) == ((401, "token-revoked"), LISTED)


def test_what_opened_a_stream_can_be_asked_again(
    lister: Caller, database: Database, pass_two_hours: Callable[[], None]
) -> None:
    token = new_token(lister, ttl_seconds=3600)
    assert Credential(token, LISTED).holds(database)
    assert not Credential(token, OTHER).holds(database)
    assert not Credential(token + "x", LISTED).holds(database)
    assert Credential(lister.key, OTHER).holds(database)
    assert not Credential(lister.key + "x", None).holds(database)
    pass_two_hours()
    assert not Credential(token, LISTED).holds(database)


OPEN_TO_ALL = ("/v1/issuers", "/v1/status-lists")


def test_a_token_is_good_for_boards_alone(app: flask.Flask, token: str) -> None:
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith("/v1/") or rule.rule.startswith(("/v1/leaderboards", *OPEN_TO_ALL)):
            continue
        path = re.sub(r"<[^>]+>", "1", rule.rule)
        for method in (rule.methods or set()) - {"OPTIONS"}:
            for headers, query in (({"Authorization": f"Bearer {token}"}, ""), ({}, f"?token={token}")):
                answer = app.test_client().open(path + query, method=method, headers={**headers, "Origin": LISTED})
                assert answer.status_code == 401, (method, path)
                assert CORS not in answer.headers
    told = app.test_client().get("/v1/company", headers={"Authorization": f"Bearer {token}"})
    assert problem(told) == (401, "token-unknown")


# --- origins -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("by_header", [False, True])
@pytest.mark.parametrize(
    ("origin", "status", "slug", "allowed"),
    [
        (None, 200, None, None),
        (LISTED, 200, None, LISTED),
        (OTHER, 403, "origin-not-listed", None),
        ("null", 403, "origin-not-listed", None),
        ("*", 403, "origin-not-listed", None),
        (f"{LISTED}:8443", 403, "origin-not-listed", None),
        (f"{LISTED}.evil.example", 403, "origin-not-listed", None),
        (LISTED.replace("https", "http"), 403, "origin-not-listed", None),
    ],
)
def test_cors_is_for_listed_origins(
    app: flask.Flask,
    token: str,
    origin: str | None,
    status: int,
    slug: str | None,
    allowed: str | None,
    by_header: bool,
) -> None:
    answer = show(app, token, origin=origin, by_header=by_header)
    assert answer.status_code == status
    assert slug is None or problem(answer) == (status, slug)
    assert answer.headers.get(CORS) == allowed
    assert answer.headers["Vary"] == "Origin"
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_problems_reach_pages_of_listed_origins(app: flask.Flask, token: str) -> None:
    for query, status in ((f"{QUERY}&unit=flowers", 403), (f"{QUERY}&limit=x", 422), (f"{QUERY}&around=nobody", 404)):
        answer = show(app, token, query, origin=LISTED)
        assert (answer.status_code, answer.headers[CORS]) == (status, LISTED)


def test_an_origin_of_one_company_is_not_the_others(
    app: flask.Flask, token: str, new_company: Callable[..., Caller]
) -> None:
    stranger = new_company()
    stranger.put("/v1/company", {"name": "乙", "origins": [OTHER]})
    theirs = stranger.post(TOKENS, {"scope": "company"}).json["token"]
    assert show(app, theirs, "", origin=OTHER).headers[CORS] == OTHER
    assert problem(show(app, theirs, "", origin=LISTED)) == (403, "origin-not-listed")
    assert problem(show(app, token, origin=OTHER)) == (403, "origin-not-listed")


def test_an_api_key_has_no_cors(lister: Caller) -> None:
    answer = lister.get(f"/v1/leaderboards?{QUERY}", headers={"Origin": LISTED})
    assert answer.status_code == 200
    assert CORS not in answer.headers


@pytest.mark.parametrize("path", ["/v1/leaderboards", "/v1/widget-tokens", "/v1/company"])
def test_preflights_tell_nothing(app: flask.Flask, token: str, path: str) -> None:
    answers = [
        app.test_client().options(
            f"{path}?token={text}",
            headers={
                "Origin": origin,
                "Access-Control-Request-Method": "GET",
                "Access-Control-Request-Headers": "authorization",
            },
        )
        for origin in (LISTED, OTHER)
        for text in (token, "pbw_x")
    ]
    seen = {(each.status_code, each.data, tuple(sorted(each.headers.items()))) for each in answers}
    assert len(seen) == 1
    assert not any(name.lower().startswith("access-control") for name, _ in answers[0].headers)


def test_a_listed_origin_that_is_dropped_is_not_served_any_more(lister: Caller, app: flask.Flask, token: str) -> None:
    assert show(app, token, origin=LISTED).status_code == 200
    assert lister.put("/v1/company", {"name": "甲"}).json["origins"] == [], "PUT replaces"
    time.sleep(REVOKED_WITHIN_SECONDS)
    assert problem(show(app, token, origin=LISTED)) == (403, "origin-not-listed")


def test_the_secret_stays_in_the_database(lister: Caller, database: Database, token: str) -> None:
    with database.transaction(lister.company_id) as session:
        (row,) = session.sql("SELECT secret FROM widget_secrets WHERE company_id = %(company)s").fetchall()
        (kept,) = session.sql("SELECT to_jsonb(t)::text AS text FROM widget_tokens AS t").fetchall()
    assert len(row.secret) == 32
    assert token.rpartition(".")[2] not in kept.text, "no text of a token is kept"


# --- the stream --------------------------------------------------------------------------------------


def test_the_stream_takes_and_refuses_tokens_as_the_page_does(lister: Caller, app: flask.Flask, token: str) -> None:
    def stream(text: str, query: str = QUERY, origin: str = LISTED) -> TestResponse:
        path = f"/v1/leaderboards/stream?{query}&token={text}"
        return app.test_client().get(path, headers={"Origin": origin}, buffered=False)

    answer = stream(token)
    assert (answer.status_code, answer.mimetype) == (200, "text/event-stream")
    assert (answer.headers[CORS], answer.headers["Vary"]) == (LISTED, "Origin")
    answer.close()
    assert problem(stream(token, origin=OTHER)) == (403, "origin-not-listed")
    other = stream(token, f"{QUERY}&score=mean")
    assert (problem(other), other.headers[CORS]) == ((403, "other-board"), LISTED)
    forged = stream(f"{token}x")
    assert (problem(forged), CORS in forged.headers) == ((401, "token-unknown"), False)
    lister.send("DELETE", f"{TOKENS}/{widgets_id(token)}")
    time.sleep(REVOKED_WITHIN_SECONDS)
    revoked = stream(token)
    assert (problem(revoked), revoked.headers[CORS]) == ((401, "token-revoked"), LISTED)
