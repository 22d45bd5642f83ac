"""…/courses/<course>/close: what closing a course would give whom, and doing it; of a closed one, what it gave."""

from dataclasses import dataclass

from flask import redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from api.app_state import database
from api.pages import forms
from api.pages.access import allows, visitor
from api.pages.admin import courses as pages_of_courses
from api.pages.admin.shell import MANAGERS, render_admin
from api.pages.forms import SEEN
from ledger.errors import InsufficientFunds
from pointsbank.database import Session
from pointsbank.directory import courses, programmes, seen
from pointsbank.directory.courses import Course
from pointsbank.directory.programmes import Programme
from pointsbank.errors import Closed
from rules import closing
from rules.closing import Closing

blp = pages_of_courses.blp
"""Closing is a part of it."""

ITEMS = 200
"""Learners of a page."""


@dataclass(frozen=True, slots=True)
class Sums:
    learners: int
    flowers: int
    converted: int
    expired: int
    credits: int


@blp.get("/admin/programmes/<key:programme>/courses/<key:course>/close")
@allows(*MANAGERS)
def show_closing(programme: str, course: str) -> AnyResponse:
    return _show(programme, course)


@blp.post("/admin/programmes/<key:programme>/courses/<key:course>/close")
@allows(*MANAGERS)
def close(programme: str, course: str) -> AnyResponse:
    mark = forms.sent().value(SEEN)

    def work(session: Session) -> None:
        seen.refuse_changed(mark, _content(closing.preview(session, programme, course)))
        closing.close(session, programme, course)

    try:
        database().run(visitor().company_id, work, writes=True)
    except seen.ChangedMeanwhile as error:
        says = _("Something has changed since you looked. This is what closing would do now.")
        return _show(programme, course, says, error.status)
    except InsufficientFunds as error:
        return _show(programme, course, status=error.status)
    except Closed as error:
        return _show(programme, course, forms.said(error.detail), error.status)
    address = url_for("admin_courses.show_closing", programme=programme, course=course, done="closed")
    return redirect(address, 303)


def _show(programme: str, course: str, fault: str | None = None, status: int = 200) -> AnyResponse:
    offset = request.args.get("from", 0, type=int)
    with database().snapshot(visitor().company_id) as session:
        found = programmes.get(session, programme)
        its = courses.get(session, found, course)
        planned = closing.preview(session, programme, course)
    items = planned.items[max(offset, 0) : max(offset, 0) + ITEMS]
    return render_admin(
        "pages/admin/course_closing.html",
        status,
        programme=found,
        course=its,
        closing=planned,
        sums=_sums(planned),
        items=items,
        short=set(planned.short),
        offset=max(offset, 0),
        further=max(offset, 0) + ITEMS if len(planned.items) > max(offset, 0) + ITEMS else None,
        mark=seen.mark(_content(planned)),
        fault=fault,
        can_close=_can_close(found, its, planned),
        done=_("The course is closed.") if request.args.get("done") == "closed" else None,
    )


def _can_close(programme: Programme, course: Course, planned: Closing) -> bool:
    """A closed course can be closed again for whom there are flowers once more."""
    if planned.short or (programme.closed_at is not None and course.closed_at is None):
        return False
    return course.closed_at is None or any(item.entry_id is None for item in planned.items)


def _content(planned: Closing) -> list[object]:
    """What is decided about: who gets what by which rules."""
    return [planned.closed_at, planned.rulebook_version, planned.items, planned.short]


def _sums(planned: Closing) -> Sums:
    return Sums(
        len(planned.items),
        sum(item.flowers for item in planned.items),
        sum(item.converted for item in planned.items),
        sum(item.expired for item in planned.items),
        sum(item.credits for item in planned.items),
    )
