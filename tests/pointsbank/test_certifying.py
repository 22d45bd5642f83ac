"""`pointsbank certify` as an operator sees it."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest

from pointsbank.certifying import certify, time_of
from pointsbank.database import Database
from pointsbank.settings import Settings
from rules.certification import run as runs
from rules.certification.run import Wanted
from tests.api.conftest import Caller, app, caller, new_company, programme  # noqa: F401 - fixtures
from tests.api.test_certification_runs import P, closed, ready  # noqa: F401 - fixtures

CUT_OFF = datetime(2022, 7, 1, tzinfo=UTC)


@pytest.fixture
def lines(database: Database) -> Callable[..., list[str]]:
    settings = Settings(Path("var"), database.url, None, True, "http://127.0.0.1:8000", "warning", (bytes(32),))
    return lambda bank, **wanted: list(certify(database, settings, bank.company_id, "2021", Wanted(CUT_OFF, **wanted)))


def test_a_preview_and_then_the_certificates(
    closed: Caller,  # noqa: F811
    lines: Callable[..., list[str]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = "4 learners by version 1 of the rulebook: 3 qualified, 5 short"
    assert lines(closed) == [f"preview 1: {said}, 3 would be issued, 0 held already, 0 revoked"]
    assert "note:" not in capsys.readouterr().err
    assert lines(closed, issues=True) == [f"run 2: {said}, 3 issued, 0 held already, 0 revoked"]
    assert "note: the certificates name http://127.0.0.1:8000 for good" in capsys.readouterr().err
    assert lines(closed, issues=True) == [f"run 3: {said}, 0 issued, 3 held already, 0 revoked"]


def test_warnings_are_said_and_stop_it(ready: Caller, lines: Callable[..., list[str]]) -> None:  # noqa: F811
    warning, preview = lines(ready)
    assert warning.startswith("warning: The course service")
    assert preview.startswith("preview 1")
    with pytest.raises(click.ClickException, match="Nothing was issued"):
        lines(ready, issues=True)
    assert lines(ready, issues=True, confirmed=True)[-1].startswith("run 3")


def test_one_that_was_begun_is_gone_on_with(
    closed: Caller,  # noqa: F811
    database: Database,
    lines: Callable[..., list[str]],
) -> None:
    wanted = Wanted(CUT_OFF, issues=True)
    database.run(closed.company_id, lambda session: runs.start(session, "2021", wanted, "killed"), writes=True)
    begun, done = lines(closed, issues=True)
    assert begun == "going on with run 1, of which 0 of 4 learners are judged"
    assert done.startswith("run 1: 4 learners")


@pytest.mark.parametrize("text", ["2022-07-01", "2022-07-01T00:00:00", "yesterday", ""])
def test_a_time_needs_its_offset(text: str) -> None:
    with pytest.raises(click.BadParameter):
        time_of(text)
    assert time_of("2022-07-01T08:00:00+08:00") == CUT_OFF
