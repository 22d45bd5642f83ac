"""Two companies with the same ids everywhere: no request with one's key reads or changes the other's.

The calls below are held against the application's routes: a route that is not called here fails the test.
"""

import re
from collections.abc import Callable
from typing import Any

import flask
import psycopg
import pytest
from psycopg import sql
from werkzeug.test import TestResponse

from api.examples import RULEBOOK
from api.openapi import served_routes
from ledger.identity import entry_id
from pointsbank.database import Database
from tests.api.conftest import Caller

P = "/v1/programmes/2021"
SECRET = "乙方机密"
"""In every name and text of company B, and in none of A."""

SCOPES = ("events:write", "awards:write", "directory:write", "rules:write", "read", "certificates:issue")


def match(name: str, **fields: Any) -> dict[str, Any]:
    window = {"starts_at": "2021-10-18T09:00:00+08:00", "ends_at": "2021-10-18T10:00:00+08:00"}
    return {"name": name, "teams": ["a", "b"], "unit": "credits", **window, **fields}


def event(identity: str, **data: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": identity,
        "source": "urn:lms",
        "type": "lms.assessment.scored",
        "subject": "20210001",
        "time": "2021-10-18T09:30:00+08:00",
        "data": {"programme": "2021", "course": "service", "score": 86, "weight": 100, **data},
    }


