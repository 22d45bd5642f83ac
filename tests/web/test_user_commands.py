"""`pointsbank users …` and `pointsbank identity-provider …`, as an operator types them."""

import base64
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from pointsbank.cli import main
from tests.web.conftest import PASSWORD, Reader

Run = Callable[..., Result]


@pytest.fixture
def run(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run("users", "list")` of the reader's company; `given` is what is typed."""
    monkeypatch.setenv("DATABASE_URL", reader.database.url)
    monkeypatch.setenv("REDIS_URL", "none")
    monkeypatch.setenv("POINTSBANK_KEY_ENCRYPTION_KEY", base64.b64encode(bytes(32)).decode())

    def run(*words: str, given: str = "") -> Result:
        return CliRunner().invoke(main, [*words, "--company", reader.company_key], input=given)

    return run


def test_users_from_making_to_disabling(run: Run, reader: Reader) -> None:
    words = ("users", "create", "Li.Lei", "--role", "learner", "--role", "hr", "--learner", "20210001")
    made = run(*words, given=f"{PASSWORD}\n")
    assert (made.exit_code, made.output.strip()) == (0, "li.lei  learner, hr  learner 20210001  password")
    assert reader.sign_in("li.lei").status_code == 303
    assert run("users", "set-password", "li.lei", given="another one entirely\n").exit_code == 0
    assert reader.get("/me").status_code == 303, "out"
    assert reader.sign_in("li.lei", "another one entirely").status_code == 303
    assert run("users", "disable", "li.lei").output.strip().endswith("disabled")
    assert reader.get("/me").status_code == 303, "out"
    assert run("users", "enable", "li.lei").exit_code == 0
    link = run("users", "link", "li.lei").output.strip()
    assert reader.send(link.removeprefix("http://127.0.0.1:8000"), {}).status_code == 303
    assert reader.get("/me").status_code == 200
    assert run("users", "list").output.strip() == "li.lei  learner, hr  learner 20210001  password"


@pytest.mark.parametrize(
    ("words", "given", "said"),
    [
        (("users", "create", "x", "--role", "hr"), "short\n", "must be 10 to 200 characters"),
        (("users", "create", "x", "--role", "boss", "--no-password"), "", "must be some of learner"),
        (("users", "create", "x", "--role", "awarder", "--awarder", "2021", "--no-password"), "", "is no key"),
        (("users", "link", "nobody"), "", "There is no user nobody."),
        (("users", "disable", "nobody"), "", "There is no user nobody."),
        (("identity-provider", "set", "--issuer", "http://idp.example", "--client-id", "x"), "s\n", "https"),
    ],
)
def test_what_cannot_be_is_one_line(run: Run, words: tuple[str, ...], given: str, said: str) -> None:
    done = run(*words, given=given)
    assert done.exit_code == 1
    assert said in done.output
    assert "Traceback" not in done.output


def test_an_identity_provider(run: Run) -> None:
    assert run("identity-provider", "show").output.strip() == "There is none."
    words = ("--issuer", "https://sso.example/staff", "--client-id", "points", "--learner-claim", "staff_no")
    done = run("identity-provider", "set", *words, given="the secret\n")
    assert done.output.strip().endswith("/sign-in/openid/callback")
    shown = run("identity-provider", "show").output
    assert "client: points  name claim: preferred_username  learner claim: staff_no" in shown
    assert "the secret" not in shown
    assert run("identity-provider", "remove").exit_code == 0
    assert run("identity-provider", "show").output.strip() == "There is none."
