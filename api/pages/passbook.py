"""/me: a learner's passbook (积分存折): what was earned, with whom it compares, and what it leads to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from flask import Response, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from api.app_state import database, state
from api.pages import garden, passbook_lines
from api.pages.access import allows, visitor
from api.pages.frame import Pages, language, render
from api.paging import decode_cursor, encode_cursor
from ledger import balances, statements
from ledger.statements import Wanted
from pointsbank.database import Session
from pointsbank.directory import courses, enrolments, teams
from pointsbank.directory.courses import Course
from pointsbank.directory.days import end_of, start_of
from pointsbank.directory.faults import FIRST_YEAR, LAST_YEAR
from pointsbank.directory.programmes import Programme
from pointsbank.errors import NotFound
from pointsbank.leaderboards import periods
from pointsbank.leaderboards.boards import Board, Scope
from pointsbank.leaderboards.reading import View
from pointsbank.leaderboards.standings import Standings, standings
from rules import eligibility, versions
from rules.certification import register
from rules.certification.register import Filters
from rules.eligibility import Eligibility
from rules.parts import Rulebook

blp = Pages("passbook", __name__)

LINES = 30
"""Of a page."""
CERTIFICATES = 100
CSV_LINES = 500
"""Read at once."""
CREDITS = "credits"


@dataclass(frozen=True, slots=True)
class Standing:
    """Rank among `size`, with `score`; to the next better one `distance` more is needed, None for who is first."""

    of: str
    score: int
    rank: int
    size: int
    next_rank: int | None
    distance: int | None


@dataclass(frozen=True, slots=True)
class Choice:
    """What the reader wants to see: one programme, one unit, from and to a day, only what came in or went out."""

    programme: Programme | None
    programmes: list[Programme]
    courses: Mapping[str, Course]
    unit: str
    wanted: Wanted
    fields: dict[str, str]
    """As it was given, for the form."""

    @property
    def is_narrowed(self) -> bool:
        return any(self.fields.values())


@blp.get("/me")
@allows("learner")
def show() -> AnyResponse:
    cursor = request.args.get("cursor")
    after = None if not cursor else tuple(decode_cursor(cursor, [int, int]))
    learner, key = _learner()
    with database().snapshot(visitor().company_id) as session:
        choice = _choice(session, learner)
        rulebook = _rulebook(session, choice.programme)
        page = statements.search(session, learner, choice.unit, LINES, choice.wanted, after)
        held = {each.unit: each for each in balances.of_learner(session, learner)}
        progress = _progress(session, choice.programme, rulebook, learner)
        certificates = register.page(session, Filters(learner=key), CERTIFICATES)
        in_team = _in_team(session, choice.programme, learner, key)
    return render(
        "pages/passbook.html",
        choice=choice,
        credits=held[CREDITS],
        beds=_beds(choice.courses, held),
        standings=[each for each in (_in_programme(choice.programme, key), in_team) if each is not None],
        progress=progress,
        certificates=[(each, each.status_at(register.now())) for each in reversed(certificates)],
        lines=passbook_lines.lines(page.items, _rule_names(rulebook), choice.courses, language()),
        units=_units(choice),
        older=None if page.next is None else encode_cursor(page.next[:2]),
        is_first=after is None,
        said=language(),
    )


@blp.get("/me/passbook.csv")
@allows("learner")
def as_csv() -> AnyResponse:
    """All lines that the page would show, on however many pages."""
    learner = _learner()[0]
    rows: list[passbook_lines.Line] = []
    with database().snapshot(visitor().company_id) as session:
        choice = _choice(session, learner)
        names = _rule_names(_rulebook(session, choice.programme))
        after: tuple[int, int] | None = None
        while True:
            page = statements.search(session, learner, choice.unit, CSV_LINES, choice.wanted, after)
            rows += passbook_lines.lines(page.items, names, choice.courses, language())
            if page.next is None:
                break
            after = page.next[:2]
    heads = {
        "number": _("Entry"),
        "occurred_at": _("Time"),
        "what": _("Reason"),
        "giver": _("Given by"),
        "rule": _("Rule"),
        "course": _("Course"),
        "amount": _("Amount"),
        "balance": _("Balance"),
    }
    response = Response(passbook_lines.as_csv(rows, heads), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="passbook.csv"'
    return response


def _learner() -> tuple[int, str]:
    """Number and HR's id of who is signed in."""
    who = visitor()
    assert who.learner_no is not None, "the role learner has one"
    assert who.learner is not None, "the role learner has one"
    return who.learner_no, who.learner