# Route → the calls to try: path, body, and the scope that is needed. {entry} is an entry of the caller's own,
# {number} a certificate's, {token} the id of a widget token of theirs.
CALLS: dict[str, list[tuple[str, Any]]] = {
    "GET /v1/accounts/<key:code>": [
        ("/v1/accounts/holding:20210001", None),
        ("/v1/accounts/pool:programme:2021", None),
        ("/v1/accounts/issuance?unit=flowers:service", None),
    ],
    "GET /v1/rejections": [
        ("/v1/rejections", None),
        ("/v1/rejections?source=urn:lms&type=lms.assessment.scored&limit=1", None),
    ],
    "GET /v1/certificates": [
        ("/v1/certificates", None),
        ("/v1/certificates?learner=20210001&programme=2021&key=points&status=valid&limit=1", None),
    ],
    "GET /v1/certificates/<key:number>": [("/v1/certificates/{number}", None)],
    "GET /v1/certificates/<key:number>/badge.png": [("/v1/certificates/{number}/badge.png", None)],
    "GET /v1/certificates/<key:number>/badge.svg": [("/v1/certificates/{number}/badge.svg", None)],
    "GET /v1/certificates/<key:number>/credential": [("/v1/certificates/{number}/credential", None)],
    "GET /v1/certificates/<key:number>/pdf": [("/v1/certificates/{number}/pdf", None)],
    "GET /v1/certification-runs/<key:run>": [("/v1/certification-runs/1", None)],
    "GET /v1/certification-runs/<key:run>/results": [
        ("/v1/certification-runs/1/results", None),
        ("/v1/certification-runs/1/results?learner=20210001&qualified=true&certificate=points", None),
    ],
    "GET /v1/company": [("/v1/company", None)],
    "GET /v1/entries": [
        ("/v1/entries", None),
        ("/v1/entries?limit=1", None),
        ("/v1/entries?source=urn:lms&key=e1", None),
        ("/v1/entries?learner=20210001&programme=2021&course=service", None),
    ],
    "GET /v1/entries/<key:entry>": [("/v1/entries/{entry}", None)],
    "GET /v1/leaderboards": [
        ("/v1/leaderboards", None),
        ("/v1/leaderboards?scope=programme:2021&members=teams", None),
        ("/v1/leaderboards?scope=course:2021/service&unit=flowers", None),
    ],
    "GET /v1/leaderboards/stream": [("/v1/leaderboards/stream?scope=programme:2021", None)],
    "GET /v1/learners": [("/v1/learners", None)],
    "GET /v1/learners/<key_beside_batch:learner>": [("/v1/learners/20210001", None)],
    "GET /v1/learners/<key:learner>/balances": [("/v1/learners/20210001/balances", None)],
    "GET /v1/learners/<key:learner>/eligibility": [
        ("/v1/learners/20210001/eligibility?programme=2021&cut_off=2022-07-01T00:00:00Z", None)
    ],
    "GET /v1/learners/<key:learner>/statement": [("/v1/learners/20210001/statement", None)],
    "GET /v1/programmes": [("/v1/programmes", None)],
    "GET /v1/programmes/<key:programme>": [(P, None)],
    "GET /v1/programmes/<key:programme>/awarders": [(f"{P}/awarders", None)],
    "GET /v1/programmes/<key:programme>/awarders/<key:awarder>": [(f"{P}/awarders/li", None)],
    "GET /v1/programmes/<key:programme>/certification-runs": [(f"{P}/certification-runs", None)],
    "GET /v1/programmes/<key:programme>/courses": [(f"{P}/courses", None)],
    "GET /v1/programmes/<key:programme>/courses/<key:course>": [(f"{P}/courses/service", None)],
    "GET /v1/programmes/<key:programme>/enrolments": [(f"{P}/enrolments", None)],
    "GET /v1/programmes/<key:programme>/leaderboards/pinned": [(f"{P}/leaderboards/pinned", None)],
    "GET /v1/programmes/<key:programme>/matches": [(f"{P}/matches", None)],
    "GET /v1/programmes/<key:programme>/matches/<key:match>": [(f"{P}/matches/pk", None)],
    "GET /v1/programmes/<key:programme>/rulebook": [(f"{P}/rulebook", None)],
    "GET /v1/programmes/<key:programme>/rulebook/draft": [(f"{P}/rulebook/draft", None)],
    "GET /v1/programmes/<key:programme>/rulebook/re-evaluation": [(f"{P}/rulebook/re-evaluation", None)],
    "GET /v1/programmes/<key:programme>/rulebook/versions/<key:before>/diff/<key:after>": [
        (f"{P}/rulebook/versions/1/diff/draft", None)
    ],
    "GET /v1/programmes/<key:programme>/rulebook/versions": [(f"{P}/rulebook/versions", None)],
    "GET /v1/programmes/<key:programme>/rulebook/versions/<int:number>": [(f"{P}/rulebook/versions/1", None)],
    "GET /v1/programmes/<key:programme>/teams": [(f"{P}/teams", None)],
    "GET /v1/programmes/<key:programme>/teams/<key_beside_batch:team>": [(f"{P}/teams/a", None)],
    "GET /v1/trial-balance": [("/v1/trial-balance", None)],
    "DELETE /v1/widget-tokens/<key:token>": [("/v1/widget-tokens/{token}", None)],
    "GET /v1/widget-tokens": [("/v1/widget-tokens", None)],
    "POST /v1/widget-tokens": [("/v1/widget-tokens", {"scope": "programme:2021", "name": "甲"})],
    "POST /v1/allowances": [
        ("/v1/allowances", {"awarder": "li", "programme": "2021", "course": "service", "amount": 5})
    ],
    "POST /v1/awards": [
        (
            "/v1/awards",
            {
                "awarder": "li",
                "team": "a",
                "programme": "2021",
                "course": "service",
                "unit": "flowers",
                "amount": 1,
                "reason": "x",
                "time": "2021-10-18T09:30:00+08:00",
            },
        )
    ],
    "POST /v1/entries/<key:entry>/reversal": [("/v1/entries/{entry}/reversal", {"reason": "x"})],
    "POST /v1/events": [("/v1/events", event("e2", score=90)), ("/v1/events", event("e1", reason="甲"))],
    "POST /v1/learners/batch": [("/v1/learners/batch", [{"id": "20210001", "name": "甲"}])],
    "POST /v1/programmes/<key:programme>/enrolments": [(f"{P}/enrolments", {"learners": ["20210005"]})],
    "POST /v1/programmes/<key:programme>/rulebook/draft/simulate": [(f"{P}/rulebook/draft/simulate", None)],
    "POST /v1/programmes/<key:programme>/rulebook/draft/activate": [
        (f"{P}/rulebook/draft/activate", {"re_evaluate": True})
    ],
    "PUT /v1/company": [("/v1/company", {"name": "甲", "timezone": "Asia/Tokyo"})],
    "PUT /v1/learners/<key_beside_batch:learner>": [("/v1/learners/20210001", {"name": "甲甲"})],
    "PUT /v1/programmes/<key:programme>": [
        (P, {"name": "甲", "starts_on": "2021-07-01", "ends_on": "2022-07-31", "allotment": 200_000})
    ],
    "PUT /v1/programmes/<key:programme>/awarders/<key:awarder>": [
        (f"{P}/awarders/li", {"name": "甲", "role": "mentor", "allowances": {"service": 60}})
    ],
    "PUT /v1/programmes/<key:programme>/courses/<key:course>": [
        (f"{P}/courses/service", {"name": "甲", "kind": "practical", "flowers": 2_000})
    ],
    "PUT /v1/programmes/<key:programme>/leaderboards/pinned": [
        (f"{P}/leaderboards/pinned", {"boards": [{"scope": "course:2021/service", "unit": "flowers"}]}),
        (f"{P}/leaderboards/pinned", {"boards": []}),
    ],
    "PUT /v1/programmes/<key:programme>/matches/<key:match>": [
        (f"{P}/matches/pk", match("甲甲", prize={"unit": "credits", "amount": 5})),
        (f"{P}/matches/pk-2", match("甲", teams=["b", "a"], course="service")),
    ],
    "PUT /v1/programmes/<key:programme>/rulebook/draft": [(f"{P}/rulebook/draft", RULEBOOK)],
    "PUT /v1/programmes/<key:programme>/teams/<key_beside_batch:team>": [
        (f"{P}/teams/a", {"name": "甲", "members": ["20210001", "20210003"]})
    ],
    "PUT /v1/programmes/<key:programme>/teams/batch": [
        (f"{P}/teams/batch", [{"id": "b", "name": "甲", "members": ["20210004"]}])
    ],
    "POST /v1/programmes/<key:programme>/certification-runs": [
        (f"{P}/certification-runs", {"cut_off": "2022-07-01T00:00:00Z"}),
        (f"{P}/certification-runs", {"cut_off": "2022-07-01T00:00:00Z", "issue": True, "confirm": True}),
    ],
    # The entry that it rests on is reversed by now.
    "POST /v1/certificates/<key:number>/review": [
        ("/v1/certificates/{number}/review", {"outcome": "keep", "reason": "x"})
    ],
    "POST /v1/certificates/<key:number>/revoke": [("/v1/certificates/{number}/revoke", {"reason": "x"})],
    # Last, as a closed course takes no changes.
    "POST /v1/programmes/<key:programme>/courses/<key:course>/close": [
        (f"{P}/courses/service/close", {"preview": True}),
        (f"{P}/courses/service/close", None),
    ],
}


