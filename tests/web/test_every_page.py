"""Every page and every form: what anybody typed is text, headers are in place, and other companies are out.

Routes are those of the application; a new one with a parameter that has no sample here fails.
"""

import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from urllib.parse import quote

import pytest
from werkzeug.test import TestResponse

from pointsbank.database import Database
from pointsbank.users.people import ROLES
from tests.api.conftest import Caller
from tests.api.test_isolation import rows_of
from tests.web.conftest import Reader
from tests.web.test_roles import EXPECTED

EVIL = "\"'><script>alert(1)<\\script><img src=x onerror=alert(2)>{{6007*7}}\u202e&amp;"
"""What everything in this company is called."""
MARK = "onerror=alert(2)"
KEY = "\"'><script>alert(3)<\\script><img src=x onerror=alert(4)>{{6007*7}}\u202e&amp;?a=b#c%41"
"""The id of everything in it that has one of HR's."""
DAY = "2021-09-06T09:00:00+08:00"
CUT_OFF = "2022-01-01T00:00:00+08:00"
NAME = {"zh": EVIL, "en": EVIL}
RULEBOOK = {
    "earning": [
        {"key": "present", "name": NAME, "on": "gate.present", "award": {"unit": "credits", "amount": 2}},
        {
            "key": "worded",
            "name": NAME,
            "on": "gate.present",
            "when": f"data.word == {EVIL!r}",
            "award": {"unit": "credits", "amount": 1},
        },
    ],
    "conversion": {"flowers_per_credit": 1},
    "certificates": [
        {
            "key": "points",
            "kind": "points",
            "name": NAME,
            "criteria": {"fact": "credits", "in": "programme", "at_least": 1},
            "equals": [{"system": EVIL, "level": EVIL}],
        }
    ],
}
OPEN_ENDED = {
    ("GET", "/screen-stream/<key:programme>"),
    ("GET", "/admin/access/widgets/preview/v1/leaderboards/stream"),
    ("GET", "/admin/feed/stream"),
}
"""Streams, which do not end."""


