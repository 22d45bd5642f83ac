"""/admin/entries: the journal, searched; and all that was found, for spreadsheets."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from api.app_state import database
from api.pages import csv_files
from api.pages.access import allows, visitor
from api.pages.admin.entries import words
from api.pages.admin.shell import MANAGERS, render_admin
from api.pages.forms import Form
from api.pages.frame import Pages
from api.paging import decode_cursor, encode_cursor
from ledger import entries
from ledger.entries import Filters
from ledger.identity import number_of
from pointsbank.database import Session
from pointsbank.directory import awarders, courses, learner_search, learners, programmes
from pointsbank.directory.days import end_of, start_of
from pointsbank.directory.faults import FIRST_YEAR, LAST_YEAR
from pointsbank.directory.learners import Learner
from pointsbank.directory.names import Names
from pointsbank.errors import NotFound
from rules import versions

blp = Pages("admin_entries", __name__)

ENTRIES = 30
"""Of a page."""
MOST_IN_CSV = 50_000
"""Entries."""
CSV_TOGETHER = 250
"""Read at once."""
CHOICES = 500
"""Programmes, and awarders of one, that can be chosen."""
LIKE = 20
"""Learners offered for a part of a name."""
FIELDS = ("learner", "programme", "course", "awarder", "kind", "source", "key", "from", "to")
MAX_NUMBER = 2**62


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for. `like` are the learners that may be meant where none has that id; then nothing is searched
    for."""

    form: Form
    filters: Filters
    like: list[Learner]
    is_clear: bool


@blp.get("/admin/entries")
@allows(*MANAGERS)
def find() -> AnyResponse:
    number = request.args.get("number", "").strip()
    if number.isascii() and number.isdigit() and 0 < int(number) < MAX_NUMBER:
        return redirect(url_for("admin_entries.show", number=int(number)), 303)
    cursor = request.args.get("cursor")
    after = None if not cursor else int(decode_cursor(cursor, [int])[0])
    with database().snapshot(visitor().company_id) as session:
        asked = _asked(session)
        found = entries.search(session, asked.filters, after, ENTRIES) if asked.is_clear else None
        items = [] if found is None else entries.load(session, found.numbers)
        names = words.names_of(session, items)
        choices = _choices(session, asked.filters.programme)
        rules = _rules(session, items)
    return render_admin(
        "pages/admin/entries.html",
        asked=asked,
        form=asked.form,
        items=items,
        names=names,
        words=words,
        rules=rules,
        choices=choices,
        is_narrow=any(asked.form.values.values()),
        is_first=after is None,
        is_cut=found is not None and found.is_cut,
        older=None if found is None or found.next is None else encode_cursor([found.next]),
        looked_to=None if found is None else found.next,
        most_in_csv=MOST_IN_CSV,
    )


@dataclass(frozen=True, slots=True)
class Choices:
    """Ids and names; courses and awarders are those of the programme that was chosen. `kinds` may be typed; of these,
    `own` are the service's."""

    programmes: list[tuple[str, str]]
    courses: list[tuple[str, str]]
    awarders: list[tuple[str, str]]
    kinds: dict[str, str]
    own: frozenset[str]


def _choices(session: Session, programme: str | None) -> Choices:
    every = programmes.page(session, CHOICES)
    kinds = words.kinds()
    found = Choices([(each.key, each.name) for each in every], [], [], kinds, frozenset(kinds))
    own = next((each for each in every if each.key == programme), None)
    if own is not None:
        opened = sorted(courses.find_all(session, own).values(), key=lambda each: (each.opens_on, each.no))
        found.courses.extend((each.key, each.name) for each in opened)
        found.awarders.extend((each.key, each.name) for each in awarders.page(session, own, CHOICES))
        with suppress(NotFound):
            kinds.update((rule.on, rule.on) for rule in versions.rulebook_in_force(session, own.no)[1].earning)
    return found


def _rules(session: Session, items: list[dict[str, Any]]) -> dict[str, Mapping[str, str]]:
    """Names of the earning rules in force in these entries' programmes."""
    found: dict[str, Mapping[str, str]] = {}
    for key in sorted({item["programme"] for item in items if item["programme"] is not None}):
        with suppress(NotFound):
            rulebook = versions.rulebook_in_force(session, programmes.get(session, key).no)[1]
            found |= {rule.key: rule.name for rule in rulebook.earning if rule.name is not None}
    return found


