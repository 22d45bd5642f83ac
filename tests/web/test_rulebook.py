"""The rulebook in the administration: looked at while it is written, saved, tried, compared, put in force."""

import json
import re
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from api.pages.admin.rulebook.ground import in_order
from api.pages.admin.rulebook.json_lines import find_lines
from api.pages.admin.rulebook.offered import DEFAULTS, SCOPES
from pointsbank.demo.rulebook import RULEBOOK
from rules.criteria import FACTS, parse_criterion
from tests.api.conftest import Caller
from tests.web.conftest import Reader

PAGE = "/admin/programmes/2021/rulebook"
NDJSON = "application/x-ndjson"
BAD_NAME = "<script>alert(1)</script>\u202e"


def rulebook(amount: object = 2, name: str = "得分") -> dict[str, Any]:
    award = {"unit": "credits", "amount": amount}
    return {"earning": [{"key": "scored", "name": {"zh": name, "en": name}, "on": "scored", "award": award}]}


class Editor:
    """Who edits the rulebook, and what the page's script would send."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.token = re.search('data-token="([0-9a-f]+)"', reader.get(PAGE).text)[1]  # type: ignore[index]

    def boot(self, path: str = PAGE) -> dict[str, Any]:
        found = re.search('<script type="application/json" id="boot">(.*?)</script>', self.reader.get(path).text)
        assert found is not None
        boot: dict[str, Any] = json.loads(found[1])
        return boot

    def send(self, path: str, body: object, accept: str = "application/json") -> Any:
        headers = {"X-CSRF-Token": self.token, "Accept": accept}
        return self.reader.open(f"{PAGE}{path}", "POST", json=body, headers=headers)

    def check(self, text: str) -> dict[str, Any]:
        return dict(self.send("/check", {"text": text}).get_json())

    def save(self, document: object, instead_of: str = "none") -> Any:
        return self.send("/draft", {"text": json.dumps(document), "instead_of": instead_of})

    def lines(self, path: str, body: object) -> list[dict[str, Any]]:
        answer = self.send(path, body, NDJSON)
        assert (answer.status_code, answer.mimetype) == (200, NDJSON), answer.text
        return [orjson.loads(line) for line in answer.data.splitlines()]


@pytest.fixture
def editor(programme: Caller, reader: Reader) -> Editor:
    """HR of a company where four events of 2 credits each are booked by version 1."""
    programme.put("/v1/programmes/2021/rulebook/draft", rulebook())
    programme.post("/v1/programmes/2021/rulebook/draft/activate")
    events = [event(n) for n in range(1, 5)]
    assert programme.events(events).get_json()["booked"] == 4
    reader.user("hr", "hr", shown=BAD_NAME)
    return Editor(reader.become("hr"))


def event(number: int) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"e{number}",
        "source": "urn:lms",
        "type": "scored",
        "subject": f"2021000{number}",
        "time": f"2021-10-18T09:3{number}:00+08:00",
        "data": {"programme": "2021", "score": 10 * number},
    }


def test_the_editor_begins_with_the_draft_else_with_what_is_in_force(editor: Editor) -> None:
    boot = editor.boot()
    assert json.loads(boot["text"]) == rulebook() == json.loads(boot["was"])
    assert (boot["instead_of"], boot["is_saved"]) == ("none", False)
    assert boot["looked_at"]["words"] == {"earning[0]": "For each event “scored”: 2 credits."}
    assert boot["offered"]["kinds"] == [
        {"type": "scored", "events": 4, "fields": {"programme": ["2021"], "score": [10, 20, 30, 40]}}
    ]
    saved = editor.save(rulebook(3)).get_json()
    boot = editor.boot()
    assert (json.loads(boot["text"]), boot["instead_of"], boot["is_saved"]) == (rulebook(3), saved["instead_of"], True)
    old = editor.boot(f"{PAGE}?version=1")
    assert (json.loads(old["text"]), json.loads(old["was"])) == (rulebook(), rulebook(3))
    assert editor.reader.get(f"{PAGE}?version=9").status_code == 404


def test_faults_are_told_at_once_with_their_lines_in_the_language_of_the_page(editor: Editor) -> None:
    text = (
        '{\n  "earning": [\n    {"key": "a",\n     "on": "",\n     "award": {"unit": "credits", "amount": -1}}\n  ]\n}'
    )
    editor.reader.language = "zh"
    assert editor.check(text)["faults"] == [
        {"path": "earning[0].on", "message": "必须是 1 到 256 个字符的文本", "line": 4},
        {
            "path": "earning[0].award.amount",
            "message": "必须是 0 到 9007199254740991 之间的整数，或文本形式的 CEL 表达式",
            "line": 5,
        },
    ]
    editor.reader.language = "en"
    assert [each["message"][:10] for each in editor.check(text)["faults"]] == ["must be te", "must be a "]
    (fault,) = editor.check('{\n  "earning": [}')["faults"]
    assert (fault["line"], fault["message"][:7]) == (2, "Line 2,")
    (fault,) = editor.check('{"earning": [],\n "earning": []}')["faults"]
    assert fault == {"path": "earning", "message": "stands here twice", "line": 2}
    unknown = {"certificates": [certificate({"fact": "flowers", "in": "course:none", "at_least": 1})]}
    assert editor.check(json.dumps(unknown))["faults"][0]["path"] == "certificates[0].criteria.in"
    many = editor.check(json.dumps({"earning": [{}] * 60}))
    assert (len(many["faults"]), many["more"]) == (100, 80)


def certificate(criteria: dict[str, Any]) -> dict[str, Any]:
    return {"key": "c", "kind": "points", "name": {"zh": "证", "en": "C"}, "criteria": criteria}


def test_a_draft_with_faults_is_not_saved(editor: Editor) -> None:
    answer = editor.save(rulebook(-1))
    assert (answer.status_code, answer.get_json()["faults"][0]["path"]) == (422, "earning[0].award.amount")
    assert editor.boot()["instead_of"] == "none"
    for body in (b"{", b"[]", b'{"text": 7}'):
        headers = {"X-CSRF-Token": editor.token, "Accept": "application/json"}
        assert editor.reader.open(f"{PAGE}/draft", "POST", data=body, headers=headers).status_code in (400, 422)
    without = editor.reader.open(f"{PAGE}/draft", "POST", json={"text": json.dumps(rulebook())})
    assert without.status_code == 403, "a token is needed"


def test_who_saves_second_is_told_and_loses_nothing(editor: Editor) -> None:
    first = editor.save(rulebook(3)).get_json()
    answer = editor.save(rulebook(4, "别的"))
    told = answer.get_json()
    assert (answer.status_code, told["instead_of"], told["by"]) == (409, first["instead_of"], BAD_NAME)
    assert told["differences"] == [
        {"section": "earning", "name": "别的", "change": "changed", "after": "For each event “scored”: 4 credits."}
    ]
    assert json.loads(editor.boot()["text"]) == rulebook(3)
    assert editor.save(rulebook(4, "别的"), told["instead_of"]).status_code == 200
    assert json.loads(editor.boot()["text"]) == rulebook(4, "别的")


def test_a_draft_is_dropped_as_it_was_seen(editor: Editor) -> None:
    saved = editor.save(rulebook(3)).get_json()
    assert editor.send("/draft/drop", {"instead_of": "none"}).status_code == 409
    assert editor.send("/draft/drop", {"instead_of": saved["instead_of"]}).status_code == 200
    assert editor.boot()["instead_of"] == "none"


def test_a_trial_says_what_changes_for_whom(editor: Editor) -> None:
    assert "There is no draft to try." in editor.reader.get(f"{PAGE}/trial").text
    editor.save(rulebook("data.score", BAD_NAME))
    *steps, last = editor.lines("/trial", {})
    assert {each["stage"] for each in steps} == {"reading", "qualifying"}
    found = last["result"]
    assert (found["corrections"], found["people"]["20210002"]) == (4, "韩梅梅")
    assert [(each["before"]["credits"], each["after"]["credits"]) for each in found["rules"]] == [(8, 100)]
    page = editor.reader.get(f"{PAGE}/trial").text
    assert "<script>alert" not in page
    assert editor.boot(f"{PAGE}/trial")["names"] == {"scored": BAD_NAME}


def test_activation_is_of_the_draft_that_was_seen_and_happens_once(editor: Editor) -> None:
    stale = editor.save(rulebook(3)).get_json()["instead_of"]
    seen = editor.save(rulebook(5), stale).get_json()["instead_of"]
    refused = editor.send("/activation", {"fingerprint": stale})
    assert (refused.status_code, refused.get_json()["message"][:12]) == (409, "the draft is")
    wrong = editor.send("/activation", {"fingerprint": seen, "from": "tomorrow"})
    assert (wrong.status_code, wrong.get_json()["message"]) == (422, "must be a day and a time")
    *steps, last = editor.lines("/activation", {"fingerprint": seen, "re_evaluate": True})
    assert "booking" in {each["stage"] for each in steps}
    told = last["result"]
    assert (told["version"], told["status"]) == (2, "active")
    assert told["re_evaluation"].items() >= {"status": "done", "corrections": 4, "version": 2}.items()
    again = editor.lines("/activation", {"fingerprint": seen, "re_evaluate": True})[-1]["result"]
    assert again == told, "sent once more, it changes nothing"
    state = editor.reader.get(f"{PAGE}/re-evaluation", headers={"Accept": "application/json"}).get_json()
    assert state["re_evaluation"]["corrections"] == 4
    versions = editor.reader.get(f"{PAGE}/versions").text
    assert versions.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 2, "who saved and who activated it"
    assert "<script>alert" not in versions


def test_activation_ahead_of_time_goes_by_the_clocks_of_the_programme(editor: Editor, programme: Caller) -> None:
    seen = editor.save(rulebook(3)).get_json()["instead_of"]
    told = editor.send("/activation", {"fingerprint": seen, "from": "2190-01-01T08:00"}).get_json()
    assert (told["version"], told["status"], told["re_evaluation"]) == (2, "scheduled", None)
    version = programme.get("/v1/programmes/2021/rulebook/versions/2").get_json()
    assert version["active_from"] == "2190-01-01T00:00:00Z"


def test_versions_are_compared_in_words_and_as_json(editor: Editor) -> None:
    assert '<select id="before"' not in editor.reader.get(f"{PAGE}/versions").text, "there is one version"
    changed = rulebook(3)
    changed["earning"].append({"key": "new", "on": "x", "award": {"unit": "flowers", "amount": 1}})
    changed["conversion"] = {"flowers_per_credit": 5}
    editor.save(changed)
    page = editor.reader.get(f"{PAGE}/versions?before=1&after=2").text
    for said in (
        "For each event “scored”: 2 credits.",
        "For each event “scored”: 3 credits.",
        "For each event “x”: 1 red flower.",
        "every 5 red flowers become 1 credit",
        "<code>earning[0].award.amount</code> <del>2</del> <ins>3</ins>",
    ):
        assert said in page
    assert page.count('<span class="mark good">added</span>') == 2
    assert "Nothing differs." in editor.reader.get(f"{PAGE}/versions?before=1&after=1").text
    assert editor.reader.get(f"{PAGE}/versions?before=1&after=7").status_code == 404
    editor.reader.language = "zh"
    assert "每收到一次“scored”：给 3 积分。" in editor.reader.get(f"{PAGE}/versions/2").text


def test_a_programme_without_a_rulebook_and_one_of_others(
    programme: Caller, reader: Reader, new_company: Callable[..., Caller], new_reader: Callable[[str], Reader]
) -> None:
    reader.user("hr", "hr")
    mine = Editor(reader.become("hr"))
    assert "This programme has no rulebook yet." in reader.get(PAGE).text
    assert "This programme has no rulebook yet." in reader.get(f"{PAGE}/versions").text
    assert json.loads(mine.boot()["text"]) == {"earning": [], "certificates": []}
    other = new_reader(new_company().company_key)
    other.user("hr", "hr")
    other.become("hr")
    for path in ("", "/trial", "/versions", "/versions/1", "/re-evaluation"):
        assert other.get(f"{PAGE}{path}").status_code == 404, path


def test_what_is_offered_for_facts_is_what_the_validator_takes() -> None:
    assert set(DEFAULTS) == set(FACTS)
    keys = {"programme": "programme", "company": "company", "course": "course:a", "phase": "phase:a"}
    for fact, members in FACTS.items():
        assert ("in" in members) == (fact in SCOPES)
        begun = {"fact": fact, **DEFAULTS[fact]}
        for name in ("type", "key"):
            if begun.get(name) == "":
                begun[name] = "x"
        for scope in SCOPES.get(fact, ()):
            parse_criterion({**begun, "in": keys[scope]})
        for scope in keys.keys() - set(SCOPES.get(fact, ())):
            with pytest.raises(Exception, match="in"):
                parse_criterion({**begun, "in": keys[scope]})


def test_lines_of_a_document() -> None:
    text = orjson.dumps(in_order(RULEBOOK), option=orjson.OPT_INDENT_2).decode()
    assert json.loads(text) == RULEBOOK
    lines, shown = find_lines(text), text.split("\n")
    assert lines.doubles == []
    assert '"cap_credits": 20' in shown[lines.of("conversion.cap_credits") - 1]
    assert '"type": "discipline.breach"' in shown[lines.of("certificates[1].criteria.all[4].not.type") - 1]
    assert lines.of("certificates[1].criteria.all[4].not.sum") == lines.of("certificates[1].criteria.all[4].not")
    assert (lines.of("earning[99]"), lines.of("nothing")) == (lines.of("earning"), 1)
    assert find_lines('{"a": "]}\\"", "b": [1,\n2]}').at == {"": 1, "a": 1, "b": 1, "b[0]": 1, "b[1]": 2}
