"""Who may open the big screen, and display links from making to revocation."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime

import flask
import pytest

from api.pages import assets
from api.streams.watching import RIGHTS_SECONDS
from pointsbank import displays
from pointsbank.database import Database
from tests.api.conftest import Caller
from tests.web.conftest import Reader
from tests.web.walls import screen, stream_of

LINK = re.compile(r"/screen/link/(pbd_[\w-]+)")
SCREENS = "/admin/programmes/2021/screens"


# Who may open it -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["learner", "awarder", "hr", "admin"])
def test_who_is_signed_in_may(reader: Reader, role: str) -> None:
    reader.user(role, role, learner="20210001" if role == "learner" else None)
    answer = reader.become(role).get("/screen/2021")
    assert answer.status_code == 200
    assert "2021届训练营" in answer.text
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert reader.get("/screen/none").status_code == 404


def test_nobody_else_may(reader: Reader, new_reader: Callable[[str], Reader], link_of: Callable[..., str]) -> None:
    stranger = new_reader(reader.company_key)
    for path in ("/screen/2021", "/screen/2021?display=1", "/screen-stream/2021"):
        assert stranger.get(path).status_code == 401, path
    reader.language = "zh"
    refused = reader.get("/screen/2021")
    assert "大屏已关闭" in refused.text
    link = link_of()
    for wrong in ("x", link[:-1], link[:-1] + ("A" if link[-1] != "A" else "B")):
        assert stranger.get(f"/screen/link/{wrong}").status_code == 404
    assert stranger.get("/screen/2021").status_code == 401


def test_a_link_opens_its_own_programme_of_its_own_company(
    programme: Caller, new_company: Callable[..., Caller], wall: Callable[..., tuple[Reader, str]]
) -> None:
    programme.put("/v1/programmes/other", {"name": "别的", "starts_on": "2021-07-01", "ends_on": "2022-06-30"})
    other = new_company()
    other.put("/v1/programmes/2021", {"name": "别家的", "starts_on": "2021-07-01", "ends_on": "2022-06-30"})
    reader, page = wall()
    assert "2021届训练营" in reader.get(page).text
    assert reader.get("/screen/other").status_code == 401
    assert reader.get(page.replace("display=", "display=9")).status_code == 401


def test_two_screens_of_one_browser(reader: Reader, link_of: Callable[..., str]) -> None:
    pages = [reader.get(f"/screen/link/{link_of(hides_names=hides)}").headers["Location"] for hides in (True, False)]
    assert len(set(pages)) == 2
    assert [reader.get(page).status_code for page in pages] == [200, 200]


def test_an_open_screen_does_not_make_a_session_last(reader: Reader, database: Database) -> None:
    reader.user("hr", "hr")
    reader.become("hr")

    def seen_at() -> datetime:
        with database.transaction(reader.company_id) as session:
            (row,) = session.sql("SELECT seen_at FROM user_sessions WHERE company_id = %(company)s").fetchall()
            return datetime.fromisoformat(str(row.seen_at))

    with closing(stream_of(reader, "/screen/2021")) as client:
        screen(client)
        with database.transaction(reader.company_id) as session:
            session.sql("UPDATE user_sessions SET seen_at = now() - interval '1 hour' WHERE company_id = %(company)s")
        before = seen_at()
        time.sleep(RIGHTS_SECONDS + 0.5)
        assert seen_at() == before
        with database.transaction(reader.company_id) as session:
            session.sql("DELETE FROM user_sessions WHERE company_id = %(company)s")
        assert list(client.events) == []


# Display links ---------------------------------------------------------------------------------------------


@pytest.fixture
def hr(reader: Reader) -> Reader:
    reader.user("hr", "hr")
    return reader.become("hr")


def test_a_link_from_making_to_revocation(hr: Reader, new_reader: Callable[[str], Reader]) -> None:
    made = hr.send(SCREENS, {"name": "301 教室", "score": "sum", "hides_names": "on"})
    assert made.status_code == 200
    (link,) = set(LINK.findall(made.text))
    assert "data:image/svg+xml" in made.text
    assert not LINK.search(hr.get(SCREENS).text)
    hung = new_reader("none")
    entered = hung.get(f"/screen/link/{link}")
    assert entered.status_code == 303
    cookie = entered.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "Max-Age=34560000" in cookie
    page = entered.headers["Location"]
    with closing(stream_of(hung, page)) as client:
        screen(client)
        done = hr.send(f"{SCREENS}/1/revocation", {}, SCREENS)
        assert (done.status_code, done.headers["Location"]) == (303, f"{SCREENS}?done=revoked")
        began = time.monotonic()
        assert list(client.events) == []
        assert time.monotonic() - began < RIGHTS_SECONDS + displays.CACHE_SECONDS + 1
    assert "Screens that it opened close" in hr.get(done.headers["Location"]).text
    assert hung.get(page).status_code == 401
    assert hung.get(f"/screen/link/{link}").status_code == 404


def test_what_was_done_is_noted(hr: Reader) -> None:
    hr.send(SCREENS, {"name": "301 教室", "score": "sum"})
    hr.send(f"{SCREENS}/1/revocation", {}, SCREENS)
    hr.user("admin", "admin")
    noted = hr.become("admin").get("/admin/access").text
    assert "made the display link" in noted
    assert "revoked the display link" in noted


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"name": " "}, "不能为空"),
        ({"name": "x" * 61}, "最多 60 个字符"),
        ({"name": "a\0b"}, "控制字符"),
        ({"name": "好", "score": "most"}, "总分或人均"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(hr: Reader, fields: dict[str, str], says: str) -> None:
    hr.language = "zh"
    refused = hr.send(SCREENS, {"score": "mean", **fields})
    assert refused.status_code == 422
    assert says in refused.text
    assert 'aria-invalid="true"' in refused.text
    assert not LINK.search(refused.text)
    if fields["name"].startswith("x"):
        assert f'value="{"x" * 61}"' in refused.text, "what was typed stays"


def test_there_are_not_more_than_so_many(hr: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(displays, "MAX_DISPLAYS", 1)
    assert hr.send(SCREENS, {"name": "a", "score": "sum"}).status_code == 200
    assert "already; revoke one first" in hr.send(SCREENS, {"name": "b", "score": "sum"}).text
    hr.send(f"{SCREENS}/1/revocation", {}, SCREENS)
    assert hr.send(SCREENS, {"name": "b", "score": "sum"}).status_code == 200


def test_other_companies_links_are_not_there(
    hr: Reader, link_of: Callable[..., str], new_company: Callable[..., Caller], new_reader: Callable[[str], Reader]
) -> None:
    link_of()
    other = new_reader(new_company().company_key)
    other.user("hr", "hr")
    other.become("hr")
    assert other.get(SCREENS).status_code == 404
    assert other.send(f"{SCREENS}/1/revocation", {}, "/admin").status_code == 404
    assert hr.send(f"{SCREENS}/2/revocation", {}, SCREENS).status_code == 404


def test_whatever_a_name_is_it_is_text(awarded: Caller, hr: Reader, wall: Callable[..., tuple[Reader, str]]) -> None:
    evil = "</script><script>alert(1)</script>\u202e"
    awarded.put("/v1/learners/20210001", {"name": evil})
    programme = {"name": evil, "starts_on": "2021-07-01", "ends_on": "2022-06-30", "allotment": 100_000}
    awarded.put("/v1/programmes/2021", programme)
    hr.send(SCREENS, {"name": evil, "score": "sum"})
    reader, page = wall()
    for text in (reader.get(page).text, hr.get(SCREENS).text):
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert" in text


# Assets ----------------------------------------------------------------------------------------------------


@pytest.fixture
def anew() -> Iterator[None]:
    kept = (assets.assets, assets.version, assets._asset)
    for each in kept:
        each.cache_clear()
    yield
    for each in kept:
        each.cache_clear()


def test_scripts_import_each_other_by_their_digests(app: flask.Flask) -> None:
    script = assets.assets()["screen.js"].content.decode()
    imported = re.findall(r'from "\./([\w-]+\.js)\?v=(\w+)"', script)
    assert len(imported) > 3
    for name, digest in imported:
        assert assets.assets()[name].digest == digest
        answer = app.test_client().get(f"/assets/{name}?v={digest}")
        assert answer.cache_control.immutable
    assert not re.search(r'from "\./[\w-]+\.js"', script)


@pytest.mark.usefixtures("anew")
def test_another_script_is_another_version_of_all_that_import_it(monkeypatch: pytest.MonkeyPatch) -> None:
    before = assets.assets()["screen.js"].digest, assets.version()
    for each in (assets.assets, assets.version, assets._asset):
        each.cache_clear()
    digest_of = assets._digest_of
    monkeypatch.setattr(assets, "_digest_of", lambda name: b"new" if name == b"crest.js" else digest_of(name))
    assert assets.assets()["screen_views.js"].content.count(b"?v=") > 0
    after = assets.assets()["screen.js"].digest, assets.version()
    assert after[0] != before[0]
    assert after[1] != before[1]
