"""The widget in a real browser, on a page of another origin, with the real service behind it."""

import http.server
import json
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.system.conftest import Service

LIVE_MS, AGAIN_MS = 15_000, 40_000
MARKUP = "<img src=x onerror=document.title='broken'>"
NAMES = ["李雷", "韩梅梅", MARKUP]
BOARD = "scope=programme:2021"
COUNT_GLIDES = """(() => {
  const animate = Element.prototype.animate;
  window.glides = 0;
  Element.prototype.animate = function (...how) { window.glides++; return animate.apply(this, how); };
})()"""


class Host(http.server.ThreadingHTTPServer):
    """A web server of another origin, which shows `body`, with a strict policy of what a page may load."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.origin = f"http://localhost:{self.server_port}"
        self.policy = ""
        self.body = ""


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Host

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Security-Policy", self.server.policy)
        self.end_headers()
        self.wfile.write(f"<!doctype html><html lang=zh-CN><title>intranet</title>{self.server.body}".encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def host() -> Iterator[Host]:
    server = Host()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser's console says against the page: errors of scripts, violations of the policy."""
    return []


@pytest.fixture
def page(browser: Browser, complaints: list[str]) -> Iterator[Page]:
    opened = browser.new_page()
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None)
    yield opened
    opened.close()


class Bank:
    """The company whose board is shown: a programme with three learners."""

    def __init__(self, service: Service, origin: str) -> None:
        self.service = service
        self.key = service.key("acme")
        self.awards = 0
        self.send("PUT", "/v1/company", {"name": "示范公司", "origins": [origin]})
        self.send("PUT", "/v1/programmes/2021", {"name": "2021届", "starts_on": "2020-01-01", "ends_on": "2199-12-31"})
        learners = [{"id": str(number), "name": name} for number, name in enumerate(NAMES, 1)]
        self.send("POST", "/v1/learners/batch", learners)
        self.send("POST", "/v1/programmes/2021/enrolments", {"learners": ["1", "2", "3"]})
        for learner, amount in (("1", 30), ("2", 20), ("3", 20)):
            self.award(learner, amount)

    def send(self, method: str, path: str, body: object = None) -> Any:
        self.awards += 1
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        headers["Idempotency-Key"] = f"widget-{self.awards}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.service.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def award(self, learner: str, amount: int) -> None:
        award = {"learner": learner, "programme": "2021", "unit": "credits", "amount": amount, "reason": "复盘"}
        self.send("POST", "/v1/awards", award)

    def token(self, **more: Any) -> dict[str, Any]:
        made: dict[str, Any] = self.send("POST", "/v1/widget-tokens", {"scope": "programme:2021", **more})
        return made

    def show(self, host: Host, *elements: str) -> None:
        base = self.service.url
        host.policy = f"default-src 'none'; script-src {base}; connect-src {base}"
        host.body = f'<script type="module" src="{base}/widgets/leaderboard.js"></script>{"".join(elements)}'

    def element(self, **attributes: str) -> str:
        chosen = {"src": self.service.url, "board": BOARD, **attributes}
        chosen.setdefault("token", self.token()["token"])
        written = " ".join(f'{name}="{value}"' for name, value in chosen.items())
        return f"<points-leaderboard {written}></points-leaderboard>"


@pytest.fixture
def bank(service: Service, host: Host) -> Bank:
    return Bank(service, host.origin)


def rows(page: Page, index: int = 0) -> list[list[str]]:
    """Rank, name and score as they stand there."""
    found: list[list[str]] = page.evaluate(
        """index => [...document.querySelectorAll('points-leaderboard')[index].shadowRoot.querySelectorAll('tbody tr')]
             .map(tr => [...tr.cells].slice(0, 3).map(cell => cell.textContent))""",
        index,
    )
    return found


def await_rows(page: Page, wanted: list[list[str]], ms: int = LIVE_MS) -> None:
    until = time.monotonic() + ms / 1000
    while rows(page) != wanted and time.monotonic() < until:
        page.wait_for_timeout(50)
    assert rows(page) == wanted


def status(page: Page) -> Any:
    return page.locator("points-leaderboard [part~=status]").first


FIRST = [["1", "李雷", "30"], ["2并列", "韩梅梅", "20"], ["2并列", MARKUP, "20"]]


