"""The page on which anybody verifies a certificate: what it says, what it keeps to itself, and whom it stops."""

import io
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlsplit

import flask
import orjson
import pytest
from PIL import Image
from werkzeug.test import TestResponse

from api import verification
from api.app import create_app
from api.app_state import State
from api.rate_limit import WINDOW_SECONDS, Limiter, counted_as
from credentials import badge, signing_keys
from credentials.paper.errors import PaperNotInstalled
from credentials.verifying import Outcome, verify
from pointsbank.database import Database, Session
from pointsbank.errors import RateLimited
from tests.api.conftest import Caller
from tests.api.issued import BASE, SETTINGS, Issuer

REASON = "成绩录入有误，已按规定复核 <b>&"
NOT_NUMBERS = ["x", "PB-2022-000017", "PB-2022-000017-7K3QXWMU", "' OR 1=1 --", "%00", "𠮷" * 50, "-" * 4000]
UNKNOWN = "PB-2022-000017-00000000"
HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.fixture
def issuer(programme: Caller, database: Database) -> Issuer:
    return Issuer(programme, database)


@pytest.fixture
def visitor(database: Database) -> Iterator["Visitor"]:
    """Of an application of its own, from an address that nobody else has."""
    app = create_app(replace(SETTINGS, database_url=database.url), database)
    yield Visitor(app)
    app.extensions["pointsbank"].connections.close()


class Visitor:
    def __init__(self, app: flask.Flask, address: str = "203.0.113.7") -> None:
        self.app, self.address = app, address

    def get(self, path: str, address: str | None = None, **headers: str) -> TestResponse:
        headers.setdefault("Accept", HTML)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.app.test_client().get(path, headers=named, environ_base={"REMOTE_ADDR": address or self.address})

    def json(self, number: str) -> TestResponse:
        return self.get(f"/verify/{number}", Accept="application/json")


