"""Giving flowers on a phone: in two taps, without a connection, over the end of a session and of the service; by
keyboard alone, in both languages; on every screen."""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from api.pages.award_people import MOST_SHOWN
from tests.system.conftest import Service
from tests.web.browsing import SCREENS, Bank, find_overflow, sign_in, violations, watched

PHONE: Any = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
NAMES = ["陈思远", "林晓雯", "王梓涵", "欧阳雪", "黄嘉豪", "刘雨桐"]


@pytest.fixture
def class_(bank: Bank) -> Bank:
    """Six learners in two teams beside the one with the long name, and two trainers with 41 and 10 flowers left."""
    path = "/v1/programmes/2021"
    learners = [{"id": f"2021000{n}", "name": name} for n, name in enumerate(NAMES, 1)]
    bank.send("POST", "/v1/learners/batch", learners)
    for team, name, members in (("qihang", "启航组", learners[:3]), ("yunfan", "云帆组", learners[3:])):
        bank.send("PUT", f"{path}/teams/{team}", {"name": name, "members": [each["id"] for each in members]})
    awarder = {"name": "周老师", "role": "mentor", "allowances": {"service": 10}}
    bank.send("PUT", f"{path}/awarders/zhou", awarder)
    bank.user("li", "--role", "awarder", "--awarder", "2021/li", "--shown", "李静宜")
    bank.user("zhou", "--role", "awarder", "--awarder", "2021/zhou", "--shown", "周老师")
    return bank


def entries(bank: Bank, kind: str = "award.given") -> list[dict[str, Any]]:
    """Newest first, without the one that the bank begins with."""
    found = bank.send("GET", f"/v1/entries?kind={kind}&course=service&limit=100")["items"]
    return [each for each in found if each["key"].startswith("page:") or each["reverses"]]


def awaited(found: Callable[[], Any], seconds: float = 10) -> Any:
    """What it gives as soon as it is true."""
    end = time.monotonic() + seconds
    while not (value := found()) and time.monotonic() < end:
        time.sleep(0.05)
    return value


def person(page: Page, name: str) -> Any:
    return page.locator(".person", has_text=name)


def group(page: Page, name: str) -> Any:
    return page.get_by_role("group", name="整组发放").locator("label", has_text=name)


def chip(page: Page, number: int) -> Any:
    return page.locator(".chips .chip").nth(number)


@pytest.fixture
def phone(browser: Browser) -> Iterator[Callable[[], BrowserContext]]:
    made: list[BrowserContext] = []

    def make(locale: str = "zh-CN") -> BrowserContext:
        made.append(browser.new_context(locale=locale, **PHONE))
        return made[-1]

    yield make
    for context in made:
        context.close()


def test_giving(class_: Bank, browser: Browser, phone: Callable[..., BrowserContext], axe: str) -> None:
    two_taps_and_it_is_in_the_ledger(class_, phone().new_page())
    by_keyboard_alone(class_, browser)
    nothing_is_cut_on_any_screen_and_axe_finds_nothing(class_, browser, axe)


