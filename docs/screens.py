"""Makes docs/screens/*.png: pages of the demo on a phone and a laptop, light and dark, in Chinese and English.

    .venv/bin/python docs/screens.py http://127.0.0.1:8000 learner LINK

`LINK` is the one-time link that `make run` prints for the role; the pages of that role are taken. It needs Chromium,
and a font with Chinese (on Debian: chromium, fonts-noto-cjk).
"""

import io
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from playwright.sync_api import sync_playwright

FOLDER = Path(__file__).parent / "screens"
PAGES = {"learner": {"passbook": "/me"}}
"""By role: what a picture is called, and the page that it shows."""


class Screen(NamedTuple):
    name: str
    width: int
    height: int
    scale: float
    scheme: str
    language: str


SCREENS = (
    Screen("laptop-zh", 1440, 1180, 1, "light", "zh-CN"),
    Screen("laptop-dark-en", 1440, 1180, 1, "dark", "en"),
    Screen("phone-zh", 390, 1150, 1.5, "light", "zh-CN"),
    Screen("phone-dark-en", 390, 1150, 1.5, "dark", "en"),
    Screen("4k-zh", 3840, 2160, 0.5, "light", "zh-CN"),
)


def main(base: str, role: str, link: str) -> None:
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        first = browser.new_context()
        page = first.new_page()
        page.goto(link)
        page.locator("form.fields button").click()
        page.wait_for_load_state("networkidle")
        kept = first.storage_state()
        for screen in SCREENS:
            context = browser.new_context(
                viewport={"width": screen.width, "height": screen.height},
                device_scale_factor=screen.scale,
                color_scheme="dark" if screen.scheme == "dark" else "light",
                locale=screen.language,
                storage_state=kept,
            )
            page = context.new_page()
            for name, path in PAGES[role].items():
                page.goto(base + path)
                page.wait_for_load_state("networkidle")
                picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
                picture.save(FOLDER / f"{name}-{screen.name}.png", optimize=True)
            context.close()
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:4])
