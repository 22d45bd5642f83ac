"""Files as HR's systems export them, good and bad, into a company of each test's own."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import orjson
import pytest

from ledger.audit import audit, extent
from pointsbank import company, import_lines, importing
from pointsbank.database import Database
from pointsbank.directory import enrolments, learners, programmes
from pointsbank.errors import Invalid, NotFound
from rules import versions

_numbers = itertools.count()
RULEBOOK = {"earning": [{"key": "test", "on": "test", "award": {"unit": "credits", "amount": "data.points"}}]}
LEARNERS = ("a", "b", "007")


@dataclass
class Desk:
    """Imports the content of a file into a company with a programme `p` of learners a, b and 007."""

    database: Database
    company_id: int
    folder: Path

    def learners(self, content: str | bytes, programme: str | None = None) -> dict[str, int]:
        return self._take("learners", content, programme)

    def events(self, content: str | bytes, programme: str | None = "p") -> dict[str, int]:
        return self._take("events", content, programme)

    def _take(self, kind: import_lines.Kind, content: str | bytes, programme: str | None) -> dict[str, int]:
        path = self.folder / "file"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        seen: list[int] = []
        counts = importing.import_file(self.database, self.company_id, kind, path, programme, seen.append)
        assert sum(seen) <= path.stat().st_size
        return {status: count for status, count in counts.items() if count}

    def rejected(self) -> list[tuple[int, str]]:
        """Line number and reason."""
        path = self.folder / "file.rejected"
        if not path.exists():
            return []
        rows = [line.split("\t") for line in path.read_text("utf-8").split("\n")[:-1]]
        return [(int(number), reason) for number, reason, _ in rows]


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Iterator[Desk]:
    company_id = company.create(database, f"import-{next(_numbers)}-{tmp_path.name}")
    with database.transaction(company_id) as session:
        learners.put_batch(session, [learners.Learner(key, key) for key in LEARNERS])
        starts_on, ends_on = date(2021, 7, 1), date(2199, 12, 31)
        programme, _ = programmes.put(session, "p", name="P", starts_on=starts_on, ends_on=ends_on, timezone="UTC")
        enrolments.enrol(session, "p", LEARNERS)
        versions.put_draft(session, programme.no, RULEBOOK)
        versions.activate(session, programme.no)
    desk = Desk(database, company_id, tmp_path)
    yield desk
    with database.snapshot(company_id) as session:
        assert list(audit(session)) == []


def ndjson(*events: dict[str, object]) -> str:
    return "".join(orjson.dumps(event).decode() + "\n" for event in events)


def event(key: str, **changes: object) -> dict[str, object]:
    whole = {"specversion": "1.0", "id": key, "source": "urn:t", "type": "test", "subject": "a"}
    return {**whole, "time": "2021-09-01T08:00:00Z", "data": {"points": 5}, **changes}


HEADER = "id,type,subject,time,points,remark\n"
ROW = "{},test,{},2021-09-01T08:00:00Z,5,{}\n"


def row(key: str, learner: str = "a", remark: str = "") -> str:
    return ROW.format(key, learner, remark)


GOOD = {
    "NDJSON": (ndjson(event("1"), event("2")), 2),
    "NDJSON with a byte order mark, CRLF and blank lines": (
        "\ufeff" + ndjson(event("1")).replace("\n", "\r\n\r\n") + ndjson(event("2")),
        2,
    ),
    "NDJSON without a last newline": (ndjson(event("1")).rstrip(), 1),
    "CSV": (HEADER + row("1") + row("2", "007"), 2),
    "CSV with a byte order mark and CRLF": ("\ufeff" + (HEADER + row("1") + row("2")).replace("\n", "\r\n"), 2),
    "CSV with newlines in quotes": (HEADER + row("1", remark='"two\r\nlines, ""quoted"""') + row("2"), 2),
    "CSV with carriage returns alone": ((HEADER + row("1")).replace("\n", "\r"), 1),
    "the same event twice": (ndjson(event("1"), event("1")), 1),
}


@pytest.mark.parametrize(("content", "booked"), GOOD.values(), ids=GOOD.keys())
def test_a_good_file_is_booked_once(desk: Desk, content: str, booked: int) -> None:
    first = desk.events(content)
    assert first["booked"] == booked
    lines = sum(first.values())
    assert desk.rejected() == []
    assert desk.events(content) == {"duplicate": lines}


def test_an_event_without_a_time_is_known_again(desk: Desk) -> None:
    content = "id,type,subject,points\n1,test,a,5\n"
    with pytest.raises(NotFound, match="other"):
        desk.events(content, "other")
    assert desk.events(content) == {"booked": 1}
    assert desk.events(content) == {"duplicate": 1}


