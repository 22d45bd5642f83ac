"""Makes docs/certificates/*.png: certificates of the demo on paper, their badges, and the page that verifies them.

    .venv/bin/python docs/certificate_pictures.py http://127.0.0.1:8000 KEY

`KEY` is the demo company's key; its programme has been certified. If nobody's certificate is revoked, the last one is
revoked for the picture. It needs Chromium, and a font with Chinese (on Debian: chromium, fonts-noto-cjk).
"""

import io
import json
import shutil
import sys
import urllib.request
from pathlib import Path
from typing import Any, Literal

import pypdfium2
from PIL import Image
from playwright.sync_api import sync_playwright

FOLDER = Path(__file__).with_name("certificates")
PROGRAMME = "2021"
RULES = ("points", "service-1", "service-2")
PAPER_SCALE, DESK, EDGE = 1.45, "#e9e6df", 14
BADGE_SIDE = 300
COLOURS = 256
REASON = "成绩录入有误，经复核不符合授予条件"
PAGES: tuple[tuple[str, str, int, Literal["light", "dark"]], ...] = (
    ("page-laptop", "valid", 900, "light"),
    ("page-dark", "valid", 900, "dark"),
    ("page-phone", "valid", 390, "light"),
    ("page-revoked", "revoked", 390, "dark"),
)


def ask(base: str, key: str, path: str, body: object = None) -> bytes:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", "Idempotency-Key": path}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(base + path, data, headers)  # noqa: S310 - ours
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
        body: bytes = answer.read()
        return body


def certificates(base: str, key: str, query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(ask(base, key, f"/v1/certificates?programme={PROGRAMME}&{query}"))["items"]
    return found


def save(picture: Image.Image, name: str) -> None:
    few = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(FOLDER / f"{name}.png", optimize=True)


def on_paper(pdf: bytes, page: int, name: str) -> None:
    """A page as it lies on a desk."""
    with pypdfium2.PdfDocument(pdf) as document:
        sheet = document[page].render(scale=PAPER_SCALE).to_pil()
    desk = Image.new("RGB", (sheet.width + 2 * EDGE, sheet.height + 2 * EDGE), DESK)
    desk.paste(sheet, (EDGE, EDGE))
    save(desk, name)


def in_a_row(badges: list[bytes], name: str) -> None:
    row = Image.new("RGB", (BADGE_SIDE * len(badges), BADGE_SIDE), "white")
    for index, badge in enumerate(badges):
        with Image.open(io.BytesIO(badge)) as opened:
            small = opened.resize((BADGE_SIDE - 20, BADGE_SIDE - 20), Image.Resampling.LANCZOS)
        row.paste(small, (BADGE_SIDE * index + 10, 10), small)
    save(row, name)


def pages(base: str, numbers: dict[str, str]) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, standing, width, scheme in PAGES:
            page = browser.new_page(
                viewport={"width": width, "height": 500}, color_scheme=scheme, device_scale_factor=1.5, locale="zh-CN"
            )
            page.goto(f"{base}/verify/{numbers[standing]}")
            save(Image.open(io.BytesIO(page.screenshot(full_page=True))), name)
        browser.close()


def main(base: str, key: str) -> None:
    FOLDER.mkdir(exist_ok=True)
    numbers = [certificates(base, key, f"key={rule}&status=valid")[0]["number"] for rule in RULES]
    points, qualification = (ask(base, key, f"/v1/certificates/{number}/pdf") for number in (numbers[0], numbers[2]))
    on_paper(points, 0, "points")
    on_paper(points, 1, "statement")
    on_paper(qualification, 0, "qualification")
    in_a_row([ask(base, key, f"/verify/{number}/badge.png") for number in numbers], "badges")
    revoked = certificates(base, key, "status=revoked")
    if not revoked:
        last = certificates(base, key, "key=service-1&status=valid")[-1]["number"]
        revoked = [json.loads(ask(base, key, f"/v1/certificates/{last}/revoke", {"reason": REASON}))]
    pages(base, {"valid": numbers[2], "revoked": revoked[0]["number"]})


if __name__ == "__main__":
    main(*sys.argv[1:])