def test_it_shows_moves_outlives_a_restart_and_says_when_it_is_stale(
    start_service: Callable[..., Service], fresh_database_url: str, host: Host, page: Page, complaints: list[str]
) -> None:
    service = start_service(fresh_database_url)
    bank = Bank(service, host.origin)
    bank.show(host, bank.element())
    page.goto(host.origin)
    expect(status(page)).to_have_text("实时", timeout=LIVE_MS)
    assert rows(page) == FIRST
    assert page.title() == "intranet", "a name is text, whatever it looks like"

    page.evaluate(COUNT_GLIDES)
    bank.award("2", 15)
    await_rows(page, [["1", "韩梅梅", "35"], ["2", "李雷", "30"], ["3", MARKUP, "20"]])
    assert page.evaluate("window.glides") >= 2, "two rows glide"
    expect(page.locator("points-leaderboard [aria-live=polite]")).to_have_text(
        "韩梅梅第 1 名；李雷第 2 名；" + f"{MARKUP}第 3 名；"
    )

    service.process.terminate()
    service.process.wait(40)
    expect(status(page)).to_have_text("连接中断，数据可能已过时，正在重连…", timeout=LIVE_MS)
    assert [row[1] for row in rows(page)] == ["韩梅梅", "李雷", MARKUP], "the last board stays"
    expect(page.locator("points-leaderboard time")).to_contain_text("截至 20")

    bank.service = start_service(fresh_database_url, port=int(service.url.rpartition(":")[2]))
    expect(status(page)).to_have_text("实时", timeout=AGAIN_MS)
    bank.award("3", 40)
    expect(page.locator("points-leaderboard td.member").first).to_have_text(MARKUP, timeout=LIVE_MS)
    assert [row[2] for row in rows(page)] == ["60", "35", "30"]
    assert complaints == []


def test_silence_is_told_from_a_board_that_does_not_change(bank: Bank, host: Host, page: Page) -> None:
    """The service freezes: no connection breaks, and nothing comes."""
    page.clock.install()
    bank.show(host, bank.element(lang="en"))
    page.goto(host.origin)
    expect(status(page)).to_have_text("Live", timeout=LIVE_MS)
    parent = psutil.Process(bank.service.process.pid)
    frozen = [parent, *parent.children(recursive=True)]
    try:
        for process in frozen:
            process.suspend()
        page.clock.fast_forward(35_000)
        page.wait_for_timeout(500)
        expect(status(page)).to_have_text("Live")
        page.clock.fast_forward(6_000)
        page.clock.run_for(2_500)
        expect(status(page)).to_have_text("Connection lost, this may be out of date. Reconnecting…")
    finally:
        for process in frozen:
            process.resume()
    page.clock.run_for(2_000)
    expect(status(page)).to_have_text("Live", timeout=AGAIN_MS)


def test_a_table_for_those_who_do_not_see_it(bank: Bank, host: Host, page: Page) -> None:
    bank.show(host, bank.element(lang="en", around="2"))
    page.goto(host.origin)
    expect(status(page)).to_have_text("Live", timeout=LIVE_MS)
    table = page.get_by_role("table", name="Learners by credits")
    headers = table.get_by_role("columnheader")
    assert headers.all_text_contents() == ["Rank", "Learner", "Credits", "Moved"]
    assert table.get_by_role("row").count() == 4
    expect(page.locator("points-leaderboard [aria-current=true]")).to_contain_text("韩梅梅")
    assert page.locator("points-leaderboard section").get_attribute("lang") == "en"
    assert rows(page)[1][0] == "2tied"


def test_attributes_may_change_and_several_stand_on_a_page(bank: Bank, host: Host, page: Page) -> None:
    flowers = bank.token(unit="flowers")["token"]
    bank.show(host, bank.element(limit="1"), bank.element(board=f"{BOARD}&amp;unit=flowers", token=flowers))
    page.goto(host.origin)
    captions = page.locator("points-leaderboard caption")
    expect(captions).to_have_text(["学员积分榜", "学员小红花榜"], timeout=LIVE_MS)
    await_rows(page, FIRST[:1])
    page.evaluate("document.querySelector('points-leaderboard').setAttribute('limit', '3')")
    await_rows(page, FIRST)
    page.evaluate("document.querySelector('points-leaderboard').setAttribute('lang', 'en')")
    expect(captions).to_have_text(["Learners by credits", "学员小红花榜"])
    page.evaluate("document.querySelector('points-leaderboard').setAttribute('caption', '冠军')")
    expect(captions).to_have_text(["冠军", "学员小红花榜"])


