"""Signing for a company: certificates as credentials, and the lists of those that are revoked."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from credentials import achievement, addresses, proof, signing_keys, status_list
from credentials.addresses import Issuer
from credentials.content import Content
from credentials.signing_keys import Current
from credentials.status_list import Place
from pointsbank import company
from pointsbank.database import Session
from pointsbank.keys import company_text
from pointsbank.settings import Settings

MEDIA_TYPE = "application/vc+ld+json"


class Signer:
    """Signs for one company, with the key that is current in the transaction that it was made in, until that ends."""

    def __init__(self, company_id: int, issuer: Issuer, secret: bytes, key: Current) -> None:
        self.company_id = company_id
        self.issuer = issuer
        self._secret = secret
        self._key = key

    def place(self, serial: int) -> Place:
        """Where the certificate with this serial, from 1, has its status; no other has it there."""
        return status_list.place(self._secret, serial)

    def sign(self, content: Content) -> bytes:
        """The certificate as an Open Badges credential: compact JSON. The same content gives the same bytes."""
        issuer = Issuer(content.base_url, content.company, content.company_name)
        assert (issuer.did, content.company) == (self.issuer.did, self.issuer.company), "it is this company's"
        address = status_list_address(self.company_id, content.base_url, content.status_list)
        return self._signed(achievement.document(content, issuer, address, self._secret), content.issued_at)

    def sign_status_list(self, number: int, revoked: Mapping[int, datetime]) -> bytes:
        """The credential that says which indexes of the list are revoked, each with when.

        The same revocations give the same bytes, as long as the key is the same.
        """
        since = max([self._key.created_at, *revoked.values()])
        address = status_list_address(self.company_id, self.issuer.base_url, number)
        return self._signed(status_list.document(self.issuer, address, revoked, since), since)

    def _signed(self, document: dict[str, Any], created: datetime) -> bytes:
        return orjson.dumps(proof.signed(document, self._key.private, self.issuer.key(self._key.no), created))


def signer(session: Session, settings: Settings) -> Signer:
    """The company's. Its first key is made if it has none. Raises signing_keys.SigningUnavailable."""
    key = signing_keys.current(session, settings.key_encryption_keys)
    issuer = issuer_of(session, settings.base_url)
    return Signer(session.company_id, issuer, signing_keys.secret(session), key)


def issuer_of(session: Session, base_url: str) -> Issuer:
    found = company.get(session)
    return Issuer(base_url, found.key, found.name)


def status_list_address(company_id: int, base_url: str, number: int) -> str:
    """The list's public address. The company stands in it as in its API keys: it tells nothing but itself."""
    return addresses.status_list(base_url, f"{company_text(company_id)}-{number}")