def two_taps_and_it_is_in_the_ledger(class_: Bank, page: Page) -> None:
    complaints = watched(page)
    sign_in(page, class_, "li", "**/award")
    assert "broken" not in page.title()
    expect(page.locator(".from [data-left]")).to_have_text("41")
    person(page, "陈思远").tap()
    began = time.monotonic()
    chip(page, 1).tap()
    assert awaited(lambda: len(entries(class_)) == 1)
    assert time.monotonic() - began < 2
    expect(page.locator(".told")).to_contain_text("已发放：陈思远 · 1 朵小红花")
    expect(page.locator("[data-left]")).to_have_text(["40", "40"])
    group(page, "云帆组").tap()
    page.locator(".amounts label").nth(2).tap()
    expect(page.locator("[data-chosen]")).to_have_text("云帆组：3 人 × 3 = 9 朵小红花")
    chip(page, 0).dblclick()
    assert awaited(lambda: len(entries(class_)) == 2)
    assert (entries(class_)[0]["team"], len(entries(class_)[0]["transfers"])) == ("yunfan", 3)
    expect(page.locator("[data-left]")).to_have_text(["31", "31"])
    # Taken back, while there is time; the older one from the list.
    page.locator(".told .undo button").tap()
    expect(page.locator(".told")).to_have_text("已撤回。")
    page.locator(".today .line", has_text="陈思远").get_by_role("button").tap()
    expect(page.locator("[data-left]")).to_have_text(["41", "41"])
    assert len(entries(class_, "reversal")) == 2
    expect(page.locator(".today .undone")).to_have_count(2)
    # What would overdraw is said before it is sent.
    group(page, "全体").tap()
    chip(page, 0).tap()
    assert awaited(lambda: len(entries(class_)) == 3)
    expect(page.locator("[data-left]")).to_have_text(["20", "20"])
    group(page, "全体").tap()
    expect(page.locator("[data-fault]")).to_have_text("剩余 20 朵，需要 21 朵。")
    chip(page, 0).tap(force=True)
    page.wait_for_timeout(200)
    assert len(entries(class_)) == 3
    assert complaints == []


def by_keyboard_alone(class_: Bank, browser: Browser) -> None:
    page = browser.new_page(locale="en-GB")
    complaints = watched(page)
    sign_in(page, class_, "li", "**/award")
    keys = page.keyboard
    page.locator("#q").focus()
    keys.type("LIN", delay=1)
    expect(page.get_by_text("Nobody here fits that.")).to_be_visible()
    keys.press("Control+A")
    keys.type("林")
    expect(page.locator(".people li:visible")).to_have_count(1)
    keys.press("Enter")
    expect(page.get_by_label("林晓雯")).to_be_checked()
    expect(page.get_by_label("林晓雯")).to_be_focused()
    keys.press("Enter")
    expect(page.get_by_label("林晓雯")).not_to_be_checked()
    keys.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    keys.press("ArrowRight")
    expect(page.locator("[data-chosen]")).to_have_text("林晓雯: 2 flowers")
    page.locator("#own").focus()
    keys.type("Led the review")
    keys.press("Enter")
    expect(page.locator(".told")).to_contain_text("Given: 林晓雯 · 2 flowers · Led the review")
    expect(page.locator(".told")).to_be_focused()
    keys.press("Tab")
    expect(page.locator(".told .undo button")).to_be_focused()
    assert re.fullmatch(r"Take back 林晓雯 \d+ s", " ".join(page.locator(".told .undo button").inner_text().split()))
    keys.press("Enter")
    expect(page.locator(".told")).to_have_text("Taken back.")
    expect(page.locator(".told")).to_be_focused()
    assert entries(class_)[0]["reason"] == "Led the review"
    assert entries(class_)[0]["reversed_by"] == entries(class_, "reversal")[0]["id"]
    page.locator("#own").fill("nobody chosen")
    page.locator("#own").press("Enter")
    expect(page.locator("[data-fault]")).to_have_text("Choose who gets flowers.")
    assert complaints == []
    page.close()


def nothing_is_cut_on_any_screen_and_axe_finds_nothing(class_: Bank, browser: Browser, axe: str) -> None:
    first = browser.new_context(locale="zh-CN")
    page = first.new_page()
    sign_in(page, class_, "li", "**/award")
    kept: Any = first.storage_state()
    first.close()
    for name, (width, height) in SCREENS.items():
        for scheme, locale in (("light", "zh-CN"), ("dark", "en-GB")):
            size = {"width": width, "height": height}
            context = browser.new_context(
                viewport=size,  # type: ignore[arg-type]  # as it wants it
                color_scheme=scheme,  # type: ignore[arg-type]  # one of its words
                locale=locale,
                storage_state=kept,
                bypass_csp=True,  # for axe, which is no part of the page
            )
            page = context.new_page()
            weights: list[int] = []
            page.on("response", lambda response, weights=weights: weights.append(len(response.body())))
            page.goto(f"{class_.service.url}/award")
            page.wait_for_load_state("networkidle")
            assert 0 < sum(weights) < 150_000
            assert not find_overflow(page), name
            person(page, "欧阳" * 20).first.click()
            assert not find_overflow(page), name
            if name in ("phone", "laptop"):
                chip(page, 0).click()
                expect(page.locator(".told .undo")).to_be_visible()
                page.locator(".told").evaluate("it => Promise.all(it.getAnimations().map(each => each.finished))")
                person(page, "陈思远").first.click()
                page.locator(".amounts label").nth(1).click()
                assert violations(page, axe) == [], (name, scheme)
            context.close()


