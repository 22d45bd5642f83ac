"""The service's own verdict on a credential that anybody may hand in."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from credentials.verifying import MAX_BYTES, Outcome, verify
from tests.credentials.conftest import Company


@pytest.fixture
def signed(acme: Company) -> dict[str, Any]:
    (credential,) = acme.sign(acme.content())
    read: dict[str, Any] = json.loads(credential)
    return read


def test_the_form_does_not_matter_and_the_meaning_does(acme: Company, signed: dict[str, Any]) -> None:
    turned = dict(reversed(signed.items()))
    for same in (signed, turned, {**signed, "proof": signed["proof"][0]}):
        for indent in (None, 2):
            text = json.dumps(same, indent=indent, ensure_ascii=indent is None)
            assert verify(text.encode(), acme.signing_keys()) is Outcome.GENUINE


Change = Callable[[dict[str, Any]], Any]
CHANGES: list[tuple[str, Outcome, Change]] = [
    ("another name", Outcome.CHANGED, lambda c: c["credentialSubject"]["identifier"][1].update(identityHash="x")),
    ("no end", Outcome.CHANGED, lambda c: c.pop("validUntil")),
    ("no status", Outcome.CHANGED, lambda c: c.pop("credentialStatus")),
    ("more credits", Outcome.CHANGED, lambda c: c["credentialSubject"].update(creditsEarned=965)),
    ("a result less", Outcome.CHANGED, lambda c: c["credentialSubject"]["result"].pop()),
    ("an unknown term", Outcome.CHANGED, lambda c: c.update(motto="x")),
    ("an empty array", Outcome.CHANGED, lambda c: c.update(evidence=[])),
    ("a null", Outcome.CHANGED, lambda c: c.update(validUntil=None)),
    ("a context less", Outcome.CHANGED, lambda c: c["@context"].pop()),
    ("a context of its own", Outcome.CHANGED, lambda c: c["@context"].append({"name": "urn:x"})),
    ("contexts the other way round", Outcome.UNREADABLE, lambda c: c["@context"].reverse()),
    ("made later", Outcome.CHANGED, lambda c: c["proof"][0].update(created="2023-01-01T00:00:00Z")),
    ("half a signature", Outcome.CHANGED, lambda c: c["proof"][0].update(proofValue="z3yMApqCuSjhwhoM1zAA")),
    ("a long signature", Outcome.CHANGED, lambda c: c["proof"][0].update(proofValue="z" + "3" * 10_000)),
    ("a large signature", Outcome.CHANGED, lambda c: c["proof"][0].update(proofValue="z" + "z" * 88)),
    ("no base58", Outcome.CHANGED, lambda c: c["proof"][0].update(proofValue="z0OIl")),
    ("no signature", Outcome.CHANGED, lambda c: c["proof"][0].pop("proofValue")),
    ("a number for a signature", Outcome.CHANGED, lambda c: c["proof"][0].update(proofValue=5)),
    ("another issuer", Outcome.KEY_UNKNOWN, lambda c: c["issuer"].update(id="did:web:elsewhere.example")),
    (
        "another key",
        Outcome.KEY_UNKNOWN,
        lambda c: c["proof"][0].update(verificationMethod=c["issuer"]["id"] + "#key-2"),
    ),
    ("no proof", Outcome.UNREADABLE, lambda c: c.pop("proof")),
    ("two proofs", Outcome.UNREADABLE, lambda c: c["proof"].append(c["proof"][0])),
    ("a proof that is a text", Outcome.UNREADABLE, lambda c: c.update(proof="z")),
    ("another suite", Outcome.UNREADABLE, lambda c: c["proof"][0].update(cryptosuite="eddsa-jcs-2022")),
    ("another purpose", Outcome.UNREADABLE, lambda c: c["proof"][0].update(proofPurpose="authentication")),
    ("no issuer", Outcome.UNREADABLE, lambda c: c.pop("issuer")),
    ("no context", Outcome.UNREADABLE, lambda c: c.pop("@context")),
]


@pytest.mark.parametrize(("outcome", "change"), [row[1:] for row in CHANGES], ids=[row[0] for row in CHANGES])
def test_what_was_done_to_it(acme: Company, signed: dict[str, Any], outcome: Outcome, change: Change) -> None:
    change(signed)
    assert verify(json.dumps(signed).encode(), acme.signing_keys()) is outcome


def test_a_key_that_stands_twice(acme: Company, signed: dict[str, Any]) -> None:
    """Readers differ in which of the two they take."""
    text = json.dumps(signed).replace('"name"', '"name": "Doctor", "name"', 1)
    assert json.loads(text) == signed
    assert verify(text.encode(), acme.signing_keys()) is Outcome.UNREADABLE


def test_another_companys_keys(acme: Company, make_company: Callable[..., Company], signed: dict[str, Any]) -> None:
    other = make_company()
    other.sign(other.content())
    assert verify(json.dumps(signed).encode(), other.signing_keys()) is Outcome.CHANGED
    signed["issuer"]["id"] = signed["issuer"]["id"].replace(acme.key, other.key)
    signed["proof"][0]["verificationMethod"] = signed["issuer"]["id"] + "#key-1"
    assert verify(json.dumps(signed).encode(), other.signing_keys()) is Outcome.CHANGED


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"5",
        b"null",
        b"\xff\xfe",
        b'{"a": NaN}',
        b"{",
        b'{"proof": 1}',
        b"[" * 100_000,
        b"{}" + b" " * MAX_BYTES,
    ],
)
def test_what_is_no_credential(acme: Company, text: bytes) -> None:
    acme.sign(acme.content())
    assert verify(text, acme.signing_keys()) is Outcome.UNREADABLE


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["@context", "id", "type", "proof", "issuer", "name"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(["@context", "id", "type", "name", "issuer", "credentialSubject"]), JSON))
def test_anything_gets_a_verdict(acme: Company, signed: dict[str, Any], changes: dict[str, Any]) -> None:
    outcome = verify(json.dumps({**signed, **changes}).encode(), acme.signing_keys())
    assert (outcome is Outcome.GENUINE) == (not changes)
