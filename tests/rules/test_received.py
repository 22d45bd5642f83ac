"""Which events a programme receives, and what is in them."""

from pointsbank.database import Database
from pointsbank.directory import programmes
from rules import received
from tests.api.conftest import Caller, app, caller, new_company, programme  # noqa: F401 - fixtures


def event(number: int, kind: str, data: dict[str, object]) -> dict[str, object]:
    return {
        "specversion": "1.0",
        "id": f"e{number}",
        "source": "urn:lms",
        "type": kind,
        "subject": "20210001",
        "time": "2021-10-18T09:30:00+08:00",
        "data": {"programme": "2021", **data},
    }


def test_kinds_and_their_fields(programme: Caller, database: Database) -> None:  # noqa: F811 - the fixture
    sent = [event(n, "scored", {"score": n, "note": "好" * 41, "parts": [n]}) for n in range(8)]
    sent += [event(99, "present", {"course": "service"})]
    answer = programme.events(sent).get_json()
    assert answer["ignored"] == 9, answer
    award = {"learner": "20210001", "programme": "2021", "unit": "credits", "amount": 1, "reason": "好"}
    assert programme.post("/v1/awards", award, headers={"Idempotency-Key": "a"}).status_code == 201
    with database.snapshot(programme.company_id) as session:
        found = received.kinds(session, programmes.get(session, "2021").no)
    assert [(each.type, each.events) for each in found] == [("scored", 8), ("present", 1)]
    fields = found[0].fields
    assert set(fields) == {"programme", "score", "note", "parts"}
    assert len(fields["score"]) == received.MAX_EXAMPLES
    assert fields["note"] == fields["parts"] == []
    assert found[1].fields == {"programme": ["2021"], "course": ["service"]}
