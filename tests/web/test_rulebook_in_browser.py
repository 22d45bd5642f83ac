"""HR changes a rule by keyboard alone: a fault is seen and repaired, the draft is tried and put in force, and a new
event is judged by it. Cards write expressions back to the letter. Nothing is cut, and axe-core finds nothing."""

import copy
import json
import re
import urllib.request
from typing import Any

from playwright.sync_api import Browser, Page, expect

from pointsbank.demo.rulebook import RULEBOOK
from tests.web.browsing import SCREENS, Bank, find_overflow, sign_in, violations, watched

PAGE = "/admin/programmes/2021/rulebook"
EXPRESSIONS = (
    ("data.score >= 60 && data.attempt == 1", 2),
    ("data.level == 'A && B' || data.done == true", 2),
    ("data.note.contains('60') && has(data.bonus)", 2),
    ("data.code == '60' && data.text == 'it\\'s' && data.empty == ''", 3),
    ("data.score>=60", 0),
    ('data.level == "A"', 0),
    ("data.score + 1 > 60", 0),
    ("data.a == 1 && data.b == 2 || data.c == 3", 0),
)
"""Each with how many rows it is shown as; 0: as text."""


def furnished(bank: Bank) -> None:
    """The demo's rulebook in force, and two events that it gave credits for."""
    rulebook = copy.deepcopy(RULEBOOK)
    for each in rulebook["certificates"]:
        each["name"]["zh"] += "<script>document.title='broken'</script>"
    bank.send("PUT", "/v1/programmes/2021/rulebook/draft", rulebook)
    bank.send("POST", "/v1/programmes/2021/rulebook/draft/activate")
    post(bank, 1)
    post(bank, 2)
    bank.user("hr", "--role", "hr", "--shown", "人力资源部")


