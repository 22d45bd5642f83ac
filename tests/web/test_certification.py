"""Certification as HR does it: previews, runs, the register, revocation and review; why, or why not, of a learner."""

import csv
import io
import re
from collections.abc import Callable
from typing import Any

import pytest

from api.app_state import State
from rules.certification import working
from tests.api.conftest import Caller
from tests.web.conftest import Reader

BASE = "/admin/programmes/2021/certification"
MARKUP = "<script>alert('x')</script>\N{RIGHT-TO-LEFT OVERRIDE}"
POINTS = {
    "key": "points",
    "kind": "points",
    "name": {"zh": "积分证", "en": "Points certificate"},
    "criteria": {
        "all": [
            {"fact": "credits", "in": "programme", "at_least": 10},
            {"not": {"fact": "events", "type": "breach", "at_least": 2}},
        ]
    },
}
CONVERSION = {"flowers_per_credit": 5, "round": "down", "remainder": "expire"}


def rulebook(bank: Caller, **more: Any) -> None:
    bank.put("/v1/programmes/2021/rulebook/draft", {"earning": [], "certificates": [POINTS], **more})
    assert bank.post("/v1/programmes/2021/rulebook/draft/activate").status_code in (200, 201)


def award(bank: Caller, learner: str, amount: int, **more: Any) -> None:
    given = {"programme": "2021", "unit": "credits", "learner": learner, "amount": amount, "reason": "复盘", **more}
    answer = bank.post("/v1/awards", given, headers={"Idempotency-Key": f"{learner}-{amount}"})
    assert answer.status_code in (200, 201), answer.text


@pytest.fixture
def bank(programme: Caller) -> Caller:
    """20210001, whose name is markup, has 12 credits and qualifies; 20210002 has 4; the others nothing."""
    programme.put("/v1/learners/20210001", {"name": MARKUP})
    rulebook(programme)
    award(programme, "20210001", 12)
    award(programme, "20210002", 4)
    return programme


@pytest.fixture
def hr(bank: Caller, reader: Reader) -> Reader:
    reader.user("hr", "hr")
    return reader.become("hr")


def begun(hr: Reader, **fields: str) -> str:
    """The address of a preview that the form has begun."""
    key = re.search(r'name="key" value="(\w+)"', hr.get(BASE).text)
    assert key is not None
    answer = hr.send(BASE, {"when": "now", "key": key[1], **fields})
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def worked(hr: Reader, run: str) -> str:
    """Its page, once it is over."""
    page = hr.get(run).text
    token = re.search(r'data-token="(\w+)"', page)
    assert token is not None, "it is on its way"
    answer = hr.open(f"{run}/progress", "POST", data={"csrf": token[1]}, headers={"Accept": "application/x-ndjson"})
    assert answer.text.splitlines()[-1].startswith('{"result":')
    return hr.get(run).text


def issued(hr: Reader, **fields: str) -> str:
    """The number of the one certificate that a run has issued."""
    run = begun(hr)
    page = worked(hr, run)
    key = re.search(r'<dialog id="issue".*?name="key" value="(\w+)"', page, re.DOTALL)
    assert key is not None
    answer = hr.send(f"{run}/issue", {"key": key[1], **fields}, page=run)
    assert answer.status_code == 303, answer.text
    page = worked(hr, answer.headers["Location"])
    assert "1 certificate was issued." in page
    number = re.search(r"PB-\d{4}-\d{6}-\w{8}", page)
    assert number is not None
    return number[0]


