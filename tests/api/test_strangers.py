"""200 learners with hostile names are certified over HTTP, and a stranger checks what they were handed."""

import json
from collections.abc import Callable
from typing import Any

import flask
import pytest

from api.examples import EVENT
from credentials.paper import missing_glyphs
from tests.api.conftest import Caller
from tests.credentials.certificates import hostile_names

P = "/v1/programmes/2021"
LEARNERS = 200
RULEBOOK = {
    "earning": [{"key": "scored", "on": EVENT["type"], "award": {"unit": "credits", "amount": "data.score"}}],
    "certificates": [
        {
            "key": "points",
            "kind": "points",
            "name": {"zh": "积分证", "en": "Points certificate"},
            "criteria": {"fact": "credits", "in": "programme", "at_least": 40},
            "equals": [{"system": "talent", "level": "P2"}],
        }
    ],
}

Node = Callable[[object], Any]


@pytest.fixture
def learners(caller: Caller) -> dict[str, str]:
    """Names by id, of which every character can be printed: otherwise nothing would be issued."""
    names = [name for name in hostile_names(LEARNERS * 2) if not missing_glyphs([name])][:LEARNERS]
    assert len(names) == LEARNERS
    caller.put("/v1/company", {"name": "示范公司"})
    caller.put(P, {"name": "2021届训练营", "starts_on": "2021-07-01", "ends_on": "2022-06-30", "allotment": 100_000})
    named = {f"{number:04d}": name for number, name in enumerate(names)}
    answer = caller.post("/v1/learners/batch", [{"id": each, "name": name} for each, name in named.items()])
    assert answer.get_json()["created"] == LEARNERS
    caller.post(f"{P}/enrolments", {"learners": list(named), "from": "2021-07-01"})
    assert caller.put(f"{P}/rulebook/draft", RULEBOOK).status_code == 200
    caller.post(f"{P}/rulebook/draft/activate")
    events = [{**EVENT, "id": each, "subject": each, "data": {"programme": "2021", "score": 86}} for each in named]
    assert caller.events(events).get_json()["booked"] == LEARNERS
    return named


def everything(caller: Caller, path: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    answer = caller.get(path).get_json()
    items += answer["items"]
    while answer["next"]:
        answer = caller.get(f"{path}&cursor={answer['next']}").get_json()
        items += answer["items"]
    return items


def test_whoever_is_certified_can_show_it_to_a_stranger(
    app: flask.Flask, caller: Caller, learners: dict[str, str], verify_with_node: Node
) -> None:
    answer = caller.post(f"{P}/certification-runs", {"cut_off": "2022-07-01T00:00:00+08:00", "issue": True})
    assert (answer.status_code, answer.get_json()["issued"]) == (200, LEARNERS), answer.json
    certificates = everything(caller, "/v1/certificates?limit=100")
    numbers = {each["learner"]: each["number"] for each in certificates}
    assert numbers.keys() == learners.keys()
    texts = {each: caller.get(f"/v1/certificates/{number}/credential").text for each, number in numbers.items()}
    for each, text in texts.items():
        assert json.loads(text)["credentialSubject"]["identifier"][1]["identityHash"] == learners[each]
    revoked = [each for at, each in enumerate(sorted(numbers)) if at % 67 == 5]
    assert gone(check(app, list(texts.values()), verify_with_node), texts) == []
    for each in revoked:
        answer = caller.post(f"/v1/certificates/{numbers[each]}/revoke", {"reason": "发错了"})
        assert answer.status_code < 300, answer.json
    assert gone(check(app, list(texts.values()), verify_with_node), texts) == revoked


def gone(answers: list[dict[str, Any]], texts: dict[str, str]) -> list[str]:
    """Whose certificate shows as revoked; all are signed."""
    assert [answer["error"] for answer in answers] == [None] * LEARNERS
    assert all(answer["signature"] for answer in answers)
    return sorted(each for each, answer in zip(texts, answers, strict=True) if answer["revoked"])


def check(app: flask.Flask, texts: list[str], verify_with_node: Node) -> list[dict[str, Any]]:
    """With what the service publishes, and nothing else."""
    first = json.loads(texts[0])
    did, status_list = first["issuer"]["id"], first["credentialStatus"]["statusListCredential"]
    path = did.removeprefix("did:web:127.0.0.1%3A8000:").replace(":", "/")
    documents = {}
    for name, address in ((did, f"/{path}/did.json"), (status_list, status_list.removeprefix("http://127.0.0.1:8000"))):
        answer = app.test_client().get(address)
        assert answer.status_code == 200, address
        documents[name] = answer.get_json(force=True)
    found: list[dict[str, Any]] = verify_with_node({"documents": documents, "credentials": texts})
    return found