def post(bank: Bank, number: int) -> int:
    """What an event of attendance earned."""
    event = {"specversion": "1.0", "id": f"a{number}", "source": "urn:t", "type": "attendance.present", "subject": "1"}
    event |= {"time": f"2021-09-0{number}T08:00:00Z", "data": {"programme": "2021"}}
    headers = {"Authorization": f"Bearer {bank.key}", "Content-Type": "application/cloudevents+json"}
    request = urllib.request.Request(f"{bank.service.url}/v1/events", json.dumps(event).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return sum(int(each["amount"]) for each in json.loads(answer.read())["entry"]["transfers"])


def tab_to(page: Page, focus: str) -> None:
    """The control with this `data-focus`, by Tab alone."""
    for _ in range(120):
        if page.evaluate("document.activeElement.dataset.focus ?? document.activeElement.dataset.part") == focus:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{focus} is not reached by Tab")


def test_the_rulebook(bank: Bank, browser: Browser, axe: str) -> None:
    furnished(bank)
    from_a_change_to_an_event_judged_by_it(bank, browser)
    what_is_not_saved_is_kept_and_two_people_do_not_undo_each_other(bank, browser)
    nothing_is_cut_on_any_screen_and_axe_finds_nothing(bank, browser, axe)


def from_a_change_to_an_event_judged_by_it(bank: Bank, browser: Browser) -> None:
    page = browser.new_page(locale="en-GB")
    complaints = watched(page)
    sign_in(page, bank, "hr", lands="**/admin")
    page.goto(f"{bank.service.url}{PAGE}")
    expect(page.locator('[data-words="earning[0]"]')).to_have_text(
        "For each event “attendance.present”: 1 credit; at most 60 credits for a learner in the programme."
    )
    tab_to(page, "earning[0]/open")
    page.keyboard.press("Enter")
    tab_to(page, "earning[0].award.amount")
    page.keyboard.press("Control+A")
    page.keyboard.type("two")
    wrong = page.locator('[data-path="earning[0].award.amount"]')
    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(page.locator("[data-part=faults] li")).to_contain_text("Attendance · Amount given")
    page.keyboard.press("Control+A")
    page.keyboard.type("7")
    expect(page.locator("[data-part=count]")).to_have_text("Nothing wrong")
    expect(page.locator('[data-words="earning[0]"]')).to_contain_text("7 credits;")
    page.keyboard.press("Control+S")
    expect(page.locator("[data-part=done]")).to_contain_text("Saved as the draft, version 3.")
    page.get_by_role("link", name="Try out and activate").last.press("Enter")
    tab_to(page, "simulate")
    page.keyboard.press("Enter")
    expect(page.locator(".figures dd").nth(1)).to_have_text("2")
    expect(page.locator("svg.bars").first).to_be_visible()
    page.get_by_label("Bring what is booked already").press("Space")
    page.get_by_role("button", name="Activate…").press("Enter")
    expect(page.locator("dialog")).to_contain_text("2 corrections, as simulated")
    page.keyboard.press("Enter")
    expect(page.locator("[data-part=done]")).to_contain_text("2 corrections were booked.")
    assert post(bank, 3) == 7
    page.get_by_role("link", name="中文").press("Enter")
    page.get_by_role("link", name="版本", exact=True).press("Enter")
    expect(page.locator("tbody tr").first).to_contain_text("现行")
    expect(page.locator("tbody tr").first).to_contain_text("人力资源部")
    expect(page.locator("#differences .is")).to_contain_text("给 7 积分")
    assert "broken" not in page.title()
    assert complaints == []
    page.close()


def what_is_not_saved_is_kept_and_two_people_do_not_undo_each_other(bank: Bank, browser: Browser) -> None:
    page = browser.new_page(locale="zh-CN")
    sign_in(page, bank, "hr", lands="**/admin")
    page.goto(f"{bank.service.url}{PAGE}")
    modules = f"import('/assets/rulebook_cel.js').then(({{readRows, writeRows}}) => {json.dumps(EXPRESSIONS)}.map("
    modules += "([text, n]) => { const found = readRows(text); return [found ? found.rows.length : 0, "
    modules += "found ? writeRows(found) === text : true] }))"
    assert page.evaluate(modules) == [[rows, True] for _, rows in EXPRESSIONS]
    page.get_by_role("button", name="添加积分规则").press("Enter")
    expect(page.locator('[data-path="earning[9].name.zh"]')).to_be_focused()
    page.keyboard.type("新规则")
    expect(page.locator("[data-part=count]")).to_have_text("2 处需修正")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    page.get_by_role("button", name="继续编辑").press("Enter")
    card = page.locator(".rule", has=page.get_by_role("button", name="新规则"))
    expect(card).to_have_count(1)
    for _ in range(2):
        card.get_by_role("button", name="上移").press("Enter")
    expect(page.locator('[data-focus="earning[7]/up"]')).to_be_focused()
    card.get_by_role("button", name="移除").press("Enter")
    expect(card).to_have_count(0)
    page.locator('[data-focus="earning[1]/open"]').press("Enter")
    page.locator('[data-focus="earning[1].when/0/value"]').fill("2")
    expect(page.locator('[data-words="earning[1]"]')).to_contain_text("attempt 等于 2")
    page.get_by_role("button", name="JSON 文档").press("Enter")
    text: Any = json.loads(page.locator("#text").input_value())
    text["earning"][1]["when"] = RULEBOOK["earning"][1]["when"]
    text["earning"][0]["award"]["amount"] = 5
    assert text["certificates"][1]["criteria"] == RULEBOOK["certificates"][1]["criteria"]
    page.locator("#text").fill('{"earning": [\n{"key": "a/b"}]}')
    expect(page.locator("[data-part=fault-list]")).to_contain_text("第 2 行：")
    page.locator("#text").fill(json.dumps(text, indent=2))
    late: list[Any] = []
    checking = re.compile(r"/rulebook/check$")
    page.route(checking, lambda route: late.append(route))
    page.get_by_role("button", name="卡片").press("Enter")
    bank.send("PUT", "/v1/programmes/2021/rulebook/draft", {"earning": []})
    while not late:
        page.wait_for_timeout(20)
    page.locator("[data-part=save]").press("Enter")
    expect(page.locator("[data-part=message]")).to_contain_text("其间有人保存了另一份草稿")
    with page.expect_response(checking):  # what is found about the document comes after that, and does not wipe it away
        late[-1].continue_()
    page.unroute(checking)
    expect(page.locator("[data-part=count]")).to_have_text("没有问题")
    page.get_by_role("button", name="用我的内容替换").press("Enter")
    expect(page.locator("[data-part=done]")).to_contain_text("已保存为草稿")
    draft = bank.send("GET", "/v1/programmes/2021/rulebook/draft")["document"]
    assert [each["award"].get("amount") for each in draft["earning"][:2]] == [5, None]
    assert len(draft["earning"]) == 9
    page.close()


def nothing_is_cut_on_any_screen_and_axe_finds_nothing(bank: Bank, browser: Browser, axe: str) -> None:
    bank.send("PUT", "/v1/programmes/2021/rulebook/draft", {**RULEBOOK, "conversion": {"flowers_per_credit": 2}})
    first = browser.new_context(locale="zh-CN")
    sign_in(first.new_page(), bank, "hr", lands="**/admin")
    kept: Any = first.storage_state()
    for name, scheme in (("phone", "dark"), ("laptop", "light"), ("wall", "light")):
        width, height = SCREENS[name]
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,  # type: ignore[arg-type]  # one of its words
            storage_state=kept,
            bypass_csp=True,  # for axe, which is no part of the page
        )
        page = context.new_page()
        weight = 0

        def weigh(response: Any) -> None:
            nonlocal weight
            weight += len(response.body())

        page.on("response", weigh)
        for path in ("", "/trial", "/versions", "/versions/1"):
            page.goto(f"{bank.service.url}{PAGE}{path}")
            page.wait_for_load_state("networkidle")
            if path == "":
                assert 0 < weight < 150_000
                for card in ("earning[1]", "earning[4]", "certificates[1]"):
                    page.locator(f'[data-focus="{card}/open"]').press("Enter")
                page.locator('[data-path="earning[1].award.by"]').fill("")
                expect(page.locator("[data-part=fault-list] li")).to_have_count(1)
            if path == "/trial":
                page.locator("[data-part=simulate]").press("Enter")
                expect(page.locator(".figures")).to_be_visible()
            assert not find_overflow(page), (name, path)
            if name != "wall":
                assert violations(page, axe) == [], (name, scheme, path)
            if path == "":
                page.locator("[data-part=revert]").press("Enter")
        context.close()
    first.close()
