"""Boards as what is watched: each page of a board is a view of it."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import orjson

from api.streams.text import Shown
from pointsbank.leaderboards.boards import Board
from pointsbank.leaderboards.reading import Leaderboards, Page, View


class Boards:
    def __init__(self, leaderboards: Leaderboards, json: Callable[[int, View, Page], dict[str, Any]]) -> None:
        self._leaderboards = leaderboards
        self._json = json

    def of(self, view: View) -> Board:
        return view.board

    def states(self, company_id: int, keys: Sequence[Board]) -> list[str]:
        return self._leaderboards.states(company_id, keys)

    def read(self, company_id: int, view: View) -> tuple[Shown, datetime]:
        page = self._leaderboards.page(company_id, view)
        json = self._json(company_id, view, page)
        del json["as_of"]
        content = orjson.dumps(json, option=orjson.OPT_UTC_Z)
        return Shown(page.state, page.standings.number, page.source, content), page.standings.at
