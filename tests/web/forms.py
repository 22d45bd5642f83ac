"""What a form on a page holds, and what the page says is wrong with it."""

import re

from werkzeug.test import TestResponse


def fields(page: TestResponse) -> dict[str, str]:
    """What the form of the page holds, except its token."""
    html = re.sub(r"<template>.*?</template>", "", page.text, flags=re.DOTALL)
    inputs = [
        (name[1], value[1])
        for tag in re.findall(r"<input [^>]*>", html)
        if (name := re.search(r' name="([^"]+)"', tag)) is not None
        and (value := re.search(r' value="([^"]*)"', tag)) is not None
        and 'type="checkbox"' not in tag
    ]
    selects = re.findall(r'<select id="[^"]*" name="([^"]+)".*?value="([^"]*)" selected', html, flags=re.DOTALL)
    return {name: value for name, value in [*inputs, *selects] if name != "csrf"}


def wrong(page: TestResponse) -> dict[str, str]:
    """What the page says beside fields."""
    return dict(re.findall(r'<span class="wrong" id="(.+?)-fault">(.*?)</span>', page.text))
