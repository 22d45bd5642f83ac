"""What is typed into fields is read as people type it, and everything that is wrong is said at once."""

from datetime import date
from typing import Any

import flask
import pytest

from api.pages import forms
from api.pages.forms import Form
from api.pages.typed import Typed
from pointsbank.directory import seen
from pointsbank.directory.programmes import Phase
from pointsbank.errors import Conflict, Invalid


@pytest.mark.parametrize(
    ("typed", "read"),
    [("12", 12), (" 1,000 ", 1000), ("１２", 12), ("+3", 3), ("1 000", 1000), ("2.0", 2), ("", None), ("  ", None)],
)
def test_whole_numbers(typed: str, read: int | None) -> None:
    found = Typed(Form({"amount": typed}))
    assert found.whole_if_any("amount") == read
    assert found.faults == []


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ("x", "must be a number."),
        ("1e999999999", "must be a number."),
        ("NaN", "must be a number."),
        ("1.5", "must be a whole number."),
        ("-1", "must lie between 0 and 100."),
        ("101", "must lie between 0 and 100."),
        ("9" * 30, "must be a number."),
    ],
)
def test_what_is_no_number(typed: str, fault: str) -> None:
    found = Typed(Form({"amount": typed}))
    found.whole("amount", most=100)
    assert found.faults == [("amount", fault)]


def test_everything_that_is_wrong_is_said_at_once() -> None:
    found = Typed(Form({"id": " a/b", "name": " ", "from": "2021-02-30", "until": "1000-01-01"}))
    found.key("id"), found.name("name"), found.day("from"), found.day_if_any("until"), found.day("none")
    with pytest.raises(Invalid) as refused:
        found.refuse()
    assert dict(refused.value.errors) == {
        "id": "must not contain a slash.",
        "name": "must not be empty.",
        "from": "must be a date of the calendar such as 2021-07-01.",
        "until": "must lie in the years 1900 to 2199.",
        "none": "must not be empty.",
    }


def test_a_mark_is_of_the_content() -> None:
    phase = Phase("a", "融入期", date(2021, 7, 1), date(2021, 9, 30))
    mark = seen.mark(phase)
    seen.refuse_changed(mark, Phase("a", "融入期", date(2021, 7, 1), date(2021, 9, 30)))
    with pytest.raises(seen.ChangedMeanwhile):
        seen.refuse_changed(mark, Phase("a", "融入期", date(2021, 7, 1), date(2021, 9, 29)))
    with pytest.raises(Conflict, match="taken already"):
        seen.refuse_taken("course", True)


def test_what_stands_there_now_is_shown_beside_what_was_typed(app: flask.Flask) -> None:
    source = """{% from "pages/forms.html" import field, faults_of, seen %}{{ seen(form) }}{{ faults_of(form) }}
    {{ field(form, "name", "Name") }}{{ field(form, "kind", "Kind", "select", options=[("a", "A>"), ("b", "B")]) }}
    {{ field(form, "same", "Same") }}"""
    now: dict[str, Any] = {"name": "<i>", "kind": "a", "same": "x", "seen": "new"}
    with app.test_request_context("/admin?lang=en"):
        form = forms.meanwhile(Form({"name": "mine", "kind": "b", "same": "x", "seen": "old"}), now)
        html = flask.render_template_string(source, form=form)
    assert 'name="seen" value="new"' in html
    assert 'value="mine"' in html
    assert "Stands there now: <bdi>&lt;i&gt;</bdi>" in html
    assert "Stands there now: <bdi>A&gt;</bdi>" in html
    assert html.count("Stands there now") == 2
    assert form.has_faults
