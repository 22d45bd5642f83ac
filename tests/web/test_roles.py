"""Every page and form, for every role, also of another company: who sees it is listed here once more, by hand."""

from collections.abc import Callable, Iterator

import flask
import pytest

from api.pages import access
from api.pages.frame import Pages
from pointsbank.users.people import ROLES
from tests.api.conftest import Caller
from tests.web.conftest import Reader

EVERYBODY = frozenset(ROLES)
NOBODY_NEEDED = None
MANAGERS = frozenset({"hr", "admin"})
KEEPERS = frozenset({"admin"})

CERTIFICATION = "/admin/programmes/<key:programme>/certification"

EXPECTED: dict[tuple[str, str], frozenset[str] | None] = {
    ("GET", "/"): EVERYBODY,
    ("GET", "/sign-in"): NOBODY_NEEDED,
    ("POST", "/sign-in"): NOBODY_NEEDED,
    ("GET", "/sign-in/link/<link>"): NOBODY_NEEDED,
    ("POST", "/sign-in/link/<link>"): NOBODY_NEEDED,
    ("GET", "/sign-in/openid"): NOBODY_NEEDED,
    ("GET", "/sign-in/openid/callback"): NOBODY_NEEDED,
    ("POST", "/sign-out"): EVERYBODY,
    ("GET", "/me"): frozenset({"learner"}),
    ("GET", "/me/passbook.csv"): frozenset({"learner"}),
    ("GET", "/me/certificates/<number>.<form>"): frozenset({"learner"}),
    ("GET", "/award"): frozenset({"awarder"}),
    ("POST", "/award"): frozenset({"awarder"}),
    ("POST", "/award/<entry>/undo"): frozenset({"awarder"}),
    ("GET", "/award/state"): frozenset({"awarder"}),
    ("GET", "/award/worker.js"): NOBODY_NEEDED,
    ("GET", "/admin"): MANAGERS,
    ("GET", "/admin/entries"): MANAGERS,
    ("GET", "/admin/entries.csv"): MANAGERS,
    ("GET", "/admin/entries/<int:number>"): MANAGERS,
    ("POST", "/admin/entries/<int:number>/reversal"): MANAGERS,
    ("GET", f"{CERTIFICATION}"): MANAGERS,
    ("POST", f"{CERTIFICATION}"): MANAGERS,
    ("GET", f"{CERTIFICATION}/runs/<key:run>"): MANAGERS,
    ("POST", f"{CERTIFICATION}/runs/<key:run>/progress"): MANAGERS,
    ("POST", f"{CERTIFICATION}/runs/<key:run>/issue"): MANAGERS,
    ("GET", f"{CERTIFICATION}/runs/<key:run>/results.csv"): MANAGERS,
    ("GET", f"{CERTIFICATION}/runs/<key:run>/learners/<key:learner>"): MANAGERS,
    ("GET", f"{CERTIFICATION}/learners"): MANAGERS,
    ("GET", f"{CERTIFICATION}/learners/<key:learner>"): MANAGERS,
    ("GET", f"{CERTIFICATION}/certificates"): MANAGERS,
    ("GET", f"{CERTIFICATION}/certificates/<key:number>"): MANAGERS,
    ("GET", f"{CERTIFICATION}/certificates/<key:number>/file.<form>"): MANAGERS,
    ("POST", f"{CERTIFICATION}/certificates/<key:number>/revoke"): MANAGERS,
    ("POST", f"{CERTIFICATION}/certificates/<key:number>/keep"): MANAGERS,
    ("GET", "/admin/company"): MANAGERS,
    ("POST", "/admin/company"): MANAGERS,
    ("GET", "/admin/learners"): MANAGERS,
    ("GET", "/admin/learners/<key:learner>"): MANAGERS,
    ("GET", "/admin/learners/<key:learner>/edit"): MANAGERS,
    ("POST", "/admin/learners/<key:learner>/edit"): MANAGERS,
    ("GET", "/admin/new-learner"): MANAGERS,
    ("POST", "/admin/new-learner"): MANAGERS,
    ("GET", "/admin/programmes/<key:programme>/teams"): MANAGERS,
    ("POST", "/admin/programmes/<key:programme>/team-moves"): MANAGERS,
    ("GET", "/admin/programmes/<key:programme>/new-team"): MANAGERS,
    ("POST", "/admin/programmes/<key:programme>/new-team"): MANAGERS,
    ("GET", "/admin/programmes/<key:programme>/teams/<key:team>"): MANAGERS,
    ("POST", "/admin/programmes/<key:programme>/teams/<key:team>"): MANAGERS,
    ("GET", "/admin/programmes/<key:programme>/awarders"): MANAGERS,
    ("POST", "/admin/programmes/<key:programme>/awarders"): MANAGERS,
    ("GET", "/admin/programmes/<key:programme>/awarders/<key:awarder>"): MANAGERS,
    ("POST", "/admin/programmes/<key:programme>/awarders/<key:awarder>"): MANAGERS,
    ("POST", "/admin/programmes/<key:programme>/awarders/<key:awarder>/allowances"): MANAGERS,
    ("GET", "/admin/programmes/<key:programme>/new-awarder"): MANAGERS,
    ("POST", "/admin/programmes/<key:programme>/new-awarder"): MANAGERS,
    ("GET", "/admin/new-programme"): MANAGERS,
    ("POST", "/admin/new-programme"): MANAGERS,
    ("GET", "/admin/programmes/<key:programme>"): MANAGERS,
    ("GET", "/admin/programmes/<key:programme>/courses"): MANAGERS,
    ("GET", "/admin/programmes/<key:programme>/courses/<key:course>"): MANAGERS,
    ("POST", "/admin/programmes/<key:programme>/courses/<key:course>"): MANAGERS,
    ("GET", "/admin/programmes/<key:programme>/courses/<key:course>/close"): MANAGERS,
    ("POST", "/admin/programmes/<key:programme>/courses/<key:course>/close"): MANAGERS,
    ("GET", "/admin/programmes/<key:programme>/new-course"): MANAGERS,
    ("POST", "/admin/programmes/<key:programme>/new-course"): MANAGERS,
    ("GET", "/admin/programmes/<key:programme>/edit"): MANAGERS,
    ("POST", "/admin/programmes/<key:programme>/edit"): MANAGERS,
    ("GET", "/admin/programmes/<key:programme>/rulebook"): MANAGERS,
    ("POST", "/admin/programmes/<key:programme>/rulebook/check"): MANAGERS,
    ("POST", "/admin/programmes/<key:programme>/rulebook/draft"): MANAGERS,
    ("POST", "/admin/programmes/<key:programme>/rulebook/draft/drop"): MANAGERS,
    ("GET", "/admin/programmes/<key:programme>/rulebook/trial"): MANAGERS,
    ("POST", "/admin/programmes/<key:programme>/rulebook/trial"): MANAGERS,
    ("POST", "/admin/programmes/<key:programme>/rulebook/activation"): MANAGERS,
    ("GET", "/admin/programmes/<key:programme>/rulebook/re-evaluation"): MANAGERS,
    ("GET", "/admin/programmes/<key:programme>/rulebook/versions"): MANAGERS,
    ("GET", "/admin/programmes/<key:programme>/rulebook/versions/<int:no>"): MANAGERS,
    ("GET", "/admin/programmes/<key:programme>/screens"): MANAGERS,
    ("POST", "/admin/programmes/<key:programme>/screens"): MANAGERS,
    ("POST", "/admin/programmes/<key:programme>/screens/<int:no>/revocation"): MANAGERS,
    ("GET", "/screen/link/<link>"): NOBODY_NEEDED,
    ("GET", "/screen/<key:programme>"): NOBODY_NEEDED,
    ("GET", "/screen-stream/<key:programme>"): NOBODY_NEEDED,
    ("GET", "/admin/feed"): MANAGERS,
    ("GET", "/admin/feed/news"): MANAGERS,
    ("GET", "/admin/feed/stream"): MANAGERS,
    ("GET", "/admin/access"): KEEPERS,
    ("GET", "/admin/access/keys"): KEEPERS,
    ("POST", "/admin/access/keys"): KEEPERS,
    ("POST", "/admin/access/keys/<int:no>/revocation"): KEEPERS,
    ("GET", "/admin/access/origins"): KEEPERS,
    ("POST", "/admin/access/origins"): KEEPERS,
    ("POST", "/admin/access/origins/removal"): KEEPERS,
    ("GET", "/admin/access/signing"): KEEPERS,
    ("POST", "/admin/access/signing/rotation"): KEEPERS,
    ("GET", "/admin/access/users"): KEEPERS,
    ("GET", "/admin/access/users/new"): KEEPERS,
    ("POST", "/admin/access/users/new"): KEEPERS,
    ("GET", "/admin/access/users/<int:no>"): KEEPERS,
    ("POST", "/admin/access/users/<int:no>"): KEEPERS,
    ("GET", "/admin/access/users/<int:no>/edit"): KEEPERS,
    ("POST", "/admin/access/users/<int:no>/state"): KEEPERS,
    ("POST", "/admin/access/users/<int:no>/sessions"): KEEPERS,
    ("POST", "/admin/access/users/<int:no>/link"): KEEPERS,
    ("GET", "/admin/access/widgets"): KEEPERS,
    ("GET", "/admin/access/widgets/new"): KEEPERS,
    ("POST", "/admin/access/widgets/new"): KEEPERS,
    ("POST", "/admin/access/widgets/<token>/revocation"): KEEPERS,
    ("GET", "/admin/access/widgets/board"): KEEPERS,
    ("GET", "/admin/access/widgets/preview/v1/leaderboards"): KEEPERS,
    ("GET", "/admin/access/widgets/preview/v1/leaderboards/stream"): KEEPERS,
    ("GET", "/admin/programmes/<key:programme>/roster"): MANAGERS,
    ("POST", "/admin/programmes/<key:programme>/roster"): MANAGERS,
    ("GET", "/admin/programmes/<key:programme>/roster/template.<form>"): MANAGERS,
    ("GET", "/admin/programmes/<key:programme>/roster/<int:no>"): MANAGERS,
    ("GET", "/admin/programmes/<key:programme>/roster/<int:no>/columns"): MANAGERS,
    ("POST", "/admin/programmes/<key:programme>/roster/<int:no>/columns"): MANAGERS,
    ("POST", "/admin/programmes/<key:programme>/roster/<int:no>/check"): MANAGERS,
    ("POST", "/admin/programmes/<key:programme>/roster/<int:no>/take"): MANAGERS,
    ("POST", "/admin/programmes/<key:programme>/roster/<int:no>/discard"): MANAGERS,
    ("GET", "/admin/programmes/<key:programme>/roster/<int:no>/problems.csv"): MANAGERS,
    ("GET", "/admin/programmes/<key:programme>/roster/<int:no>/left-out.csv"): MANAGERS,
    **{
        ("GET", f"/admin/programmes/<key:programme>/reports{page}"): MANAGERS
        for page in (
            "",
            "/time",
            "/time.csv",
            "/distribution",
            "/distribution.csv",
            "/departments",
            "/departments.csv",
            "/silent.csv",
            "/givers",
            "/givers.csv",
            "/givers/<key:giver>",
            "/givers/<key:giver>/learners.csv",
            "/events",
            "/events.csv",
        )
    },
}
"""None: also who is not signed in."""


