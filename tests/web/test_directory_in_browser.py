"""The directory in a real browser: a programme from nothing to teams and flowers by keyboard, in both languages, people
dragged and refused, and every page on every screen."""

from typing import Any

from playwright.sync_api import Browser, Page, expect

from tests.web.browsing import SCREENS, Bank, find_overflow, sign_in, violations, watched

HR = "hr"
PROGRAMME = "/admin/programmes/2021"
LONG = "欧阳" * 20 + "<script>document.title='broken'</script>"
LEARNERS = 200


def test_the_directory(bank: Bank, browser: Browser, axe: str) -> None:
    """One service for all: it takes longer to start than to look at."""
    bank.user(HR, "--role", "hr")
    _a_programme_by_keyboard(bank, browser)
    learners = [{"id": f"{each:04}", "name": LONG if each == 1 else f"学员{each}"} for each in range(1, LEARNERS + 1)]
    bank.send("POST", "/v1/learners/batch", learners)
    bank.send("POST", "/v1/programmes/2021/enrolments", {"learners": [each["id"] for each in learners]})
    for team in range(10):
        members = [each["id"] for each in learners[team * 18 : team * 18 + 18]]
        bank.send("PUT", f"/v1/programmes/2021/teams/t{team}", {"name": f"小组{team}", "members": members})
    kept = _moves(bank, browser)
    _nothing_is_cut_and_axe_finds_nothing(bank, browser, axe, kept)


def press(page: Page, role: Any, name: str) -> None:
    """What has that role and name, reached by Tab alone."""
    wanted = page.get_by_role(role, name=name, exact=True).first
    for _ in range(60):
        page.keyboard.press("Tab")
        if wanted.evaluate("it => it === document.activeElement"):
            break
    expect(wanted).to_be_focused()
    page.keyboard.press("Enter")


def fill(page: Page, **fields: str) -> None:
    """Fields by their ids, in the order of the form, each reached by Tab alone. Days are those whose number is also
    their month's, for which of them comes first is the browser's to say."""
    for name, text in fields.items():
        field = page.locator(f'[id="{name}"]')
        for _ in range(30):
            page.keyboard.press("Tab")
            if field.evaluate("it => it === document.activeElement"):
                break
        expect(field).to_be_focused()
        page.keyboard.type(text)


def _a_programme_by_keyboard(bank: Bank, browser: Browser) -> None:
    page = browser.new_page(locale="en-GB")
    complaints = watched(page)
    sign_in(page, bank, HR, "**/admin")
    press(page, "link", "New programme")
    expect(page.get_by_role("heading", name="New programme")).to_be_visible()
    fill(page, programme="2031", name="2031 camp", starts_on="01012031", ends_on="12122032")
    press(page, "button", "Add a phase")
    expect(page.locator('[id="phases[0].key"]')).to_be_focused()
    page.keyboard.type("integration")
    fill(page, **{"phases[0].name": "Integration", "phases[0].starts_on": "01012031", "phases[0].ends_on": "01012033"})
    press(page, "button", "Save")
    fault = page.get_by_role("alert")
    expect(fault).to_be_focused()
    expect(fault).to_contain_text("Phase 1, Last day must not be after the programme ends.")
    expect(page.locator('[id="phases[0].ends_on"]')).to_have_attribute("aria-invalid", "true")
    page.locator('[id="phases[0].ends_on"]').fill("2031-12-31")
    press(page, "button", "Save")
    expect(page.get_by_role("status").filter(has_text="Made.")).to_be_focused()
    expect(page.get_by_text("No courses yet")).to_be_visible()
    page.get_by_role("link", name="中文").press("Enter")
    press(page, "link", "还没有课程")
    press(page, "link", "新建课程")
    fill(page, course="call", name="热线实训")
    page.get_by_label("小红花总数").fill("300")
    press(page, "button", "保存")
    expect(page.get_by_role("row", name="热线实训")).to_contain_text("300")
    page.goto(f"{bank.service.url}/admin/programmes/2031/new-awarder")
    fill(page, awarder="zhang", name="张导师")
    press(page, "button", "保存")
    field = page.get_by_label("调整数量，热线实训")
    field.fill("40")
    press(page, "button", "调整额度")
    expect(page.get_by_role("row", name="热线实训")).to_contain_text("260")
    assert [each for each in complaints if "status of 422" not in each] == []
    page.close()