def _asked(session: Session) -> Asked:
    values = {name: request.args.get(name, "").replace("\0", "").strip() for name in FIELDS}
    faults, days = {}, {}
    for name in ("from", "to"):
        days[name] = _day(values[name])
        if values[name] and days[name] is None:
            faults[name] = str(_("Enter a day, such as 2022-06-30."))
    like = _like(session, values["learner"])
    if values["learner"] and not like:
        faults["learner"] = str(_("Nobody has this ID or name."))
    learner = like[0].key if len(like) == 1 else None
    if learner is not None:
        values["learner"] = learner
    zone = ZoneInfo(visitor().timezone)
    filters = Filters(
        source=values["source"] or None,
        key=values["key"] or None,
        kind=values["kind"] or None,
        learner=learner,
        programme=values["programme"] or None,
        course=values["course"] or None,
        awarder=values["awarder"] or None,
        occurred_from=None if days["from"] is None else start_of(days["from"], zone),
        occurred_to=None if days["to"] is None else end_of(days["to"], zone),
    )
    is_clear = not faults and len(like) <= 1
    return Asked(Form(values, faults), filters, like if len(like) > 1 else [], is_clear)


def _like(session: Session, typed: str) -> list[Learner]:
    """The learner with this id, else those with this in their names."""
    if not typed:
        return []
    if typed in learners.find_numbers(session, [typed]):
        return [learners.get(session, typed)]
    return learner_search.search(session, typed, "", datetime.now(UTC).date(), LIKE)


def _day(typed: str) -> date | None:
    try:
        found = date.fromisoformat(typed)
    except ValueError:
        return None
    return found if FIRST_YEAR <= found.year < LAST_YEAR else None


# --- for spreadsheets ---


@blp.get("/admin/entries.csv")
@allows(*MANAGERS)
def as_csv() -> Response:
    """A line for each transfer, or for an entry without any, of the newest entries that were found."""
    company_id = visitor().company_id
    with database().snapshot(company_id) as session:
        asked = _asked(session)
    rows = _rows(company_id, asked.filters) if asked.is_clear else iter([])
    return csv_files.answer("entries.csv", _heads(), rows)


def _rows(company_id: int, filters: Filters) -> Iterator[list[csv_files.Value]]:
    after: int | None = None
    left = MOST_IN_CSV
    while left > 0:
        with database().snapshot(company_id) as session:
            found = entries.search(session, filters, after, min(left, CSV_TOGETHER))
            items = entries.load(session, found.numbers)
            names = words.names_of(session, items)
        for item in items:
            yield from _rows_of(item, names)
        left -= len(items)
        after = found.next
        if after is None:
            return
    if after is not None:
        yield [_("Older entries are left out: narrow the search.")]


def _rows_of(item: dict[str, Any], names: Names) -> Iterator[list[csv_files.Value]]:
    programme = item["programme"]

    def named(what: str) -> str | None:
        return None if item[what] is None else names.of(what, item[what], programme)  # type: ignore[arg-type]  # its words

    first: list[csv_files.Value] = [item["number"], item["occurred_at"], item["recorded_at"], item["kind"]]
    first += [item["source"], item["key"], None if programme is None else names.of("programme", programme)]
    first += [named("course"), item["learner"], None, named("team"), named("awarder"), item["reason"], item["note"]]
    if item["learner"] is not None:
        first[9] = names.of("learner", item["learner"])
    last: list[csv_files.Value] = [number_in(item["reverses"]), number_in(item["reversed_by"])]
    for each in item["transfers"]:
        accounts = [words.account_of(each[side], each["unit"], names, programme) for side in ("debit", "credit")]
        yield [*first, each["amount"], each["unit"], *accounts, each["rule"], *last]
    if not item["transfers"]:
        yield [*first, None, None, None, None, None, *last]


def number_in(entry: str | None) -> int | None:
    """The number of the entry with that id."""
    return None if entry is None else number_of(visitor().company_id, entry)


def _heads() -> list[str]:
    return [
        _("Entry"),
        _("Happened"),
        _("Recorded"),
        _("Kind"),
        _("Source"),
        _("Event ID"),
        _("Programme"),
        _("Course"),
        _("ID"),
        _("Learner"),
        _("Team"),
        _("Given by"),
        _("Reason"),
        _("Note"),
        _("Amount"),
        _("Unit"),
        _("Out of"),
        _("Into"),
        _("Rule"),
        _("Reverses"),
        _("Reversed by"),
    ]
