"""Keys and access: what opens the bank is made, shown once, and taken away again; and it is noted who did it."""

import html
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from werkzeug.test import TestResponse

from pointsbank import acts, company, keys, widgets
from pointsbank.errors import Conflict
from pointsbank.users import directory, people, sessions, signing_in
from tests.api.conftest import Caller
from tests.web.conftest import Reader

HERE = "/admin/access"
HOSTILE = "<script>alert(1)</script>‮"


@pytest.fixture
def admin(reader: Reader) -> Reader:
    reader.user("root", "admin", shown="罗主管")
    return reader.become("root")


def done(reader: Reader) -> list[tuple[str, str, str]]:
    with reader.database.snapshot(reader.company_id) as session:
        return [(each.by, each.act, each.subject) for each in acts.page(session, 50)]


def secret(answer: TestResponse, name: str) -> str:
    found = re.search(rf'<(?:code|pre) id="{name}"[^>]*>([^<]*)<', answer.text)
    assert found is not None, answer.text
    return html.unescape(found[1])


def follows(answer: TestResponse, what: str) -> None:
    assert answer.status_code == 303
    assert answer.headers["Location"].endswith(f"?done={what}")


# --- keys ---


def test_a_key_is_shown_once_opens_the_api_and_is_revoked(admin: Reader) -> None:
    answer = admin.send(f"{HERE}/keys", {"name": "LMS", "scopes": "read"})
    text = secret(answer, "key")
    assert answer.headers["Cache-Control"] == "no-store"
    assert text not in admin.get(f"{HERE}/keys").text
    api = {"Authorization": f"Bearer {text}", "Accept": "application/json"}
    assert "never" in admin.get(f"{HERE}/keys").text
    assert admin.open("/v1/company", headers=api).status_code == 200
    assert admin.open("/v1/learners/1", "PUT", headers=api, json={"name": "x"}).status_code == 403
    with admin.database.snapshot(admin.company_id) as session:
        newest = keys.page(session, 1)[0]
    assert newest.name == "LMS"
    assert newest.scopes == ("read",)
    assert newest.used_at is not None
    follows(admin.send(f"{HERE}/keys/{newest.no}/revocation", {}, f"{HERE}/keys"), "key-revoked")
    follows(admin.send(f"{HERE}/keys/{newest.no}/revocation", {}, f"{HERE}/keys"), "key-revoked")
    keys._lately._found.clear()
    assert admin.open("/v1/company", headers=api).status_code == 401
    assert done(admin) == [("罗主管", "key-revoked", "LMS"), ("罗主管", "key-made", "LMS")]


def test_use_of_a_key_is_noted_to_the_minute_only(admin: Reader) -> None:
    with admin.database.transaction(admin.company_id) as session:
        text = keys.make(session, "LMS", ["read"])

    def used_at() -> datetime:
        keys._lately._found.clear()
        assert keys.authenticate(admin.database, text) is not None
        with admin.database.snapshot(admin.company_id) as session:
            found = keys.page(session, 1)[0].used_at
        assert found is not None
        return found

    first = used_at()
    assert used_at() == first
    with admin.database.transaction(admin.company_id) as session:
        session.sql(
            """UPDATE api_keys SET used_at = used_at - interval '61 seconds'
                WHERE company_id = %(company)s AND name = 'LMS'"""
        )
    assert used_at() > first


def test_a_key_form_keeps_what_was_typed(admin: Reader) -> None:
    answer = admin.send(f"{HERE}/keys", {"name": HOSTILE})
    assert answer.status_code == 422
    assert 'value="&lt;script&gt;' in answer.text
    assert "Choose at least one." in answer.text
    answer = admin.send(f"{HERE}/keys", {"name": " ", "scopes": "read"})
    assert "must not be empty." in answer.text
    assert re.search(r'value="read" checked', answer.text)
    admin.language = "zh-CN"
    assert "请至少选择一项。" in admin.send(f"{HERE}/keys", {"name": "x"}).text
    assert done(admin) == []


def test_a_name_is_text_wherever_it_stands(admin: Reader) -> None:
    answer = admin.send(f"{HERE}/keys", {"name": HOSTILE, "scopes": "read"})
    for page in (answer, admin.get(f"{HERE}/keys"), admin.get(HERE)):
        assert "<script>alert" not in page.text
        assert "<bdi>&lt;script&gt;" in page.text.replace('<bdi class="strong">', "<bdi>")


# --- origins ---