# What anybody may read; tests/api/test_issuers.py has what it tells.
PUBLIC = (
    "GET /v1/issuers/<key:issuer>",
    "GET /v1/issuers/<key:issuer>/did.json",
    "GET /v1/status-lists/<key:status_list>",
)


def furnish(caller: Caller, name: str) -> None:
    """A company with something of everything, the same ids whoever it is, and `name` in all its texts."""
    event_e1 = event("e1", reason=name)
    for method, path, body in (
        ("PUT", "/v1/company", {"name": name, "origins": ["https://intranet.example.com"]}),
        ("PUT", P, {"name": name, "starts_on": "2021-07-01", "ends_on": "2022-06-30", "allotment": 100_000}),
        ("PUT", f"{P}/courses/service", {"name": name, "kind": "structured", "flowers": 1_000}),
        ("POST", "/v1/learners/batch", [{"id": f"2021000{n}", "name": name} for n in range(1, 6)]),
        ("PUT", f"{P}/teams/a", {"name": name, "members": ["20210001", "20210002"]}),
        ("PUT", f"{P}/teams/b", {"name": name, "members": ["20210003", "20210004"]}),
        ("PUT", f"{P}/matches/pk", match(name, prize={"unit": "credits", "amount": 5})),
        ("PUT", f"{P}/leaderboards/pinned", {"boards": [{"members": "teams"}, {"scope": "course:2021/service"}]}),
        ("PUT", f"{P}/awarders/li", {"name": name, "role": "trainer", "allowances": {"service": 50}}),
        ("PUT", f"{P}/rulebook/draft", RULEBOOK),
        ("POST", f"{P}/rulebook/draft/activate", {"re_evaluate": True}),
        ("PUT", f"{P}/rulebook/draft", RULEBOOK),
        ("POST", "/v1/widget-tokens", {"scope": "programme:2021", "name": name}),
    ):
        answer = caller.send(method, path, body)
        assert answer.status_code < 300, (path, answer.json)
    assert caller.event(event_e1).status_code == 201
    issue = {"cut_off": "2022-07-01T00:00:00Z", "issue": True}
    assert caller.post(f"{P}/certification-runs", issue).get_json()["issued"] == 1


