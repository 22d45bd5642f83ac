"""did:web: from a company to its identifier, and back to the address of its document."""

import re
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.addresses import Issuer

# DID Core 1.0, section 3.1.
DID = re.compile(r"did:web:(?:(?:[A-Za-z0-9._-]|%[0-9A-F]{2})*:)*(?:[A-Za-z0-9._-]|%[0-9A-F]{2})+")

CASES = [
    ("https://bank.example", "demo", "did:web:bank.example:v1:issuers:demo"),
    ("http://127.0.0.1:8000", "demo", "did:web:127.0.0.1%3A8000:v1:issuers:demo"),
    ("https://bank.example:8443/hr/points", "demo", "did:web:bank.example%3A8443:hr:points:v1:issuers:demo"),
    ("https://bank.example", "示范", "did:web:bank.example:v1:issuers:%E7%A4%BA%E8%8C%83"),
    ("https://bank.example", "a:b c~d%20", "did:web:bank.example:v1:issuers:a%3Ab%20c%7Ed%2520"),
    ("https://bank.example", "a?b#c&d", "did:web:bank.example:v1:issuers:a%3Fb%23c%26d"),
    ("https://[::1]:8000", "demo", "did:web:%5B%3A%3A1%5D%3A8000:v1:issuers:demo"),
]


@pytest.mark.parametrize(("base_url", "company", "did"), CASES)
def test_the_identifier(base_url: str, company: str, did: str) -> None:
    assert Issuer(base_url, company, "").did == did


def address_of(did: str) -> str:
    """As the method's specification has it, section 2.5.2."""
    host, *path = did.removeprefix("did:web:").split(":")
    return f"https://{unquote(host)}/{'/'.join(path)}/did.json"


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/"), min_size=1, max_size=128))
def test_the_identifier_leads_to_the_document(company: str) -> None:
    issuer = Issuer("https://bank.example:8443/hr", company, "")
    assert DID.fullmatch(issuer.did)
    assert unquote(urlsplit(address_of(issuer.did)).path) == f"/hr/v1/issuers/{company}/did.json"
    assert unquote(urlsplit(issuer.url).path) == f"/hr/v1/issuers/{company}"
    assert re.fullmatch(r"[\x21-\x7e]+", issuer.key(1))