KEPT = """async () => navigator.serviceWorker.controller !== null
                         && (await caches.match("/award", { ignoreVary: true })) !== undefined"""


def opened(page: Page) -> None:
    """The page, with all that it needs to open without a connection."""
    assert awaited(lambda: page.evaluate(KEPT), 20)


def given(page: Page, name: str) -> None:
    person(page, name).tap()
    chip(page, 0).tap()


def test_of_many_people_those_who_are_chosen_stay_while_others_are_looked_for(
    class_: Bank, phone: Callable[..., BrowserContext]
) -> None:
    """More than a page shows are looked for at the service, also without a press; without a connection, among those
    who are here."""
    many = [{"id": f"N{number:03}", "name": f"新人{number:03}"} for number in range(MOST_SHOWN)]
    class_.send("POST", "/v1/learners/batch", many)
    class_.send("POST", "/v1/programmes/2021/enrolments", {"learners": [each["id"] for each in many]})
    context = phone()
    page = context.new_page()
    complaints = watched(page)
    sign_in(page, class_, "li", "**/award")
    expect(page.locator("[data-found]")).to_contain_text(f"共 {MOST_SHOWN + 7} 人")
    person(page, "陈思远").tap()
    page.locator(".amounts label").nth(1).tap()
    page.locator("#q").fill("新人399")
    expect(page.locator(".people li:visible")).to_have_count(2)
    expect(page.locator("[data-found]")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page.locator("[data-chosen]")).to_have_text("陈思远、新人399：2 人 × 2 = 4 朵小红花")
    page.locator("#q").fill("没有此人")
    page.keyboard.press("Enter")
    expect(page.locator(".people li:visible")).to_have_count(2)
    context.set_offline(True)
    page.locator("#q").fill("")
    page.locator("#team").select_option("yunfan")
    page.wait_for_timeout(500)
    expect(page.locator(".people li:visible")).to_have_count(2)
    context.set_offline(False)
    page.locator("#team").select_option("")
    page.locator("#team").select_option("yunfan")
    expect(page.locator(".people li:visible")).to_have_count(2 + 3)
    chip(page, 0).tap()
    assert awaited(lambda: len(entries(class_)) == 1)
    expect(page.locator("[data-today] .whom").first).to_have_text("陈思远、新人399")
    assert len(entries(class_)[0]["transfers"]) == 2
    assert [each for each in complaints if "ERR_INTERNET_DISCONNECTED" not in each] == []


def test_nothing_is_lost(
    class_: Bank, phone: Callable[..., BrowserContext], start_service: Callable[..., Service]
) -> None:
    a_session_that_ends_half_way_loses_nothing(class_, phone())
    without_a_connection_it_is_kept_and_sent_once(class_, phone(), start_service)
    what_is_left_is_the_same_in_two_tabs(class_, phone())