class Text(HTMLParser):
    """The text of a page, and each element's attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_data(self, data: str) -> None:
        self.said.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))


def said(answer: TestResponse) -> str:
    return " ".join(" ".join(Text(answer.text).said).split())


def links(answer: TestResponse) -> list[str]:
    return [attributes["href"] or "" for tag, attributes in Text(answer.text).elements if tag == "a"]


# --- what it says ---


def test_a_valid_certificate_shows_what_is_on_the_paper(issuer: Issuer, visitor: Visitor) -> None:
    content = issuer.content()
    number = issuer.issue(content)
    zh = visitor.get(f"/verify/{number}", Accept_Language="zh-CN,zh;q=0.9,en;q=0.8")
    assert zh.status_code == 200
    text = said(zh)
    for shown in (
        "证书有效",
        "陈思远",
        "初级客服任职资格证",
        "云桥客服",
        content.programme_name,
        "talent P2",
        "186",
        number,
    ):
        assert shown in text
    assert "数字签名已于" in text
    en = said(visitor.get(f"/verify/{number}", Accept_Language="en-GB,en;q=0.9"))
    for shown in ("Certificate is valid", "Qualification certificate, service, junior", "陈思远", "Valid until"):
        assert shown in en
    assert "undone" not in zh.text


def test_no_more_personal_data_than_on_the_paper(issuer: Issuer, visitor: Visitor) -> None:
    number = issuer.issue(issuer.content())
    for path in (f"/verify/{number}", f"/verify/{number}/badge.svg", f"/verify/{number}/credential.json"):
        assert "20210001" not in visitor.get(path).text, path
    assert "20210001" not in visitor.json(number).text


def test_an_expired_one_says_so_and_cannot_be_added_to_a_profile(issuer: Issuer, visitor: Visitor) -> None:
    now = datetime.now(UTC)
    expired = issuer.content(issued_at=now - timedelta(days=800), valid_until=now - timedelta(seconds=1))
    answer = visitor.get(f"/verify/{issuer.issue(expired)}", Accept_Language="en")
    assert answer.status_code == 200
    assert "Certificate has expired" in said(answer)
    assert not any("linkedin" in each for each in links(answer))


def test_a_revoked_one_says_why_and_when(issuer: Issuer, visitor: Visitor) -> None:
    at = datetime(2026, 3, 1, 18, 5, tzinfo=UTC)
    number = issuer.issue(issuer.content(), revoked=(at, REASON))
    answer = visitor.get(f"/verify/{number}", Accept_Language="zh")
    text = said(answer)
    assert "证书已被撤销" in text
    assert "2026年3月2日 02:05 (UTC+08:00)" in text, "in the company's time zone"
    assert REASON in text
    assert "<b>" not in answer.text.replace("<bdi>", "")
    assert not any("linkedin" in each for each in links(answer))
    body = visitor.json(number).get_json()
    assert (body["standing"], body["revoked_reason"], body["signature"]) == ("revoked", REASON, "genuine")


def test_the_signature_is_checked_then_and_there(issuer: Issuer, visitor: Visitor) -> None:
    def forged(credential: bytes) -> bytes:
        return credential.replace("陈思远".encode(), "陈恩远".encode())

    content = issuer.content()
    number = issuer.issue(content, changed=forged, kept=replace(content, learner_name="陈恩远"))
    answer = visitor.get(f"/verify/{number}", Accept_Language="en")
    assert "Not proven genuine" in said(answer)
    assert "Certificate is valid" not in said(answer)
    assert "checked just now" not in said(answer)
    assert visitor.json(number).get_json()["signature"] == "changed"


@pytest.mark.parametrize(
    "change",
    [
        {"learner_name": "陈恩远"},
        {"credits": "187"},
        {"level": "高级"},
        {"valid_until": None},
        {"programme_name": "2022届"},
        {"company_name": "别家"},
        {"equals": ()},
        {"name": {"zh": "高级客服任职资格证", "en": "Qualification certificate, service, senior"}},
        {"criteria": {"zh": "无", "en": "none"}},
        {"issued_at": datetime(2020, 1, 1, tzinfo=UTC)},
        # A part of what was signed.
        {"level": None},
        {"level": "级"},
        {"name": {"zh": "客服任职资格证", "en": "Qualification certificate, service, junior"}},
        {"name": {"zh": "初级客服任职资格证", "en": "初级客服任职资格证"}},
        {"criteria": {"zh": "在培训项目中获得至少 1", "en": "at least 1"}},
        {"base_url": "https://elsewhere.example"},
    ],
    ids=str,
)
def test_what_is_shown_is_what_was_signed(issuer: Issuer, visitor: Visitor, change: dict[str, Any]) -> None:
    content = issuer.content()
    number = issuer.issue(content, kept=replace(content, **change))
    body = visitor.json(number).get_json()
    assert (body["standing"], body["signature"]) == ("untrusted", "changed")


@pytest.mark.parametrize(
    "changed",
    ["valid_until = now() + interval '9 years'", "valid_until = NULL", "number = overlay(number PLACING 'ZZ' FROM 16)"],
)
def test_nor_does_a_changed_row_make_it_valid_again(
    issuer: Issuer, visitor: Visitor, database: Database, changed: str
) -> None:
    expired = issuer.content(valid_until=datetime.now(UTC) - timedelta(hours=1))
    issuer.issue(expired)
    with database.transaction(issuer.programme.company_id) as session:
        session.sql("SET LOCAL ROLE NONE")  # as whoever owns the tables
        row = session.sql(
            f"""UPDATE certificates SET {changed}
                 WHERE company_id = %(company)s AND number = %(number)s RETURNING number""",
            {"number": expired.number},
        ).fetchone()
        assert row is not None
    body = visitor.json(row.number).get_json()
    assert (body["standing"], body["signature"]) == ("untrusted", "changed")


def test_a_key_that_was_revoked_proves_nothing(issuer: Issuer, visitor: Visitor, database: Database) -> None:
    number = issuer.issue(issuer.content())
    with database.transaction(issuer.programme.company_id) as session:
        signing_keys.revoke(session, 1, "laptop stolen")
    body = visitor.json(number).get_json()
    assert (body["standing"], body["signature"]) == ("untrusted", "key-revoked")


def test_a_rotated_key_still_proves(issuer: Issuer, visitor: Visitor, database: Database) -> None:
    number = issuer.issue(issuer.content())
    with database.transaction(issuer.programme.company_id) as session:
        signing_keys.rotate(session, SETTINGS.key_encryption_keys)
    assert visitor.json(number).get_json()["standing"] == "valid"


def test_json_for_programs(issuer: Issuer, visitor: Visitor) -> None:
    content = issuer.content("points", valid_until=None)
    answer = visitor.json(issuer.issue(content))
    assert answer.mimetype == "application/json"
    body = answer.get_json()
    assert abs(datetime.fromisoformat(body.pop("checked_at")) - datetime.now(UTC)) < timedelta(minutes=1)
    assert datetime.fromisoformat(body.pop("issued_at")) == content.issued_at
    assert body == {
        "number": content.number,
        "standing": "valid",
        "signature": "genuine",
        "kind": "points",
        "name": {"zh": "积分证", "en": "Points certificate"},
        "level": None,
        "holder": "陈思远",
        "issuer": "云桥客服",
        "programme": content.programme_name,
        "credits": "186",
        "equals": [],
        "valid_until": None,
        "revoked_at": None,
        "revoked_reason": None,
        "url": f"{BASE}/verify/{content.number}",
        "credential_url": f"{BASE}/verify/{content.number}/credential.json",
    }


def test_the_credential_and_the_badge_are_there_to_take(issuer: Issuer, visitor: Visitor, database: Database) -> None:
    number = issuer.issue(issuer.content())
    page = visitor.get(f"/verify/{number}")
    found = {urlsplit(each).path for each in links(page)}
    assert {f"/verify/{number}/credential.json", f"/verify/{number}/badge.png"} <= found
    credential = visitor.get(f"/verify/{number}/credential.json")
    assert credential.mimetype == "application/vc+ld+json"
    with database.transaction(issuer.programme.company_id) as session:
        assert verify(credential.data, signing_keys.every(session)) is Outcome.GENUINE
    png = visitor.get(f"/verify/{number}/badge.png")
    assert credential.data in png.data
    with Image.open(io.BytesIO(png.data)) as picture:
        assert picture.format == "PNG"
    svg = visitor.get(f"/verify/{number}/badge.svg")
    assert svg.mimetype == "image/svg+xml"
    assert svg.headers["Content-Security-Policy"] == "default-src 'none'"


def test_the_link_fills_in_linkedins_form(issuer: Issuer, visitor: Visitor) -> None:
    # 23:30 of the last day of June in Shanghai is another month in no zone to the west of it that we do not use.
    content = issuer.content(
        issued_at=datetime(2026, 6, 30, 16, 30, tzinfo=UTC), valid_until=datetime(2036, 6, 30, 16, 30, tzinfo=UTC)
    )
    number = issuer.issue(content)
    (link,) = [each for each in links(visitor.get(f"/verify/{number}", Accept_Language="en")) if "linkedin" in each]
    parts = urlsplit(link)
    assert (parts.scheme, parts.netloc, parts.path) == ("https", "www.linkedin.com", "/profile/add")
    assert {name: value for name, (value,) in parse_qs(parts.query).items()} == {
        "startTask": "CERTIFICATION_NAME",
        "name": "Qualification certificate, service, junior",
        "organizationName": "云桥客服",
        "issueYear": "2026",
        "issueMonth": "7",
        "expirationYear": "2036",
        "expirationMonth": "7",
        "certUrl": f"{BASE}/verify/{number}",
        "certId": number,
    }


def test_a_number_may_be_typed_as_it_is_read(issuer: Issuer, visitor: Visitor) -> None:
    number = issuer.issue(issuer.content())
    wide = number.translate({ord(each): ord(each) + 0xFEE0 for each in "0123456789ABCDEFGHJKMNPQRSTVWXYZ"})
    typed_ones = [number.lower(), f"%20{number}%20", number.replace("0", "O"), number.replace("1", "l"), wide]
    typed_ones += [number.replace("-", dash) for dash in ("－", "—", "–", " - ")]
    for typed in typed_ones:
        assert said(visitor.get(f"/verify/{typed}")) == said(visitor.get(f"/verify/{number}"))
    answer = visitor.get(f"/verify?number=+{number}+&lang=en")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/verify/{number}?lang=en")
    assert visitor.get("/verify").status_code == 200


def test_hostile_texts_are_text(issuer: Issuer, visitor: Visitor) -> None:
    name = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u202e"
    number = issuer.issue(issuer.content(learner_name=name), revoked=(datetime.now(UTC), name))
    answer = visitor.get(f"/verify/{number}")
    page = Text(answer.text)
    assert "<script>" in "".join(page.said)
    assert {tag for tag, _ in page.elements}.isdisjoint({"script", "style"})
    assert not any(each.startswith("on") or each == "style" for _, attributes in page.elements for each in attributes)


def test_a_name_reads_as_on_the_paper(issuer: Issuer, visitor: Visitor) -> None:
    """A mark of direction would turn it round."""
    number = issuer.issue(
        issuer.content(learner_name="\u202e雷李\u202c\u200f"), revoked=(datetime.now(UTC), "\u202e错发")
    )
    page = said(visitor.get(f"/verify/{number}"))
    assert "雷李" in page
    assert "错发" in page
    assert not set("\u202e\u202c\u200f") & set(page)


def test_without_the_extra_there_is_no_badge_and_all_else(
    issuer: Issuer, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacking(*_: object) -> bytes:
        raise PaperNotInstalled("pip install 'pointsbank[certificates]'")

    monkeypatch.setattr(badge, "svg", lacking)
    number = issuer.issue(issuer.content())
    page = visitor.get(f"/verify/{number}", Accept_Language="en")
    assert "Certificate is valid" in said(page)
    assert "badge" not in page.text
    answer = visitor.get(f"/verify/{number}/badge.svg")
    assert (answer.status_code, answer.get_json()["type"]) == (503, f"{BASE}/problems/not-installed")


# --- languages and headers ---


@pytest.mark.parametrize(
    ("preferred", "query", "language"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "", "zh-CN"),
        ("en-US,en;q=0.9,zh;q=0.1", "", "en"),
        ("zh-TW", "", "zh-CN"),
        ("de,fr;q=0.5", "", "en"),
        ("", "", "zh-CN"),
        ("*", "", "zh-CN"),
        ("zh", "?lang=en", "en"),
        ("en", "?lang=zh", "zh-CN"),
        ("en", "?lang=xx", "en"),
    ],
)
def test_the_language_is_the_readers(visitor: Visitor, preferred: str, query: str, language: str) -> None:
    answer = visitor.get(f"/verify{query}", **({"Accept_Language": preferred} if preferred else {}))
    assert answer.headers["Content-Language"] == language
    assert f'<html lang="{language}">' in answer.text


def test_headers_let_nothing_in_and_nothing_out(issuer: Issuer, visitor: Visitor) -> None:
    number = issuer.issue(issuer.content())
    for path in ("/verify", f"/verify/{number}", f"/verify/{UNKNOWN}"):
        headers = visitor.get(path).headers
        policy = dict(each.split(" ", 1) for each in headers["Content-Security-Policy"].split("; "))
        assert policy == {
            "default-src": "'none'",
            "style-src": "'self'",
            "img-src": "'self'",
            "base-uri": "'none'",
            "frame-ancestors": "'none'",
            "form-action": "'self'",
        }
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert "noindex" in headers["X-Robots-Tag"]
        assert {"Accept", "Accept-Language"} <= set(headers["Vary"].split(", "))
    for path in (f"/verify/{number}/credential.json", f"/verify/{number}/badge.svg", f"/verify/{number}/badge.png"):
        assert visitor.get(path).headers["Cache-Control"] == "no-store"


# --- guessing gets nowhere ---


def body_of(answer: TestResponse) -> tuple[int, str, list[tuple[str, str]]]:
    return answer.status_code, answer.text, sorted(answer.headers.items())


def test_what_is_no_number_is_answered_as_one_that_nobody_has(visitor: Visitor) -> None:
    expected = body_of(visitor.get(f"/verify/{UNKNOWN}"))
    assert expected[0] == 404
    for index, number in enumerate(NOT_NUMBERS):
        assert body_of(visitor.get(f"/verify/{number}", address=f"203.0.114.{index}")) == expected
        problem = visitor.get(f"/verify/{number}", address=f"203.0.114.{index}", Accept="application/json")
        assert (problem.status_code, problem.mimetype) == (404, "application/problem+json")
        assert problem.get_json()["type"] == f"{BASE}/problems/not-found"
        assert problem.get_json()["detail"] == "There is no certificate with this number."


def test_and_after_the_same_steps(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many statements of SQL, and the same ones, so that the time tells nothing either."""
    asked: list[str] = []
    sql = Session.sql

    def listed(session: Session, statement: str, *rest: Any) -> Any:
        asked.append(statement)
        return sql(session, statement, *rest)

    monkeypatch.setattr(Session, "sql", listed)
    steps = []
    for number in [UNKNOWN, *NOT_NUMBERS]:
        asked.clear()
        visitor.get(f"/verify/{number}", address=f"2001:db8:{len(steps)}::1")
        steps.append(list(asked))
    assert steps[0]
    assert all(each == steps[0] for each in steps)


