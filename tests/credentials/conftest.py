"""A company that signs."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from credentials import signing_keys
from credentials.content import Content
from credentials.issuing import signer
from credentials.signing_keys import SigningKey
from pointsbank import company
from pointsbank.database import Database
from pointsbank.settings import Settings
from tests.credentials.certificates import BASE_URL, CONTENT

_numbers = itertools.count()


@dataclass
class Company:
    """One of the test's own, with a key that is made at its first signature."""

    database: Database
    settings: Settings
    company_id: int
    key: str

    def content(self, **changes: object) -> Content:
        """A certificate of this company's."""
        return replace(CONTENT, company=self.key, company_name="示范公司", **changes)  # type: ignore[arg-type]

    def sign(self, *contents: Content) -> list[bytes]:
        with self.database.transaction(self.company_id) as session:
            made = signer(session, self.settings)
            return [made.sign(content) for content in contents]

    def signing_keys(self) -> list[SigningKey]:
        with self.database.transaction(self.company_id) as session:
            return signing_keys.every(session)

    def rotate(self) -> SigningKey:
        with self.database.transaction(self.company_id) as session:
            return signing_keys.rotate(session, self.settings.key_encryption_keys)

    def revoke(self, no: int, reason: str = "laptop stolen") -> SigningKey:
        with self.database.transaction(self.company_id) as session:
            return signing_keys.revoke(session, no, reason)


@pytest.fixture
def make_company(database: Database) -> Callable[..., Company]:
    def make(key: str | None = None) -> Company:
        named = key or f"credentials-{next(_numbers)}"
        settings = Settings(Path("var"), database.url, None, True, BASE_URL, "warning", (b"k" * 32,))
        return Company(database, settings, company.create(database, named, "示范公司"), named)

    return make


@pytest.fixture
def acme(make_company: Callable[..., Company]) -> Company:
    return make_company()