def text(page: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", page.partition('<div class="sheet">')[2]).split())


def test_a_preview_says_who_qualifies_and_what_is_missing(hr: Reader) -> None:
    run = begun(hr)
    page = worked(hr, run)
    said = text(page)
    assert "1 of 4 qualified" in said
    assert "at least 10 credits in the programme: 6 credits short (4 so far)" in said
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    assert "Preview 1" in text(hr.get(BASE).text)
    why = text(hr.get(f"{run}/learners/20210002").text)
    assert "Required 10 Found 4 Missing 6 1 entry" in why
    assert "not (events breach: at least 2 in the programme): met" in why
    assert re.search(r'href="/admin/entries/\d+"', hr.get(f"{run}/learners/20210001").text)


@pytest.mark.parametrize(
    ("query", "learners"),
    [
        ("", ["20210001", "20210002", "20210003", "20210004"]),
        ("show=qualified", ["20210001"]),
        ("show=new&certificate=points", ["20210001"]),
        ("show=short", ["20210002", "20210003", "20210004"]),
        ("show=issued", []),
        ("team=b", ["20210003", "20210004"]),
        ("team=b&show=qualified", []),
        ("who=20210002", ["20210002"]),
        ("who=梅", ["20210002"]),
        ("who=%25", []),
        ("certificate=nothing", []),
    ],
)
def test_results_are_narrowed_also_as_csv(hr: Reader, query: str, learners: list[str]) -> None:
    run = begun(hr)
    page = worked(hr, run) and hr.get(f"{run}?{query}").text
    assert re.findall(r"/learners/(\d+)\"", page) == learners
    assert learners or "Nobody is like that." in page
    rows = list(csv.reader(io.StringIO(hr.get(f"{run}/results.csv?{query}").data.decode("utf-8-sig"))))
    assert [row[0] for row in rows[1:]] == learners
    assert rows[0] == ["ID", "Name", "Department", "Team", "Certificate", "Result", "Number", "Why"]


def test_a_form_sent_twice_begins_one_run(hr: Reader) -> None:
    fields = {"when": "now", "key": "once"}
    first, second = (hr.send(BASE, fields).headers["Location"] for _ in range(2))
    assert first == second
    assert hr.send(BASE, {**fields, "key": "twice"}).headers["Location"] != first


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"when": "other", "cut_off": ""}, "Enter a date and a time"),
        ({"when": "other", "cut_off": "tomorrow"}, "Enter a date and a time"),
        ({"when": "other", "cut_off": "0001-01-01T00:00"}, "Enter a date and a time"),
        ({"when": "other", "cut_off": "2022-07-01T00:00+08:00"}, "Enter a date and a time"),
        ({"when": "other", "cut_off": "2199-12-31T23:59"}, "lies in the future"),
        ({}, "Enter a date and a time"),
    ],
)
def test_a_cut_off_that_is_none(hr: Reader, fields: dict[str, str], fault: str) -> None:
    answer = hr.send(BASE, {"key": "k", **fields})
    assert answer.status_code == 422
    assert fault in text(answer.text)
    if "cut_off" in fields:
        assert f'value="{fields["cut_off"]}"' in answer.text, "what was typed stays"
    assert "Nothing has been judged yet." in answer.text


def test_a_cut_off_is_in_the_companys_time_zone(hr: Reader, bank: Caller) -> None:
    run = begun(hr, when="other", cut_off="2021-08-01T00:00")
    assert "before Aug 1, 2021, 12:00:00" in text(worked(hr, run))
    (kept,) = bank.get("/v1/programmes/2021/certification-runs").json["items"]
    assert kept["cut_off"] == "2021-07-31T16:00:00Z"
    assert kept["qualified"] == 0, "the awards came later"


