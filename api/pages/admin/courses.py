"""…/courses: the courses of a programme, their flowers, and the form of one; closing them is in `course_closing`."""

from datetime import UTC, datetime

from flask import redirect, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from api.app_state import database
from api.pages import forms
from api.pages.access import allows, visitor
from api.pages.admin.shell import MANAGERS, REFUSALS, render_admin
from api.pages.forms import SEEN, Form
from api.pages.frame import Pages
from api.pages.typed import Typed
from pointsbank.database import Session
from pointsbank.directory import courses, figures, programmes, seen
from pointsbank.directory.courses import Course
from pointsbank.directory.days import end_of, start_of
from pointsbank.directory.figures import Flowers
from pointsbank.directory.programmes import Programme

blp = Pages("admin_courses", __name__)


@blp.get("/admin/programmes/<key:programme>/courses")
@allows(*MANAGERS)
def show_all(programme: str) -> AnyResponse:
    with database().snapshot(visitor().company_id) as session:
        found = programmes.get(session, programme)
        its_courses = courses.find_all(session, found)
        flowers = figures.of_flowers(session, found)
    rows = [
        (each, start_of(each.opens_on, found.zone), end_of(each.closes_on, found.zone), flowers[each.key])
        for each in sorted(its_courses.values(), key=lambda each: (each.opens_on, each.closes_on, each.key))
    ]
    return render_admin("pages/admin/courses.html", programme=found, rows=rows, kinds=_kinds(), now=datetime.now(UTC))


@blp.get("/admin/programmes/<key:programme>/new-course")
@allows(*MANAGERS)
def new(programme: str) -> AnyResponse:
    with database().snapshot(visitor().company_id) as session:
        found = programmes.get(session, programme)
    days = {"opens_on": str(found.starts_on), "closes_on": str(found.ends_on)}
    return _form(found, Form({"kind": courses.KINDS[0], "flowers": "0", **days}))


@blp.post("/admin/programmes/<key:programme>/new-course")
@allows(*MANAGERS)
def make(programme: str) -> AnyResponse:
    with database().snapshot(visitor().company_id) as session:
        found = programmes.get(session, programme)
    form = forms.sent()
    try:
        _put(programme, form, None)
    except REFUSALS as error:
        return _form(found, forms.refused(form, error, _labels()), status=error.status)
    return redirect(url_for("admin_courses.show_all", programme=programme, done="made"), 303)


@blp.get("/admin/programmes/<key:programme>/courses/<key:course>")
@allows(*MANAGERS)
def edit(programme: str, course: str) -> AnyResponse:
    found, its, flowers = _find(programme, course)
    return _form(found, Form(_values(its)), its, flowers)


@blp.post("/admin/programmes/<key:programme>/courses/<key:course>")
@allows(*MANAGERS)
def save(programme: str, course: str) -> AnyResponse:
    found, its, flowers = _find(programme, course)
    form = forms.sent()
    try:
        _put(programme, form, its)
    except seen.ChangedMeanwhile as error:
        found, its, flowers = _find(programme, course)
        form = forms.meanwhile(form, _values(its))
        if form.now:
            return _form(found, form, its, flowers, error.status)
    except REFUSALS as error:
        return _form(found, forms.refused(form, error, _labels()), its, flowers, error.status)
    return redirect(url_for("admin_courses.show_all", programme=programme, done="saved"), 303)


def _put(programme: str, form: Form, edited: Course | None) -> None:
    typed = Typed(form)
    key = typed.key("course") if edited is None else edited.key
    name, kind, flowers = typed.name("name"), form.value("kind"), typed.whole("flowers")
    opens_on, closes_on = typed.day("opens_on"), typed.day("closes_on")
    typed.refuse()

    def put(session: Session) -> None:
        known = courses.find_all(session, programmes.get(session, programme))
        if edited is None:
            seen.refuse_taken("course", key in known)
        else:
            seen.refuse_changed(form.value(SEEN), known[key])
        courses.put(
            session, programme, key, name=name, kind=kind, flowers=flowers, opens_on=opens_on, closes_on=closes_on
        )

    database().run(visitor().company_id, put, writes=True)


def _find(programme: str, course: str) -> tuple[Programme, Course, Flowers]:
    with database().snapshot(visitor().company_id) as session:
        found = programmes.get(session, programme)
        its = courses.get(session, found, course)
        return found, its, figures.of_flowers(session, found)[its.key]


def _values(its: Course) -> dict[str, str]:
    return {
        "name": its.name,
        "kind": its.kind,
        "flowers": str(its.flowers),
        "opens_on": str(its.opens_on),
        "closes_on": str(its.closes_on),
        SEEN: seen.mark(its),
    }


def _labels() -> dict[str, str]:
    return {
        "course": _("ID"),
        "name": _("Name"),
        "kind": _("Kind"),
        "flowers": _("Flowers to give"),
        "opens_on": _("First day"),
        "closes_on": _("Last day"),
    }


def _kinds() -> dict[str, str]:
    return {"structured": _("Structured course"), "practical": _("Practical training")}


def _form(
    programme: Programme, form: Form, edited: Course | None = None, flowers: Flowers | None = None, status: int = 200
) -> AnyResponse:
    return render_admin(
        "pages/admin/course.html",
        status,
        programme=programme,
        form=form,
        labels=_labels(),
        kinds=_kinds(),
        edited=edited,
        flowers=flowers,
    )