def _moves(bank: Bank, browser: Browser) -> Any:
    context = browser.new_context(locale="en-GB", viewport={"width": 1366, "height": 900})
    page = context.new_page()
    sign_in(page, bank, HR, "**/admin")
    page.goto(bank.service.url + PROGRAMME + "/teams")
    assert "broken" not in page.title()
    teams = [page.locator(f'[data-team="t{each}"]') for each in range(10)]

    seat = page.locator('[data-learner="0002"]')
    with page.expect_response("**/team-moves") as sent:
        _drag(page, seat, teams[1])
    assert sent.value.ok
    expect(teams[1].locator('[data-learner="0002"]')).to_be_visible()
    expect(teams[1].locator("[data-count]")).to_have_text("19")
    expect(page.get_by_role("status")).to_have_text("1 learner moved.")

    box = page.locator('[data-learner="0003"] input')
    box.focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    expect(page.locator('[data-learner="0004"] input')).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Move to")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("Move to")).to_have_value("t2")
    with page.expect_response("**/team-moves"):
        press(page, "button", "Move")
    expect(teams[2].locator("[data-count]")).to_have_text("20")
    expect(page.get_by_role("status")).to_have_text("2 learners moved.")

    bank.send("PUT", "/v1/programmes/2021/teams/extra", {"name": "extra", "members": ["0005"]})
    _drag(page, page.locator('[data-learner="0005"]'), teams[1])
    expect(page.get_by_role("alert")).to_have_text("Somebody else has moved them in the meantime.")
    page.route("**/team-moves", lambda route: route.abort())
    _drag(page, page.locator('[data-learner="0006"]'), teams[1])
    expect(page.get_by_role("alert")).to_contain_text("The service could not be reached; nothing was moved.")
    expect(teams[0].locator('[data-learner="0006"]')).to_be_visible()
    page.unroute("**/team-moves")

    page.reload()
    expect(page.locator('[data-team="extra"] [data-learner="0005"]')).to_be_visible()
    expect(teams[1].locator("[data-count]")).to_have_text("19")
    page.get_by_label("Find a learner on the board").fill("0042")
    expect(page.locator("[data-seat]:visible")).to_have_count(1)
    return context.storage_state()


def _drag(page: Page, seat: Any, team: Any) -> None:
    seat.scroll_into_view_if_needed()
    start, end = seat.bounding_box(), team.locator("h2").bounding_box()
    assert start is not None
    assert end is not None
    page.mouse.move(start["x"] + 60, start["y"] + 10)
    page.mouse.down()
    page.mouse.move(start["x"] + 80, start["y"] + 20, steps=3)
    page.mouse.move(end["x"] + 60, end["y"] + 15, steps=5)
    page.mouse.up()


def _nothing_is_cut_and_axe_finds_nothing(bank: Bank, browser: Browser, axe: str, kept: Any) -> None:
    paths = ["/admin", "/admin/company", "/admin/learners", "/admin/learners/0001", "/admin/learners/0001/edit"]
    paths += [PROGRAMME + each for each in ("", "/edit", "/courses", "/courses/service", "/courses/service/close")]
    paths += [PROGRAMME + each for each in ("/teams", "/teams/t0", "/awarders", "/awarders/li", "/new-awarder")]
    for name, scheme, language in (
        ("phone", "dark", "en-GB"),
        ("laptop", "light", "zh-CN"),
        ("wall", "light", "zh-CN"),
    ):
        width, height = SCREENS[name]
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,  # type: ignore[arg-type]  # one of its words
            locale=language,
            storage_state=kept,
            bypass_csp=True,  # for axe, which is no part of the page
        )
        page = context.new_page()
        for path in paths:
            page.goto(bank.service.url + path)
            assert not find_overflow(page), (name, path)
            if name != "wall":
                assert violations(page, axe) == [], (name, scheme, path)
        context.close()