def test_from_a_preview_to_a_certificate_and_its_end(hr: Reader, bank: Caller) -> None:
    number = issued(hr)
    address = f"{BASE}/certificates/{number}"
    for form, start in (("pdf", b"%PDF-"), ("png", b"\x89PNG"), ("svg", b"<?xml"), ("json", b"{")):
        file = hr.get(f"{address}/file.{form}")
        assert file.data.lstrip().startswith((start, b"<svg")), form
        assert file.headers["Content-Disposition"] == f'attachment; filename="{number}.{form}"'
    assert hr.get(f"{address}/file.exe").status_code == 404
    page = hr.get(address).text
    assert f"/verify/{number}" in page
    assert "+12" in text(page), "the statement"
    refused = hr.send(f"{address}/revoke", {"reason": " ", "key": "k"}, page=address)
    assert refused.status_code == 422
    assert "must not be empty." in refused.text
    assert "data-open" in refused.text
    done = hr.send(f"{address}/revoke", {"reason": f"无效{MARKUP}", "key": "k"}, page=address)
    assert done.status_code == 303
    page = hr.get(done.headers["Location"]).text
    assert "The certificate is revoked." in page
    assert "<script>alert" not in page
    assert hr.send(f"{address}/revoke", {"reason": f"无效{MARKUP}", "key": "k"}, page=BASE).status_code == 303
    again = hr.send(f"{address}/revoke", {"reason": "once more", "key": "k"}, page=BASE)
    assert again.status_code == 422
    assert "was revoked on" in again.text
    assert hr.send(f"{address}/keep", {"reason": "good", "key": "k"}, page=BASE).status_code == 422
    assert bank.get(f"/v1/certificates/{number}").json["status"] == "revoked"
    run = begun(hr)
    page = worked(hr, run)
    assert "Revoked before" in text(page)
    answer = hr.send(f"{run}/issue", {"key": "again", "reissue": "yes"}, page=run)
    assert "1 certificate was issued." in worked(hr, answer.headers["Location"])


def test_the_register_finds_by_status_kind_and_holder(hr: Reader) -> None:
    number = issued(hr)
    for query, there in (
        ("", True),
        ("status=valid", True),
        ("status=revoked", False),
        ("status=expired", False),
        ("status=review", False),
        ("kind=points", True),
        ("kind=qualification", False),
        ("who=20210001", True),
        ("who=ALERT", True),
        ("who=20210002", False),
    ):
        page = hr.get(f"{BASE}/certificates?{query}").text
        assert (number in page) == there, query
        assert there or "No certificate is like that." in page


def test_warnings_stop_an_issue_until_they_are_confirmed(hr: Reader, bank: Caller) -> None:
    rulebook(bank, conversion=CONVERSION)
    bank.put("/v1/programmes/2021/awarders/li", {"name": "李", "role": "trainer", "allowances": {"service": 9}})
    award(bank, "20210002", 7, unit="flowers", course="service", awarder="li")
    run = begun(hr)
    page = worked(hr, run)
    said = text(page)
    assert "1 warning The course “服务” is still open: 7 flowers of 1 learner are not credits yet." in said
    assert 'href="/admin/programmes/2021/courses"' in page
    refused = hr.send(f"{run}/issue", {"key": "k"}, page=run)
    assert refused.status_code == 422
    assert "Tick this if certificates are to be issued in spite of the warnings." in refused.text
    answer = hr.send(f"{run}/issue", {"key": "k", "confirm": "yes"}, page=run)
    assert "1 certificate was issued." in worked(hr, answer.headers["Location"])


def test_a_certificate_whose_ground_is_taken_back_is_reviewed(hr: Reader, bank: Caller) -> None:
    number = issued(hr)
    entry = bank.get("/v1/entries?learner=20210001&kind=award.given").json["items"][0]["number"]
    assert number in hr.get(f"/admin/entries/{entry}").text, "who reverses is told"
    answer = hr.send(f"/admin/entries/{entry}/reversal", {"reason": "错", "key": "k"}, page=f"/admin/entries/{entry}")
    assert answer.status_code == 303
    assert "1 certificate is to be reviewed" in text(hr.get(BASE).text)
    assert number in hr.get(f"{BASE}/certificates?status=review").text
    address = f"{BASE}/certificates/{number}"
    said = text(hr.get(address).text)
    assert f"Entry {entry} → reversal" in said
    assert "When it was issued Qualified" in said
    assert "By what is booked since Short" in said
    done = hr.send(f"{address}/keep", {"reason": "补考达标", "key": "k"}, page=address)
    assert done.status_code == 303
    said = text(hr.get(done.headers["Location"]).text)
    assert "The review is over" in said
    assert "To be reviewed" not in said
    assert bank.get(f"/v1/certificates/{number}").json["review"] is None


