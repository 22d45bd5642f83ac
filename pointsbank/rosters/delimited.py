"""Rows of a CSV file, in the encodings and with the separators that spreadsheets write."""

import codecs
import csv
import io
from collections.abc import Iterator
from typing import NamedTuple, Self

from pointsbank.rosters.cells import MAX_CELL_CHARACTERS, MAX_COLUMNS, Cell, Row
from pointsbank.rosters.refusals import Unreadable
from pointsbank.saying import say

SEPARATORS = (",", ";", "\t", "|", "，")  # the last one is the comma of Chinese keyboards
MAX_FIELD_CHARACTERS = 2**17
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
_LOOKED_AT_ROWS = 20


class Text(NamedTuple):
    """What the bytes say; `encoding` is what it is called, `is_sure` unless it was only tried."""

    text: str
    encoding: str
    is_sure: bool


def decoded(content: bytes) -> Text:
    """By its mark, else UTF-8, else GB18030 (which GBK and GB2312 are part of). Raises Unreadable."""
    for mark, codec, name in _MARKS:
        if content.startswith(mark):
            return Text(_strictly(content, codec), name, True)
    try:
        return Text(content.decode("utf-8"), "UTF-8", True)
    except UnicodeDecodeError:
        return Text(_strictly(content, "gb18030"), "GB18030", False)


def _strictly(content: bytes, codec: str) -> str:
    try:
        return content.decode(codec)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Unreadable(
            say(
                "The file is neither UTF-8 nor GB18030: line %(line)s cannot be read. Save it as “CSV UTF-8”.",
                line=line,
            )
        ) from error


def separator(text: str) -> str:
    """That which makes most columns out of most of the first rows."""
    start = text[: 2**16]
    if start[:4].lower() == "sep=" and start[4:5] in SEPARATORS:
        return start[4]
    return max(SEPARATORS, key=lambda each: _columns(start, each))


def _columns(start: str, each: str) -> tuple[int, int]:
    widths = []
    try:
        for row in csv.reader(io.StringIO(start, newline=""), delimiter=each):
            widths.append(len(row))
            if len(widths) == _LOOKED_AT_ROWS:
                break
    except csv.Error:
        pass
    several = [width for width in widths if width > 1]
    return len(several), max(several, default=0)


def rows(text: str, separated_by: str) -> Iterator[tuple[Row, int]]:
    """Those that hold anything, each with the characters read so far. Rows are numbered as a spreadsheet does, where a
    cell with several lines is one row. Raises Unreadable for a quotation mark that is not closed."""
    csv.field_size_limit(MAX_FIELD_CHARACTERS)
    feed = _Feed(text)
    reader = csv.reader(feed, delimiter=separated_by, strict=True)
    number = 0
    while True:
        number += 1
        line = reader.line_num + 1
        try:
            found = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            message = say(
                "Row %(row)s (line %(line)s) has a quotation mark too many or too few.", row=number, line=line
            )
            raise Unreadable(message) from error
        if number == 1 and found and found[0].lower() == "sep=":
            number = 0  # for spreadsheets, which do not show it
            continue
        cells = {at: Cell(each[: MAX_CELL_CHARACTERS + 1]) for at, each in enumerate(found[:MAX_COLUMNS]) if each}
        if cells:
            yield Row(number, cells), feed.done


class _Feed:
    """The lines of a text, and how much of it was taken."""

    def __init__(self, text: str) -> None:
        self._lines = io.StringIO(text, newline="")
        self.done = 0

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.done += len(line)
        return line
