"""Empty rosters to fill in: a workbook whose ids are text, so that they keep their zeros, and a CSV file."""

import csv
import io
from collections.abc import Mapping, Sequence

from pointsbank.rosters.columns import FIELDS, Field

_WIDTHS: Mapping[Field, int] = {
    "id": 16,
    "name": 16,
    "department": 22,
    "team": 16,
    "email": 30,
    "joined_on": 14,
    "left_on": 14,
}
_DAYS: Sequence[Field] = ("joined_on", "left_on")


def workbook(sheet: str, heads: Mapping[Field, str], notes: Mapping[Field, str]) -> bytes:
    """`heads` are what columns are called, `notes` what stands in a comment on some of them."""
    import xlsxwriter  # here, and not above: most workers never need it

    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        page = book.add_worksheet(sheet)
        head = book.add_format({"bold": True, "bg_color": "#F4F1EA", "bottom": 1, "num_format": "@"})
        needed = book.add_format(
            {"bold": True, "bg_color": "#F4F1EA", "bottom": 1, "num_format": "@", "font_color": "#B3202A"}
        )
        text, day = book.add_format({"num_format": "@"}), book.add_format({"num_format": "yyyy-mm-dd"})
        for at, each in enumerate(FIELDS):
            page.set_column(at, at, _WIDTHS[each], day if each in _DAYS else text)
            page.write_string(0, at, heads[each], needed if each in ("id", "name") else head)
            if each in notes:
                page.write_comment(0, at, notes[each], {"x_scale": 2})
        page.freeze_panes(1, 0)
    return buffer.getvalue()


def delimited(heads: Mapping[Field, str]) -> bytes:
    """With the mark by which spreadsheets know UTF-8."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerow([heads[each] for each in FIELDS])
    return text.getvalue().encode("utf-8-sig")