# --- what is wanted ---


def _choice(session: Session, learner: int) -> Choice:
    """Raises NotFound for a programme of others, or a unit that there is not."""
    programmes = enrolments.programmes_of(session, learner)
    key = request.args.get("programme") or (programmes[0].key if programmes else None)
    programme = next((each for each in programmes if each.key == key), None)
    if key is not None and programme is None:
        raise NotFound("You take part in no such programme.")
    own = {} if programme is None else courses.find_all(session, programme)
    unit = request.args.get("unit") or CREDITS
    if unit != CREDITS and unit not in {each.unit_code for each in own.values()}:
        raise NotFound("There is no such unit.")
    zone = ZoneInfo(visitor().timezone)
    first, last = _day("from"), _day("to")
    moves = request.args.get("moves")
    wanted = Wanted(
        None if first is None else start_of(first, zone),
        None if last is None else end_of(last, zone),
        "in" if moves == "in" else "out" if moves == "out" else None,
    )
    fields = {"from": first.isoformat() if first else "", "to": last.isoformat() if last else "", "moves": moves or ""}
    return Choice(programme, programmes, own, unit, wanted, fields)


def _day(name: str) -> date | None:
    """What is no day, or of a year that nothing can be of, is as if it were not given."""
    try:
        found = date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None
    return found if FIRST_YEAR <= found.year <= LAST_YEAR else None


def _units(choice: Choice) -> list[tuple[str, str]]:
    """Those of the programme, with what they are called."""
    flowers = sorted(choice.courses.values(), key=lambda each: (each.opens_on, each.no))
    return [(CREDITS, _("Credits"))] + [
        (each.unit_code, _("Flowers: %(course)s", course=each.name)) for each in flowers
    ]


# --- what there is ---


def _rulebook(session: Session, programme: Programme | None) -> Rulebook | None:
    try:
        return None if programme is None else versions.rulebook_in_force(session, programme.no)[1]
    except NotFound:
        return None


def _rule_names(rulebook: Rulebook | None) -> dict[str, Mapping[str, str]]:
    return {} if rulebook is None else {rule.key: rule.name for rule in rulebook.earning if rule.name is not None}


def _progress(
    session: Session, programme: Programme | None, rulebook: Rulebook | None, learner: int
) -> list[Eligibility]:
    if programme is None or rulebook is None:
        return []
    return eligibility.evaluate(session, programme, rulebook, [learner], eligibility.as_of(session, None))[learner]


def _beds(own: Mapping[str, Course], held: Mapping[str, balances.Balance]) -> list[garden.Bed]:
    beds = []
    for course in sorted(own.values(), key=lambda each: (each.opens_on, each.no)):
        there = held.get(course.unit_code)
        earned, in_hand = (0, 0) if there is None else (there.earned, there.balance)
        is_closed = course.closed_at is not None
        beds.append(garden.bed(course.name, course.unit_code, max(0, earned), in_hand, is_closed))
    return beds


def _board(programme: Programme) -> Board:
    return Board(Scope(programme.key), "credits", "learners", periods.parse(periods.ALL), "sum")


def _in_programme(programme: Programme | None, key: str) -> Standing | None:
    if programme is None:
        return None
    view = View(_board(programme), limit=1, around=key)
    return _standing(programme.name, state().leaderboards.page(visitor().company_id, view).standings)


def _in_team(session: Session, programme: Programme | None, learner: int, key: str) -> Standing | None:
    team = None if programme is None else teams.of_learner(session, programme, learner)
    if programme is None or team is None:
        return None
    name, members = team
    return _standing(name, standings(session, _board(programme), 1, around=key, among=members))


def _standing(of: str, found: Standings) -> Standing:
    (row,) = found.rows
    ahead = found.ahead
    return Standing(
        of, int(row.score), row.rank, found.size, ahead and ahead.rank, int(ahead.distance) if ahead else None
    )