def test_origins_are_listed_and_removed(admin: Reader) -> None:
    follows(admin.send(f"{HERE}/origins", {"origin": " HTTPS://Intranet.Example.com:443 "}), "origin-added")
    follows(admin.send(f"{HERE}/origins", {"origin": "https://intranet.example.com"}), "origin-added")
    assert "https://intranet.example.com" in admin.get(f"{HERE}/origins").text
    for wrong in ("*", "https://a.example/path", "null"):
        answer = admin.send(f"{HERE}/origins", {"origin": wrong})
        assert answer.status_code == 422
        assert 'id="origin-fault"' in answer.text
    with admin.database.snapshot(admin.company_id) as session:
        assert company.get(session).origins == ("https://intranet.example.com",)
    follows(
        admin.send(f"{HERE}/origins/removal", {"origin": "https://intranet.example.com"}, f"{HERE}/origins"),
        "origin-removed",
    )
    assert [act for _, act, _ in done(admin)] == ["origin-removed", "origin-added"]


# --- widgets ---


CHOICE = {"scope": "programme:2021", "members": "teams", "unit": "credits", "period": "all", "score": "mean"}


def test_a_widget_is_made_seen_and_revoked(admin: Reader) -> None:
    until = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    chosen = {**CHOICE, "name": "Intranet", "limit": "6", "until": until}
    answer = admin.send(f"{HERE}/widgets/new", chosen)
    text, lines = secret(answer, "token"), secret(answer, "embed")
    assert text in lines
    assert 'limit="6"' in lines
    board = {"scope": "programme:2021", "members": "teams", "score": "mean", "token": text}
    assert admin.open("/v1/leaderboards", query_string=board).status_code == 200
    listed = admin.get(f"{HERE}/widgets").text
    assert "Intranet" in listed
    assert text not in listed
    with admin.database.snapshot(admin.company_id) as session:
        (token,) = widgets.newest(session, 10)
    assert token.expires_at > datetime.now(UTC) + timedelta(days=29)
    follows(admin.send(f"{HERE}/widgets/{token.id}/revocation", {}, f"{HERE}/widgets/new"), "token-revoked")
    widgets._lately._found.clear()
    assert admin.open("/v1/leaderboards", query_string=board).status_code == 401
    assert admin.send(f"{HERE}/widgets/0123456789abcdef/revocation", {}, f"{HERE}/widgets/new").status_code == 404
    assert [act for _, act, _ in done(admin)] == ["token-revoked", "token-made"]


def test_the_preview_is_the_board_without_a_token(admin: Reader) -> None:
    checked = admin.get(f"{HERE}/widgets/board", query_string={**CHOICE, "limit": "3"}).json
    assert checked == {
        "board": "scope=programme:2021&unit=credits&members=teams&period=all&score=mean",
        "limit": 3,
    }
    shown = admin.get(f"{HERE}/widgets/preview/v1/leaderboards?{checked['board']}&limit=3&token=preview").json
    assert shown is not None
    assert shown["board"]["members"] == "teams"
    stream = admin.get(f"{HERE}/widgets/preview/v1/leaderboards/stream?{checked['board']}", buffered=False)
    opening = b""
    for part in stream.iter_encoded():
        opening += part
        if b"data: " in opening:
            break
    stream.close()
    assert b'"members":"teams"' in opening


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"scope": "company"}, "members", "teams belong to a programme"),
        ({"members": "learners"}, "score", "mean is of a team&#39;s members"),
        ({"scope": "programme:none"}, None, "There is no programme none"),
        ({"period": "between", "first": "2021-09-30", "last": "2021-09-01"}, "last", "lies before the first day."),
        ({"period": "between", "first": "soon"}, "first", "is a day, such as 2021-09-30."),
        ({"limit": "0"}, "limit", "must be a whole number from 1 to 500."),
        ({"limit": "٣"}, "limit", "must be a whole number from 1 to 500."),
        ({"until": "2020-01-01"}, "until", "must lie ahead"),
        ({"until": "9999-12-31"}, "until", "is a day, such as 2021-09-30."),
        ({"unit": "gold"}, "unit", "must be"),
    ],
)
def test_a_widget_form_says_what_is_wrong(admin: Reader, changes: dict[str, str], field: str, says: str) -> None:
    until = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    answer = admin.send(f"{HERE}/widgets/new", {**CHOICE, "limit": "6", "until": until, **changes})
    assert answer.status_code == 422
    assert says in answer.text
    if field is not None:
        assert f'id="{field}-fault"' in answer.text
    assert done(admin) == []


def test_a_season_is_chosen_by_its_days(admin: Reader) -> None:
    season = {**CHOICE, "period": "between", "first": "2021-09-01", "last": "2021-09-30"}
    answer = admin.send(f"{HERE}/widgets/new", season)
    assert "2021-09-01..2021-09-30" in secret(answer, "embed")
    form = admin.get(
        f"{HERE}/widgets/new", query_string={"scope": "programme:2021", "period": "2021-09-01..2021-09-30"}
    )
    assert 'value="2021-09-01"' in form.text
    assert 'value="between" selected' in form.text