@pytest.fixture
def one_minute(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not end in the middle of the test: what is counted would be counted in two."""
    now = time.time()
    monkeypatch.setattr(visitor.app.extensions["pointsbank"].verifications, "_clock", lambda: now)


@pytest.mark.usefixtures("one_minute")
def test_an_address_is_stopped_and_another_is_not(issuer: Issuer, visitor: Visitor) -> None:
    number = issuer.issue(issuer.content())
    answers = [visitor.get(f"/verify/{number}").status_code for _ in range(verification.LIMIT + 2)]
    assert answers == [200] * verification.LIMIT + [429, 429]
    page = visitor.get(f"/verify/{number}", Accept_Language="en")
    assert "Too many requests" in said(page)
    assert 1 <= int(page.headers["Retry-After"]) <= WINDOW_SECONDS
    assert number not in page.text
    problem = visitor.json(number)
    assert (problem.status_code, problem.mimetype) == (429, "application/problem+json")
    assert problem.get_json()["type"] == f"{BASE}/problems/rate-limited"
    assert int(problem.headers["Retry-After"]) == problem.get_json()["retry_after_seconds"]
    for path in (f"/verify/{number}/credential.json", f"/verify/{number}/badge.svg", f"/verify/{number}/badge.png"):
        assert visitor.get(path).status_code == 429
    assert visitor.get(f"/verify/{number}", address="203.0.113.8").status_code == 200


@pytest.mark.usefixtures("one_minute")
def test_who_guesses_is_stopped_sooner(visitor: Visitor) -> None:
    answers = [visitor.get(f"/verify/{number}").status_code for number in [UNKNOWN, "x"] * 10]
    assert answers == [404] * (verification.LIMIT // verification.UNKNOWN_COST) + [429] * 10


@pytest.mark.parametrize(
    ("proxies", "forwarded", "counted"),
    [
        (0, "198.51.100.1", "203.0.113.7"),
        (1, "198.51.100.1", "198.51.100.1"),
        (1, "forged, 198.51.100.1", "198.51.100.1"),
        (2, "forged, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        (1, "", "203.0.113.7"),
    ],
)
def test_the_address_is_the_clients_and_not_what_it_claims(
    database: Database, monkeypatch: pytest.MonkeyPatch, proxies: int, forwarded: str, counted: str
) -> None:
    seen: list[str] = []

    def spend(_: Limiter, address: str, cost: int = 1) -> None:
        seen.append(address)

    monkeypatch.setattr(Limiter, "spend", spend)
    visitor = Visitor(create_app(replace(SETTINGS, proxies=proxies), database))
    visitor.get(f"/verify/{UNKNOWN}", **({"X_Forwarded_For": forwarded} if forwarded else {}))
    assert seen == [counted]


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::99", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "other"),
        ("unix:", "other"),
    ],
)
def test_who_counts_as_one(address: str, counted: str) -> None:
    assert counted_as(address) == counted


A, B = "198.51.100.1", "198.51.100.2"


def spent(limiter: Limiter, address: str) -> bool:
    try:
        limiter.spend(address)
    except RateLimited:
        return True
    return False


def test_workers_count_together_in_redis(redis_url: str) -> None:
    now = [WINDOW_SECONDS * 1_000_000 + 59.0]
    workers = [Limiter(redis_url, f"together-{id(now)}", 10, lambda: now[0]) for _ in range(3)]
    assert [spent(workers[turn % 3], A) for turn in range(15)] == [False] * 10 + [True] * 5
    assert not spent(workers[0], B)
    now[0] += 1
    assert not spent(workers[0], A), "another minute"


@pytest.mark.parametrize("redis", [None, "unix:///nowhere.sock"])
def test_without_redis_a_worker_counts_alone(redis: str | None) -> None:
    now = [float(WINDOW_SECONDS)]
    limiter = Limiter(redis, "alone", 3, lambda: now[0])
    assert [spent(limiter, A) for _ in range(5)] == [False] * 3 + [True] * 2
    assert not spent(limiter, B)
    now[0] += WINDOW_SECONDS
    assert not spent(limiter, A)


@pytest.mark.parametrize(("second", "seconds"), [(0.0, 60), (0.5, 60), (1.0, 59), (59.9, 1)])
def test_it_says_when_to_come_again(second: float, seconds: int) -> None:
    limiter = Limiter(None, "again", 0, lambda: second)
    with pytest.raises(RateLimited) as raised:
        limiter.spend(A)
    assert raised.value.extra == {"retry_after_seconds": seconds}


def test_while_the_database_is_away_it_says_so_in_words() -> None:
    away = Database("postgresql://nobody@127.0.0.1:1/nothing")
    visitor = Visitor(create_app(SETTINGS, away))
    answer = visitor.get(f"/verify/{UNKNOWN}", Accept_Language="en")
    assert answer.status_code == 503
    assert "Cannot be verified at the moment" in said(answer)
    assert "No such certificate" not in said(answer)
    problem = visitor.json(UNKNOWN)
    assert (problem.status_code, problem.mimetype) == (503, "application/problem+json")
    away.close()


def test_a_state_has_one_limiter_for_all_routes(visitor: Visitor) -> None:
    held = visitor.app.extensions["pointsbank"]
    assert isinstance(held, State)
    assert orjson.loads(visitor.json(UNKNOWN).data)["status"] == 404
    assert held.verifications.charge(visitor.address, 0) == verification.UNKNOWN_COST
