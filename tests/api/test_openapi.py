"""The OpenAPI document: valid, complete, and held to by its own examples."""

import re
from collections.abc import Iterator
from typing import Any

import flask
import jsonschema_rs
import pytest

from api.examples import EVENT, RULEBOOK
from api.openapi import served_routes
from tests.api.conftest import Caller

KINDS = {
    "/v1/certificates/{number}/badge.png": "image/png",
    "/v1/certificates/{number}/badge.svg": "image/svg+xml",
    "/v1/certificates/{number}/credential": "application/vc+ld+json",
    "/v1/certificates/{number}/pdf": "application/pdf",
    "/v1/leaderboards/stream": "text/event-stream",
    "/v1/issuers/{issuer}/did.json": "application/did+ld+json",
    "/v1/status-lists/{status_list}": "application/vc+ld+json",
}
PUBLIC = ("/v1/issuers/", "/v1/status-lists/")

Operation = tuple[str, str, dict[str, Any]]


@pytest.fixture
def document(app: flask.Flask) -> dict[str, Any]:
    answer = app.test_client().get("/openapi.json")
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    found: dict[str, Any] = answer.get_json()
    return found


def operations(document: dict[str, Any]) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield method, path, operation


def test_it_has_every_route(document: dict[str, Any], app: flask.Flask) -> None:
    written = [f"{method.upper()} {path}" for method, path, _ in operations(document)]
    assert sorted(written) == sorted(re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route) for route in served_routes(app))
    assert document["openapi"] == "3.1.0"


def test_each_operation_is_described(document: dict[str, Any]) -> None:
    names = []
    for method, path, operation in operations(document):
        where = f"{method} {path}"
        assert operation["summary"], where
        if path.startswith(PUBLIC):
            assert operation["security"] == [], where
            assert "Public: no key is needed." in operation["description"], where
        else:
            assert re.search(r"Scope: `[a-z:]+`\.", operation["description"]), where
            credentials = [{"key": []}, {"widget": []}] if path.startswith("/v1/leaderboards") else [{"key": []}]
            assert operation["security"] == credentials, where
        assert re.fullmatch(r"[a-z_]+", operation["operationId"]), where
        names.append(operation["operationId"])
        wanted = {"404", "405", "503"} | (set() if path.startswith(PUBLIC) else {"401", "403", "422"})
        wanted |= set() if method in ("get", "delete") else {"400", "409", "413", "415"}
        assert wanted <= operation["responses"].keys(), where
        for status, response in operation["responses"].items():
            if status == "204":
                assert "content" not in response, where
                continue
            kind = "application/problem+json" if status >= "300" else KINDS.get(path, "application/json")
            assert kind in response["content"], (where, status)
            assert response["description"], (where, status)
            assert status < "300" or response["content"][kind]["example"]["status"] == int(status), where
    assert len(set(names)) == len(names)


def test_every_schema_is_a_schema(document: dict[str, Any]) -> None:
    """JSON Schema 2020-12 as OpenAPI 3.1 has it, and every reference leads somewhere."""
    for name, schema in document["components"]["schemas"].items():
        jsonschema_rs.meta.validate(schema)
        assert schema["type"] == "object", name
        validator(document, schema)
    for _, _, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            jsonschema_rs.meta.validate(parameter["schema"])
            assert parameter["in"] != "query" or isinstance(parameter["schema"]["type"], str), parameter["name"]


def validator(document: dict[str, Any], schema: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator({**schema, "components": document["components"]})


def content(document: dict[str, Any], path: str, method: str, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = document["paths"][path][method]["requestBody"]["content"][kind]
    return found


def test_examples_are_what_the_schemas_say_and_the_service_takes(document: dict[str, Any], programme: Caller) -> None:
    draft = "/v1/programmes/{programme}/rulebook/draft"
    for path, method, kind in (
        ("/v1/events", "post", "application/cloudevents+json"),
        ("/v1/events", "post", "application/cloudevents-batch+json"),
        ("/v1/learners/batch", "post", "application/json"),
        ("/v1/programmes/{programme}/teams/batch", "put", "application/json"),
        (draft, "put", "application/json"),
    ):
        body = content(document, path, method, kind)
        assert validator(document, body["schema"]).is_valid(body["example"]), path
        answer = programme.send(method.upper(), path.replace("{programme}", "2021"), body["example"], content_type=kind)
        assert answer.status_code < 300, (path, answer.get_json())
    assert content(document, "/v1/events", "post", "application/cloudevents+json")["example"] == EVENT
    assert content(document, draft, "put", "application/json")["example"] == RULEBOOK


def test_methods_that_are_not_there(app: flask.Flask, document: dict[str, Any]) -> None:
    client = app.test_client()
    for path, item in document["paths"].items():
        there = {method.upper() for method in item if method != "parameters"}
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"} - there:
            answer = client.open(re.sub(r"{\w+}", "1", path), method=method)
            assert (answer.status_code, answer.mimetype) == (405, "application/problem+json"), (method, path)
            allowed = set(answer.headers["Allow"].split(", ")) - {"HEAD", "OPTIONS"}
            assert allowed == there, (path, allowed)


def test_unknown_query_parameters_are_refused(caller: Caller, document: dict[str, Any]) -> None:
    for path in ("/v1/learners", "/v1/entries", "/v1/leaderboards", "/v1/programmes"):
        answer = caller.get(f"{path}?limmit=5")
        assert (answer.status_code, answer.get_json()["errors"][0]["path"]) == (422, "limmit"), path
