"""What anybody may read: the issuer and its keys, and which certificates are revoked."""

import gzip
from base64 import urlsafe_b64decode
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, unquote

import flask
import orjson
import pytest
from werkzeug.test import TestResponse

from api.app import create_app
from credentials import signing_keys
from credentials.issuing import signer, status_list_address
from credentials.verifying import Outcome, verify
from pointsbank import company
from pointsbank.database import Database
from pointsbank.keys import company_text
from pointsbank.settings import Settings
from tests.api.conftest import Caller
from tests.api.issued import SETTINGS, Issuer

BASE = "http://127.0.0.1:8000"
CONTEXTS = [
    "https://www.w3.org/ns/did/v1",
    "https://w3id.org/security/multikey/v1",
    "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json",
]
ODD_KEYS = ["示范 公司", "a:b~c", "100%", "a?b#c", "𠮷", "'; --", "%2F", "a\\b", "...", "e\u0301"]


def get(app: flask.Flask, path: str, **headers: str) -> TestResponse:
    return app.test_client().get(path, headers=headers)


def sign_something(database: Database, company_id: int) -> None:
    with database.transaction(company_id) as session:
        signer(session, SETTINGS)


def test_an_issuer_is_a_did_document_and_a_profile(app: flask.Flask, caller: Caller, database: Database) -> None:
    caller.put("/v1/company", {"name": "示范公司"})
    did = f"did:web:127.0.0.1%3A8000:v1:issuers:{caller.company_key}"
    expected = {
        "@context": CONTEXTS,
        "id": did,
        "type": ["Profile"],
        "name": "示范公司",
        "url": f"{BASE}/v1/issuers/{caller.company_key}",
        "verificationMethod": [],
        "assertionMethod": [],
    }
    assert get(app, f"/v1/issuers/{caller.company_key}").get_json() == expected
    sign_something(database, caller.company_id)
    answer = get(app, f"/v1/issuers/{caller.company_key}")
    (method,) = answer.get_json()["verificationMethod"]
    assert method.pop("publicKeyMultibase").startswith("z6Mk")
    assert method == {"id": f"{did}#key-1", "type": "Multikey", "controller": did}
    assert answer.get_json()["assertionMethod"] == [f"{did}#key-1"]


def test_a_retired_key_is_good_and_a_revoked_one_is_not(app: flask.Flask, caller: Caller, database: Database) -> None:
    sign_something(database, caller.company_id)
    for work in (
        lambda session: signing_keys.rotate(session, (bytes(32),)),
        lambda session: signing_keys.rotate(session, (bytes(32),)),
        lambda session: signing_keys.revoke(session, 2, "laptop stolen"),
    ):
        with database.transaction(caller.company_id) as session:
            work(session)
    shown = get(app, f"/v1/issuers/{caller.company_key}").get_json()
    assert [name.rpartition("#")[2] for name in shown["assertionMethod"]] == ["key-1", "key-3"]
    assert ["revoked" in method for method in shown["verificationMethod"]] == [False, True, False]
    assert "laptop" not in str(shown)


@pytest.mark.parametrize("key", ODD_KEYS)
def test_a_company_with_an_odd_key(app: flask.Flask, database: Database, key: str) -> None:
    if company.find(database, key) is None:
        company.create(database, key)
    for path in (f"/v1/issuers/{quote(key, safe='')}", f"/v1/issuers/{quote(key, safe='')}/did.json"):
        answer = get(app, path)
        assert answer.status_code == 200, path
        shown = answer.get_json()
        assert unquote(shown["url"]) == f"{BASE}/v1/issuers/{key}"
        did_path = shown["id"].split(":", 3)[3].replace(":", "/")
        assert get(app, f"/{did_path}/did.json").get_json() == shown


@pytest.mark.parametrize("key", ["nobody", "%00", "%", "a%0Ab", "x" * 200, "%F0%9F", "' OR ''='", "\\"])
def test_no_such_issuer(app: flask.Flask, key: str) -> None:
    answer = get(app, f"/v1/issuers/{key}")
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


def test_one_company_is_opened_by_its_key_and_no_other(app: flask.Flask, new_company: Callable[..., Caller]) -> None:
    ours, theirs = new_company(), new_company()
    theirs.put("/v1/company", {"name": "乙方机密"})
    assert "乙方机密" not in get(app, f"/v1/issuers/{ours.company_key}").text
    with app.app_context(), app.extensions["pointsbank"].database.transaction(0) as session:
        session.driver.execute(f"SET LOCAL app.company_key = '{ours.company_key}'".encode())
        assert [row.key for row in session.sql("SELECT key FROM companies")] == [ours.company_key]
        assert session.sql("SELECT FROM signing_keys").fetchall() == []


