"""Pages in a real browser, with the real service behind them: reached by keyboard, seen on every screen, for everybody.

What axe-core finds is asked of each page, light and dark.
"""

import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.conftest import not_here
from tests.system.conftest import Service, service, start_service  # noqa: F401 - fixtures

OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
OPTIONS += ["--disable-component-update", "--disable-sync"]
SCREENS = {"phone": (360, 740), "tablet": (820, 1180), "laptop": (1366, 768), "wall": (3840, 2160)}
LONG = "欧阳" * 20 + "<script>document.title='broken'</script>"
RULEBOOK = {
    "earning": [],
    "certificates": [
        {
            "key": "points",
            "kind": "points",
            "name": {"zh": "积分证", "en": "Points certificate"},
            "criteria": {"fact": "credits", "in": "programme", "at_least": 150},
        }
    ],
}


class Bank:
    """A company with a learner who has credits and flowers; `link()` signs the learner in."""

    def __init__(self, service: Service) -> None:  # noqa: F811 - the fixture
        self.service = service
        self.key = service.key("acme")
        self.sent = 0
        path = "/v1/programmes/2021"
        self.send("PUT", path, {"name": "2021届训练营", "starts_on": "2020-01-01", "ends_on": "2199-12-31"})
        self.send("PUT", f"{path}/courses/service", {"name": "服务", "kind": "structured", "flowers": 100})
        self.send("PUT", "/v1/learners/1", {"name": LONG})
        self.send("POST", f"{path}/enrolments", {"learners": ["1"]})
        self.send("PUT", f"{path}/rulebook/draft", RULEBOOK)
        self.send("POST", f"{path}/rulebook/draft/activate")
        self.send("PUT", f"{path}/awarders/li", {"name": LONG, "role": "trainer", "allowances": {"service": 50}})
        for number in range(35):
            award = {"learner": "1", "programme": "2021", "unit": "credits", "amount": number + 1, "reason": LONG}
            self.send("POST", "/v1/awards", award)
        flowers = {"unit": "flowers", "course": "service", "awarder": "li", "amount": 9, "reason": "好"}
        self.send("POST", "/v1/awards", {"learner": "1", "programme": "2021", **flowers})
        arguments = ["--company", "acme", "--role", "learner", "--learner", "1", "--shown", LONG, "--no-password"]
        service.command("users", "create", "learner", *arguments)

    def send(self, method: str, path: str, body: object = None) -> Any:
        self.sent += 1
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        headers["Idempotency-Key"] = f"page-{self.sent}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.service.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def link(self) -> str:
        printed = self.service.command("users", "link", "learner", "--company", "acme").strip()
        return self.service.url + "/sign-in/link/" + printed.rpartition("/")[2]


@pytest.fixture(scope="module")
def browser(needs_program: Callable[[str], str]) -> Iterator[Browser]:
    chromium = needs_program("chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=OPTIONS)
        yield opened
        opened.close()


@pytest.fixture
def bank(service: Service) -> Bank:  # noqa: F811 - the fixture
    return Bank(service)


@pytest.fixture
def axe(node_packages: Path) -> str:
    script = node_packages / "node_modules" / "axe-core" / "axe.min.js"
    if not script.exists():
        not_here("needs axe-core among the packages of tests/node (npm ci --prefix tests/node)")
    return script.read_text("utf-8")


def watched(page: Page) -> list[str]:
    """What the browser's console says against the page from now on."""
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    return complaints


def sign_in(page: Page, bank: Bank) -> None:
    """By keyboard alone."""
    page.goto(bank.link())
    button = page.locator("form.fields button")
    for _ in range(12):
        page.keyboard.press("Tab")
        if button.evaluate("it => it === document.activeElement"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/me")


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
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
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
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (name, path)
                if name in ("phone", "laptop"):
                    page.evaluate(axe)
                    found = page.evaluate("axe.run().then(it => it.violations)")
                    seen = [(each["id"], [node["html"][:120] for node in each["nodes"]]) for each in found]
                    assert seen == [], (name, scheme, path)
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
    for label in ("Company", "Name", "Password"):
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