def call(caller: Caller, route: str, path: str, body: Any, **headers: str) -> TestResponse:
    content_type = "application/cloudevents+json" if path == "/v1/events" else "application/json"
    if body is None:
        return ended(caller.send(route.split()[0], path, headers=headers))
    return caller.send(route.split()[0], path, body, content_type=content_type, headers=headers)


def ended(answer: TestResponse) -> TestResponse:
    """A stream is over after its first event, but for its `retry`, which is another one each time."""
    if answer.mimetype == "text/event-stream":
        first = next(answer.iter_encoded())
        answer.close()
        answer.set_data(first.partition(b"\n\n")[2])
    return answer


@pytest.fixture
def companies(new_company: Callable[..., Caller]) -> tuple[Caller, Caller]:
    """A and B."""
    a, b = new_company(), new_company()
    furnish(a, "甲")
    furnish(b, SECRET)
    return a, b


_AS_OF = re.compile(rb'"at":"[^"]*"')


def own_entry(caller: Caller) -> str:
    found: str = caller.get("/v1/entries?source=urn:lms&key=e1").get_json()["items"][0]["id"]
    return found


def own_ids(caller: Caller) -> dict[str, str]:
    """What stands in the paths of CALLS."""
    return {
        "entry": own_entry(caller),
        "number": caller.get("/v1/certificates").get_json()["items"][0]["number"],
        "token": caller.get("/v1/widget-tokens").get_json()["items"][0]["id"],
    }


def everything_read(caller: Caller) -> dict[str, bytes]:
    """The bodies of all GETs, but for the time at which a board was asked for."""
    own = own_ids(caller)
    return {
        path: _AS_OF.sub(b"", call(caller, route, path.format(**own), None).data)
        for route, calls in CALLS.items()
        if route.startswith("GET")
        for path, _ in calls
    }


BESIDE = {"arrivals", "unbooked", "unbooked_numbers"}
"""Written by a thread of the service's own, some time after the answer."""


def rows_of(database_url: str, company_id: int) -> dict[str, str]:
    """A hash of all of a company's rows in each table, as the owner sees them; but for those written beside."""
    hashes = {}
    with psycopg.connect(database_url) as connection:
        connection.execute(sql.SQL("SET app.company_id = {}").format(sql.Literal(str(company_id))))
        for table in set(tables_of(connection)) - BESIDE:
            row = connection.execute(
                sql.SQL(
                    "SELECT count(*), md5(string_agg(t::text, '\n' ORDER BY t::text)) FROM {} AS t"
                    " WHERE company_id = %s"
                ).format(sql.Identifier(table)),
                [company_id],
            ).fetchone()
            hashes[table] = str(row)
    return hashes


def tables_of(connection: psycopg.Connection[Any]) -> list[str]:
    """Every table that holds rows of companies."""
    rows = connection.execute(
        """SELECT DISTINCT c.relname FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
            WHERE a.attname = 'company_id' AND c.relkind IN ('r', 'p')
              AND c.relnamespace = current_schema()::regnamespace
            ORDER BY 1"""
    ).fetchall()
    return [name for (name,) in rows]


def test_every_route_is_known_here(app: flask.Flask) -> None:
    assert served_routes(app) == sorted([*CALLS, *PUBLIC]), "give each new route its calls in CALLS"


def test_what_one_writes_the_other_never_sees(companies: tuple[Caller, Caller], database_url: str) -> None:
    a, b = companies
    b_read, b_rows = everything_read(b), rows_of(database_url, b.company_id)
    assert any(SECRET.encode() in body for body in b_read.values())
    for route, calls in CALLS.items():
        for path, body in calls:
            a_rows = rows_of(database_url, a.company_id)
            answer = call(a, route, path.format(**own_ids(a)), body)
            assert answer.status_code < 300, (route, answer.json)
            assert SECRET.encode() not in answer.data, route
            assert rows_of(database_url, b.company_id) == b_rows, route
            if route.startswith("GET"):
                assert rows_of(database_url, a.company_id) == a_rows, f"{route} writes"
    assert everything_read(b) == b_read
    assert not any(SECRET.encode() in body for body in everything_read(a).values())


