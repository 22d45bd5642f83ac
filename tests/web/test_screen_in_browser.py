"""The big screen in Chromium: hung up by HR, steered by keyboard, read from afar, under a thousand awards a minute."""

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from bench import screen as bench
from bench.relay import Relay
from pointsbank import company, displays
from pointsbank.database import Database
from pointsbank.directory import programmes
from tests.system.conftest import Service
from tests.web.browsing import LONG, SCREENS, Bank, find_overflow, sign_in, violations, watched

VIEWS = ("teams", "race", "learners", "blooms", "duel", "awards")
WALLS = {"1080p": (1920, 1080), "4k": (3840, 2160)}
LEAST_OF_HEIGHT = 0.02
"""Of a letter, on a screen that is read from ten metres."""
SMALLEST = """() => Math.min(...[...document.querySelectorAll("header *, main *, .ribbon *")]
    .filter((it) => it.offsetParent && [...it.childNodes].some((node) => node.nodeType === 3 && node.data.trim())
                    && !it.closest(".unseen"))
    .map((it) => parseFloat(getComputedStyle(it).fontSize))) / innerHeight"""


@pytest.fixture
def furnished(bank: Bank) -> Bank:
    """The company has two teams, a match between them, and HR."""
    path = "/v1/programmes/2021"
    for number, name in enumerate(["韩梅梅", LONG], 2):
        bank.send("PUT", f"/v1/learners/{number}", {"name": name})
    for key, members in (("a", ["1"]), ("b", ["2", "3"])):
        team = {"name": f"{key} 启航组" if key == "a" else LONG, "members": members, "from": "2020-01-01"}
        bank.send("PUT", f"{path}/teams/{key}", team)
    now = datetime.now(UTC)
    match = {"name": LONG, "teams": ["a", "b"], "unit": "credits"}
    match |= {"starts_at": (now - timedelta(hours=1)).isoformat(), "ends_at": (now + timedelta(days=2)).isoformat()}
    bank.send("PUT", f"{path}/matches/pk", match)
    award(bank, "2", 1)
    bank.user("hr", "--role", "hr", "--shown", "HR")
    return bank


def award(bank: Bank, learner: str, amount: int, reason: str = "好") -> None:
    body = {"learner": learner, "programme": "2021", "unit": "credits", "amount": amount, "reason": reason}
    bank.send("POST", "/v1/awards", body)


def live(page: Page) -> None:
    page.wait_for_selector("body[data-state=live]")


def turned_to(page: Page, view: str) -> None:
    expect(page.locator(f"#{view}")).to_be_visible()
    expect(page.locator("[aria-current]")).to_have_attribute("data-view", view)


def test_hr_hangs_a_screen_up_and_awards_are_seen_at_once(furnished: Bank, browser: Browser) -> None:
    page = browser.new_page(locale="en-GB")
    complaints = watched(page)
    sign_in(page, furnished, "hr", "**/admin")
    page.goto(f"{furnished.service.url}/admin/programmes/2021/screens")
    page.locator("#name").focus()
    page.keyboard.type("Lobby")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="The link is made")).to_be_focused()
    assert page.locator(".qr").evaluate("it => it.naturalWidth") > 100
    weights: list[int] = []
    page.on("response", lambda it: None if it.status == 303 or "stream" in it.url else weights.append(len(it.body())))
    page.get_by_role("link", name="Open it here").press("Enter")
    live(page)
    assert 0 < sum(weights) < 150_000
    took = []
    for language, reason in (("en", "well done"), ("zh", "举一反三")):
        expect(page.locator("#state")).to_have_text("Live" if language == "en" else "实时")
        began = time.monotonic()
        award(furnished, "2", 3, reason)
        expect(page.locator("#ribbon .reason")).to_have_text(reason)
        took.append(time.monotonic() - began)
        if language == "en":
            page.get_by_role("link", name="中").press("Enter")
            live(page)
    assert min(took) < 1, took
    assert "broken" not in page.title()
    _close_it(page, furnished)
    assert [each for each in complaints if "401" not in each] == []
    page.close()


def _close_it(page: Page, bank: Bank) -> None:
    """A link that is revoked closes the screen within seconds; nobody's name stays on it."""
    database = Database(bank.service.database_url)
    with database.transaction(company.find(database, "acme") or 0) as session:
        displays.revoke(session, programmes.get(session, "2021"), 1)
    database.close()
    expect(page.get_by_role("heading", name="大屏已关闭")).to_be_visible(timeout=8_000)
    expect(page.locator("#closed")).to_contain_text("此大屏链接已停用")
    assert "韩梅梅" not in page.locator("main").inner_text()


