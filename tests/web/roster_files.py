"""Rosters as HR sends them: workbooks and CSV files with what spreadsheets do to them."""

import io
import zipfile
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import xlsxwriter

HEADER = ("工号", "姓名", "部门", "小组", "邮箱", "入职日期", "离职日期")
GOOD = ("20220001", "陈思远", "客服中心", "启航组", "chen@example.com", "2022-07-01", None)
DAY = "yyyy-mm-dd"

Book = Any
"""A workbook that is being written; xlsxwriter has no types."""


class Formula(str):
    """A formula; `result` is what the file has of it."""

    result: object = ""

    def ending_in(self, result: object) -> "Formula":
        self.result = result
        return self


class Shown(float):
    """A number that is shown by a format."""

    form = "General"

    def by(self, form: str) -> "Shown":
        self.form = form
        return self


def workbook(
    rows: Sequence[Sequence[object]], more: Callable[[Book, Any], object] | None = None, **options: Any
) -> bytes:
    """A sheet 名单 with these rows; `more(book, sheet)` does what else is to be done."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, **options}) as book:
        sheet = book.add_worksheet("名单")
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                _write(book, sheet, number, column, value)
        if more is not None:
            more(book, sheet)
    return buffer.getvalue()


def _write(book: Book, sheet: Any, row: int, column: int, value: object) -> None:
    if isinstance(value, Formula):
        sheet.write_formula(row, column, str(value), None, value.result)
    elif isinstance(value, datetime):
        sheet.write_datetime(row, column, value, book.add_format({"num_format": DAY}))
    elif isinstance(value, Shown):
        sheet.write_number(row, column, float(value), book.add_format({"num_format": value.form}))
    elif isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, int | float):
        sheet.write_number(row, column, value)
    elif value is not None:
        sheet.write_string(row, column, str(value))


def learner(**changes: object) -> tuple[object, ...]:
    """A row without fault, but for what is changed, by the English name of its field."""
    names = ("id", "name", "department", "team", "email", "joined_on", "left_on")
    return tuple(changes.get(name, value) for name, value in zip(names, GOOD, strict=True))


def archive(parts: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            package.writestr(name, content)
    return buffer.getvalue()


def changed(content: bytes, change: Callable[[str, bytes], bytes | None], **more: bytes) -> bytes:
    """The workbook with other parts: `change(name, part)` gives each, or None to leave it out."""
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        parts = {name: change(name, package.read(name)) for name in package.namelist()}
    return archive({name: part for name, part in {**parts, **more}.items() if part is not None})


def delimited(rows: Sequence[Sequence[object]], separator: str = ",", encoding: str = "utf-8") -> bytes:
    return "\r\n".join(separator.join("" if each is None else str(each) for each in row) for row in rows).encode(
        encoding
    )


def of(*rows: Sequence[object], **options: Any) -> bytes:
    """A workbook with the header and these rows."""
    return workbook([HEADER, *rows], **options)