def test_the_others_entries_are_not_found(companies: tuple[Caller, Caller]) -> None:
    a, b = companies
    theirs = [entry_id(b.company_id, number) for number in range(1, 6)]
    for entry in theirs:
        assert a.get(f"/v1/entries/{entry}").status_code == 404
        assert a.post(f"/v1/entries/{entry}/reversal", {"reason": "x"}).status_code == 404
    assert b.get(f"/v1/entries/{theirs[0]}").status_code == 200


def test_the_others_certificates_are_not_found(companies: tuple[Caller, Caller]) -> None:
    a, b = companies
    theirs = own_ids(b)["number"]
    for form in ("", "/credential", "/pdf", "/badge.svg", "/badge.png"):
        assert a.get(f"/v1/certificates/{theirs}{form}").status_code == 404
    assert a.post(f"/v1/certificates/{theirs}/revoke", {"reason": "x"}).status_code == 404
    assert a.post(f"/v1/certificates/{theirs}/review", {"outcome": "keep", "reason": "x"}).status_code == 404
    assert b.get(f"/v1/certificates/{theirs}").json["status"] == "valid"


def test_every_route_asks_for_a_key_and_its_scope(
    companies: tuple[Caller, Caller], new_company: Callable[..., Caller], app: flask.Flask
) -> None:
    a, _ = companies
    documented = app.test_client().get("/openapi.json").get_json()["paths"]
    without = {scope: new_company(*(set(SCOPES) - {scope})) for scope in (*SCOPES, "admin")}
    for route, calls in CALLS.items():
        method, rule = route.split()
        path, body = calls[0]
        path = path.format(**own_ids(a))
        for headers in ({"Authorization": ""}, {"Authorization": "Bearer pb_x"}, {"Authorization": "Basic YTpi"}):
            answer = call(a, route, path, body, **headers)
            assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer"), route
        operation = documented[re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule)][method.lower()]
        scope = operation["description"].split("Scope: `")[1].split("`")[0]
        answer = call(without[scope], route, path, body)
        assert (answer.status_code, scope in answer.get_json()["detail"]) == (403, True), (route, answer.json)


def test_a_query_that_forgets_the_company_finds_nothing(companies: tuple[Caller, Caller], database_url: str) -> None:
    a, b = companies
    with psycopg.connect(database_url, autocommit=True) as connection:
        tables = tables_of(connection)
        assert len(tables) >= 21
        connection.execute("SET ROLE pointsbank_service")
        for table in tables:
            name = sql.Identifier(table)
            for unset in ("RESET app.company_id", "SET app.company_id = ''"):
                connection.execute(unset)
                assert connection.execute(sql.SQL("SELECT count(*) FROM {}").format(name)).fetchone() == (0,), table
            connection.execute(sql.SQL("SET app.company_id = {}").format(sql.Literal(str(a.company_id))))
            found = connection.execute(sql.SQL("SELECT DISTINCT company_id FROM {}").format(name)).fetchall()
            assert set(found) <= {(a.company_id,)}, table
            _refuses_writing_for(connection, table, a.company_id, b.company_id)


def _refuses_writing_for(connection: psycopg.Connection[Any], table: str, ours: int, theirs: int) -> None:
    """Theirs cannot be changed, ours not given to them; a right that is missing altogether is as good."""
    name = sql.Identifier(table)
    move = sql.SQL("UPDATE {} SET company_id = {} WHERE company_id = {}")
    copy = sql.SQL("INSERT INTO {} SELECT (jsonb_populate_record(t, '{{\"company_id\": {}}}')).* FROM {} AS t LIMIT 1")
    refused = (psycopg.errors.InsufficientPrivilege,)
    try:
        changed = connection.execute(move.format(name, sql.Literal(ours), sql.Literal(theirs)))
        assert changed.rowcount == 0, table
    except refused:
        pass
    if connection.execute(sql.SQL("SELECT count(*) FROM {}").format(name)).fetchone() != (0,):
        with pytest.raises(refused):
            connection.execute(move.format(name, sql.Literal(theirs), sql.Literal(ours)))
        with pytest.raises(refused):
            connection.execute(copy.format(name, sql.Literal(theirs), name))


def test_the_service_itself_goes_through_row_level_security(database: Database, caller: Caller) -> None:
    with database.transaction(caller.company_id) as session:
        (row,) = session.sql("SELECT current_user::text AS who, count(*) AS companies FROM companies").fetchall()
    assert (row.who, row.companies) == ("pointsbank_service", 1)
