"""Warnings of a run in words: what is the matter, what to do about it, and where."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from flask_babel import gettext as _
from flask_babel import ngettext

from api.pages.admin.shell import way_to
from api.pages.showing import whole
from pointsbank.database import Session
from pointsbank.directory import courses
from pointsbank.directory.programmes import Programme


class Warned(NamedTuple):
    """`way` is an address where it is put right, and `where` what is found there."""

    title: str
    advice: str
    way: str | None = None
    where: str = ""


def in_words(session: Session, programme: Programme, warnings: Iterable[Mapping[str, Any]]) -> list[Warned]:
    names = {key: course.name for key, course in courses.find_all(session, programme).items()}
    return [_of(programme, names, each) for each in warnings]


def _of(programme: Programme, names: Mapping[str, str], warning: Mapping[str, Any]) -> Warned:
    if warning["warning"] == "course-open":
        course = names.get(warning["course"], warning["course"])
        title = ngettext(
            "The course “%(course)s” is still open: %(flowers)s flowers of %(learners)s learner are not credits yet.",
            "The course “%(course)s” is still open: %(flowers)s flowers of %(learners)s learners are not credits yet.",
            warning["learners"],
            course=course,
            flowers=whole(warning["flowers"]),
            learners=whole(warning["learners"]),
        )
        advice = _("Close the course first, then make a new preview; or issue anyway, and these flowers do not count.")
        return Warned(title, advice, way_to("admin_courses.show_all", programme=programme.key), _("Courses"))
    if warning["warning"] == "glyph-missing" and "text" in warning:
        return _of_glyph(warning)
    if warning["warning"] == "glyph-missing":
        return Warned(_("Further names cannot be shown on paper, either."), _advice_of_glyphs())
    return Warned(
        _("Nobody knows whether all names can be shown on paper: PDFs are not installed on this server."),
        _("Have the extra “certificates” installed. What is issued without it is valid, and gets its PDF later."),
    )


def _of_glyph(warning: Mapping[str, Any]) -> Warned:
    characters = " ".join(each[-1] for each in warning["characters"])
    learner = warning.get("learner")
    if learner is None:
        title = _(
            "“%(text)s” cannot be printed: no font has %(characters)s", text=warning["text"], characters=characters
        )
        return Warned(title, _advice_of_glyphs())
    title = _(
        "The name %(name)s (%(learner)s) cannot be printed: no font has %(characters)s",
        name=warning["text"],
        learner=learner,
        characters=characters,
    )
    return Warned(title, _advice_of_glyphs(), way_to("admin_learners.show", learner=learner), _("The learner"))


def _advice_of_glyphs() -> str:
    return str(_("Correct the text first; issued as it is, the certificate is valid but has no PDF."))