@pytest.mark.parametrize("kind", ["", "/did.json"])
def test_it_may_be_kept_a_minute_and_asked_for_again(app: flask.Flask, caller: Caller, kind: str) -> None:
    path = f"/v1/issuers/{caller.company_key}{kind}"
    first = get(app, path)
    assert first.headers["Cache-Control"] == "public, max-age=60"
    assert first.headers["Access-Control-Allow-Origin"] == "*"
    again = get(app, path, **{"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    caller.put("/v1/company", {"name": "renamed"})
    assert get(app, path, **{"If-None-Match": first.headers["ETag"]}).status_code == 200


@pytest.mark.parametrize(
    "name", ["x", "aaaaaaaaaaaa-1", "aaaaaaaaaaaa-0", "aaaaaaaaaaaa-99999999999", "777777777777-1", "zzz-1", "%00-1"]
)
def test_no_such_status_list(app: flask.Flask, name: str) -> None:
    assert get(app, f"/v1/status-lists/{name}").status_code == 404


def test_a_company_without_certificates_has_no_status_list(app: flask.Flask, caller: Caller) -> None:
    path = status_list_address(caller.company_id, BASE, 1).removeprefix(BASE)
    assert path == f"/v1/status-lists/{company_text(caller.company_id)}-1"
    assert get(app, path).status_code == 404


def test_a_status_list_is_signed_and_tells_the_revoked(caller: Caller, database: Database) -> None:
    when = datetime(2090, 1, 1, tzinfo=UTC)
    with database.transaction(caller.company_id) as session:
        made = signer(session, SETTINGS)
        signed = [made.sign_status_list(1, revoked) for revoked in ({}, {5: when}, {5: when})]
        keys = signing_keys.every(session)
    assert [verify(each, keys) for each in signed] == [Outcome.GENUINE] * 3
    assert signed[0] != signed[1] == signed[2]
    assert b'"validFrom":"2090-01-01T00:00:00Z"' in signed[1]
    assert [revoked_in(each) for each in signed] == [set(), {5}, {5}]


def test_a_certificate_that_is_revoked_shows_in_its_list(
    app: flask.Flask, programme: Caller, database: Database
) -> None:
    issuer = Issuer(programme, database)
    contents = [issuer.content(), issuer.content()]
    issuer.issue(contents[0])
    path = status_list_address(programme.company_id, BASE, 1).removeprefix(BASE)
    before = get(app, path)
    assert (before.status_code, before.mimetype) == (200, "application/vc+ld+json")
    assert before.headers["Cache-Control"] == "public, max-age=60"
    assert get(app, path, **{"If-None-Match": before.headers["ETag"]}).status_code == 304
    issuer.issue(contents[1], revoked=(datetime.now(UTC), "发错了"))
    after = get(app, path, **{"If-None-Match": before.headers["ETag"]})
    assert [revoked_in(each.data) for each in (before, after)] == [set(), {contents[1].status_index}]
    assert "发错了" not in after.text


def revoked_in(status_list: bytes) -> set[int]:
    encoded = orjson.loads(status_list)["credentialSubject"]["encodedList"][1:]
    bits = gzip.decompress(urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    return {at * 8 + bit for at, byte in enumerate(bits) if byte for bit in range(8) if byte >> (7 - bit) & 1}


@pytest.mark.parametrize(("keys", "why"), [((), "is not set"), ((b"n" * 32,), "cannot be opened")])
def test_without_the_key_encryption_key_the_problem_says_so(
    programme: Caller, database: Database, keys: tuple[bytes, ...], why: str
) -> None:
    issuer = Issuer(programme, database)
    issuer.issue(issuer.content())
    without = create_app(Settings(Path("var"), database.url, None, True, BASE, "warning", keys), database)
    assert get(without, f"/v1/issuers/{programme.company_key}").status_code == 200
    answer = get(without, status_list_address(programme.company_id, BASE, 1).removeprefix(BASE))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    for part in (why, "POINTSBANK_KEY_ENCRYPTION_KEY"):
        assert part in answer.get_json()["detail"]
    assert "nnnn" not in answer.text