# --- users ---


def test_a_user_is_made_with_a_link_and_signs_in(admin: Reader, new_reader: Callable[[str], Reader]) -> None:
    fields = {"name": "Li.Lei", "shown": HOSTILE, "roles": "learner", "learner": "20210001"}
    answer = admin.send(f"{HERE}/users/new", fields)
    link = secret(answer, "link")
    assert "<script>alert" not in answer.text
    other = new_reader(admin.company_key)
    path = link[link.index("/sign-in/link/") :]
    assert other.send(path, {}).status_code == 303
    assert other.get("/me").status_code == 200
    with admin.database.snapshot(admin.company_id) as session:
        user = people.get(session, "li.lei")
        seen = directory.find(session, user.no)
    assert seen is not None
    assert (seen.roles, seen.learner, seen.sessions) == (("learner",), "20210001", 1)
    for page in (f"{HERE}/users", f"{HERE}/users/{user.no}"):
        assert "Link, used" in admin.get(page).text
    follows(admin.send(f"{HERE}/users/{user.no}/sessions", {}, f"{HERE}/users/{user.no}"), "sessions-ended")
    assert other.get("/me").status_code == 303
    again = secret(admin.send(f"{HERE}/users/{user.no}/link", {}, f"{HERE}/users/{user.no}"), "link")
    follows(
        admin.send(f"{HERE}/users/{user.no}/state", {"disabled": "yes"}, f"{HERE}/users/{user.no}"), "user-disabled"
    )
    assert signing_in.user_of_link(admin.database, again.rpartition("/")[2]) is None
    assert admin.send(f"{HERE}/users/{user.no}/link", {}, f"{HERE}/users/{user.no}").status_code == 409
    follows(admin.send(f"{HERE}/users/{user.no}/state", {"disabled": "no"}, f"{HERE}/users/{user.no}"), "user-enabled")
    assert [act for _, act, _ in done(admin)] == [
        "user-enabled",
        "user-disabled",
        "link-made",
        "sessions-ended",
        "user-made",
    ]


def test_a_user_is_changed(admin: Reader, programme: Caller) -> None:
    programme.put("/v1/programmes/2021/awarders/li", {"name": "李静宜", "role": "trainer"})
    no = _number(admin, admin.user("li", "hr"))
    assert "李静宜" in admin.get(f"{HERE}/users/{no}/edit").text
    changed = {"shown": "李静宜", "roles": "awarder", "awarders": "2021/li"}
    follows(admin.send(f"{HERE}/users/{no}", changed, f"{HERE}/users/{no}/edit"), "user-changed")
    with admin.database.snapshot(admin.company_id) as session:
        assert people.get(session, "li").roles == ("awarder",)
        assert [each.key for each in people.awarders_of(session, no)] == ["li"]
    assert re.search(r'value="2021/li" checked', admin.get(f"{HERE}/users/{no}/edit").text)
    follows(admin.send(f"{HERE}/users/{no}", {"shown": "李", "roles": "hr"}, f"{HERE}/users/{no}/edit"), "user-changed")
    with admin.database.snapshot(admin.company_id) as session:
        assert people.awarders_of(session, no) == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"roles": ""}, "must be some of learner"),
        ({"roles": "learner", "learner": ""}, "is named for the role learner, and for no other."),
        ({"roles": "learner", "learner": "nobody"}, "There is no learner nobody."),
        ({"roles": "hr", "awarders": "2021/x"}, "are named for the role awarder."),
        ({"roles": "awarder", "awarders": "2021/x"}, "There is no awarder x in the programme 2021."),
        ({"shown": "x" * 201}, "must have at most 200 characters."),
        ({"name": "root"}, "There is a user root already"),
        ({"name": "a/b"}, "must not contain a slash."),
    ],
)
def test_a_user_form_says_what_is_wrong(admin: Reader, changes: dict[str, str], says: str) -> None:
    fields = {key: value for key, value in {"name": "new", "roles": "hr", **changes}.items() if value}
    answer = admin.send(f"{HERE}/users/new", fields)
    assert answer.status_code == 422
    assert says in answer.text
    assert f'value="{fields["name"]}"' in answer.text
    assert done(admin) == []


