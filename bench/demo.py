"""The demo, served for itself alone, with a link for each role: what is measured and photographed are its pages."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page

_LINK = re.compile(r"^    (\S+) +(http://\S+/(?:sign-in|screen)/link/\S+)$", re.MULTILINE)
PROGRAMME, COMPANY = "2021", "demo"
CUT_OFF = "2022-07-01T00:00:00+08:00"
PAGES: dict[str, dict[str, str]] = {
    "": {"sign-in": "/sign-in"},
    "learner": {"passbook": "/me"},
    "awarder": {"award": "/award"},
    "hr": {
        "programmes": "/admin",
        "programme": "/admin/programmes/2021",
        "programme-edit": "/admin/programmes/2021/edit",
        "courses": "/admin/programmes/2021/courses",
        "roster": "/admin/programmes/2021/roster",
        "roster-columns": "/admin/programmes/2021/roster/1/columns",
        "roster-preview": "/admin/programmes/2021/roster/1",
        "teams": "/admin/programmes/2021/teams",
        "awarders": "/admin/programmes/2021/awarders",
        "rulebook": "/admin/programmes/2021/rulebook",
        "rulebook-trial": "/admin/programmes/2021/rulebook/trial",
        "rulebook-versions": "/admin/programmes/2021/rulebook/versions",
        "certification": "/admin/programmes/2021/certification",
        "certification-run": "/admin/programmes/2021/certification/runs/1",
        "certificates": "/admin/programmes/2021/certification/certificates",
        "reports": "/admin/programmes/2021/reports",
        "reports-time": "/admin/programmes/2021/reports/time?view=each&by=course",
        "reports-distribution": "/admin/programmes/2021/reports/distribution",
        "reports-departments": "/admin/programmes/2021/reports/departments",
        "reports-givers": "/admin/programmes/2021/reports/givers",
        "reports-giver": "/admin/programmes/2021/reports/givers/li-trainer",
        "reports-events": "/admin/programmes/2021/reports/events",
        "learners": "/admin/learners",
        "learner": "/admin/learners/20210001",
        "entries": "/admin/entries",
        "entry": "/admin/entries/100",
        "feed": "/admin/feed",
        "display-links": "/admin/programmes/2021/screens",
        "screen": "/screen/2021",
        "screen-race": "/screen/2021?view=race",
        "screen-learners": "/screen/2021?view=learners",
        "screen-duel": "/screen/2021?view=duel",
        "screen-awards": "/screen/2021?view=awards",
    },
    "admin": {
        "access": "/admin/access",
        "keys": "/admin/access/keys",
        "users": "/admin/access/users",
        "widget": "/admin/access/widgets/new",
    },
}
"""By role, or of nobody: what a page is called, and where it is."""
ROSTER = """\
工号,姓名,部门,小组,邮箱,入职日期
20210001,陈思远,网络技术部,启航组,chen.siyuan@example.com,2021-07-05
20210003,王紫涵,客户服务中心,启航组,wang.zihan@example.com,2021-07-05
20220001,赵一鸣,客户服务中心,北斗组,zhao.yiming@example.com,2021年7月5日
20220002,周若溪,客户服务中心,北斗组,zhou.ruoxi.example.com,05/07/2021
2.022E+07,吴天佑,市场部,北斗组,wu.tianyou@example.com,2021-07-05
20220004,,市场部,天枢组,,44382
"""
"""An upload with faults and warnings, for its preview."""
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--hide-scrollbars"]


@dataclass(frozen=True)
class Demo:
    """`links` by role; each signs in once."""

    url: str
    links: dict[str, str]

    def storage(self, browser: Browser, role: str) -> object:
        """What a browser keeps that is signed in with the role, for `Browser.new_context`."""
        context = browser.new_context()
        page = context.new_page()
        page.goto(self.links[role])
        if page.locator("form.fields button").count():
            page.locator("form.fields button").click()
        settle(page)
        if role == "hr":
            self._upload(page)
        kept = context.storage_state()
        context.close()
        return kept

    def _upload(self, page: Page) -> None:
        page.goto(f"{self.url}/admin/programmes/{PROGRAMME}/roster")
        file = {"name": "名单.csv", "mimeType": "text/csv", "buffer": ROSTER.encode()}
        page.locator("#file").set_input_files([file])  # type: ignore[list-item]  # a FilePayload
        page.locator(".upload .button.first").click()
        page.wait_for_selector("#confirm")


def settle(page: Page) -> None:
    """Until nothing more is to come; of a live page, which never ends, a second."""
    page.wait_for_load_state("load")
    page.wait_for_timeout(1_000)


@contextmanager
def served(folder: Path) -> Iterator[Demo]:
    """The demo in a folder of its own, with its certificates issued."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "POINTSBANK_DATA_DIR": str(folder), "POINTSBANK_LOG_LEVEL": "warning"}
    environment["POINTSBANK_BASE_URL"] = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "pointsbank"]
    process = subprocess.Popen(
        [*command, "start", "--port", str(port)], env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        said = _welcome(process)
        certify = ["certify", PROGRAMME, "--company", COMPANY, "--cut-off", CUT_OFF, "--issue"]
        subprocess.run([*command, *certify], env=environment, check=True, capture_output=True)
        yield Demo(f"http://127.0.0.1:{port}", dict(_LINK.findall(said)))
    finally:
        process.terminate()
        process.wait()


def _welcome(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if "/v1/trial-balance" in line:
            return said
    raise RuntimeError(f"the demo did not start: {said}")
