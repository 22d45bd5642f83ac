"""HR certifies in a real browser with the real service behind it: from a preview to a PDF and to a revocation, by
keyboard alone, in both languages, on every screen."""

import psycopg
from playwright.sync_api import Browser, Locator, Page, expect

from tests.web.browsing import SCREENS, Bank, find_overflow, sign_in, violations, watched

BASE = "/admin/programmes/2021/certification"


def press(target: Locator, key: str = "Enter") -> None:
    target.focus()
    expect(target).to_be_focused()
    target.press(key)


def certify(page: Page, url: str) -> str:
    """A preview, a look at why, and the certificate's number."""
    page.goto(url + BASE)
    press(page.get_by_label("现在"), "Space")
    press(page.get_by_role("button", name="预览"))
    expect(page.locator("#learners")).to_be_visible(timeout=30_000)
    name = page.locator("a[data-unfolds]").first
    press(name, "Space")
    expect(page.locator(".unfolded")).to_contain_text("本项目积分不少于 150")
    expect(name).to_have_attribute("aria-expanded", "true")
    press(name)
    expect(page.locator(".unfolded")).to_be_hidden()
    press(page.locator("[data-opens=issue]"))
    expect(page.locator("#issue")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#issue")).to_be_hidden()
    expect(page.locator("[data-opens=issue]")).to_be_focused()
    page.keyboard.press("Enter")
    press(page.locator("#issue button.first"))
    expect(page.locator("#result")).to_be_focused(timeout=30_000)
    expect(page.locator("#result")).to_contain_text("已颁发 1 份证书")
    return page.locator(".results a.number").first.inner_text()


def revoke(page: Page, url: str, number: str) -> None:
    page.goto(f"{url}{BASE}/certificates")
    press(page.get_by_role("link", name=number))
    with page.expect_download() as file:
        press(page.get_by_role("link", name="Certificate (PDF)"))
    with open(file.value.path(), "rb") as paper:
        assert paper.read(5) == b"%PDF-"
    press(page.locator("[data-opens=revoke]"))
    expect(page.locator("#revoke textarea")).to_be_focused()
    page.keyboard.type("成绩经复核无效")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("The certificate is revoked.")


def reverse(page: Page, url: str) -> None:
    page.goto(f"{url}/admin/entries?learner=1&kind=award.given")
    press(page.locator("tbody a.number").first)
    press(page.locator("[data-opens=reverse]"))
    page.keyboard.type("wrong")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Reversed.")
    expect(page.get_by_role("heading", name="It cannot be reversed")).to_be_visible()


def test_hr_certifies_revokes_and_reverses_by_keyboard(bank: Bank, browser: Browser, axe: str) -> None:
    url = bank.service.url
    bank.user("hr", "--role", "hr")
    chinese = browser.new_context(locale="zh-CN")
    page = chinese.new_page()
    complaints = watched(page)
    sign_in(page, bank, "hr", "**/admin")
    number = certify(page, url)
    kept = chinese.storage_state()
    assert complaints == []
    chinese.close()
    english = browser.new_context(locale="en-GB", storage_state=kept)
    page = english.new_page()
    complaints = watched(page)
    revoke(page, url, number)
    reverse(page, url)
    entry = page.url.partition("?")[0].removeprefix(url)
    assert complaints == []
    english.close()
    paths = [BASE, f"{BASE}/runs/2", f"{BASE}/runs/2/learners/1", f"{BASE}/learners", f"{BASE}/learners/1"]
    paths += [f"{BASE}/certificates", f"{BASE}/certificates/{number}", "/admin/entries", entry]
    for name, scheme in (
        ("phone", "dark"),
        ("phone", "light"),
        ("laptop", "light"),
        ("laptop", "dark"),
        ("wall", "light"),
    ):
        width, height = SCREENS[name]
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,  # type: ignore[arg-type]  # one of its words
            locale="zh-CN" if scheme == "light" else "en-GB",
            storage_state=kept,
            bypass_csp=True,  # for axe, which is no part of the page
        )
        page = context.new_page()
        for path in paths:
            page.goto(url + path)
            assert not find_overflow(page), (name, path)
            if name != "wall":
                assert violations(page, axe) == [], (name, scheme, path)
        context.close()


def test_a_run_whose_connection_is_lost_is_followed_again(bank: Bank, browser: Browser) -> None:
    bank.user("hr", "--role", "hr")
    page = browser.new_page(locale="en-GB")
    sign_in(page, bank, "hr", "**/admin")
    lost: list[str] = []

    def lose(route: object) -> None:
        lost.append("once")
        route.abort() if len(lost) == 1 else route.continue_()  # type: ignore[attr-defined]

    page.route("**/progress", lose)
    page.goto(bank.service.url + BASE)
    with psycopg.connect(bank.service.database_url) as held:
        held.execute("LOCK TABLE certification_results IN SHARE MODE")  # so that the run is not over before it is seen
        page.get_by_role("button", name="Preview").click()
        expect(page.locator(".said-progress")).to_contain_text("The connection was lost.")
    expect(page.locator("#learners")).to_be_visible(timeout=30_000)
    assert len(lost) == 2
    weights: list[int] = []
    page.on("response", lambda response: weights.append(len(response.body())))
    page.goto(page.url)
    page.wait_for_load_state("networkidle")
    assert 20_000 < sum(weights) < 150_000
    page.close()
