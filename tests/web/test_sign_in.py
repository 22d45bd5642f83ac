"""Getting in, staying in, and being let in no more."""

import time
from collections.abc import Callable
from datetime import timedelta
from statistics import median

import pytest
from werkzeug.test import TestResponse

from pointsbank.errors import Conflict, Invalid, NotFound, RateLimited
from pointsbank.users import attempts, passwords, people, sessions, signing_in
from tests.web.conftest import PASSWORD, Reader


@pytest.fixture
def hr(reader: Reader) -> Reader:
    reader.user("Zhang.San", "hr", shown="<script>alert(1)</script>", password=PASSWORD)
    return reader


def cookie(reader: Reader) -> str:
    found = reader.client.get_cookie("pb_session", domain="127.0.0.1")
    return "" if found is None else found.value


def is_in(reader: Reader) -> bool:
    return reader.get("/admin").status_code == 200


def test_a_name_is_the_same_however_it_is_typed_and_is_text(hr: Reader) -> None:
    answer = hr.sign_in(" ZHANG.san ")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    page = hr.get("/admin").text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ("/sign-in/link/x?a=1", "/sign-in/link/x?a=1"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/a\nSet-Cookie: x=1", "/"),
        ("javascript:alert(1)", "/"),
    ],
)
def test_it_leads_back_and_never_elsewhere(hr: Reader, given: str, where: str) -> None:
    assert hr.sign_in("zhang.san", next=given).headers["Location"] == where


def test_who_is_not_signed_in_comes_back_to_the_page(hr: Reader) -> None:
    answer = hr.get("/?a=1")
    assert answer.headers["Location"] == "/sign-in?next=/?a%3D1"
    assert 'name="next" value="/?a=1"' in hr.get(answer.headers["Location"]).text


@pytest.mark.parametrize(
    "change", [{"name": "nobody"}, {"password": "wrong"}, {"company": "none"}, {"company": "\0"}, {"name": "x\0y"}]
)
def test_what_is_wrong_is_not_said(hr: Reader, change: dict[str, str]) -> None:
    fields = {"company": hr.company_key, "name": "zhang.san", "password": PASSWORD}
    answer = hr.send("/sign-in", fields | change)
    assert answer.status_code == 401
    assert "The company, the name or the password is wrong." in answer.text
    assert PASSWORD not in answer.text
    assert not is_in(hr)


def test_it_takes_as_long_for_who_is_unknown(hr: Reader, new_reader: Callable[[str], Reader]) -> None:
    def seconds(name: str) -> float:
        other = new_reader(hr.company_key)
        began = time.perf_counter()
        other.sign_in(name, "wrong password")
        return time.perf_counter() - began

    both = [(seconds("zhang.san"), seconds("nobody")) for _ in range(7)]
    known, unknown = (median(each) for each in zip(*both, strict=True))
    assert 1 / 3 < known / unknown < 3, "both check one hash, which is nearly all of it"


def test_a_new_sign_in_has_a_new_cookie_and_ends_the_old_one(hr: Reader) -> None:
    hr.sign_in("zhang.san")
    first = cookie(hr)
    with hr.database.transaction(hr.company_id) as session:
        link = signing_in.make_link(session, people.get(session, "zhang.san").no)
    assert hr.send(f"/sign-in/link/{link}", {}).status_code == 303
    assert cookie(hr) not in ("", first)
    assert sessions.visitor(hr.database, first) is None
    assert is_in(hr)


def test_signing_out_ends_it_for_good(hr: Reader) -> None:
    hr.sign_in("zhang.san")
    text = cookie(hr)
    assert hr.send("/sign-out", {}, page="/admin").headers["Location"] == "/sign-in"
    assert not is_in(hr)
    assert sessions.visitor(hr.database, text) is None


def test_it_ends_unused_and_after_a_while_in_any_case(hr: Reader) -> None:
    hr.sign_in("zhang.san")
    for column, seconds in (("seen_at", sessions.IDLE_SECONDS), ("created_at", sessions.LONGEST_SECONDS)):
        assert is_in(hr)
        hr.become("zhang.san")
        for before, still in ((timedelta(seconds=seconds - 60), True), (timedelta(seconds=120), False)):
            age(hr, column, before)
            assert (sessions.visitor(hr.database, cookie(hr)) is not None) is still, column
            if still and column == "seen_at":
                age(hr, column, timedelta(seconds=seconds - 60))  # as it was just noted
        hr.become("zhang.san")


