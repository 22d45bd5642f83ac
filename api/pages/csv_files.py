"""Tables for spreadsheets: a mark of UTF-8 first, and no cell that one of them would take for a formula."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain

from flask import Response, stream_with_context

Value = str | int | datetime | None

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_ROWS_TOGETHER = 200


def cell(value: Value) -> str | int:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value


def written(heads: Iterable[str], rows: Iterable[Sequence[Value]]) -> Iterator[bytes]:
    """The file, piece by piece."""
    text = io.StringIO(newline="")
    text.write("\N{BOM}")
    writer = csv.writer(text, lineterminator="\r\n")
    for number, row in enumerate(chain([list(heads)], rows), 1):
        writer.writerow([cell(value) for value in row])
        if number % _ROWS_TOGETHER == 0:
            yield _taken(text)
    yield _taken(text)


def answer(name: str, heads: Iterable[str], rows: Iterable[Sequence[Value]]) -> Response:
    """Streamed, as the rows come."""
    response = Response(stream_with_context(written(heads, rows)), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _taken(text: io.StringIO) -> bytes:
    found = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return found
