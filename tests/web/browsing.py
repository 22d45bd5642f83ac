"""What browser tests have in common: Chromium, a company behind a running service, axe-core, sizes of screens."""

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.conftest import not_here
from tests.system.conftest import Service

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

_OVERFLOW = """() => {
  const beyond = it => it.scrollWidth > it.clientWidth + 1;
  const places = matchMedia("(max-width: 44rem)").matches ? ".figures dd, .scrolls:has(> .narrow)" : ".figures dd";
  return document.documentElement.scrollWidth > innerWidth || [...document.querySelectorAll(places)].some(beyond);
}"""


class Bank:
    """A company with a learner who has credits and flowers; `link()` signs the learner in."""

    def __init__(self, service: Service) -> None:
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
        self.user("learner", "--role", "learner", "--learner", "1", "--shown", LONG)

    def send(self, method: str, path: str, body: object = None) -> Any:
        self.sent += 1
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        headers["Idempotency-Key"] = f"page-{self.sent}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.service.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def user(self, name: str, *arguments: str) -> None:
        """`bank.user("li", "--role", "awarder", "--awarder", "2021/li")`."""
        self.service.command_here("users", "create", name, "--company", "acme", *arguments, "--no-password")

    def link(self, name: str = "learner") -> str:
        """That signs the user in, once."""
        printed = self.service.command_here("users", "link", name, "--company", "acme").strip()
        return self.service.url + "/sign-in/link/" + printed.rpartition("/")[2]


@pytest.fixture
def bank(service: Service) -> Bank:
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


def sign_in(page: Page, bank: Bank, name: str = "learner", lands: str = "**/me") -> None:
    """By keyboard alone; with one page for the role, that is where it leads."""
    page.goto(bank.link(name))
    button = page.locator("form.fields button")
    for _ in range(12):
        page.keyboard.press("Tab")
        if button.evaluate("it => it === document.activeElement"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url(lands)


def find_overflow(page: Page) -> bool:
    """Whether something stands beyond the right edge: of the page, of a figure's place, or on a phone of a table whose
    rows stand below each other there."""
    return bool(page.evaluate(_OVERFLOW))


def violations(page: Page, axe: str) -> list[tuple[str, list[str]]]:
    """What axe-core finds; the page's context must be made with `bypass_csp=True`, for axe is no part of the page."""
    page.evaluate(axe)
    found = page.evaluate("axe.run().then(it => it.violations)")
    return [(each["id"], [node["html"][:120] for node in each["nodes"]]) for each in found]