def test_a_run_that_nobody_watches_goes_on(hr: Reader, bank: Caller) -> None:
    run = begun(hr)
    assert "Judged 0 of 4 learners" in text(hr.get(run).text)
    state: State = hr.app.extensions["pointsbank"]
    who = working.worker(hr.database, state.settings)
    while working.continue_due(who):
        pass
    assert "1 of 4 qualified" in text(hr.get(run).text)


def test_one_learner_now_and_at_a_cut_off(hr: Reader, bank: Caller) -> None:
    address = f"{BASE}/learners/20210002"
    assert "6 credits short (4 so far)" in text(hr.get(address).text)
    assert "10 credits short (0 so far)" in text(hr.get(f"{address}?when=other&cut_off=2021-08-01T00:00").text)
    for wrong, fault in (("nonsense", "Enter a date and a time"), ("2199-01-01T00:00", "lies in the future")):
        assert fault in text(hr.get(f"{address}?when=other&cut_off={wrong}").text)
    assert hr.get(f"{BASE}/learners?who=20210002").headers["Location"] == address
    assert re.findall(r"/learners/(\d+)\"", hr.get(f"{BASE}/learners").text) == [f"2021000{n}" for n in range(1, 5)]
    assert "Nobody who is enrolled has this name or ID." in hr.get(f"{BASE}/learners?who=nobody").text
    bank.put("/v1/learners/new", {"name": "新人"})
    for learner in ("new", "nobody"):
        assert hr.get(f"{BASE}/learners/{learner}").status_code == 404


def test_without_a_rulebook_nothing_can_be_judged(programme: Caller, reader: Reader) -> None:
    reader.user("hr", "hr")
    page = reader.become("hr").get(BASE).text
    assert "No rulebook is in force in this programme" in page
    assert "No rulebook is in force" in reader.get(f"{BASE}/learners/20210001").text
    assert reader.send(BASE, {"when": "now", "key": "k"}).status_code == 404


def test_of_others_there_is_nothing(
    hr: Reader, bank: Caller, new_company: Callable[..., Caller], new_reader: Callable[[str], Reader]
) -> None:
    number = issued(hr)
    bank.put("/v1/programmes/2022", {"name": "2022", "starts_on": "2022-07-01", "ends_on": "2023-06-30"})
    other = new_company()
    other.put("/v1/programmes/2021", {"name": "2021", "starts_on": "2021-07-01", "ends_on": "2022-06-30"})
    stranger = new_reader(other.company_key)
    stranger.user("hr", "hr")
    stranger.become("hr")
    paths = [f"runs/{run}{more}" for run in (1, 2, 99, "x") for more in ("", "/results.csv", "/learners/20210001")]
    paths += [f"certificates/{number}", f"certificates/{number}/file.pdf", "certificates/nothing", "learners/20210001"]
    for path in paths:
        assert stranger.get(f"{BASE}/{path}").status_code == 404, path
        assert hr.get(f"/admin/programmes/2022/certification/{path}").status_code == 404, path
    for what in ("revoke", "keep"):
        gone = stranger.send(f"{BASE}/certificates/{number}/{what}", {"reason": "x", "key": "k"}, page=BASE)
        assert gone.status_code == 404
    for path in ("runs/1/issue", "runs/1/progress"):
        assert stranger.send(f"{BASE}/{path}", {"key": "k"}, page=BASE).status_code == 404
    assert hr.get("/admin/programmes/none/certification").status_code == 404
    assert bank.get(f"/v1/certificates/{number}").json["status"] == "valid"


KEPT = {"script", "alert", "CSV", "PDF", "PNG", "SVG", "JSON", "breach", "Asia", "Shanghai"}
"""Names, and what is called so in Chinese, too."""


def test_in_chinese_everything_is(hr: Reader) -> None:
    number = issued(hr)
    hr.language = "zh"
    for path in (
        "",
        "/runs/1",
        "/runs/2",
        "/learners",
        "/learners/20210002",
        "/certificates",
        f"/certificates/{number}",
    ):
        words = set(re.findall(r"[A-Za-z]{3,}", text(hr.get(BASE + path).text)))
        assert words - set(re.findall("[A-Z]{3,}", number)) <= KEPT, path
