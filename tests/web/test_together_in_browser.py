"""What several people do with several pages: a phone and the screen in the classroom; HR from a roster to paper."""

import re
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, expect

from tests.web.browsing import Bank, sign_in, watched

PHONE: Any = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
ROSTER = "工号,姓名,部门,小组\n00017,欧阳雪,客户服务中心,启航组\n00018,𠮷野,客户服务中心,启航组\n"


def test_an_award_on_a_phone_is_on_the_big_screen_within_a_second(bank: Bank, browser: Browser) -> None:
    bank.send("PUT", "/v1/learners/2", {"name": "陈思远"})
    bank.send("PUT", "/v1/programmes/2021/teams/a", {"name": "启航组", "members": ["1", "2"]})
    bank.user("li", "--role", "awarder", "--awarder", "2021/li", "--shown", "李静宜")
    context = browser.new_context(locale="zh-CN", **PHONE)
    phone, wall = context.new_page(), browser.new_page(locale="zh-CN", viewport={"width": 1920, "height": 1080})
    complaints = [*watched(phone), *watched(wall)]
    sign_in(wall, bank, "li", "**/award")
    wall.goto(f"{bank.service.url}/screen/2021?view=teams")
    wall.wait_for_selector("body[data-state=live]")
    sign_in(phone, bank, "li", "**/award")
    took = []
    for given in range(1, 5):
        phone.locator(".person", has_text="陈思远").tap()
        began = time.monotonic()
        phone.locator(".chips .chip").nth(1).tap()
        expect(wall.locator("#teams")).to_contain_text(f"{9 + given}小红花")
        took.append(time.monotonic() - began)
        expect(phone.locator("[data-left]").first).to_have_text(str(41 - given))
    assert min(took) < 1, took
    assert complaints == []
    context.close()
    wall.close()


def test_hr_from_a_roster_to_a_certificate_on_paper(bank: Bank, browser: Browser, tmp_path: Path) -> None:
    roster = tmp_path / "名单.csv"
    roster.write_bytes(ROSTER.encode("gb18030"))
    bank.user("hr", "--role", "hr", "--shown", "人力资源部")
    page = browser.new_page(locale="zh-CN", accept_downloads=True)
    complaints = watched(page)
    sign_in(page, bank, "hr", "**/admin")
    page.goto(f"{bank.service.url}/admin/programmes/2021")
    page.get_by_role("link", name="名单", exact=True).click()
    page.get_by_label("表格文件（.xlsx 或 .csv）").set_input_files(roster)
    page.get_by_role("button", name="上传并检查").click()
    page.get_by_role("button", name="导入 2 行").click()
    expect(page.get_by_role("heading", name="名单已导入")).to_be_visible()
    award = {"learner": "00017", "programme": "2021", "unit": "credits", "amount": 150, "reason": "创客路演一等奖"}
    bank.send("POST", "/v1/awards", award)

    page.get_by_role("link", name="认证", exact=True).click()
    page.get_by_label("现在").check()
    page.get_by_role("button", name="预览").click()
    expect(page.locator("main")).to_contain_text("2 / 3 人达标")
    short = page.get_by_role("row").filter(has_text="𠮷野")
    expect(short).to_contain_text("还差 150 积分")
    page.get_by_role("button", name="颁发证书").click()
    page.get_by_role("dialog").get_by_role("button", name="颁发", exact=True).click()
    expect(page.locator("#result")).to_contain_text("已颁发 2 份证书")
    page.get_by_role("row").filter(has_text="欧阳雪").get_by_role("link", name=re.compile("^PB-")).click()
    with page.expect_download() as download:
        page.get_by_role("link", name="PDF").first.click()
    assert download.value.path().read_bytes().startswith(b"%PDF-")
    assert complaints == []
    page.close()
