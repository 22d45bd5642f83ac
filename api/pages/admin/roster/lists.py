"""Tables to take along: every problem, and the rows that are left out."""

from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from api.app_state import database
from api.pages import csv_files
from api.pages.access import allows, visitor
from api.pages.admin.roster import words
from api.pages.admin.roster.here import AT, blp, find
from api.pages.admin.shell import MANAGERS
from pointsbank.rosters import kept
from pointsbank.rosters.columns import FIELDS


@blp.get(f"{AT}/<int:no>/problems.csv")
@allows(*MANAGERS)
def problems(programme: str, no: int) -> AnyResponse:
    """All of them."""
    with database().snapshot(visitor().company_id) as session:
        find(session, programme, no)
        found = kept.problems(session, no)
    heads = [_("Row"), _("Column"), _("Field"), _("In the file"), _("Kind"), _("What to look at")]
    labels, grades = words.labels(), words.grades()
    rows = (
        (
            each.row,
            each.column,
            labels[each.field] if each.field else "",
            each.value,
            grades[each.grade],
            words.said(each.form, each.values),
        )
        for each in found
    )
    return csv_files.answer("roster-problems.csv", heads, rows)


@blp.get(f"{AT}/<int:no>/left-out.csv")
@allows(*MANAGERS)
def left_out(programme: str, no: int) -> AnyResponse:
    """Rows that are not taken over, to be put right and uploaded once more: with what is wrong in a last column."""
    labels = words.labels()
    with database().snapshot(visitor().company_id) as session:
        _of, found = find(session, programme, no)
        rows = dict(kept.faulty(session, no))
        alone = set(found.result.get("changed_meanwhile", ()))
        warned = found.terms is not None and found.terms.leaves_out_warned
        for number, values, _state, is_warned, _mark in kept.rows(session, no):
            if number in alone or (warned and is_warned):
                rows[number] = values
        said_of: dict[int, list[str]] = {}
        for each in kept.problems(session, no):
            if each.row in rows and each.grade != "note":
                label = labels[each.field] if each.field else ""
                said_of.setdefault(each.row, []).append(f"{label} {words.said(each.form, each.values)}".strip())
    heads = [*labels.values(), _("Row"), _("What to look at")]
    lines: list[list[csv_files.Value]] = [
        [*(rows[number].get(each, "") for each in FIELDS), number, "\n".join(said_of.get(number, ()))]
        for number in sorted(rows)
    ]
    return csv_files.answer("roster-left-out.csv", heads, lines)