class Elements(HTMLParser):
    """What a browser would run, or lets others decide how the page looks."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        data = given.get("type") in ("application/json", "importmap")
        if tag == "style" or (tag == "script" and not data and not re.match("/(?!/)", given.get("src") or "")):
            self.faults.append(f"<{tag}> {attrs}")
        for name, value in attrs:
            if name.startswith("on") or name == "style" or (value or "").strip().lower().startswith("javascript:"):
                self.faults.append(f"<{tag} {name}={value}>")
            if name in ("src", "href", "action") and tag != "a" and re.match(r"(\w+:)?//", value or ""):
                self.faults.append(f"<{tag} {name}={value}> is from elsewhere")
            if name == "src" and value == "x":
                self.faults.append("the name became an element")


@pytest.fixture
def evil(caller: Caller) -> Caller:
    """A company whose people, teams, courses, rules, reasons and ids are all of them hostile."""
    programme = f"/v1/programmes/{quote(KEY, safe='')}"

    def sent(answer: TestResponse) -> TestResponse:
        assert answer.status_code in (200, 201, 204), answer.text
        return answer

    sent(caller.put("/v1/company", {"name": EVIL}))
    phase = {"key": "p", "name": EVIL, "starts_on": "2021-07-01", "ends_on": "2021-12-31"}
    days = {"starts_on": "2021-07-01", "ends_on": "2022-06-30"}
    sent(caller.put(programme, {"name": EVIL, **days, "allotment": 1_000, "phases": [phase]}))
    sent(caller.put(f"{programme}/courses/{quote(KEY, safe='')}", {"name": EVIL, "kind": "structured", "flowers": 100}))
    learner = {"name": EVIL, "department": EVIL, "email": "a@example.com"}
    sent(caller.put(f"/v1/learners/{quote(KEY, safe='')}", learner))
    sent(caller.put("/v1/learners/other", {"name": EVIL}))
    sent(caller.post(f"{programme}/enrolments", {"learners": ["other"]}))
    sent(caller.put(f"{programme}/teams/{quote(KEY, safe='')}", {"name": EVIL, "members": [KEY], "from": "2021-07-01"}))
    sent(caller.put(f"{programme}/rulebook/draft", RULEBOOK))
    sent(caller.post(f"{programme}/rulebook/draft/activate"))
    sent(caller.put(f"{programme}/rulebook/draft", RULEBOOK))
    giver = {"name": EVIL, "role": "trainer", "allowances": {KEY: 50}}
    sent(caller.put(f"{programme}/awarders/{quote(KEY, safe='')}", giver))
    event = {
        "specversion": "1.0",
        "source": f"urn:{quote(KEY, safe='')}",
        "type": "gate.present",
        "subject": KEY,
        "time": DAY,
    }
    for number, word in enumerate((EVIL, 7)):
        data = {"programme": KEY, "course": KEY, "word": word, EVIL: EVIL}
        caller.event({**event, "id": f"{number}{KEY}", "data": data})
    caller.event({**event, "id": f"late{KEY}", "type": "gate.present", "data": {"programme": f"no {KEY}"}})
    award = {"learner": KEY, "programme": KEY, "course": KEY, "awarder": KEY, "unit": "flowers", "amount": 3}
    sent(caller.post("/v1/awards", {**award, "reason": EVIL}, headers={"Idempotency-Key": "k1"}))
    match = {"name": EVIL, "teams": [KEY, KEY + "2"], "unit": "credits"}
    sent(caller.put(f"{programme}/teams/{quote(KEY + '2', safe='')}", {"name": EVIL, "members": []}))
    match |= {"starts_at": "2021-09-01T00:00:00+08:00", "ends_at": "2199-01-01T00:00:00+08:00"}
    caller.put(f"{programme}/matches/m", match)
    run = {"cut_off": CUT_OFF, "issue": True, "confirm": True}
    sent(caller.post(f"{programme}/certification-runs", run))
    return caller


def samples(evil: Caller) -> dict[str, str]:
    """Of each parameter of a route what this company has."""
    certificate = evil.get("/v1/certificates").get_json()["items"][0]["number"]
    evils = dict.fromkeys(("programme", "course", "learner", "team", "awarder", "giver"), KEY)
    numbers = dict.fromkeys(("entry", "no", "run", "upload"), "1")
    rest = {"number": certificate, "certificate": certificate, "form": "pdf", "link": "x", "token": "x"}
    return {**evils, **numbers, **rest}


def address(path: str, found: dict[str, str]) -> str:
    def value(place: re.Match[str]) -> str:
        return "1" if place[1] == "int:" else quote(found[place[2]], safe="")

    return re.sub(r"<([^:>]+:)?(\w+)>", value, path)


def everywhere() -> Iterator[tuple[str, str]]:
    for method, path in sorted(EXPECTED):
        if (method, path) not in OPEN_ENDED:
            yield method, path


@pytest.fixture
def visitors(evil: Caller, new_reader: Callable[[str], Reader]) -> dict[str, Reader]:
    """Somebody of each role, in this company."""
    found = {}
    for role in ROLES:
        reader = new_reader(evil.company_key)
        more = {"learner": {"learner": KEY}, "awarder": {"awarders": [(KEY, KEY)]}}.get(role, {})
        reader.user(role, role, shown=EVIL, **more)
        found[role] = reader.become(role)
    return found


def role_of(method: str, path: str) -> str:
    allowed = EXPECTED[method, path]
    return next(role for role in ROLES if allowed is None or role in allowed)


def test_what_is_typed_is_text_everywhere_and_headers_are_in_place(evil: Caller, visitors: dict[str, Reader]) -> None:
    found, shown = samples(evil), 0
    for method, path in everywhere():
        if method != "GET":
            continue
        for language in ("en", "zh"):
            reader = visitors[role_of(method, path)]
            reader.language = language
            answer = reader.get(address(path, found))
            said = answer.get_data()  # to its end, also of what is streamed
            assert answer.status_code < 500, (path, said)
            if answer.mimetype != "text/html" or answer.status_code >= 300:
                continue
            shown += MARK in answer.text
            elements = Elements()
            elements.feed(answer.text)
            assert elements.faults == [], path
            assert "42049" not in answer.text, f"{path}: a template in a template"
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy, path
            assert "unsafe" not in policy, path
            for name in ("X-Content-Type-Options", "Referrer-Policy", "X-Frame-Options", "Permissions-Policy"):
                assert answer.headers[name], (path, name)
            assert "no-store" in answer.headers["Cache-Control"], path
    assert shown > 20, "the names are on the pages that were looked at"


def test_another_company_sees_and_changes_nothing(
    evil: Caller,
    visitors: dict[str, Reader],
    new_company: Callable[..., Caller],
    new_reader: Callable[[str], Reader],
    database: Database,
) -> None:
    found, other = samples(evil), new_company()
    other.put("/v1/programmes/own", {"name": "own", "starts_on": "2021-07-01", "ends_on": "2022-06-30"})
    other.put("/v1/programmes/own/courses/c", {"name": "c", "kind": "structured", "flowers": 10})
    other.put("/v1/programmes/own/awarders/own", {"name": "own", "role": "trainer", "allowances": {"c": 5}})
    other.put("/v1/learners/own", {"name": "own"})
    stranger = new_reader(other.company_key)
    stranger.user("stranger", *ROLES, learner="own", awarders=[("own", "own")])
    stranger.become("stranger")
    before = rows_of(database.url, evil.company_id)
    for method, path in everywhere():
        where = address(path, found)
        answer = stranger.get(where) if method == "GET" else stranger.send(where, {"reason": "x"}, page="/admin")
        assert answer.status_code < 500, (method, path, answer.text)
        assert MARK not in answer.text, (method, path)
        if method == "GET" and "<key:programme>" in path:
            assert answer.status_code in (404, 401, 403), (method, path, answer.status_code)
        stranger.become("stranger")  # who has signed out on the way
    assert rows_of(database.url, evil.company_id) == before


def test_a_role_changes_nothing_where_it_may_not(evil: Caller, visitors: dict[str, Reader], database: Database) -> None:
    found, before = samples(evil), rows_of(database.url, evil.company_id)
    for method, path in everywhere():
        allowed = EXPECTED[method, path]
        for role, reader in visitors.items():
            if method == "GET" or allowed is None or role in allowed:
                continue
            answer = reader.send(address(path, found), {"reason": "x", "amount": "1"}, page="/")
            assert answer.status_code == 403, (method, path, role)
    assert rows_of(database.url, evil.company_id) == before
