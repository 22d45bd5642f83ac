"""Lines of a passbook as they are read: what each was for, in words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from api.language import Language
from api.pages import csv_files
from pointsbank.directory.courses import Course
from pointsbank.matches import settling
from rules import awards, closing

REVERSAL = "reversal"


@dataclass(frozen=True, slots=True)
class Line:
    """`rule` is what it is called; `amount` is negative if it leaves the holding."""

    number: int
    occurred_at: datetime
    what: str
    giver: str | None
    rule: str | None
    course: str | None
    amount: int
    balance: int


def lines(
    items: Iterable[Mapping[str, Any]],
    rules: Mapping[str, Mapping[str, str]],
    courses: Mapping[str, Course],
    language: Language,
) -> list[Line]:
    """Of a statement's items. `rules` are the names of earning rules, `courses` the programme's, by their keys."""
    found = []
    for item in items:
        rule = item["rule"]
        if rule is not None and rule in rules:
            rule = rules[rule][language]
        course = courses.get(item["course"] or "")
        giver = item["giver"]
        found.append(
            Line(
                item["number"],
                item["occurred_at"],
                _what(item["kind"], item["reason"], rule),
                None if giver is None else giver["name"],
                rule,
                item["course"] if course is None else course.name,
                item["amount"],
                item["balance_after"],
            )
        )
    return found


def _what(kind: str, reason: str | None, rule: str | None) -> str:
    if kind == REVERSAL:
        return str(_("Reversed: %(reason)s", reason=reason) if reason else _("Reversed"))
    if kind == closing.KIND:
        return str(_("Red flowers converted into credits"))
    if kind == settling.PRIZE_KIND:
        return str(_("Prize of the match %(match)s", match=reason or ""))
    return reason or rule or (str(_("Award")) if kind == awards.KIND else kind)


def as_csv(rows: Iterable[Line], shown: Mapping[str, str]) -> bytes:
    """For spreadsheets: with a mark of UTF-8, and nothing in it that one of them would take for a formula.

    `shown` are the heads of the columns.
    """
    cells = (
        [each.number, each.occurred_at, each.what, each.giver, each.rule, each.course, each.amount, each.balance]
        for each in rows
    )
    return b"".join(csv_files.written(shown.values(), cells))
