"""On which line of a JSON text each part of the document stands."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import orjson

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+')


class Lines(NamedTuple):
    """By path, `""` being the document; `doubles` are members that their object has already, with their lines."""

    at: Mapping[str, int]
    doubles: list[tuple[str, int]]

    def of(self, path: str) -> int:
        """Of the part, or of the nearest one around it that there is: what is missing stands nowhere."""
        while path and path not in self.at:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.at.get(path, 1)


@dataclass(slots=True)
class _Level:
    """An object or a list that is open; `path` is that of the part which comes next in it."""

    around: str
    is_object: bool
    path: str
    index: int = 0
    is_at_name: bool = True


def find_lines(text: str) -> Lines:
    """Of a text that is JSON."""
    at: dict[str, int] = {"": 1}
    doubles: list[tuple[str, int]] = []
    levels: list[_Level] = []
    line, counted = 1, 0
    for token in _TOKEN.finditer(text):
        line += text.count("\n", counted, token.start())
        counted = token.start()
        word = token[0]
        top = levels[-1] if levels else None
        if word in ("]", "}"):
            levels.pop()
        elif word == "," and top is not None:
            top.index += 1
            top.path, top.is_at_name = f"{top.around}[{top.index}]", True
        elif top is not None and top.is_object and top.is_at_name:
            name = str(orjson.loads(word))
            top.path, top.is_at_name = f"{top.around}.{name}" if top.around else name, False
            if top.path in at:
                doubles.append((top.path, line))
            at[top.path] = line
        elif word != ":":
            path = "" if top is None else top.path
            if top is not None and not top.is_object:
                at[path] = line
            if word in ("[", "{"):
                levels.append(_Level(path, word == "{", f"{path}[0]"))
    return Lines(at, doubles)