def age(reader: Reader, column: str, by: timedelta) -> None:
    """As the owner of the tables: the service itself may change no time of a session's making."""
    import psycopg

    with psycopg.connect(reader.database.url) as connection:
        connection.execute(f"SET app.company_id = '{reader.company_id}'")
        connection.execute(f"UPDATE user_sessions SET {column} = {column} - %s", (by,))


@pytest.mark.parametrize("what", ["disabled", "password"])
def test_who_is_let_in_no_more_is_out_at_once(hr: Reader, what: str) -> None:
    hr.sign_in("zhang.san")
    with hr.database.transaction(hr.company_id) as session:
        if what == "disabled":
            people.set_disabled(session, "zhang.san", True)
        else:
            people.set_password(session, "zhang.san", "another one entirely")
    assert not is_in(hr)
    assert hr.sign_in("zhang.san").status_code == 401


@pytest.mark.parametrize("text", ["", "x", "pbs_aaaaaaaaaaaa_" + "x" * 43, "pbl_aaaaaaaaaaaa_" + "x" * 43, "\0", "é"])
def test_no_cookie_can_be_made_up(hr: Reader, text: str) -> None:
    assert sessions.visitor(hr.database, text) is None


def test_a_cookie_opens_its_own_company_only(hr: Reader, new_company: Callable[..., object]) -> None:
    from pointsbank.keys import company_text

    other = new_company()
    hr.sign_in("zhang.san")
    moved = cookie(hr).replace(company_text(hr.company_id), company_text(other.company_id))  # type: ignore[attr-defined]
    assert sessions.visitor(hr.database, moved) is None


# --- forms that nobody else can send -----------------------------------------------------------------


def test_a_form_without_its_token_does_nothing(hr: Reader, new_reader: Callable[[str], Reader]) -> None:
    fields = {"company": hr.company_key, "name": "zhang.san", "password": PASSWORD}
    assert hr.open("/sign-in", "POST", data=fields).status_code == 403
    other = new_reader(hr.company_key)
    token = other.get("/sign-in").text.partition('name="csrf" value="')[2][:64]
    assert hr.open("/sign-in", "POST", data={**fields, "csrf": token}).status_code == 403, "of another browser"
    hr.sign_in("zhang.san")
    assert hr.open("/sign-out", "POST", data={"csrf": token}).status_code == 403
    assert is_in(hr)


# --- guessing ------------------------------------------------------------------------------------------


def guess(reader: Reader, times: int, name: str = "zhang.san") -> TestResponse:
    for _ in range(times):
        answer = reader.sign_in(name, "wrong")
    return answer


@pytest.mark.parametrize("name", ["zhang.san", "nobody"])
def test_who_guesses_waits_and_nobody_else(hr: Reader, new_reader: Callable[[str], Reader], name: str) -> None:
    guesser = new_reader(hr.company_key)
    assert guess(guesser, attempts.FREE, name).status_code == 401
    with hr.database.transaction(hr.company_id) as session:  # a longer wait than a slow machine takes for what follows
        session.sql("UPDATE sign_in_attempts SET tried = tried + 9 WHERE company_id = %(company)s")
    answer = guess(guesser, 1, name)
    assert answer.status_code == 429
    left = int(answer.headers["Retry-After"])
    assert 0 < left <= 2**9
    assert f"Please wait {left} seconds." in answer.text
    assert guesser.sign_in("zhang.san").status_code == (429 if name == "zhang.san" else 303), "by name, however right"
    if name == "zhang.san":
        assert hr.sign_in("zhang.san").status_code == 303, "the person is not locked out"


@pytest.mark.parametrize(
    ("language", "seconds", "told"),
    [("en", 1, "Please wait 1 second."), ("en", 2, "Please wait 2 seconds."), ("zh", 1, "请等待 1 秒。")],
)
def test_how_long_is_told(hr: Reader, monkeypatch: pytest.MonkeyPatch, language: str, seconds: int, told: str) -> None:
    def refuse(*_: object) -> None:
        raise RateLimited("x", retry_after_seconds=seconds)

    monkeypatch.setattr(attempts, "begin", refuse)
    hr.language = language
    answer = hr.sign_in("zhang.san")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, str(seconds))
    assert told in answer.text