def a_session_that_ends_half_way_loses_nothing(class_: Bank, context: BrowserContext) -> None:
    page = context.new_page()
    sign_in(page, class_, "li", "**/award")
    session = [each for each in context.cookies() if each["name"] == "pb_session"]
    context.clear_cookies(name="pb_session")
    given(page, "陈思远")
    expect(page.locator("[data-ended]")).to_be_visible()
    expect(page.locator("[data-offline]")).to_be_hidden()
    expect(page.locator("[data-kept-list] .whom")).to_have_text(["陈思远"])
    page.locator("[data-ended] a").tap()
    expect(page.get_by_role("heading", name="登录")).to_be_visible()
    # Somebody else on the same phone: it is not theirs to send.
    sign_in(page, class_, "zhou", "**/award")
    expect(page.locator("[data-others]")).to_have_text("本机还有其他人的 1 笔待发送记录，待其登录后发送。")
    expect(page.locator("[data-kept-list]")).to_be_hidden()
    given(page, "林晓雯")
    expect(page.locator(".told")).to_contain_text("已发放：林晓雯")
    assert [(each["awarder"], each["learner"]) for each in entries(class_)] == [("zhou", "20210002")]
    # A page of Zhou's that is still open when Li has signed in again in another tab gives nothing as Li.
    context.clear_cookies(name="pb_session")
    context.add_cookies(session)  # type: ignore[arg-type]  # as they came
    given(page, "欧阳雪")
    expect(page.locator(".from .over")).to_contain_text("讲师")
    expect(page.locator("[data-kept-list]")).to_be_hidden()
    assert awaited(lambda: len(entries(class_)) == 2)
    assert [(each["awarder"], each["learner"]) for each in entries(class_)] == [
        ("li", "20210001"),
        ("zhou", "20210002"),
    ]
    expect(page.locator("[data-others]")).to_contain_text("1")
    page.get_by_role("button", name="退出").tap()
    page.wait_for_url("**/sign-in")
    assert page.evaluate("caches.has('award')") is False


def what_is_left_is_the_same_in_two_tabs(class_: Bank, context: BrowserContext) -> None:
    other = context.new_page()
    sign_in(other, class_, "li", "**/award")
    page = context.new_page()
    page.goto(other.url)
    left = int(page.locator(".from [data-left]").inner_text())
    given(page, "陈思远")
    expect(page.locator(".told")).to_contain_text("已发放")
    page.wait_for_timeout(300)
    for each in (page, other):
        expect(each.locator("[data-left]")).to_have_text([str(left - 1)] * 2)
    other.close()
    page.close()


def without_a_connection_it_is_kept_and_sent_once(
    class_: Bank, context: BrowserContext, start_service: Callable[..., Service]
) -> None:
    page = context.new_page()
    sign_in(page, class_, "li", "**/award")
    opened(page)
    context.set_offline(True)
    given(page, "陈思远")
    given(page, "林晓雯")
    expect(page.locator(".told")).to_contain_text("已保存在本机，待发送：林晓雯 · 1 朵小红花")
    expect(page.locator("[data-offline]")).to_be_visible()
    expect(page.locator("[data-kept-list] li")).to_have_count(2)
    expect(page.locator("[data-left]")).to_have_text(["38", "38"])
    page.locator("[data-kept-list] li").nth(1).get_by_role("button", name="撤回").tap()
    expect(page.locator("[data-kept-list] li")).to_have_count(1)
    page.close()
    page = context.new_page()
    page.goto(f"{class_.service.url}/award")
    expect(page.locator("[data-kept-list] .whom")).to_have_text(["陈思远"])
    other = context.new_page()
    other.goto(f"{class_.service.url}/award")
    expect(other.locator("[data-kept-list] .whom")).to_have_text(["陈思远"])
    before = len(entries(class_))
    context.set_offline(False)
    expect(page.locator("[data-kept-list]")).to_be_hidden()
    expect(other.locator("[data-kept-list]")).to_be_hidden()
    assert [each["learner"] for each in entries(class_)[:-before]] == ["20210001"]
    other.close()
    # The service goes away, and comes back.
    port = int(class_.service.url.rpartition(":")[2])
    class_.service.process.terminate()
    class_.service.process.wait(40)
    given(page, "王梓涵")
    expect(page.locator("[data-kept-list] .when")).to_have_text("将再次确认，只计一次")
    start_service(class_.service.database_url, port=port)
    expect(page.locator("[data-kept-list]")).to_be_hidden(timeout=20_000)
    expect(page.locator(".told")).to_contain_text("已发放：王梓涵")
    assert [each["learner"] for each in entries(class_)[:-before]] == ["20210003", "20210001"]
