"""Reports in a browser: reached and narrowed down by keyboard, in both languages, on every screen, light and dark."""

from typing import Any

from playwright.sync_api import Browser, expect

from tests.web.browsing import SCREENS, Bank, find_overflow, sign_in, violations, watched

ROOT = "/admin/programmes/2021/reports"
PAGES = ("", "/time", "/time?view=each", "/distribution", "/departments", "/givers", "/givers/li", "/events")


def test_reports_from_sign_in_to_a_giver_and_on_every_screen(bank: Bank, browser: Browser, axe: str) -> None:
    bank.user("hr", "--role", "hr", "--shown", "HR")
    bank.send("PUT", "/v1/programmes/2021/teams/red", {"name": "红队", "members": ["1"], "from": "2020-01-01"})
    first = browser.new_context(locale="en-GB")
    page = first.new_page()
    complaints = watched(page)
    sign_in(page, bank, "hr", "**/admin")
    page.goto(bank.service.url + ROOT)
    expect(page.get_by_role("heading", name="Reports")).to_be_visible()
    expect(page.get_by_role("img", name="红队")).to_be_visible()
    page.get_by_role("navigation", name="Reports").get_by_role("link", name="Over time").press("Enter")
    page.get_by_label("Unit").select_option("flowers")
    expect(page.get_by_role("img", name="红队 9")).to_be_visible()
    page.get_by_role("navigation", name="Reports").get_by_role("link", name="Flowers by giver").press("Enter")
    page.locator("tbody a").first.press("Enter")
    expect(page.get_by_text("Awards to this learner alone")).to_be_visible()
    page.get_by_role("link", name="中文").press("Enter")
    expect(page.get_by_text("单独授予次数")).to_be_visible()
    assert page.title() != "broken", "a name is text, also there"
    assert page.locator(".chart script").count() == 0
    assert complaints == []
    kept: Any = first.storage_state()
    first.close()
    for name, (width, height) in SCREENS.items():
        for scheme in ("light", "dark"):
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme=scheme,  # type: ignore[arg-type]  # one of its words
                storage_state=kept,
                bypass_csp=True,  # for axe, which is no part of the page
            )
            page = context.new_page()
            for path in PAGES:
                answer = page.goto(bank.service.url + ROOT + path)
                assert answer is not None
                assert len(answer.body()) < 300_000
                assert not find_overflow(page), (name, path)
                if (name, scheme) in (("phone", "light"), ("laptop", "dark")):
                    assert violations(page, axe) == [], (name, scheme, path)
            context.close()
