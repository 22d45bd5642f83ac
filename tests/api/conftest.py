"""A client of the API in this process, and companies of its own for each test."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import flask
import orjson
import pytest
from werkzeug.test import TestResponse

from api.app import create_app
from pointsbank import company, keys
from pointsbank.database import Database
from pointsbank.settings import Settings

_numbers = itertools.count()


@dataclass
class Caller:
    """One company's client: `caller.put(path, body)`, and so on; `body` is sent as JSON."""

    app: flask.Flask
    company_id: int
    key: str
    company_key: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def send(self, method: str, path: str, body: object = None, **kwargs: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.key}", **self.headers, **kwargs.pop("headers", {})}
        if body is not None:
            kwargs.setdefault("content_type", "application/json")
            kwargs["data"] = body if isinstance(body, bytes) else orjson.dumps(body)
        return self.app.test_client().open(path, method=method, headers=headers, **kwargs)

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        return self.send("GET", path, **kwargs)

    def put(self, path: str, body: object, **kwargs: Any) -> TestResponse:
        return self.send("PUT", path, body, **kwargs)

    def post(self, path: str, body: object = None, **kwargs: Any) -> TestResponse:
        return self.send("POST", path, body, **kwargs)

    def event(self, event: object, **kwargs: Any) -> TestResponse:
        return self.post("/v1/events", event, content_type="application/cloudevents+json", **kwargs)

    def events(self, events: object, query: str = "") -> TestResponse:
        return self.post(f"/v1/events{query}", events, content_type="application/cloudevents-batch+json")


@pytest.fixture(scope="session")
def app(database: Database) -> flask.Flask:
    settings = Settings(Path("var"), database.url, None, True, "http://127.0.0.1:8000", "warning", (bytes(32),))
    return create_app(settings, database)


@pytest.fixture
def new_company(app: flask.Flask, database: Database) -> Callable[..., Caller]:
    """`new_company("read")` makes a company and a key with these scopes (else admin)."""

    def make(*scopes: str) -> Caller:
        key = f"api-test-{next(_numbers)}-{id(app)}"
        company_id = company.create(database, key)
        return Caller(app, company_id, keys.create(database, company_id, "test", scopes or ("admin",)), key)

    return make


@pytest.fixture
def caller(new_company: Callable[..., Caller]) -> Caller:
    """A company of this test with a key for everything."""
    return new_company()


@pytest.fixture
def programme(caller: Caller) -> Caller:
    """A company with a programme `2021`, a course `service`, and two teams of two learners, no rulebook yet."""
    caller.put(
        "/v1/programmes/2021",
        {"name": "2021届训练营", "starts_on": "2021-07-01", "ends_on": "2022-06-30", "allotment": 100_000},
    )
    course = {"name": "服务", "kind": "structured", "flowers": 1_000}
    caller.put("/v1/programmes/2021/courses/service", course)
    learners = [{"id": f"2021000{n}", "name": name} for n, name in enumerate(["李雷", "韩梅梅", "林涛", "𠮷野"], 1)]
    caller.post("/v1/learners/batch", learners)
    for team, members in (("a", ["20210001", "20210002"]), ("b", ["20210003", "20210004"])):
        caller.put(f"/v1/programmes/2021/teams/{team}", {"name": f"小组{team}", "members": members})
    return caller
