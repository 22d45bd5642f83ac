"""Makes docs/widget-*.png: boards of the demo on a page of another origin, in light, in dark and on a phone.

    .venv/bin/python docs/widget_pictures.py http://127.0.0.1:8000 KEY

`KEY` is the demo company's key; the origin of the page is added to those that the company lists. It needs Chromium, and
a font with Chinese (on Debian: chromium, fonts-noto-cjk).
"""

import html
import http.server
import json
import shutil
import sys
import threading
import urllib.request
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import sync_playwright

FOLDER = Path(__file__).parent
PAGE = """<!doctype html><html lang="zh-CN"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>训练营</title><style>
:root { color-scheme: light dark }
body { margin: 0; padding: 28px; background: light-dark(#f2f4f8, #10131a); font-family: "Noto Sans CJK SC", sans-serif }
main { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%%, 380px), 1fr)); gap: 24px }
@media (max-width: 500px) { body { padding: 12px } }
</style><script type="module" src="%(base)s/widgets/leaderboard.js"></script><main>%(boards)s</main></html>"""
BOARDS = (
    {"scope": "programme:2021", "members": "teams", "score": "mean", "limit": 6},
    {"scope": "course:2021/complaint", "unit": "flowers", "limit": 6},
)
PICTURES: tuple[tuple[str, int, int, Literal["light", "dark"]], ...] = (
    ("light", 1000, 2, "light"),
    ("dark", 1000, 2, "dark"),
    ("phone", 375, 1, "light"),
)
WAIT_MS = 10_000


def ask(base: str, key: str, method: str, path: str, body: object = None) -> Any:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(base + path, data, headers, method=method)  # noqa: S310 - ours
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - as above
        return json.load(answer)


class Host(http.server.ThreadingHTTPServer):
    """A web server of another origin, with one page."""

    page = ""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Page)
        self.origin = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Page(http.server.BaseHTTPRequestHandler):
    server: Host

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(self.server.page.encode())

    def log_message(self, *_: object) -> None:
        pass


def element(base: str, key: str, board: dict[str, Any]) -> str:
    made = ask(base, key, "POST", "/v1/widget-tokens", {**board, "name": "docs", "ttl_seconds": 3_600})
    chosen = html.escape("&".join(f"{name}={value}" for name, value in board.items()))
    return f'<points-leaderboard src="{base}" board="{chosen}" token="{made["token"]}"></points-leaderboard>'


def main(base: str, key: str) -> None:
    host = Host()
    company = ask(base, key, "GET", "/v1/company")
    company["origins"].append(host.origin)
    ask(base, key, "PUT", "/v1/company", {name: value for name, value in company.items() if name != "id"})
    boards = [element(base, key, board) for board in BOARDS]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, width, count, scheme in PICTURES:
            host.page = PAGE % {"base": base, "boards": "".join(boards[:count])}
            view = {"width": width, "height": 300}
            page = browser.new_page(viewport=view, color_scheme=scheme, device_scale_factor=1.5)
            page.goto(host.origin)
            page.wait_for_function(
                "[...document.querySelectorAll('points-leaderboard')]"
                ".every(each => each.shadowRoot.querySelector('section.live'))",
                timeout=WAIT_MS,
            )
            page.wait_for_timeout(1_000)  # bars grow
            page.screenshot(path=FOLDER / f"widget-{name}.png", full_page=True)
        browser.close()
    host.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
