"""Makes docs/screens/*.webp: the pages of the demo on a phone, a laptop and in 4K, light and dark, Chinese and English.

    .venv/bin/python -m docs.screens [PAGE …]

It serves a demo of its own, with its certificates issued. It needs Chromium in both languages, and a font with Chinese
(on Debian: chromium, chromium-l10n, fonts-noto-cjk). Pictures of 4K are at two fifths of their size.
"""

import io
import os
import shutil
import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from playwright.sync_api import Browser, Playwright, sync_playwright

from bench.demo import CHROMIUM, PAGES, served, settle

FOLDER = Path(__file__).parent / "screens"
TALLEST = 1.8
"""Screens: what of a long page is taken."""
QUALITY = 60
LOCALES = {"zh": "zh_CN", "en": "en_GB"}


class Screen(NamedTuple):
    name: str
    width: int
    height: int
    scale: float


SCREENS = (Screen("phone", 390, 844, 1), Screen("laptop", 1440, 900, 0.7), Screen("4k", 3840, 2160, 0.4))


def main(wanted: set[str]) -> None:
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="pointsbank-screens-") as folder,
        served(Path(folder)) as demo,
        sync_playwright() as playwright,
    ):
        browsers = {language: _browser(playwright, locale) for language, locale in LOCALES.items()}
        for role, pages in PAGES.items():
            chosen = {name: path for name, path in pages.items() if not wanted or name in wanted}
            kept = demo.storage(browsers["zh"], role) if role and chosen else None
            for screen, scheme, language in product(SCREENS, ("light", "dark"), LOCALES):
                if not chosen:
                    break
                context = browsers[language].new_context(
                    viewport={"width": screen.width, "height": screen.height},
                    device_scale_factor=screen.scale,
                    color_scheme="dark" if scheme == "dark" else "light",
                    locale=LOCALES[language].replace("_", "-"),
                    timezone_id="Asia/Shanghai",
                    storage_state=kept,  # type: ignore[arg-type]  # as playwright gave it
                    reduced_motion="reduce",
                )
                page = context.new_page()
                for name, path in chosen.items():
                    page.set_viewport_size({"width": screen.width, "height": screen.height})
                    page.goto(demo.url + path)
                    settle(page)
                    is_screen = name.startswith("screen")
                    whole = screen.height if is_screen else page.evaluate("document.documentElement.scrollHeight")
                    tall = min(whole, int(screen.height * TALLEST))
                    # so tall a window: what sticks to its lower edge stands at that of the picture, and over nothing
                    page.set_viewport_size({"width": screen.width, "height": max(tall, screen.height)})
                    picture = Image.open(io.BytesIO(page.screenshot()))
                    taken = FOLDER / f"{name}-{screen.name}-{scheme}-{language}.webp"
                    picture.convert("RGB").save(taken, quality=QUALITY, method=6)
                    sys.stdout.write(f"{taken.name}\n")
                context.close()
        for browser in browsers.values():
            browser.close()


def _browser(playwright: Playwright, locale: str) -> Browser:
    """What it draws itself, a field for a date, say, is in the language of its process, not in the page's."""
    language = {"LANGUAGE": locale, "LANG": f"{locale}.UTF-8"}
    chromium = shutil.which("chromium")
    return playwright.chromium.launch(executable_path=chromium, args=CHROMIUM, env={**os.environ, **language})


if __name__ == "__main__":
    main(set(sys.argv[1:]))
