"""Companies and their API keys."""

from datetime import UTC, datetime

import pytest

from ledger import terms
from ledger.accounts import CREDITS, ISSUANCE, pool_of_programme
from ledger.journal import Draft, Transfer, post
from pointsbank import company, keys, lately
from pointsbank.database import Database
from pointsbank.errors import Conflict, Invalid


@pytest.fixture
def company_id(database: Database) -> int:
    return company.create(database, f"keys-{next(_numbers)}", "甲公司")


_numbers = iter(range(10**6))


def test_a_company_is_made_once_and_found_by_its_key(database: Database) -> None:
    made = company.create(database, "甲")
    assert 1 <= made < 2**60
    assert company.find(database, "甲") == made
    assert company.find(database, "乙") is None
    with pytest.raises(Conflict, match="甲"):
        company.create(database, "甲")
    with database.transaction(made) as session:
        assert company.get(session) == company.Company("甲", "甲", "Asia/Shanghai", 0)


@pytest.mark.parametrize("key", ["", " ", "a/b", "a\0", "\ud800", "x" * 129, " a"])
def test_a_company_needs_a_key_that_fits_in_a_path(database: Database, key: str) -> None:
    with pytest.raises(Invalid):
        company.create(database, key)


def test_the_scale_is_fixed_once_credits_are_booked(database: Database, company_id: int) -> None:
    with database.transaction(company_id) as session:
        company.put(session, "甲", "Asia/Shanghai", 2)
        names = terms.intern(session, ["test", "kind"])
        transfer = Transfer(CREDITS, ISSUANCE, pool_of_programme(1), 5)
        session.sql(
            """INSERT INTO programmes (company_id, no, key, name, starts_on, ends_on, timezone)
               VALUES (%(company)s, 1, 'p', 'p', '2021-01-01', '2021-12-31', 'UTC')"""
        )
        post(session, [Draft(names["test"], "1", names["kind"], 1, datetime.now(UTC), [transfer])])
    with database.transaction(company_id) as session:
        assert company.put(session, "乙", "Europe/London", 2).name == "乙"
        with pytest.raises(Conflict) as refused:
            company.put(session, "乙", "Europe/London", 0)
        assert refused.value.errors[0][0] == "credits_scale"


def test_faults_of_a_company_are_told_all_at_once(database: Database, company_id: int) -> None:
    with database.transaction(company_id) as session, pytest.raises(Invalid) as refused:
        company.put(session, "\x07", "Asia", 7)
    assert [path for path, _ in refused.value.errors] == ["name", "timezone", "credits_scale"]


def test_a_key_is_its_companys_and_says_what_it_may(database: Database, company_id: int) -> None:
    text = keys.create(database, company_id, "LMS", ["read", "events:write", "read"])
    assert keys.create(database, company_id, "LMS", ["read"]) != text
    found = keys.authenticate(database, text)
    assert found == keys.Key(company_id, "LMS", frozenset({"read", "events:write"}))
    assert keys.authenticate(database, text) is found
    with database.transaction(company_id) as session:
        stored = session.sql("SELECT * FROM api_keys WHERE company_id = %(company)s").fetchall()
    assert text.split("_", 2)[2] not in str(stored)


def test_other_texts_are_no_keys(database: Database, company_id: int) -> None:
    text = keys.create(database, company_id, "LMS", ["read"])
    other = company.create(database, f"other-{next(_numbers)}")
    others_prefix = keys.create(database, other, "LMS", ["read"])[:16]
    mixed = others_prefix + text[16:]
    for wrong in ("", "pb_", text[:-1], text + "a", text.upper(), "\ud800", mixed, f"{text}\n"):
        assert keys.authenticate(database, wrong) is None, wrong


def test_a_revoked_key_ends_within_the_time_of_the_cache(
    database: Database, company_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = keys.create(database, company_id, "LMS", ["read"])
    assert keys.authenticate(database, text) is not None
    with database.transaction(company_id) as session:
        session.sql("UPDATE api_keys SET revoked_at = now() WHERE company_id = %(company)s")
    later = lately.time.monotonic() + keys.KEY_CACHE_SECONDS
    monkeypatch.setattr("pointsbank.lately.time.monotonic", lambda: later)
    assert keys.authenticate(database, text) is None


def test_an_unknown_scope_is_refused(database: Database, company_id: int) -> None:
    with pytest.raises(Invalid, match="fly"):
        keys.create(database, company_id, "LMS", ["read", "fly"])
