"""What all pages have in common: headers, language, theme, assets, errors."""

import re
from collections.abc import Callable
from pathlib import Path

import flask
import pytest

import api
from api.pages import assets
from api.pages.frame import HEADERS
from pointsbank.database import Database
from tests.web.conftest import Reader

WEB = Path(api.__file__).parent / "web" / "pages"


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/link/pbl_nothing", "/assets/pages.css", "/"])
def test_headers(reader: Reader, path: str) -> None:
    answer = reader.get(path)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    if not path.startswith("/assets"):
        policy = answer.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert policy.startswith("default-src 'none'; script-src 'self';")
        for name, value in HEADERS.items():
            assert answer.headers[name] == value
        assert answer.headers["Cache-Control"] == "no-store"


def test_templates_have_nothing_inline() -> None:
    for path in WEB.rglob("*.html"):
        text = path.read_text("utf-8")
        assert not re.search(r"\sstyle=|\son\w+=\"|<style|javascript:", text), path.name
        assert not re.search(r"<script(?![^>]*(\bsrc=|type=\"application/json\"))", text), path.name
        assert not re.search(r"(src|href)=\"https?:", text), f"{path.name} loads from elsewhere"


def test_the_language_is_what_was_chosen_or_what_the_browser_prefers(reader: Reader) -> None:
    reader.language = "zh-CN,zh;q=0.9"
    assert '<html lang="zh-CN"' in reader.get("/sign-in").text
    reader.language = "fr"
    assert '<html lang="en"' in reader.get("/sign-in").text
    answer = reader.get("/sign-in?lang=zh&company=x")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in?company=x")
    answer = reader.get("/sign-in")
    assert "登录" in answer.text
    assert answer.headers["Content-Language"] == "zh-CN"


def test_the_theme_is_the_devices_until_it_is_chosen(reader: Reader) -> None:
    assert "data-theme" not in reader.get("/sign-in").text
    reader.get("/sign-in?theme=dark")
    assert 'data-theme="dark"' in reader.get("/sign-in").text
    reader.get("/sign-in?theme=auto")
    assert "data-theme" not in reader.get("/sign-in").text


def test_assets_are_kept_as_long_as_they_are_the_same(reader: Reader) -> None:
    found = re.search(r'href="(/assets/pages\.css\?v=\w+)"', reader.get("/sign-in").text)
    assert found is not None
    answer = reader.get(found[1])
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    again = reader.get(found[1], headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert reader.get("/assets/pages.css?v=old").headers["Cache-Control"] == "public, max-age=300"
    assert reader.get("/assets/nothing.css").status_code == 404
    assert max(len(each.content) for each in assets.assets().values()) < 60_000


def test_an_address_that_there_is_not(reader: Reader) -> None:
    answer = reader.get("/nothing")
    assert answer.status_code == 404
    assert "There is nothing here" in answer.text
    assert answer.headers["Content-Security-Policy"] == HEADERS["Content-Security-Policy"]
    for path, accept in (("/nothing", "application/json"), ("/nothing", "*/*"), ("/v1/nothing", "text/html")):
        answer = reader.get(path, headers={"Accept": accept})
        assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


def test_errors_are_pages_and_for_programs_problems(reader: Reader) -> None:
    reader.user("hr", "hr")
    reader.become("hr")
    answer = reader.open("/sign-out", "POST", data={})
    assert answer.status_code == 403
    assert "out of date" in answer.text
    answer = reader.open("/sign-out", "POST", data={}, headers={"Accept": "application/json"})
    assert answer.get_json()["status"] == 403
    assert answer.content_type == "application/problem+json"


def test_what_should_not_happen_is_in_the_log_and_not_on_the_page(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("secret <detail>")

    monkeypatch.setattr("api.pages.sign_in.signing_in.user_of_link", fail)
    answer = reader.get("/sign-in/link/x")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    found = re.search(r"log as ([0-9a-f]{32})", answer.text)
    assert found is not None
    assert found[1] in caplog.text


def test_over_https_cookies_are_for_it_alone(secure_app: flask.Flask, database: Database, reader: Reader) -> None:
    reader.user("hr", "hr", password="correct horse battery")
    secure = Reader(secure_app, database, reader.company_key)
    answer = secure.sign_in("hr")
    assert answer.status_code == 303
    (cookie,) = [each for each in answer.headers.getlist("Set-Cookie") if "pb_session=p" in each]
    assert cookie.startswith("__Host-pb_session=")
    for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert part in cookie
    assert "Domain" not in cookie
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")


def test_each_page_is_understood_without_a_mouse(reader: Reader, new_reader: Callable[[str], Reader]) -> None:
    """The first thing to be reached leads past the rest; every field has a label."""
    page = reader.get("/sign-in").text
    assert page.index('class="skip"') < page.index("<header")
    for field in re.findall(r'<input id="(\w+)"', page):
        assert f'<label for="{field}">' in page