@pytest.mark.parametrize(
    ("lang", "caption", "nobody"),
    [
        ("zh_CN", "学员积分榜", "暂无成员"),
        ("zh-", "学员积分榜", "暂无成员"),
        ("ZH-Hans-CN", "学员积分榜", "暂无成员"),
        ("en-GB-oxendict", "Learners by credits", "Nobody yet"),
        ("fr_CA", "Learners by credits", "Nobody yet"),
    ],
)
def test_a_board_of_nobody_says_so_across_its_width_in_whatever_is_meant_by_lang(
    bank: Bank, host: Host, page: Page, lang: str, caption: str, nobody: str
) -> None:
    bank.send("PUT", "/v1/programmes/none", {"name": "空", "starts_on": "2020-01-01", "ends_on": "2199-12-31"})
    token = bank.token(scope="programme:none")["token"]
    bank.show(host, bank.element(board="scope=programme:none", token=token, lang=lang))
    page.goto(host.origin)
    expect(page.locator("points-leaderboard td")).to_have_text(nobody, timeout=LIVE_MS)
    expect(page.locator("points-leaderboard td")).to_have_attribute("colspan", "4")
    expect(page.locator("points-leaderboard caption")).to_have_text(caption)


def test_nothing_glides_for_who_wants_no_motion(bank: Bank, host: Host, browser: Browser) -> None:
    page = browser.new_page(reduced_motion="reduce")
    bank.show(host, bank.element())
    page.goto(host.origin)
    await_rows(page, FIRST)
    page.evaluate(COUNT_GLIDES)
    bank.award("2", 15)
    expect(page.locator("points-leaderboard td.member").first).to_have_text("韩梅梅", timeout=LIVE_MS)
    assert page.evaluate("window.glides") == 0
    page.close()


def test_a_revoked_token_is_said_to_be_one(bank: Bank, host: Host, page: Page) -> None:
    made = bank.token()
    bank.show(host, bank.element(token=made["token"]))
    page.goto(host.origin)
    expect(status(page)).to_have_text("实时", timeout=LIVE_MS)
    bank.send("DELETE", f"/v1/widget-tokens/{made['id']}")
    expect(status(page)).to_have_text("无法显示：令牌已被撤销。", timeout=LIVE_MS)
    page.evaluate(f"document.querySelector('points-leaderboard').setAttribute('token', '{bank.token()['token']}')")
    expect(status(page)).to_have_text("实时", timeout=LIVE_MS)


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"board": "scope=company"}, "Cannot be shown: This widget token is for another board."),
        ({"around": "nobody"}, "Cannot be shown: There is no learner nobody on this board."),
        ({"token": ""}, "Cannot be shown: board, token or src is missing or wrong."),
        ({"token": "pbw_forged"}, "Connection lost, this may be out of date. Reconnecting…"),
    ],
)
def test_what_cannot_be_shown_says_why(
    bank: Bank, host: Host, page: Page, attributes: dict[str, str], said: str
) -> None:
    bank.show(host, bank.element(lang="en", **attributes))
    page.goto(host.origin)
    expect(status(page)).to_have_text(said, timeout=LIVE_MS)


def test_a_page_of_an_origin_that_is_not_listed_gets_nothing(bank: Bank, host: Host, page: Page) -> None:
    bank.show(host, bank.element(lang="en"))
    page.goto(host.origin.replace("localhost", "127.0.0.1"))
    expect(status(page)).to_have_text("Connection lost, this may be out of date. Reconnecting…", timeout=LIVE_MS)
    assert rows(page) == []


def test_it_is_gone_from_the_bank_when_it_is_gone_from_the_page(bank: Bank, host: Host, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/stream" in request.url else None)
    closed: list[str] = []
    page.on("requestfailed", lambda request: closed.append(request.url))
    bank.show(host, bank.element())
    page.goto(host.origin)
    expect(status(page)).to_have_text("实时", timeout=LIVE_MS)
    page.evaluate("document.querySelector('points-leaderboard').remove()")
    page.wait_for_timeout(500)
    assert len(asked) == 1
    assert closed == asked, "its stream was closed"
