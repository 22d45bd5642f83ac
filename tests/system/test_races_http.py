"""Clients that race over HTTP: an allowance gives what it holds and no more, a retried event is booked once, and
`first: 3` gives three: by time, then by arrival."""

import http.client
import json
import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, Protocol
from urllib.parse import urlsplit

ALLOWANCE = 100
GIVERS = 32
AWARDS_EACH = 5
FLOWERS_PER_AWARD = 1
STORMERS = 16
EVENTS = 1_000
EVENT_TYPE = "application/cloudevents+json"
BATCH_TYPE = "application/cloudevents-batch+json"
LEARNERS = [f"2021{number:04}" for number in range(GIVERS)]
QUICK = [f"quick{number:02}" for number in range(50)]
RULEBOOK = {
    "earning": [
        {"key": "fixed", "on": "race", "award": {"unit": "credits", "amount": "1"}},
        {"key": "quick", "on": "quick", "award": {"unit": "credits", "amount": 7}, "first": 3},
    ]
}


class Service(Protocol):
    url: str

    def key(self, company: str) -> str: ...

    def command(self, *arguments: str) -> str: ...


class Client:
    """One keep-alive connection."""

    def __init__(self, service: Service) -> None:
        parts = urlsplit(service.url)
        self.connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        self.headers = {"Authorization": f"Bearer {service.key('race')}"}

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        payload = None if body is None else json.dumps(body).encode()
        content = {
            "Content-Type": "application/json",
            **{name.replace("_", "-"): text for name, text in headers.items()},
        }
        self.connection.request(method, path, payload, self.headers | content)
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read())

    def close(self) -> None:
        self.connection.close()

    def put(self, path: str, body: object) -> None:
        status, answer = self.ask("PUT", path, body)
        assert status < 300, answer

    def post(self, path: str, body: object = None) -> None:
        status, answer = self.ask("POST", path, body)
        assert status < 300, answer


def at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    """What `work(0)`, `work(1)` … return, all begun at the same moment."""
    barrier = threading.Barrier(count)

    def begin(number: int) -> Any:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(begin, range(count)))


def put_directory(client: Client) -> None:
    programme = {"name": "P", "starts_on": "2021-07-01", "ends_on": "2021-12-31", "timezone": "UTC", "allotment": None}
    client.put("/v1/programmes/p", {**programme, "phases": []})
    client.put("/v1/programmes/p/courses/c", {"name": "C", "kind": "practical", "flowers": ALLOWANCE})
    everyone = [*LEARNERS, *QUICK]
    client.post("/v1/learners/batch", [{"id": learner, "name": learner} for learner in everyone])
    client.post("/v1/programmes/p/enrolments", {"learners": everyone, "from": "2021-07-01"})
    client.put("/v1/programmes/p/awarders/li", {"name": "Li", "role": "trainer", "allowances": {"c": ALLOWANCE}})
    client.put("/v1/programmes/p/rulebook/draft", RULEBOOK)
    client.post("/v1/programmes/p/rulebook/draft/activate")


def test_clients_race(service: Service) -> None:
    """One service for both: its start takes longer than the races."""
    with closing(Client(service)) as client:
        put_directory(client)
        an_allowance_gives_what_it_holds(service, client)
        a_storm_of_retries_books_each_event_once(service, client)
        the_first_three_of_fifty(service, client)
    assert service.command("verify").startswith("verified: ")


