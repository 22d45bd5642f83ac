"""Forms keep what was typed, and say what is wrong beside the field, in the page's language."""

import flask

from api.pages import forms
from pointsbank.errors import Conflict, Invalid
from pointsbank.saying import Said, say


def test_what_is_said_is_text_with_its_form() -> None:
    said = say("must have at most %(most)s characters.", most=200)
    assert said == "must have at most 200 characters."
    assert (said.form, said.values) == ("must have at most %(most)s characters.", {"most": 200})
    assert say("100% of it") == "100% of it"


def test_faults_stand_beside_their_fields(app: flask.Flask) -> None:
    long = say("must have at most %(most)s characters.", most=200)
    error = Invalid("several", errors=[("name", long), ("phases[0].key", "b"), ("phases[1].key", "c"), ("zone", "d")])
    with app.test_request_context("/admin?lang=zh"):
        form = forms.refused(forms.Form({"name": "x"}), error, ("name", "phases"))
        assert form.value("name") == "x"
        assert form.faults == {"name": "最多 200 个字符。", "phases": "b"}
        assert form.others == ("zone: d",)
        assert forms.refused(forms.Form(), Conflict("taken"), ()).others == ("taken",)
    with app.test_request_context("/admin?lang=en"):
        assert forms.refused(forms.Form(), error, ("name",)).faults["name"] == "must have at most 200 characters."


def test_said_survives_json(app: flask.Flask) -> None:
    assert app.json.dumps({"message": say("must be text.")}) == '{"message":"must be text."}'
    assert isinstance(say("must be text."), Said)


def test_a_field_is_told_what_is_wrong_with_it(app: flask.Flask) -> None:
    source = '{% from "pages/forms.html" import field %}{{ field(form, "name", "L", hint="H", more={"maxlength": 9}) }}'
    with app.test_request_context("/admin?lang=en"):
        form = forms.Form({"name": '"><script>'}, {"name": "must be <b>."})
        html = flask.render_template_string(source, form=form)
        assert 'value="&#34;&gt;&lt;script&gt;"' in html
        assert 'aria-describedby="name-hint name-fault" aria-invalid="true" maxlength="9"' in html
        assert '<span class="wrong" id="name-fault">must be &lt;b&gt;.</span>' in html
        assert "aria-invalid" not in flask.render_template_string(source, form=forms.Form())