def routes(app: flask.Flask) -> Iterator[tuple[str, str]]:
    for rule in app.url_map.iter_rules():
        if isinstance(app.blueprints.get(rule.endpoint.rpartition(".")[0]), Pages):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield method, rule.rule


def test_every_route_is_listed(app: flask.Flask) -> None:
    assert set(routes(app)) == set(EXPECTED)


def test_a_view_that_does_not_say_is_refused_at_the_start(app: flask.Flask) -> None:
    def view() -> str:
        return ""

    with pytest.raises(AttributeError):
        access.allowed(view)


@pytest.fixture
def everyone(reader: Reader) -> Reader:
    for role in ROLES:
        reader.user(role, role, learner="20210001" if role == "learner" else None)
    return reader


@pytest.mark.parametrize(("method", "path"), sorted(EXPECTED), ids=lambda text: text)
def test_who_gets_past_the_guard(everyone: Reader, new_reader: Callable[[str], Reader], method: str, path: str) -> None:
    """A form is sent without its token, so that it changes nothing: past the guard that is what is refused."""
    address = (
        path.replace("<link>", "x")
        .replace("<int:no>", "1")
        .replace("<int:number>", "1")
        .replace("<token>", "3f1c09a7be5d2486")
        .replace("<number>.<form>", "PB-2022-000001-7K3QXWMV.pdf")
    )
    allowed = EXPECTED[method, path]
    stranger = new_reader(everyone.company_key)
    answer = stranger.open(address, method)
    if allowed is None:
        assert answer.status_code in ((200, 401, 404) if method == "GET" else (403,))
        assert method == "GET" or "out of date" in answer.text
    elif method == "GET":
        assert (answer.status_code, answer.headers["Location"][:9]) == (303, "/sign-in?")
    else:
        assert answer.status_code == 401
    for role in ROLES:
        reader = new_reader(everyone.company_key).become(role)
        answer = reader.open(address, method)
        refused = answer.status_code == 403 and "This page is not for you" in answer.text
        answer.close()  # also what is streamed
        assert refused == (allowed is not None and role not in allowed), role


def test_a_visitor_of_another_company_is_one_of_that_company(
    everyone: Reader, new_company: Callable[..., Caller], new_reader: Callable[[str], Reader]
) -> None:
    other = new_reader(new_company().company_key)
    other.user("hr", "hr", shown="other HR")
    assert "other HR" in other.become("hr").get("/admin").text
    assert "other HR" not in new_reader(everyone.company_key).become("hr").get("/admin").text
