"""Keys, widgets and the live feed in Chromium: from sign-in to result by keyboard, both languages, on all screens."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web.browsing import SCREENS, Bank, find_overflow, sign_in, violations, watched

PAGES = ("", "/keys", "/widgets", "/widgets/new", "/origins", "/users", "/users/new", "/users/1", "/signing")


def post(bank: Bank, key: str, learner: str) -> None:
    """An event that is refused."""
    event = {"specversion": "1.0", "id": learner, "source": "urn:lms", "type": "t", "subject": learner}
    body = json.dumps({**event, "data": {"programme": "2021"}}).encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/cloudevents+json"}
    with pytest.raises(urllib.error.HTTPError, match="422"):
        urllib.request.urlopen(urllib.request.Request(bank.service.url + "/v1/events", body, headers), timeout=30)


def tab_to(page: Page, name: str) -> None:
    """By keyboard alone, to the button of this name."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText || ''").strip() == name:
            return
    raise AssertionError(f"the keyboard does not reach {name}")


def test_from_a_key_to_the_feed_of_what_it_sends(bank: Bank, browser: Browser, axe: str) -> None:
    bank.user("root", "--role", "admin")
    context = browser.new_context(locale="en-GB", bypass_csp=True)
    page = context.new_page()
    complaints = watched(page)
    sign_in(page, bank, "root", "**/admin")

    page.goto(f"{bank.service.url}/admin/access/keys")
    page.locator("#name").focus()
    page.keyboard.type("LMS")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")  # the first scope: to send events
    tab_to(page, "Make the key")
    page.keyboard.press("Enter")
    expect(page.locator("#made")).to_be_focused()
    key = page.locator("#key").inner_text()
    assert page.url.endswith("/admin/access/keys")
    assert violations(page, axe) == []
    page.reload()
    expect(page.locator("#key")).to_have_count(0)
    expect(page.locator("tbody tr")).to_have_count(2)  # and the bank's own: loading again made nothing

    page.goto(f"{bank.service.url}/admin/access/widgets/new")
    expect(page.locator("points-leaderboard")).to_contain_text("Live")
    page.locator("#members").select_option("teams")
    expect(page.locator("points-leaderboard")).to_contain_text("Teams by credits")

    page.goto(f"{bank.service.url}/admin/feed")
    expect(page.locator("[data-live]")).to_have_text("Live")
    post(bank, key, "nobody")
    expect(page.locator(".feed li.rejected")).to_contain_text("there is no learner nobody", timeout=15_000)
    tab_to(page, "Pause")
    page.keyboard.press("Enter")
    expect(page.locator("[data-live]")).to_have_text("Paused")
    post(bank, key, "somebody")
    page.get_by_role("link", name="中文").press("Enter")
    expect(page.locator(".feed li.rejected").first).to_contain_text("没有学员 somebody", timeout=15_000)

    page.goto(f"{bank.service.url}/admin/access/keys")
    page.locator("tbody tr", has_text="LMS").locator("summary").press("Enter")
    page.get_by_role("button", name="确认撤销密钥").press("Enter")
    expect(page.locator(".done")).to_be_focused()
    assert complaints == []

    kept: Any = context.storage_state()
    context.close()
    for screen in ("phone", "laptop", "wall"):
        for scheme in ("light", "dark") if screen == "laptop" else ("light",):
            look_at_every_page(browser, bank, axe, kept, screen, scheme)


def look_at_every_page(browser: Browser, bank: Bank, axe: str, kept: Any, screen: str, scheme: str) -> None:
    width, height = SCREENS[screen]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,  # type: ignore[arg-type]  # one of its words
        storage_state=kept,
        bypass_csp=True,  # for axe, which is no part of the page
    )
    page = context.new_page()
    for path in [f"/admin/access{each}" for each in PAGES] + ["/admin/feed"]:
        page.goto(bank.service.url + path)
        assert not find_overflow(page), (screen, path)
        if screen == "laptop":
            assert violations(page, axe) == [], (scheme, path)
    context.close()