def test_it_is_steered_by_keyboard_and_read_on_every_screen(furnished: Bank, browser: Browser, axe: str) -> None:
    first = browser.new_context(locale="zh-CN", reduced_motion="reduce")
    sign_in(first.new_page(), furnished, "hr", "**/admin")
    _steered(first, furnished)
    kept: Any = first.storage_state()
    for scheme in ("light", "dark"):
        context = browser.new_context(
            color_scheme=scheme,  # type: ignore[arg-type]  # one of its words
            storage_state=kept,
            bypass_csp=True,  # for axe, which is no part of the page
            reduced_motion="reduce",
            locale="en-GB" if scheme == "dark" else "zh-CN",
        )
        page = context.new_page()
        page.goto(f"{furnished.service.url}/screen/2021")
        live(page)
        page.keyboard.press("Space")
        for view in VIEWS:
            page.locator(f"[data-view={view}]").click()
            turned_to(page, view)
            for name, (width, height) in {**SCREENS, **WALLS}.items():
                page.set_viewport_size({"width": width, "height": height})
                assert not find_overflow(page), (name, scheme, view)
                if name in WALLS:
                    assert page.evaluate(SMALLEST) >= LEAST_OF_HEIGHT, (name, view)
                    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight"), (name, view)
                if name == "phone" or (name == "laptop" and view == "teams"):
                    assert violations(page, axe) == [], (name, scheme, view)
        page.goto(f"{furnished.service.url}/admin/programmes/2021/screens")
        for name in ("phone", "laptop", "wall"):
            page.set_viewport_size({"width": SCREENS[name][0], "height": SCREENS[name][1]})
            assert not find_overflow(page), name
        assert violations(page, axe) == [], scheme
        context.close()
    first.close()


def _a_score_of_any_length_is_beside_its_bar(page: Page, furnished: Bank) -> None:
    award(furnished, "2", 123_456_789)
    page.goto(f"{furnished.service.url}/screen/2021?view=race")
    expect(page.locator("#race .score").first).to_have_text("123,461,791")
    for width, height in (SCREENS["phone"], SCREENS["laptop"], SCREENS["wall"]):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(1_000)  # it has come to its place
        places = page.locator("#race .track").first.evaluate(
            "it => [it, ...it.children].map((each) => each.getBoundingClientRect().right)"
        )
        track, bar, score = places
        assert bar < score <= track, (width, places)
    page.set_viewport_size({"width": 1280, "height": 720})


def _steered(context: BrowserContext, furnished: Bank) -> None:
    page = context.new_page()
    page.goto(f"{furnished.service.url}/screen/2021")
    live(page)
    for view in (*VIEWS[1:], *VIEWS[:1]):
        page.keyboard.press("ArrowRight")
        turned_to(page, view)
    page.keyboard.press("ArrowLeft")
    turned_to(page, "awards")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="暂停")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="小组争先").press("Enter")
    turned_to(page, "race")
    award(furnished, "2", 5_000)
    expect(page.locator("#race .lane").first).to_contain_text("5,001")
    expect(page.locator("#party")).to_contain_text("登上榜首")
    assert page.locator("#party canvas").evaluate("it => it.width") == 300, "nothing falls where nothing may move"
    page.evaluate("document.body.dataset.version = 'of last week'")
    with page.expect_navigation():
        award(furnished, "2", 1)
    live(page)
    for is_full in (True, False):
        page.keyboard.press("Enter")
        page.wait_for_timeout(500)
        assert page.evaluate("document.fullscreenElement !== null") is is_full
    _a_score_of_any_length_is_beside_its_bar(page, furnished)
    page.goto(f"{furnished.service.url}/screen/2021?view=duel")
    turned_to(page, "duel")
    expect(page.locator("#duel .unit")).to_have_text("积分")
    expect(page.locator("#duel .when")).to_contain_text(re.compile(r"剩余 1天 23:59:\d\d"))
    page.close()


def test_a_thousand_awards_a_minute_and_connections_that_break(
    service: Service, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`python -m bench screen` does it for half an hour."""
    monkeypatch.setattr(bench, "OUTAGE_SECONDS", 1.0)
    monkeypatch.setattr(bench, "SETTLED_SECONDS", 2.0)
    database, relay = Database(service.database_url), Relay(service.url)
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    with bench.sending(service.url, service.key("acme")) as send:
        bench.furnish(send)
        company_id = company.find(database, "acme") or 0
        path = bench.link(database, company_id)
        found = bench.watch(page, relay, path, send, seconds=9, every=3, freezes=False)
    assert found.posted > 100
    assert found.shown == bench.of_ledger(database, company_id)
    assert found.drops == len(found.noticed_seconds) >= 1, "no connection is lost unnoticed"
    first, last = found.samples[0], found.samples[-1]
    assert last.heap_bytes < first.heap_bytes * 1.5
    assert last.nodes < first.nodes + 600, "six views, each made once"
    assert last.listeners == first.listeners
    page.close()
    relay.close()
    database.close()
