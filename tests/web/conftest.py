"""A browser without a screen, in this process, and people of each role to use it."""

import itertools
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import flask
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.app import create_app
from pointsbank import company
from pointsbank.database import Database
from pointsbank.users import people, sessions
from tests.api.conftest import Caller, app, caller, new_company, programme  # noqa: F401 - fixtures
from tests.system.conftest import service, start_service  # noqa: F401 - fixtures
from tests.web.browsing import axe, bank  # noqa: F401 - fixtures
from tests.web.walls import awarded, link_of, wall  # noqa: F401 - fixtures

_numbers = itertools.count()
_TOKEN = re.compile(r'name="csrf" value="([0-9a-f]+)"')
HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
PASSWORD = "correct horse battery"


class Reader:
    """What a person does with a browser. `company` is where `user` makes people."""

    def __init__(self, served: flask.Flask, database: Database, company_key: str, address: str = "203.0.113.9") -> None:
        self.app, self.database, self.company_key = served, database, company_key
        self.address = address
        self.client: FlaskClient = served.test_client()
        self.language = "en"

    @property
    def company_id(self) -> int:
        found = company.find(self.database, self.company_key)
        assert found is not None
        return found

    def open(self, path: str, method: str = "GET", **kwargs: Any) -> TestResponse:
        headers = {"Accept": HTML, "Accept-Language": self.language, **kwargs.pop("headers", {})}
        base = "https://points.example" if self.is_secure else "http://127.0.0.1:8000"
        environment = {"REMOTE_ADDR": self.address}
        return self.client.open(path, method=method, headers=headers, environ_base=environment, base_url=base, **kwargs)

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        return self.open(path, **kwargs)

    def send(self, path: str, fields: dict[str, str], page: str | None = None) -> TestResponse:
        """The form of `page` (else of the address it goes to), filled in."""
        found = _TOKEN.search(self.get(page or path).text)
        token = {"csrf": found[1]} if found else {}
        return self.open(path, "POST", data={**token, **fields})

    def sign_in(self, name: str, password: str = PASSWORD, **fields: str) -> TestResponse:
        return self.send("/sign-in", {"company": self.company_key, "name": name, "password": password, **fields})

    def become(self, name: str) -> "Reader":
        """Signed in without the form."""
        with self.database.transaction(self.company_id) as session:
            text = sessions.begin(session, people.get(session, name).no)
        self.client.set_cookie("pb_session", text, domain="127.0.0.1")
        return self

    def user(self, name: str, *roles: str, **more: Any) -> str:
        with self.database.transaction(self.company_id) as session:
            people.create(session, name, roles, **more)
        return name

    @property
    def is_secure(self) -> bool:
        return bool(self.app.extensions["pointsbank"].settings.base_url.startswith("https"))


@pytest.fixture
def new_reader(app: flask.Flask, database: Database) -> Callable[[str], Reader]:  # noqa: F811 - the fixture
    """`new_reader(company_key)`: another browser, from another address."""
    return lambda key: Reader(app, database, key, f"203.0.113.{next(_numbers) % 250 + 1}")


@pytest.fixture
def reader(programme: Caller, new_reader: Callable[[str], Reader]) -> Reader:  # noqa: F811 - the fixture
    return new_reader(programme.company_key)


@pytest.fixture
def secure_app(app: flask.Flask, database: Database) -> flask.Flask:  # noqa: F811 - the fixture
    settings = app.extensions["pointsbank"].settings
    return create_app(replace(settings, base_url="https://points.example"), database)