def test_the_wait_doubles_and_has_an_end(hr: Reader) -> None:
    waits = []
    for tried in (5, 6, 7, 8, 20, 10**6):
        with hr.database.transaction(hr.company_id) as session:
            session.sql("DELETE FROM sign_in_attempts WHERE company_id = %(company)s")
            session.sql(
                "INSERT INTO sign_in_attempts (company_id, who, tried) VALUES (%(company)s, %(who)s, %(tried)s)",
                {"who": attempts._who("zhang.san", hr.address), "tried": tried},
            )
        with pytest.raises(RateLimited) as refused:
            attempts.begin(hr.database, hr.company_id, "zhang.san", hr.address)
        waits.append(refused.value.extra["retry_after_seconds"])
    assert waits == [1, 2, 4, 8, attempts.MAX_WAIT_SECONDS, attempts.MAX_WAIT_SECONDS]


def test_the_right_password_forgets_the_wrong_ones(hr: Reader) -> None:
    guess(hr, attempts.FREE - 1)
    assert hr.sign_in("zhang.san").status_code == 303
    hr.send("/sign-out", {}, page="/admin")
    assert guess(hr, attempts.FREE).status_code == 401


# --- links ---------------------------------------------------------------------------------------------


def test_a_link_works_once_and_is_not_used_up_by_looking(hr: Reader, new_reader: Callable[[str], Reader]) -> None:
    with hr.database.transaction(hr.company_id) as session:
        link = signing_in.make_link(session, people.get(session, "zhang.san").no)
    for _ in range(2):
        assert "It works once" in hr.get(f"/sign-in/link/{link}").text
    assert hr.send(f"/sign-in/link/{link}", {}).status_code == 303
    assert is_in(hr)
    other = new_reader(hr.company_key)
    assert other.get(f"/sign-in/link/{link}").status_code == 404
    with pytest.raises(signing_in.NotLetIn):
        signing_in.with_link(hr.database, link, "")


def test_a_link_is_over_after_an_hour(hr: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing_in, "LINK_SECONDS", -1)
    with hr.database.transaction(hr.company_id) as session:
        link = signing_in.make_link(session, people.get(session, "zhang.san").no)
    assert hr.get(f"/sign-in/link/{link}").status_code == 404


# --- users ---------------------------------------------------------------------------------------------


def test_users_that_cannot_be(reader: Reader) -> None:
    with reader.database.transaction(reader.company_id) as session:
        for roles, more, path in (
            ([], {}, "roles"),
            (["boss"], {}, "roles"),
            (["learner"], {}, "learner"),
            (["hr"], {"learner": "20210001"}, "learner"),
            (["hr"], {"awarders": [("2021", "li")]}, "awarders"),
            (["hr"], {"password": "short"}, "password"),
            (["hr"], {"password": "x" * 201}, "password"),
            (["hr"], {"shown": "\0"}, "shown"),
        ):
            with pytest.raises(Invalid) as raised:
                people.create(session, "someone", roles, **more)
            assert raised.value.errors[0][0] == path
        people.create(session, "li.lei", ["learner"], learner="20210001")
        for name, learner in (("LI.LEI", "20210002"), ("another", "20210001")):
            with pytest.raises(Conflict):
                people.create(session, name, ["learner"], learner=learner)
        with pytest.raises(NotFound):
            people.create(session, "x", ["learner"], learner="nobody")
        with pytest.raises(NotFound):
            people.create(session, "y", ["awarder"], awarders=[("2021", "nobody")])


def test_a_password_is_kept_as_a_hash_only() -> None:
    made = passwords.hashed(PASSWORD)
    assert made.startswith("$argon2id$")
    assert passwords.fits(made, PASSWORD)
    assert not passwords.fits(made, PASSWORD + " ")
    assert not passwords.fits(None, "the password of nobody")
    assert not passwords.fits("broken", PASSWORD)
