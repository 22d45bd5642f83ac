"""A company's signing keys: made once, sealed, retired, revoked, sealed again."""

import threading
from collections.abc import Callable
from dataclasses import replace

import psycopg
import pytest

from credentials import signing_keys
from credentials.issuing import signer
from credentials.signing_keys import SigningUnavailable
from credentials.verifying import Outcome, verify
from pointsbank.database import Database
from pointsbank.errors import Conflict, Invalid, NotFound
from tests.credentials.conftest import Company

OLD, NEW = b"k" * 32, b"n" * 32


def test_a_key_is_made_at_first_use_and_stays(acme: Company) -> None:
    assert acme.signing_keys() == []
    first = acme.sign(acme.content())
    assert acme.sign(acme.content()) == first
    assert [key.no for key in acme.signing_keys()] == [1]


def test_many_at_once_make_one_key(acme: Company) -> None:
    signed: list[bytes] = []
    content = acme.content()

    def work() -> None:
        signed.extend(acme.sign(content))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(acme.signing_keys()) == 1
    assert len(signed) == 8
    assert len(set(signed)) == 1


def test_what_a_retired_key_signed_stays_good(acme: Company) -> None:
    (old,) = acme.sign(acme.content())
    second = acme.rotate()
    (new,) = acme.sign(acme.content())
    assert second.no == 2
    assert old != new
    assert [verify(each, acme.signing_keys()) for each in (old, new)] == [Outcome.GENUINE, Outcome.GENUINE]
    assert [key.retired_at is None for key in acme.signing_keys()] == [False, True]


def test_what_a_revoked_key_signed_is_not_to_be_trusted(acme: Company) -> None:
    (before,) = acme.sign(acme.content())
    revoked = acme.revoke(1, "laptop stolen")
    assert (revoked.reason, revoked.revoked_at is not None) == ("laptop stolen", True)
    (after,) = acme.sign(acme.content())
    assert [verify(each, acme.signing_keys()) for each in (before, after)] == [Outcome.KEY_REVOKED, Outcome.GENUINE]
    with pytest.raises(Conflict, match="revoked already"):
        acme.revoke(1)


def test_a_retired_key_can_be_revoked_and_the_current_one_goes_on(acme: Company) -> None:
    acme.sign(acme.content())
    acme.rotate()
    acme.revoke(1)
    (signed,) = acme.sign(acme.content())
    assert verify(signed, acme.signing_keys()) == Outcome.GENUINE
    assert len(acme.signing_keys()) == 2


@pytest.mark.parametrize(("no", "reason", "error"), [(7, "x", NotFound), (1, "", Invalid), (1, "a\nb", Invalid)])
def test_a_revocation_that_cannot_be(acme: Company, no: int, reason: str, error: type[Exception]) -> None:
    acme.sign(acme.content())
    with pytest.raises(error):
        acme.revoke(no, reason)


def test_nothing_is_left_of_the_private_half(acme: Company, database: Database) -> None:
    """So nobody signs with a key that is retired or revoked, whatever the program does."""
    acme.sign(acme.content())
    acme.rotate()
    acme.revoke(2)
    with database.transaction(acme.company_id) as session:
        assert [row.sealed for row in session.sql("SELECT sealed FROM signing_keys")] == [None, None]
        with pytest.raises(psycopg.errors.CheckViolation):
            session.sql("UPDATE signing_keys SET sealed = 'x' WHERE no = 1")
    with database.transaction(acme.company_id) as session, pytest.raises(psycopg.errors.InsufficientPrivilege):
        session.sql("UPDATE signing_keys SET public_key = public_key")


def test_a_key_cannot_be_retired_while_somebody_signs_with_it(acme: Company, database: Database) -> None:
    acme.sign(acme.content())
    with database.transaction(acme.company_id) as session:
        signer(session, acme.settings)
        with database.transaction(acme.company_id) as other:
            other.sql("SET LOCAL lock_timeout = '100ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                signing_keys.revoke(other, 1, "laptop stolen")
            other.driver.rollback()


def test_without_a_key_encryption_key(acme: Company) -> None:
    acme.settings = replace(acme.settings, key_encryption_keys=())
    with pytest.raises(SigningUnavailable, match="POINTSBANK_KEY_ENCRYPTION_KEY is not set"):
        acme.sign(acme.content())
    assert acme.signing_keys() == []


def test_with_another_key_encryption_key(acme: Company) -> None:
    acme.sign(acme.content())
    acme.settings = replace(acme.settings, key_encryption_keys=(NEW,))
    with pytest.raises(SigningUnavailable, match="cannot be opened") as caught:
        acme.sign(acme.content())
    assert "nnnn" not in str(caught.value)


def test_sealed_again_with_a_new_key_encryption_key(acme: Company, database: Database) -> None:
    acme.sign(acme.content())
    with database.transaction(acme.company_id) as session:
        assert signing_keys.seal_again(session, (NEW, OLD)) == 1
        assert signing_keys.seal_again(session, (NEW, OLD)) == 0
    acme.settings = replace(acme.settings, key_encryption_keys=(NEW,))
    (signed,) = acme.sign(acme.content())
    assert verify(signed, acme.signing_keys()) == Outcome.GENUINE


@pytest.mark.parametrize("changed", ["sealed = set_byte(sealed, 30, 255 - get_byte(sealed, 30))", "sealed = '\\x01'"])
def test_a_box_that_was_tampered_with_does_not_open(acme: Company, database: Database, changed: str) -> None:
    acme.sign(acme.content())
    with database.transaction(acme.company_id) as session:
        session.sql(f"UPDATE signing_keys SET {changed}")
    with pytest.raises(SigningUnavailable, match="cannot be opened"):
        acme.sign(acme.content())


def test_a_box_does_not_open_in_anothers_place(
    acme: Company, make_company: Callable[..., Company], database: Database
) -> None:
    other = make_company()
    acme.sign(acme.content())
    other.sign(other.content())
    with database.transaction(other.company_id) as session:
        row = session.sql("SELECT sealed FROM signing_keys").fetchone()
        assert row is not None
    with database.transaction(acme.company_id) as session:
        session.sql("UPDATE signing_keys SET sealed = %(sealed)s", {"sealed": row.sealed})
    with pytest.raises(SigningUnavailable, match="belongs elsewhere"):
        acme.sign(acme.content())