def test_the_last_admin_stays_one(admin: Reader) -> None:
    me = _number(admin, "root")
    answer = admin.send(f"{HERE}/users/{me}/state", {"disabled": "yes"}, f"{HERE}/users/{me}")
    assert answer.status_code == 409
    assert "root is the last admin" in answer.text
    answer = admin.send(f"{HERE}/users/{me}", {"shown": "x", "roles": "hr"}, f"{HERE}/users/{me}/edit")
    assert answer.status_code == 422
    assert 'id="roles-fault"' in answer.text
    other = _number(admin, admin.user("deputy", "admin", "hr"))
    follows(admin.send(f"{HERE}/users/{me}", {"shown": "罗", "roles": "hr"}, f"{HERE}/users/{me}/edit"), "user-changed")
    with admin.database.transaction(admin.company_id) as session, pytest.raises(Conflict):
        people.set_disabled(session, "deputy", True, by=other)
    assert admin.get(HERE).status_code == 403


def test_users_are_found(admin: Reader, new_company: Callable[..., Caller]) -> None:
    admin.user("wang.fang", "hr", shown="王芳")
    admin.user("chen", "learner", learner="20210001", shown="陈思远")
    for search, found in {"王": "wang.fang", "WANG": "wang.fang", "20210001": "chen"}.items():
        page = admin.get(f"{HERE}/users", query_string={"search": search}).text
        assert (f"<bdi>{found}</bdi>" in page, "<bdi>root</bdi>" in page) == (True, False)
    assert "<bdi>root</bdi>" in admin.get(f"{HERE}/users?role=admin").text
    assert "<bdi>chen</bdi>" not in admin.get(f"{HERE}/users?role=admin").text
    assert "Nobody is called so." in admin.get(f"{HERE}/users?search=%00nobody").text
    assert admin.get(f"{HERE}/users/99").status_code == 404
    assert admin.get(f"{HERE}/users/{2**40}").status_code == 404


def test_what_is_of_another_company_is_not_there(
    admin: Reader, new_company: Callable[..., Caller], new_reader: Callable[[str], Reader]
) -> None:
    other = new_reader(new_company().company_key)
    other.user("a", "admin")
    other.user("b", "hr")
    other.become("a")
    with admin.database.transaction(admin.company_id) as session:
        for _ in range(3):
            keys.make(session, "our key", ["read"])
        no = keys.page(session, 1)[0].no
    assert "our key" not in other.get(f"{HERE}/keys").text
    assert other.send(f"{HERE}/keys/{no}/revocation", {}, f"{HERE}/keys").status_code == 404
    with admin.database.snapshot(admin.company_id) as session:
        assert keys.page(session, 1)[0].revoked_at is None
    theirs = _number(other, "b")
    follows(other.send(f"{HERE}/users/{theirs}/sessions", {}, f"{HERE}/users/{theirs}"), "sessions-ended")
    assert done(admin) == []


# --- signing, sign-in, the session behind a stream ---


def test_signing_keys_are_rotated(admin: Reader) -> None:
    assert "There is none yet." in admin.get(f"{HERE}/signing").text
    for name in ("key-1", "key-2"):
        follows(admin.send(f"{HERE}/signing/rotation", {}, f"{HERE}/signing"), "signing-key-rotated")
        assert name in admin.get(f"{HERE}/signing").text
    assert admin.get(f"{HERE}/signing").text.count("Retired") == 1
    assert done(admin) == [("罗主管", "signing-key-rotated", "key-2"), ("罗主管", "signing-key-rotated", "key-1")]


def test_a_stream_does_not_keep_its_session_alive(admin: Reader) -> None:
    cookie = admin.client.get_cookie("pb_session", domain="127.0.0.1")
    assert cookie is not None
    with admin.database.transaction(admin.company_id) as session:
        session.sql("UPDATE user_sessions SET seen_at = now() - interval '1 hour' WHERE company_id = %(company)s")
    assert sessions.visitor(admin.database, cookie.value, is_use=False) is not None
    with admin.database.snapshot(admin.company_id) as session:
        seen = directory.find(session, _number(admin, "root"))
    assert seen is not None
    assert seen.seen_at is not None
    assert seen.seen_at < datetime.now(UTC) - timedelta(minutes=59)


def test_what_was_done_is_paged(admin: Reader) -> None:
    with admin.database.transaction(admin.company_id) as session:
        for number in range(25):
            acts.note(session, 1, "key-made", f"key number {number:02}")
        acts.note(session, None, "key-made", "on the command line")
    page = admin.get(HERE).text
    assert "key number 24" in page
    assert "key number 04" not in page
    assert "on the command line" not in page
    further = re.search(r'href="(/admin/access\?before=\d+)#acts"', page)
    assert further is not None
    assert "key number 04" in admin.get(further[1]).text


def _number(reader: Reader, name: str) -> int:
    with reader.database.snapshot(reader.company_id) as session:
        return people.get(session, name).no
