"""Somebody of HR, and what they do with rosters."""

import csv
import io
import re
from html import unescape

import pytest
from werkzeug.test import TestResponse

from pointsbank.directory import known, programmes
from pointsbank.directory.known import Known
from tests.api.conftest import Caller
from tests.web.conftest import Reader

AT = "/admin/programmes/2021/roster"
TOKEN = re.compile(r'name="csrf" value="([0-9a-f]+)"')


class Desk:
    def __init__(self, reader: Reader, caller: Caller) -> None:
        self.reader, self.caller = reader, caller

    def upload(self, content: bytes, name: str = "名单.xlsx") -> TestResponse:
        return self.send(AT, {"file": (io.BytesIO(content), name)})

    def check(self, content: bytes, name: str = "名单.xlsx", **fields: str) -> str:
        """The address of the preview."""
        answer = self.upload(content, name)
        assert answer.status_code == 303, unescape(answer.text)
        self.look(address := answer.headers["Location"], **fields)
        return address

    def look(self, address: str, **fields: str) -> TestResponse:
        return self.send(f"{address}/check", fields)

    def take(self, address: str, accept: str | None = None, **fields: str) -> TestResponse:
        page = self.reader.get(address).text
        mark = re.search(r'name="mark" value="(\w+)"', page)
        return self.send(f"{address}/take", {"mark": mark[1] if mark else "", **fields}, accept)

    def problems(self, address: str) -> list[list[str]]:
        """Row, column, field, value, grade, message."""
        text = self.reader.get(f"{address}/problems.csv").data.decode("utf-8-sig")
        return list(csv.reader(io.StringIO(text)))[1:]

    def knows(self, *keys: str) -> dict[str, Known]:
        with self.reader.database.snapshot(self.reader.company_id) as session:
            return known.find(session, programmes.get(session, "2021"), keys)

    def send(self, path: str, fields: dict[str, object], accept: str | None = None) -> TestResponse:
        token = TOKEN.search(self.reader.get(AT).text)
        assert token is not None
        headers = {} if accept is None else {"Accept": accept}
        return self.reader.open(path, "POST", data={"csrf": token[1], **fields}, headers=headers)


@pytest.fixture(name="desk")
def desk_of_hr(reader: Reader, programme: Caller) -> Desk:
    reader.user("hr", "hr")
    return Desk(reader.become("hr"), programme)
