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
        "teams": "/admin/programmes/2021/teams",
        "awarders": "/admin/programmes/2021/awarders",
        "rulebook": "/admin/programmes/2021/rulebook",
        "rulebook-trial": "/admin/programmes/2021/rulebook/trial",
        "rulebook-versions": "/admin/programmes/2021/rulebook/versions",
        "certification": "/admin/programmes/2021/certification",
        "certification-run": "/admin/programmes/2021/certification/runs/1",
        "certificates": "/admin/programmes/2021/certification/certificates",
        "learners": "/admin/learners",
        "learner": "/admin/learners/20210001",
        "entries": "/admin/entries",
        "entry": "/admin/entries/100",
        "feed": "/admin/feed",
        "reports": "/admin/programmes/2021/reports",
        "display-links": "/admin/programmes/2021/screens",
        "screen": "/screen/2021",
        "screen-race": "/screen/2021?view=race",
        "screen-learners": "/screen/2021?view=learners",
        "screen-duel": "/screen/2021?view=duel",
        "screen-awards": "/screen/2021?view=awards",
    },
    "admin": {"access": "/admin/access", "keys": "/admin/access/keys", "users": "/admin/access/users"},
}
"""By role, or of nobody: what a page is called, and where it is."""
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
        kept = context.storage_state()
        context.close()
        return kept


def settle(page: Page) -> None:
    """Until nothing is on its way; live pages never end, and are given two seconds."""
    page.wait_for_load_state("load")
    page.wait_for_timeout(2_000)


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
