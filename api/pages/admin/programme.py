"""/admin/programmes/<programme>: where a programme stands and what is missing, and the form that changes it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from flask import redirect, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from api.app_state import database
from api.pages import forms
from api.pages.access import allows, visitor
from api.pages.admin import programme_form
from api.pages.admin.shell import MANAGERS, REFUSALS, render_admin, way
from api.pages.forms import Form
from api.pages.frame import Pages
from pointsbank.database import Session
from pointsbank.directory import courses, figures, programmes, seen
from pointsbank.directory.courses import Course
from pointsbank.directory.figures import Figures
from pointsbank.directory.programmes import Programme
from pointsbank.errors import NotFound
from rules import versions

blp = Pages("admin_programme", __name__)

SPAN = 1000
"""The width of a timeline's drawing."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of the timeline, in parts of SPAN; `state` is before, now or over."""

    name: str
    starts_on: date
    ends_on: date
    left: int
    width: int
    state: str


@dataclass(frozen=True, slots=True)
class Step:
    """Something that the programme needs before all of it works."""

    says: str
    address: str | None


@blp.get("/admin/programmes/<key:programme>")
@allows(*MANAGERS)
def show(programme: str) -> AnyResponse:
    with database().snapshot(visitor().company_id) as session:
        found = programmes.get(session, programme)
        of_it = figures.of_programme(session, found)
        its_courses = sorted(courses.find_all(session, found).values(), key=lambda each: (each.opens_on, each.key))
        version = _rulebook_version(session, found)
    today = datetime.now(UTC).astimezone(found.zone).date()
    return render_admin(
        "pages/admin/programme.html",
        programme=found,
        figures=of_it,
        courses=its_courses,
        rulebook_version=version,
        today=today,
        phases_now=[each for each in found.phases if each.starts_on <= today <= each.ends_on],
        phase_bars=[_bar(found, each.name, each.starts_on, each.ends_on, today) for each in found.phases],
        course_bars=[_bar(found, each.name, each.opens_on, each.closes_on, today) for each in its_courses],
        mark=_position(found, today) if found.starts_on <= today <= found.ends_on else None,
        span=SPAN,
        steps=_steps(found, of_it, its_courses, version),
    )


@blp.get("/admin/programmes/<key:programme>/edit")
@allows(*MANAGERS)
def edit(programme: str) -> AnyResponse:
    with database().snapshot(visitor().company_id) as session:
        found = programmes.get(session, programme)
    return _form(found, Form(programme_form.values_of(found)))


@blp.post("/admin/programmes/<key:programme>/edit")
@allows(*MANAGERS)
def save(programme: str) -> AnyResponse:
    with database().snapshot(visitor().company_id) as session:
        found = programmes.get(session, programme)
    form = programme_form.sent()
    form = Form({**form.values, "programme": found.key})
    if (with_other_rows := programme_form.rows_changed(form)) is not None:
        return _form(found, with_other_rows)
    try:
        _put(programme, form)
    except seen.ChangedMeanwhile as error:
        with database().snapshot(visitor().company_id) as session:
            found = programmes.get(session, programme)
        form = _beside(form, found)
        if form.now:
            return _form(found, form, error.status)
    except REFUSALS as error:
        return _form(found, forms.refused(form, error, programme_form.labels(form)), error.status)
    return redirect(url_for("admin_programme.show", programme=found.key, done="saved"), 303)


def _put(programme: str, form: Form) -> None:
    _key, content = programme_form.read(form)

    def put(session: Session) -> None:
        seen.refuse_changed(form.value(forms.SEEN), programmes.get(session, programme))
        programmes.put(session, programme, **content)

    database().run(visitor().company_id, put, writes=True)


def _beside(form: Form, now: Programme) -> Form:
    """What was typed beside what stands there now; with as many rows of phases as the longer of the two has."""
    values = programme_form.values_of(now, programme_form.rows(form))
    empty = {name: "" for name in values if name.startswith("phases[")}
    return forms.meanwhile(Form({**empty, **form.values}), values)


def _form(programme: Programme, form: Form, status: int = 200) -> AnyResponse:
    return render_admin(
        "pages/admin/programme_form.html",
        status,
        programme=programme,
        form=form,
        labels=programme_form.labels(form),
        rows=programme_form.rows(form),
        edited=programme,
    )


def _rulebook_version(session: Session, programme: Programme) -> int | None:
    try:
        return int(versions.in_force(session, programme.no)["version"])
    except NotFound:
        return None


def _position(programme: Programme, day: date) -> int:
    """Where the day begins, in parts of SPAN."""
    length = (programme.ends_on - programme.starts_on).days + 1
    return max(0, min(SPAN, round((day - programme.starts_on).days * SPAN / length)))


def _bar(programme: Programme, name: str, starts_on: date, ends_on: date, today: date) -> Bar:
    left = _position(programme, starts_on)
    right = _position(programme, date.fromordinal(ends_on.toordinal() + 1))
    state = "before" if today < starts_on else "over" if today > ends_on else "now"
    return Bar(name, starts_on, ends_on, left, max(right - left, SPAN // 200), state)


def _steps(programme: Programme, of_it: Figures, its_courses: list[Course], version: int | None) -> list[Step]:
    """What is missing, in the order in which one would do it."""
    if programme.closed_at is not None:
        return []
    flowers = of_it.all_flowers
    missing = [
        (not programme.phases, _("No phases yet"), "admin_programme.edit"),
        (not its_courses, _("No courses yet"), "admin_courses.show_all"),
        (of_it.learners == 0, _("No learners yet: bring in the roster"), "admin_roster.show"),
        (of_it.learners > 0 and of_it.teams == 0, _("No teams yet"), "admin_teams.show"),
        (
            of_it.teams > 0 and of_it.without_team > 0,
            _("Learners without a team: %(number)s", number=of_it.without_team),
            "admin_teams.show",
        ),
        (of_it.awarders == 0, _("No trainers, mentors or committee members yet"), "admin_awarders.show_all"),
        (
            of_it.awarders > 0 and flowers.allotted > 0 and flowers.allotted == flowers.in_pool,
            _("Nobody has flowers to give yet"),
            "admin_awarders.show_all",
        ),
        (version is None, _("No rulebook in force yet: events earn nothing"), "admin_rulebook.show"),
        (programme.allotment is not None and of_it.credits_left == 0, _("No credits left"), "admin_programme.edit"),
    ]
    return [Step(says, way(endpoint, programme=programme.key)) for is_so, says, endpoint in missing if is_so]