BAD = {
    "not JSON": (ndjson(event("1")) + "{nonsense\n", [(2, "not JSON")]),
    "not an object": (ndjson(event("1")) + "[1]\n", [(2, "")]),
    "an unknown learner": (ndjson(event("1"), event("2", subject="nobody")), [(2, "nobody")]),
    "other content": (ndjson(event("1"), event("1", subject="b")), [(2, "other content")]),
    "bytes that are not UTF-8": (ndjson(event("1")).encode() + b'{"id": "\xff"}\n', [(2, "UTF-8")]),
    "a lone byte in CSV": (
        (HEADER + row("1")).encode() + row("2", remark="!").encode().replace(b"!", b"\xff"),
        [(3, "")],
    ),
    "NUL in CSV": (HEADER + row("1") + row("2", remark="\x00"), [(3, "")]),
    "too few cells": (HEADER + row("1") + "2,test,a\n", [(3, "3 cells, the header 6")]),
    "a quote that is never closed": (HEADER + row("1") + row("2", remark='"open'), [(3, "not CSV")]),
    "text after a quote": (HEADER + row("1") + row("2", remark='"a"b'), [(3, "not CSV")]),
    "a huge line of JSON": (
        ndjson(event("1")) + '{"id": "' + "x" * 600_000 + '"}\n' + ndjson(event("1")),
        [(2, "longer than 262144")],
    ),
    "a huge line of CSV": (HEADER + row("1") + row("2", remark="," * 600_000) + row("1"), [(3, "longer than 262144")]),
    "a huge cell over many lines": (
        HEADER + row("1") + row("2", remark='"' + "x\n" * 140_000 + '"'),
        None,
    ),
}


@pytest.mark.parametrize(("content", "rejected"), BAD.values(), ids=BAD.keys())
def test_bad_lines_are_told_by_number_and_the_rest_is_booked(
    desk: Desk, content: str | bytes, rejected: list[tuple[int, str]] | None
) -> None:
    counts = desk.events(content)
    assert counts["booked"] == 1
    found = desk.rejected()
    assert len(found) == counts["rejected"]
    if rejected is not None:
        assert [number for number, _ in found] == [number for number, _ in rejected]
        for (_, reason), (_, part) in zip(found, rejected, strict=True):
            assert part in reason
    assert "booked" not in desk.events(content)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("id,subject\n1,a\n", "names type"),
        ("id;type;subject\n", "names id, type, subject"),
        ("id,type,subject,id\n", "twice"),
        ("\x89PNG\r\n", "neither NDJSON nor CSV"),
        ("id,type,subject".encode("utf-16"), "neither NDJSON nor CSV"),
    ],
)
def test_a_file_that_is_neither_is_said_to_be(desk: Desk, content: str | bytes, reason: str) -> None:
    with pytest.raises(Invalid, match=reason):
        desk.events(content)


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\r\n\n", HEADER.encode()])
def test_a_file_without_lines_is_no_fault(desk: Desk, content: bytes) -> None:
    assert desk.events(content) == {}


def test_cells_are_facts() -> None:
    facts = {
        "": None, "5": 5, "-5": -5, "0": 0, "007": "007", "1.50": 1.5, "true": True, "True": "True", "1e3": "1e3",
        "999999999999999": 999999999999999, "110101199003078515": "110101199003078515", "1.": "1.", "٣": "٣",
    }  # fmt: skip
    for cell, fact in facts.items():
        found = import_lines._of_cells(["id", "x"], ["1", cell], "events")
        assert isinstance(found, dict)
        assert found["data"].get("x") == fact
        assert type(found["data"].get("x")) is type(fact)


def test_learners(desk: Desk) -> None:
    content = (
        "\ufeffid,name,email,joined_on\n20210001,李雷,,2021-07-01\nc,C,no address,\n"
        "20210001,李雷,,2021-07-01\nd,D,,soon\n20210001,other,,\ne,,,\n"
    )
    assert desk.learners(content, "p") == {"created": 1, "unchanged": 1, "rejected": 4}
    assert [number for number, _ in desk.rejected()] == [3, 5, 6, 7]
    reasons = [reason for _, reason in desk.rejected()]
    for reason, part in zip(reasons, ("email", "joined_on", "line 2", "name"), strict=True):
        assert part in reason
    assert desk.learners(content, "p") == {"unchanged": 2, "rejected": 4}
    assert desk.events(ndjson(event("1", subject="20210001"))) == {"booked": 1}
    assert desk.learners(ndjson({"id": "f", "name": "F"})) == {"created": 1}
    assert desk.events(ndjson(event("2", subject="f"))) == {"rejected": 1}


def test_a_chunk_ends_with_its_lines_or_its_bytes(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "CHUNK_LINES", 3)
    assert desk.events(ndjson(*(event(f"{n}") for n in range(10)))) == {"booked": 10}
    monkeypatch.setattr(importing, "CHUNK_BYTES", 10)
    assert desk.events(ndjson(*(event(f"{n}") for n in range(12)))) == {"booked": 2, "duplicate": 10}


def test_interrupted_in_the_middle_it_goes_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "CHUNK_LINES", 10)
    path = desk.folder / "file"
    path.write_text(ndjson(*(event(f"{n}") for n in range(40)), event("bad", subject="nobody")))

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        importing.import_file(desk.database, desk.company_id, "events", path, "p", interrupt)
    assert desk.events(path.read_bytes()) == {"booked": 30, "duplicate": 10, "rejected": 1}
    with desk.database.snapshot(desk.company_id) as session:
        assert extent(session).transfers == 40
