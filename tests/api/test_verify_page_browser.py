"""The verification page in a real browser: phone, laptop, light and dark."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from api.app import create_app
from pointsbank.database import Database
from tests.api.conftest import Caller
from tests.api.issued import SETTINGS, Issuer

NAMES = ["陈思远", "Maximiliane " * 16, "欧阳" * 100, "W" * 200]
WIDTHS = (320, 390, 768, 1440)

CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const seen = colour => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const low = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.checkVisibility()) continue;
    let behind = element;
    while (behind && seen(getComputedStyle(behind).backgroundColor)[3] < 200) behind = behind.parentElement;
    const a = light(seen(getComputedStyle(element).color));
    const b = light(seen(getComputedStyle(behind || document.body).backgroundColor));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) low.push(`${walker.currentNode.textContent.trim()}: ${ratio.toFixed(2)}`);
  }
  return low;
}"""
OUTSIDE = """() => [...document.querySelectorAll('body *')].filter(each => each.checkVisibility())
  .map(each => [each.tagName, each.getBoundingClientRect()])
  .filter(([, box]) => box.width > 0 && (box.left < -0.5 || box.right > innerWidth + 0.5)).map(([name]) => name)"""


@pytest.fixture
def site(database: Database) -> Iterator[str]:
    """A server with an application of its own."""
    app = create_app(replace(SETTINGS, database_url=database.url), database)
    app.extensions["pointsbank"].verifications._limit = 1_000_000
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


@pytest.fixture
def issuer(programme: Caller, database: Database) -> Issuer:
    return Issuer(programme, database)


@pytest.fixture
def numbers(issuer: Issuer) -> dict[str, str]:
    """A certificate of each standing."""
    now = datetime.now(UTC)
    content = issuer.content()
    return {
        "valid": issuer.issue(content),
        "points": issuer.issue(issuer.content("points", valid_until=None)),
        "expired": issuer.issue(issuer.content(valid_until=now - timedelta(hours=1))),
        "revoked": issuer.issue(issuer.content(), revoked=(now, "成绩录入有误，经复核不符合授予条件。")),
        "untrusted": issuer.issue(issuer.content(), changed=lambda credential: credential.replace(b"186", b"187")),
        "unknown": "PB-2022-000017-00000000",
    }


Scheme = Literal["light", "dark"]


@pytest.fixture
def show(browser: Browser) -> Iterator[Callable[..., tuple[Page, list[str]]]]:
    """`show(url, width, scheme)` opens a page; with it comes what its console complains of."""
    opened: list[Page] = []

    def open_page(url: str, width: int = 1440, scheme: Scheme = "light", **more: Any) -> tuple[Page, list[str]]:
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme, **more)
        opened.append(page)
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("requestfailed", lambda request: complaints.append(request.url))
        page.goto(url, wait_until="load")
        return page, complaints

    yield open_page
    for page in opened:
        page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_standing_is_whole_and_readable(
    show: Callable[..., tuple[Page, list[str]]], site: str, numbers: dict[str, str], scheme: Scheme
) -> None:
    for standing, number in numbers.items():
        for width in WIDTHS if standing in ("valid", "revoked") else WIDTHS[:1]:
            page, complaints = show(f"{site}/verify/{number}", width, scheme, locale="zh-CN")
            where = f"{standing}, {width} px, {scheme}"
            assert [each for each in complaints if "404" not in each] == [], where
            assert page.evaluate(OUTSIDE) == [], where
            assert page.evaluate(CONTRAST) == [], where
            badges = page.locator("img.badge")
            assert badges.count() == (0 if standing in ("unknown", "untrusted") else 1), where
            if badges.count():
                assert badges.evaluate("image => image.complete && image.naturalWidth > 0"), where
            page.close()


@pytest.mark.parametrize("name", NAMES)
def test_long_names_stay_on_a_phone(
    show: Callable[..., tuple[Page, list[str]]], site: str, issuer: Issuer, name: str
) -> None:
    number = issuer.issue(issuer.content(learner_name=name, level="初级" * 20))
    for width in WIDTHS[:2]:
        page, _ = show(f"{site}/verify/{number}", width)
        assert page.evaluate(OUTSIDE) == []
        assert name.strip() in page.locator("article").inner_text()


def test_the_form_and_the_other_language(
    show: Callable[..., tuple[Page, list[str]]], site: str, numbers: dict[str, str]
) -> None:
    page, complaints = show(f"{site}/verify", locale="zh-CN")
    page.get_by_label("证书编号").fill(numbers["valid"].lower())
    page.get_by_role("button", name="核验").click()
    assert page.get_by_role("heading", level=1).inner_text() == "证书有效"
    page.get_by_role("link", name="English").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Certificate is valid"
    page.get_by_text("Requirements").click()
    assert page.get_by_text("at least 150 credits").is_visible()
    assert complaints == []


def test_a_page_without_scripts_and_pictures_says_all(browser: Browser, site: str, numbers: dict[str, str]) -> None:
    context = browser.new_context(java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    page.route("**/*.svg", lambda route: route.abort())
    page.goto(f"{site}/verify/{numbers['revoked']}")
    text = page.inner_text("body")
    assert "Certificate was revoked" in text
    assert "成绩录入有误" in text
    context.close()
