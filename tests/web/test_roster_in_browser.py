"""A roster from the upload to the directory in a real browser: by keyboard, in both languages, on every screen."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect

from tests.web.browsing import SCREENS, Bank, find_overflow, sign_in, violations, watched
from tests.web.roster_files import HEADER, learner, of, workbook

AT = "/admin/programmes/2021/roster"
LONG = "欧阳" * 40
HR = "hr"


def press(page: Page, name: str) -> None:
    """The button of that name, reached by Tab alone."""
    button = page.get_by_role("button", name=name)
    for _ in range(60):
        page.keyboard.press("Tab")
        if button.evaluate("it => it === document.activeElement"):
            break
    expect(button).to_be_focused()
    page.keyboard.press("Enter")


def rosters(folder: Path) -> tuple[Path, Path, Path]:
    """One with faults of many kinds, one without, and one that says nothing of its columns."""
    found = folder / "有问题.xlsx", folder / "名单.xlsx", folder / "columns.csv"
    odd = learner(id="20220003", name="<script>document.title='broken'</script>", team=LONG, email=None)
    rows = [learner(), learner(id=None), learner(id="1.2E+10"), learner(id="5", joined_on="03/04/2022", email="x"), odd]
    found[0].write_bytes(of(*rows))
    found[1].write_bytes(of(*(learner(id=f"{each:05}", email=f"a{each}@b.cn") for each in range(2_500))))
    found[2].write_bytes(b"a,b\n1,Chen\n")
    return found


def test_rosters(bank: Bank, browser: Browser, axe: str, tmp_path: Path) -> None:
    """One service for all: it takes longer to start than to look at."""
    bank.user(HR, "--role", "hr")
    _from_upload_to_the_directory(bank, browser, tmp_path)
    _what_cannot_go_on_says_so(bank, browser, tmp_path)
    _nothing_is_cut_and_axe_finds_nothing(bank, browser, axe, tmp_path)


def _from_upload_to_the_directory(bank: Bank, browser: Browser, tmp_path: Path) -> None:
    faulty, whole, _ = rosters(tmp_path)
    page = browser.new_page(locale="en-GB")
    complaints = watched(page)
    sign_in(page, bank, HR, "**/admin")
    page.goto(bank.service.url + AT)
    page.get_by_label("Table (.xlsx or .csv)").set_input_files(faulty)
    press(page, "Upload and look through")
    expect(page.get_by_role("heading", name="Preview of the roster")).to_be_visible()
    expect(page.locator(".problems tbody tr").first).to_contain_text("is missing.")
    expect(page.locator(".figures .bad dd")).to_have_text("3")
    assert "broken" not in page.title()
    press(page, "Take over 2 rows")  # the browser asks for the tick
    page.get_by_label("Leave the 3 rows with faults out").press("Space")
    press(page, "Take over 2 rows")
    expect(page.get_by_role("status").filter(has_text="Taken over.")).to_be_focused()
    expect(page.locator(".figures div").filter(has_text="New learners").locator("dd")).to_have_text("2")
    assert bank.send("GET", "/v1/learners/20220003")["name"].startswith("<script>")

    page.get_by_role("link", name="中文").press("Enter")
    page.get_by_role("link", name="返回名单").press("Enter")
    page.get_by_label("表格文件（.xlsx 或 .csv）").set_input_files(whole)
    press(page, "上传并检查")
    expect(page.get_by_role("heading", name="名单预览")).to_be_visible()
    expect(page.locator(".figures dd").first).to_have_text("2,500")
    press(page, "导入 2500 行")
    expect(page.get_by_role("heading", name="名单已导入")).to_be_visible()
    assert bank.send("GET", "/v1/learners/02499")["name"] == "陈思远"
    assert complaints == []
    page.close()


def _what_cannot_go_on_says_so(bank: Bank, browser: Browser, tmp_path: Path) -> None:
    page = browser.new_page(locale="en-GB")
    sign_in(page, bank, HR, "**/admin")
    page.goto(bank.service.url + AT)
    page.evaluate("document.querySelector('[data-upload]').dataset.most = 10")
    file = page.get_by_label("Table (.xlsx or .csv)")
    (tmp_path / "large.csv").write_text("工号,姓名\n" * 10, "utf-8")
    file.set_input_files(tmp_path / "large.csv")
    expect(page.get_by_role("alert")).to_contain_text("is larger than 20 MB")
    (tmp_path / "empty.xlsx").write_bytes(workbook([HEADER]))
    page.reload()
    file.set_input_files(tmp_path / "empty.xlsx")
    page.get_by_role("button", name="Upload and look through").click()
    expect(page.get_by_role("alert")).to_contain_text("Below the header there is no learner.")
    page.route("**/check", lambda route: route.abort())
    page.get_by_role("button", name="Look through").click()
    expect(page.get_by_role("alert")).to_contain_text("That did not work. Nothing is lost")
    page.close()


def _nothing_is_cut_and_axe_finds_nothing(bank: Bank, browser: Browser, axe: str, tmp_path: Path) -> None:
    faulty, _, unsaid = rosters(tmp_path)
    first = browser.new_context(locale="zh-CN")
    page = first.new_page()
    sign_in(page, bank, HR, "**/admin")
    paths = [AT]
    for file in (faulty, unsaid):
        page.goto(bank.service.url + AT)
        page.locator("#file").set_input_files(file)
        page.locator(".upload .button.first").click()
        page.wait_for_selector("#confirm, #where")
        paths.append(page.url.removeprefix(bank.service.url))
    weight = 0

    def weigh(response: Any) -> None:
        nonlocal weight
        weight += len(response.body())

    page.on("response", weigh)
    page.goto(bank.service.url + paths[1])
    page.wait_for_load_state("networkidle")
    assert 0 < weight < 150_000
    kept: Any = first.storage_state()
    for name, (width, height) in SCREENS.items():
        for scheme in ("light", "dark") if name in ("phone", "laptop") else ("light",):
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme=scheme,  # type: ignore[arg-type]  # one of its words
                storage_state=kept,
                bypass_csp=True,  # for axe, which is no part of the page
            )
            page = context.new_page()
            for path in paths:
                page.goto(bank.service.url + path)
                assert not find_overflow(page), (name, path)
                if name in ("phone", "laptop"):
                    assert violations(page, axe) == [], (name, scheme, path)
            context.close()
    first.close()
