"""A certificate's forms over HTTP: the PDF and the badges that its company takes."""

import builtins
import io
import sys
from dataclasses import replace
from typing import Any

import pypdf
import pytest

from credentials import badge, paper
from pointsbank.database import Database
from tests.api.conftest import Caller
from tests.api.issued import BASE, Issuer


@pytest.fixture
def issuer(programme: Caller, database: Database) -> Issuer:
    return Issuer(programme, database)


def test_the_pdf_has_the_credential_in_it(issuer: Issuer) -> None:
    content = issuer.content()
    number = issuer.issue(content)
    credential = issuer.programme.get(f"/v1/certificates/{number}/credential").data
    answer = issuer.programme.get(f"/v1/certificates/{number}/pdf")
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert answer.headers["Content-Disposition"] == f'inline; filename="{number}.pdf"'
    assert pypdf.PdfReader(io.BytesIO(answer.data)).attachments["credential.json"] == [credential]
    assert answer.data == paper.pdf(content, [], credential)
    assert issuer.programme.get(f"/v1/certificates/{number}/badge.png").data == badge.png(content, credential)


@pytest.mark.parametrize("form", ["pdf", "badge.svg", "badge.png"])
@pytest.mark.parametrize("lacking", ["fpdf", "uharfbuzz"])
def test_without_the_extra_it_is_503_and_says_what_to_install(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch, form: str, lacking: str
) -> None:
    number = issuer.issue(issuer.content())
    there = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.split(".")[0] == lacking:
            raise ModuleNotFoundError(f"No module named {lacking!r}", name=lacking)
        return there(name, *rest)

    for module in list(sys.modules):
        if module.startswith(("credentials.paper.", "credentials.badge.")) and not module.endswith("errors"):
            monkeypatch.delitem(sys.modules, module)
            parent, _, name = module.rpartition(".")
            monkeypatch.delattr(sys.modules.get(parent), name, raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    answer = issuer.programme.get(f"/v1/certificates/{number}/{form}")
    if lacking == "fpdf" and form != "pdf":
        assert answer.status_code == 200, "badges need no PDF library"
        return
    problem = answer.get_json()
    assert (answer.status_code, problem["type"]) == (503, f"{BASE}/problems/not-installed")
    assert problem["detail"].endswith("pip install 'pointsbank[certificates]'")
    assert lacking in problem["detail"]


@pytest.mark.parametrize("form", ["pdf", "badge.svg", "badge.png"])
def test_nothing_is_drawn_of_what_was_not_signed(issuer: Issuer, form: str) -> None:
    content = issuer.content()
    number = issuer.issue(content, kept=replace(content, level="特级"))
    answer = issuer.programme.get(f"/v1/certificates/{number}/{form}")
    assert (answer.status_code, answer.get_json()["type"]) == (409, f"{BASE}/problems/conflict")
    assert number in answer.get_json()["detail"]
    assert issuer.programme.get(f"/v1/certificates/{number}/credential").status_code == 200
    if form != "pdf":
        assert issuer.programme.get(f"/verify/{number}/{form}").status_code == 404


def test_a_name_that_cannot_be_shown_is_422_and_names_the_character(issuer: Issuer) -> None:
    number = issuer.issue(issuer.content(learner_name="李𛀀雷"))
    answer = issuer.programme.get(f"/v1/certificates/{number}/pdf")
    assert (answer.status_code, answer.get_json()["type"]) == (422, f"{BASE}/problems/missing-glyphs")
    assert "U+1B000" in answer.get_json()["detail"]
    assert issuer.programme.get(f"/v1/certificates/{number}/credential").status_code == 200
