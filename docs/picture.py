"""Makes docs/bank.png, the picture in the README: three questions to a running demo and its answers, shortened.

    python3 docs/picture.py http://127.0.0.1:8000 KEY

`KEY` is the demo company's key. It needs Chromium, and a font with Chinese (on Debian: chromium, fonts-noto-cjk).
"""

import html
import json
import re
import subprocess
import sys
import tempfile
import unicodedata
import urllib.request
from pathlib import Path
from typing import Any

PICTURE = Path(__file__).with_name("bank.png")
WIDTH, HEIGHT = 1480, 480
LINE_CHARACTERS = 81
ENTRY = "/v1/entries?kind=debate.topic.prepared&learner=20210006&course=complaint"
BOARD = "/v1/leaderboards?scope=programme:2021&members=teams&score=mean&limit=3"
BALANCES = "/v1/learners/20210006/balances"

PAGE = """<!doctype html><meta charset="utf-8"><style>
* { box-sizing: border-box; margin: 0 }
body { width: %(width)dpx; height: %(height)dpx; padding: 28px; background: linear-gradient(135deg, #f6f1ea, #e9eef5);
       display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr);
       gap: 24px }
div { display: flex; flex-direction: column; gap: 24px; min-height: 0 }
section { background: #1d2230; border-radius: 10px; padding: 18px 22px; box-shadow: 0 6px 20px #1d223040;
          overflow: hidden; flex: 1 1 auto; white-space: nowrap }
h1 { font: 600 15px "Noto Sans CJK SC", "DejaVu Sans", sans-serif; color: #f2b8b5; margin-bottom: 10px }
pre { font: 13px/1.5 "DejaVu Sans Mono", "Noto Sans Mono CJK SC", monospace; color: #cfd6e4 }
.ask { color: #8fd3a8; margin-bottom: 8px } .name { color: #8ab8f0 } .text { color: #f0d49a } .number { color: #f29d94 }
</style><div><section>%(entry)s</section></div><div><section>%(board)s</section><section>%(balances)s</section></div>"""

WORD = re.compile(r'(?P<name>"[^"]*")(?=: )|(?P<text>"[^"]*")|(?P<number>\b\d+\b|null)')


def get(base: str, key: str, path: str) -> Any:
    request = urllib.request.Request(base + path, headers={"Authorization": f"Bearer {key}"})  # noqa: S310 - ours
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - as above
        return json.load(answer)


def laid_out(value: Any, indent: int = 0) -> str:
    """JSON with as many members on a line as fit."""
    flat = json.dumps(value, ensure_ascii=False)
    if indent + wide(flat) <= LINE_CHARACTERS or not isinstance(value, dict | list):
        return flat
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    if isinstance(value, dict):
        parts = [f'"{name}": ' + laid_out(item, indent + len(name) + 5) for name, item in value.items()]
    else:
        parts = [laid_out(item, indent + 1) for item in value]
    lines: list[str] = []
    for part in parts:
        fits = lines and indent + wide(lines[-1]) + wide(part) + 4 <= LINE_CHARACTERS
        if fits and "\n" not in lines[-1] + part and isinstance(value, dict):
            lines[-1] += f", {part}"
        else:
            lines.append(part)
    return opening + (",\n" + " " * (indent + 1)).join(lines) + closing


def wide(text: str) -> int:
    """In characters of the fixed-width font: Chinese ones take two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def card(title: str, path: str, value: Any) -> str:
    def coloured(match: re.Match[str]) -> str:
        return f'<span class="{match.lastgroup}">{match[0]}</span>'

    answer = WORD.sub(coloured, html.escape(laid_out(value), quote=False))
    return f'<h1>{title}</h1><pre class="ask">GET {html.escape(path)}</pre><pre>{answer}</pre>'


def main(base: str, key: str) -> None:
    (entry,) = get(base, key, ENTRY)["items"]
    known = {name: value for name, value in entry.items() if value is not None}
    board = get(base, key, BOARD)
    balances = get(base, key, BALANCES)
    page = PAGE % {
        "width": WIDTH,
        "height": HEIGHT,
        "entry": card("An event, and what it earned · 凭证", ENTRY, known),
        "board": card("Teams by their mean · 小组榜", BOARD, {"size": board["size"], "rows": board["rows"]}),
        "balances": card("What a learner has · 余额", BALANCES, balances["balances"][:4]),
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"
        file.write_text(page, "utf-8")
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        options += ["--hide-scrollbars", f"--user-data-dir={folder}/profile", f"--window-size={WIDTH},{HEIGHT}"]
        subprocess.run(["chromium", *options, f"--screenshot={PICTURE}", file.as_uri()], check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
