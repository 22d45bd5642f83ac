"""The pages of reports, and the same as CSV."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from flask import Response, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from api.app_state import database
from api.pages import csv_files
from api.pages.access import allows, visitor
from api.pages.admin.reports import pictures, words
from api.pages.admin.reports.choice import SILENT_DAYS, Choice, choice
from api.pages.admin.shell import MANAGERS, render_admin
from api.pages.csv_files import Value
from api.pages.frame import Pages, language
from pointsbank.database import Session
from pointsbank.errors import NotFound
from pointsbank.reports import selection as selecting
from pointsbank.reports.distribution import distribution
from pointsbank.reports.givers import ALL_RECEIVERS, LEAST_AWARDS, RARE, Giver, giving
from pointsbank.reports.happenings import happenings
from pointsbank.reports.over_time import over_time
from pointsbank.reports.participation import participation
from pointsbank.reports.selection import AsOf

blp = Pages("reports", __name__)

_PATH = "/admin/programmes/<key:programme>/reports"
LEARNERS_SHOWN = 100
"""Of a list on a page; the CSV has everybody."""


class Tab(NamedTuple):
    endpoint: str
    label: str
    says: str


def tabs() -> list[Tab]:
    return [
        Tab("reports.time", _("Over time"), _("What teams earned, and in which courses")),
        Tab("reports.spread", _("Distribution"), _("How credits and flowers are spread over the learners")),
        Tab("reports.departments", _("Departments"), _("Who takes part, and who has not been heard of")),
        Tab("reports.givers", _("Flowers by giver"), _("Who gives to whom, and how evenly")),
        Tab("reports.events", _("Events by type"), _("What happened how often, and what it brought")),
    ]


class Asked(NamedTuple):
    session: Session
    choice: Choice
    as_of: AsOf


@contextmanager
def _asked(programme: str) -> Iterator[Asked]:
    with database().snapshot(visitor().company_id) as session:
        yield Asked(session, choice(session, programme), selecting.as_of(session))


def _page(template: str, asked: Asked, **values: Any) -> AnyResponse:
    own = asked.choice
    return render_admin(
        f"pages/admin/reports/{template}.html",
        programme=own.programme,
        choice=own,
        as_of=asked.as_of,
        tabs=tabs(),
        words=words,
        address=lambda endpoint, **more: url_for(endpoint, programme=own.programme.key, **more),
        **values,
    )


@blp.get(_PATH)
@allows(*MANAGERS)
def show(programme: str) -> AnyResponse:
    with _asked(programme) as asked:
        own = asked.choice
        found = participation(asked.session, own.selection, own.silent_days)
        earned = over_time(asked.session, own.selection, own.unit, own.by, own.step)
    drawn = pictures.over_time(earned, own) if any(any(each.amounts) for each in earned.series) else None
    return _page("overview", asked, found=found, chart=drawn)


@blp.get(f"{_PATH}/time")
@allows(*MANAGERS)
def time(programme: str) -> AnyResponse:
    with _asked(programme) as asked:
        own = asked.choice
        found = over_time(asked.session, own.selection, own.unit, own.by, own.step)
    series = pictures.shown(found, own)
    is_empty = not any(any(each.amounts) for _name, each, _colour in series)
    drawn = None if is_empty else pictures.over_time(found, own)
    steps = [each.running if own.is_running else each.amounts for each in found.series]
    totals = [sum(amounts) for amounts in zip(*steps, strict=True)]
    return _page("time", asked, found=found, series=series, totals=totals, chart=drawn)


@blp.get(f"{_PATH}/time.csv")
@allows(*MANAGERS)
def time_csv(programme: str) -> Response:
    with _asked(programme) as asked:
        own = asked.choice
        found = over_time(asked.session, own.selection, own.unit, own.by, own.step)
    heads = [
        _("From"),
        _("Team") if own.by == "team" else _("Course"),
        _("Name"),
        words.unit_name(own.unit),
        _("Running total"),
    ]
    rows = [
        (start.isoformat(), each.key, pictures.name_of(each, own), _number(amount, own), _number(running, own))
        for each in found.series
        for start, amount, running in zip(found.starts, each.amounts, each.running, strict=True)
    ]
    return csv_files.answer("over-time.csv", heads, rows)


@blp.get(f"{_PATH}/distribution")
@allows(*MANAGERS)
def spread(programme: str) -> AnyResponse:
    with _asked(programme) as asked:
        found = distribution(asked.session, asked.choice.selection, asked.choice.unit, _scale(asked.choice))
    unit = asked.choice.unit
    drawn = None if not found.overall.total else (pictures.histogram(found, unit), pictures.boxes(found, unit))
    return _page("distribution", asked, found=found, charts=drawn)


@blp.get(f"{_PATH}/distribution.csv")
@allows(*MANAGERS)
def spread_csv(programme: str) -> Response:
    with _asked(programme) as asked:
        found = distribution(asked.session, asked.choice.selection, asked.choice.unit)
    own = asked.choice
    heads = [_("Id"), _("Name"), _("Department"), _("Team"), words.unit_name(own.unit)]
    rows = [(each.key, each.name, each.department, each.team, _number(each.amount, own)) for each in found.holders]
    return csv_files.answer("distribution.csv", heads, rows)


@blp.get(f"{_PATH}/departments")
@allows(*MANAGERS)
def departments(programme: str) -> AnyResponse:
    with _asked(programme) as asked:
        found = participation(asked.session, asked.choice.selection, asked.choice.silent_days)
        names = words.kinds(asked.session, asked.choice.programme, language())
    kinds = sorted({kind for each in found.departments for kind in each.kinds})
    drawn = (pictures.departments(found), pictures.months(found)) if found.months else None
    return _page(
        "departments",
        asked,
        found=found,
        kinds=[(kind, words.kind(names, kind)) for kind in kinds],
        charts=drawn,
        silent=found.silent[:LEARNERS_SHOWN],
        silent_days=SILENT_DAYS,
    )


@blp.get(f"{_PATH}/departments.csv")
@allows(*MANAGERS)
def departments_csv(programme: str) -> Response:
    with _asked(programme) as asked:
        found = participation(asked.session, asked.choice.selection, asked.choice.silent_days)
    kinds = sorted({kind for each in found.departments for kind in each.kinds})
    heads = [_("Department"), _("Learners"), _("Taking part"), _("Credits"), _("Red flowers"), _("Silent"), *kinds]
    rows = [
        (
            each.name,
            each.learners,
            each.taking_part,
            words.for_spreadsheet(each.credits, "credits"),
            each.flowers,
            len(each.silent),
            *(each.kinds.get(kind, 0) for kind in kinds),
        )
        for each in found.departments
    ]
    return csv_files.answer("departments.csv", heads, rows)


@blp.get(f"{_PATH}/silent.csv")
@allows(*MANAGERS)
def silent_csv(programme: str) -> Response:
    with _asked(programme) as asked:
        found = participation(asked.session, asked.choice.selection, asked.choice.silent_days)
    heads = [_("Id"), _("Name"), _("Department"), _("Last earned"), _("Days since")]
    rows = [(each.key, each.name, each.department, each.last_at, each.days) for each in found.silent]
    return csv_files.answer("silent.csv", heads, rows)


@blp.get(f"{_PATH}/givers")
@allows(*MANAGERS)
def givers(programme: str) -> AnyResponse:
    with _asked(programme) as asked:
        found = giving(asked.session, asked.choice.selection)
    has_any = any(each.flowers for each in found.givers)
    return _page(
        "givers",
        asked,
        found=found,
        teams=pictures.matrix_teams(found),
        chart=pictures.matrix(found) if has_any and found.teams else None,
        is_marked=pictures.matrix_is_marked(found),
        least_awards=LEAST_AWARDS,
        one_in=round(1 / RARE),
    )


@blp.get(f"{_PATH}/givers.csv")
@allows(*MANAGERS)
def givers_csv(programme: str) -> Response:
    with _asked(programme) as asked:
        found = giving(asked.session, asked.choice.selection)
    heads = [_("Awarder's id"), _("Giver"), _("Role"), _("Team"), _("Red flowers"), _("Awards"), _("More than chance")]
    names = {each.no: each.name for each in found.teams}
    roles = words.roles()
    rows = [
        (
            giver.awarder.key,
            giver.awarder.name,
            roles[giver.role],
            names.get(team or 0),
            cell.flowers,
            cell.awards,
            1 if cell.is_rare else 0,
        )
        for giver in found.givers
        for team, cell in giver.teams.items()
    ]
    return csv_files.answer("givers.csv", heads, rows)


@blp.get(f"{_PATH}/givers/<key:giver>")
@allows(*MANAGERS)
def giver(programme: str, giver: str) -> AnyResponse:
    with _asked(programme) as asked:
        found = giving(asked.session, asked.choice.selection)
    own = _one(found.givers, giver)
    return _page("giver", asked, giver=own, giving=found, chart=pictures.receivers(own) if own.receivers else None)


@blp.get(f"{_PATH}/givers/<key:giver>/learners.csv")
@allows(*MANAGERS)
def giver_csv(programme: str, giver: str) -> Response:
    with _asked(programme) as asked:
        own = _one(giving(asked.session, asked.choice.selection, ALL_RECEIVERS).givers, giver)
    heads = [_("Id"), _("Name"), _("Team"), _("Red flowers"), _("Awards to this learner alone")]
    rows = [(each.key, each.name, each.team, each.flowers, each.awards) for each in own.receivers]
    return csv_files.answer("giver.csv", heads, rows)


@blp.get(f"{_PATH}/events")
@allows(*MANAGERS)
def events(programme: str) -> AnyResponse:
    with _asked(programme) as asked:
        found = happenings(asked.session, asked.choice.selection)
        names = words.kinds(asked.session, asked.choice.programme, language())
    drawn = (pictures.events(found, names), pictures.event_months(found, names)) if found else None
    return _page("events", asked, found=found, names=names, charts=drawn)


@blp.get(f"{_PATH}/events.csv")
@allows(*MANAGERS)
def events_csv(programme: str) -> Response:
    with _asked(programme) as asked:
        found = happenings(asked.session, asked.choice.selection)
    starts = sorted({month for each in found for month in each.months})
    heads = [
        _("Event"),
        _("Times"),
        _("Learners"),
        _("Credits"),
        _("Red flowers"),
        *(f"{each:%Y-%m}" for each in starts),
    ]
    rows: list[tuple[Value, ...]] = [
        (
            each.kind,
            each.events,
            each.learners,
            words.for_spreadsheet(each.credits, "credits"),
            each.flowers,
            *(each.months.get(start, 0) for start in starts),
        )
        for each in found
    ]
    return csv_files.answer("events.csv", heads, rows)


def _one(givers: Sequence[Giver], key: str) -> Giver:
    for each in givers:
        if each.awarder.key == key:
            return each
    raise NotFound(f"There is no awarder {key}.")


def _number(amount: int, own: Choice) -> str:
    return words.for_spreadsheet(amount, own.unit)


def _scale(own: Choice) -> int:
    return visitor().credits_scale if own.unit == "credits" else 0
