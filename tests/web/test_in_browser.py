"""The passbook and signing in, in a real browser with the real service behind them: reached by keyboard, seen on every
screen, for everybody. What axe-core finds is asked of each page, light and dark."""

from typing import Any

from playwright.sync_api import Browser, expect

from tests.web.browsing import SCREENS, Bank, find_overflow, sign_in, violations, watched


def test_the_passbook_from_sign_in_to_the_oldest_line(bank: Bank, browser: Browser) -> None:
    page = browser.new_page(locale="en-GB")
    complaints = watched(page)
    page.goto(f"{bank.service.url}/me?unit=flowers:service")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    sign_in(page, bank)
    assert "broken" not in page.title()
    expect(page.locator(".sums .main dd")).to_have_text(f"{sum(range(36))}")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    expect(page.locator("tbody tr")).to_have_count(30)
    page.get_by_role("link", name="Older").press("Enter")
    expect(page.locator("tbody tr")).to_have_count(5)
    expect(page.locator("tbody tr").last).to_contain_text("+1")
    page.get_by_label("Unit").select_option("flowers:service")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text("+9")
    page.get_by_role("link", name="中文").press("Enter")
    expect(page.get_by_role("heading", name="积分存折")).to_be_visible()
    page.get_by_role("link", name="深色").press("Enter")
    expect(page.locator("html")).to_have_css("color-scheme", "dark")
    page.get_by_role("button", name="退出").press("Enter")
    expect(page.get_by_role("heading", name="登录")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="登录")).to_be_visible()
    assert complaints == []
    page.close()


def test_nothing_is_cut_on_any_screen_and_axe_finds_nothing(bank: Bank, browser: Browser, axe: str) -> None:
    first = browser.new_context(locale="zh-CN")
    page = first.new_page()
    sign_in(page, bank)
    kept: Any = first.storage_state()
    for name, (width, height) in SCREENS.items():
        for scheme in ("light", "dark"):
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme=scheme,  # type: ignore[arg-type]  # one of its words
                storage_state=kept,
                bypass_csp=True,  # for axe, which is no part of the page
            )
            page = context.new_page()
            for path in ("/me", "/sign-in/link/none"):
                page.goto(bank.service.url + path)
                assert not find_overflow(page), (name, path)
                if name in ("phone", "laptop"):
                    assert violations(page, axe) == [], (name, scheme, path)
            context.close()
    first.close()


def test_the_first_visit_weighs_little(bank: Bank, browser: Browser) -> None:
    page = browser.new_page()
    sign_in(page, bank)
    weight = 0

    def weigh(response: Any) -> None:
        nonlocal weight
        weight += len(response.body())

    page.on("response", weigh)
    page.goto(f"{bank.service.url}/me")
    page.wait_for_load_state("networkidle")
    assert 0 < weight < 150_000
    page.close()


def test_a_form_on_its_way_shows_it_and_is_sent_once(bank: Bank, browser: Browser) -> None:
    page = browser.new_page(locale="en-GB")
    sent: list[str] = []

    def hold(route: Any) -> None:
        sent.append(route.request.method)
        page.wait_for_timeout(300)
        route.continue_()

    page.goto(f"{bank.service.url}/sign-in")
    page.route("**/sign-in", hold)
    for label in ("Company", "User name", "Password"):
        page.locator("form.fields").first.get_by_label(label).fill("wrong")
    page.evaluate(
        """() => { const form = document.querySelector("form.fields");
                   form.requestSubmit(); window.busy = form.getAttribute("aria-busy"); form.requestSubmit() }"""
    )
    expect(page.get_by_role("alert")).to_have_text("The company, the name or the password is wrong.")
    assert sent == ["POST"]
    assert page.locator("#company").input_value() == "wrong", "what was typed stays"
    assert page.locator("#password").input_value() == ""
    page.close()