def an_allowance_gives_what_it_holds(service: Service, client: Client) -> None:
    def give(number: int) -> list[tuple[int, Any]]:
        award = {"awarder": "li", "learner": LEARNERS[number], "programme": "p", "course": "c", "unit": "flowers"}
        award |= {"amount": FLOWERS_PER_AWARD, "reason": "race", "time": "2021-09-01T08:00:00Z"}
        with closing(Client(service)) as giver:
            keys = [f"award-{number}-{turn}" for turn in range(AWARDS_EACH)]
            return [giver.ask("POST", "/v1/awards", award, Idempotency_Key=key) for key in keys]

    answers = [answer for each in at_once(GIVERS, give) for answer in each]
    statuses = Counter(status for status, _ in answers)
    assert statuses == {201: ALLOWANCE, 422: GIVERS * AWARDS_EACH - ALLOWANCE}
    for status, problem in answers:
        if status == 422:
            assert problem["type"].endswith("/problems/insufficient-funds")
            assert " 0" in problem["detail"], problem
    assert balance(client, "allowance:li:c", "flowers:c") == 0
    held = [balance(client, f"holding:{learner}", "flowers:c") for learner in LEARNERS]
    given = [
        sum(status == 201 for status, _ in answers[n * AWARDS_EACH : (n + 1) * AWARDS_EACH]) for n in range(GIVERS)
    ]
    assert held == given


def balance(client: Client, account: str, unit: str) -> int:
    """0 for an account that nothing was booked on."""
    status, answer = client.ask("GET", f"/v1/accounts/{account}?unit={unit}")
    assert status in (200, 404), answer
    return int(answer["balance"]) if status == 200 else 0


def a_storm_of_retries_books_each_event_once(service: Service, client: Client) -> None:
    batch = [
        {
            "specversion": "1.0",
            "id": f"event-{number}",
            "source": "urn:race",
            "type": "race",
            "subject": LEARNERS[number % len(LEARNERS)],
            "time": "2021-09-01T08:00:00Z",
            "data": {"programme": "p"},
        }
        for number in range(EVENTS)
    ]

    def post(number: int) -> Any:
        turned = batch[number * 50 :] + batch[: number * 50]  # each begins elsewhere
        with closing(Client(service)) as stormer:
            status, answer = stormer.ask("POST", "/v1/events", turned, Content_Type=BATCH_TYPE)
        assert status == 200, answer
        return answer

    answers = at_once(STORMERS, post)
    assert sum(answer["booked"] for answer in answers) == EVENTS
    assert sum(answer["duplicate"] for answer in answers) == EVENTS * (STORMERS - 1)
    entries = [{result["id"]: result["entry_id"] for result in answer["results"]} for answer in answers]
    assert all(each == entries[0] for each in entries)
    assert len(set(entries[0].values())) == EVENTS
    earned = [balance(client, f"holding:{learner}", "credits") for learner in LEARNERS]
    assert sum(earned) == EVENTS


def the_first_three_of_fifty(service: Service, client: Client) -> None:
    """Each of 50 learners in a request of their own, all at once. Two of them happen first, five at the next moment."""
    seconds = [30 - number % 25 for number in range(len(QUICK))]
    for number, second in {11: 0, 40: 1, 3: 2, 17: 2, 25: 2, 31: 2, 48: 2}.items():
        seconds[number] = second
    shuffled = random.Random(7).sample(range(len(QUICK)), len(QUICK))

    def post(turn: int) -> tuple[int, int, str]:
        number = shuffled[turn]
        event = {"specversion": "1.0", "id": QUICK[number], "source": "urn:quick", "type": "quick"}
        event |= {"subject": QUICK[number], "time": f"2021-09-01T08:00:{seconds[number]:02}Z"}
        with closing(Client(service)) as racer:
            status, answer = racer.ask(
                "POST", "/v1/events", event | {"data": {"programme": "p"}}, Content_Type=EVENT_TYPE
            )
        assert status in (200, 201), answer
        return seconds[number], answer["entry"]["number"], QUICK[number]

    arrived = at_once(len(QUICK), post)
    winners = {learner for _, _, learner in sorted(arrived)[:3]}
    have = {learner: balance(client, f"holding:{learner}", "credits") for learner in QUICK}
    assert have == {learner: 7 if learner in winners else 0 for learner in QUICK}
    assert {QUICK[11], QUICK[40]} < winners
