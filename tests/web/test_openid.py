"""OpenID Connect, against a provider that checks what a provider checks."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from werkzeug.test import TestResponse

from pointsbank.errors import Invalid
from pointsbank.users import openid, people, providers
from tests.web.conftest import Reader
from tests.web.provider import CLIENT, SECRET, Provider, new_key


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.stop()


@pytest.fixture
def company(reader: Reader, provider: Provider) -> Reader:
    put(reader, provider)
    return reader


def put(reader: Reader, provider: Provider, secret: str = SECRET, learner_claim: str | None = None) -> None:
    with reader.database.transaction(reader.company_id) as session:
        providers.put(session, [bytes(32)], provider.issuer, CLIENT, secret, "preferred_username", learner_claim)


def through(reader: Reader, next_: str = "") -> TestResponse:
    """As a browser goes: to the provider, and back."""
    return reader.get(callback(reader, next_))


def callback(reader: Reader, next_: str = "") -> str:
    away = reader.get(f"/sign-in/openid?company={reader.company_key}&next={next_}")
    assert away.status_code == 303
    back = requests.get(away.headers["Location"], allow_redirects=False, timeout=10).headers["Location"]
    return back.removeprefix("http://127.0.0.1:8000")


def is_in(reader: Reader) -> bool:
    return reader.get("/admin").status_code == 200


def test_the_way_there_is_shown_where_there_is_one(company: Reader) -> None:
    assert "Sign in at your company" not in company.get("/sign-in").text
    page = company.get(f"/sign-in?company={company.company_key}&own=1").text
    assert "Sign in at your company" in page
    assert "There is none for this company." in company.get("/sign-in?company=none&own=1").text


def test_somebody_comes_in_by_name_and_is_known_by_the_providers_id_then(company: Reader, provider: Provider) -> None:
    company.user("zhang.san", "hr")
    provider.claims = {"sub": "u-7", "preferred_username": "Zhang.San"}
    answer = through(company, "/sign-in/link/x")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in/link/x")
    assert is_in(company)
    company.send("/sign-out", {}, page="/admin")
    provider.claims = {"sub": "u-7", "preferred_username": "zhang.si"}
    assert through(company).status_code == 303, "a name may change"
    company.send("/sign-out", {}, page="/admin")
    provider.claims = {"sub": "u-8", "preferred_username": "zhang.san"}
    assert through(company).status_code == 401, "somebody else has the name now"
    with company.database.transaction(company.company_id) as session:
        people.set_disabled(session, "zhang.san", True)
    provider.claims = {"sub": "u-7"}
    assert through(company).status_code == 401


def test_learners_need_no_user_first_where_the_provider_knows_their_ids(company: Reader, provider: Provider) -> None:
    provider.claims = {"sub": "u-9", "staff": "20210001"}
    assert through(company).status_code == 401
    put(company, provider, learner_claim="staff")
    assert through(company).status_code == 303
    with company.database.transaction(company.company_id) as session:
        user = people.get(session, "learner-20210001")
        assert (user.roles, user.learner, user.shown) == (("learner",), "20210001", "李雷")
    provider.claims = {"sub": "u-10", "staff": "20210001"}
    assert through(company).status_code == 401, "there is one already"
    provider.claims = {"sub": "u-11", "staff": "nobody"}
    assert through(company).status_code == 401


@pytest.mark.parametrize(
    "spoil",
    [
        {"iss": "http://127.0.0.1:1/realm"},
        {"aud": "another"},
        {"aud": ["another", CLIENT], "azp": "another"},
        {"exp": 1},
        {"nonce": "another"},
        {"nonce": None},
        {"sub": None},
        {"exp": None},
        {"iat": None},
    ],
    ids=str,
)
def test_claims_that_do_not_hold(company: Reader, provider: Provider, spoil: dict[str, Any]) -> None:
    company.user("zhang.san", "hr")
    provider.claims = {"sub": "u-7", "preferred_username": "zhang.san"}
    provider.spoil = spoil
    assert through(company).status_code == 401
    assert not is_in(company)
    provider.spoil = {}
    assert through(company).status_code == 303


def test_a_signature_of_another_key_and_one_of_a_new_key(company: Reader, provider: Provider) -> None:
    company.user("zhang.san", "hr")
    provider.claims = {"sub": "u-7", "preferred_username": "zhang.san"}
    old = provider.key
    provider.key = new_key()
    assert through(company).status_code == 401, "signed with a key that is not published"
    provider.published = provider.key
    assert through(company).status_code == 303, "the keys are asked for again"
    assert old.kid != provider.key.kid


def test_an_unsigned_token(company: Reader, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    for token in ("", "x", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1LTcifQ.", "a.b.c"):
        monkeypatch.setattr(provider, "id_token", lambda _nonce, token=token: token)
        assert through(company).status_code == 401


def test_an_answer_is_good_in_the_browser_that_asked_and_once(
    company: Reader, provider: Provider, new_reader: Callable[[str], Reader]
) -> None:
    company.user("zhang.san", "hr")
    provider.claims = {"sub": "u-7", "preferred_username": "zhang.san"}
    back = callback(company)
    other = new_reader(company.company_key)
    assert other.get(back).status_code == 401
    assert not is_in(other)
    state = parse_qs(urlsplit(back).query)["state"][0]
    for wrong in (state[:-1] + ("0" if state[-1] != "0" else "1"), state.partition(".")[0], "", "é.x", "%00"):
        assert company.get(f"/sign-in/openid/callback?code=x&state={wrong}").status_code == 401
    assert company.get(back).status_code == 303
    assert company.get(back).status_code == 401, "used up"


def test_who_refuses_at_the_provider_is_told(company: Reader) -> None:
    back = callback(company)
    state = parse_qs(urlsplit(back).query)["state"][0]
    answer = company.get(f"/sign-in/openid/callback?error=access_denied&state={state}")
    assert answer.status_code == 401
    assert "did not open the points bank" in answer.text
    assert company.get(f"/sign-in/openid/callback?code=wrong&state={state}").status_code == 401


def test_a_wrong_secret_and_a_provider_that_is_away(company: Reader, provider: Provider) -> None:
    put(company, provider, "another secret")
    assert through(company).status_code == 401
    openid._lately._found.clear()
    provider.described = {"issuer": "http://127.0.0.1/another"}
    assert company.get(f"/sign-in/openid?company={company.company_key}").status_code == 503
    openid._lately._found.clear()
    provider.described = {"token_endpoint": "http://evil.example/token"}
    assert company.get(f"/sign-in/openid?company={company.company_key}").status_code == 503


def test_the_secret_is_sealed_and_only_safe_addresses_are_taken(company: Reader, provider: Provider) -> None:
    with company.database.transaction(company.company_id) as session:
        found = providers.find(session)
        assert found is not None
        assert SECRET.encode() not in bytes(found.sealed)
        assert providers.secret_of(session, [bytes(32)], found) == SECRET
        new = b"n" * 32
        assert providers.seal_again(session, [new, bytes(32)]) == 1
        assert providers.seal_again(session, [new, bytes(32)]) == 0
        again = providers.find(session)
        assert again is not None
        assert providers.secret_of(session, [new], again) == SECRET
        for issuer in ("http://idp.example", "ftp://idp.example", "https://", "https://idp.example/?x=1"):
            with pytest.raises(Invalid):
                providers.put(session, [new], issuer, CLIENT, SECRET, "sub", None)
        providers.remove(session)
    assert company.get(f"/sign-in/openid?company={company.company_key}").status_code == 404
