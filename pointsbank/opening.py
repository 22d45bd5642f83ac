"""What every command begins with: the database of the settings, migrated, and the company that is named.

What a function needs is imported inside of it, so that `--help` is quick.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from pointsbank.settings import Settings

if TYPE_CHECKING:
    from pointsbank.database import Database


@contextmanager
def opened_database() -> Iterator["Database"]:
    with opened() as (database, _):
        yield database


@contextmanager
def opened() -> Iterator[tuple["Database", Settings]]:
    """The database, migrated, and the settings that it is of; embedded servers run meanwhile."""
    from pointsbank import serving
    from pointsbank.database import Database, migrate

    settings = Settings.from_environment()
    settings.configure_logging()
    with serving.opened_servers(settings) as opened:
        assert opened.database_url is not None
        migrate(opened.database_url)
        database = Database(opened.database_url)
        try:
            yield database, opened
        finally:
            database.close()


def company_id_of(database: "Database", key: str) -> int:
    from pointsbank import company

    company_id = company.find(database, key)
    if company_id is None:
        raise click.ClickException(f"There is no company {key}; `pointsbank keys create --company {key}` makes it.")
    return company_id


def companies_of(database: "Database", key: str | None) -> list[tuple[int, str]]:
    """The one with this key, else all."""
    return database.companies() if key is None else [(company_id_of(database, key), key)]
