"""The WSGI application of a worker, from the settings in its environment."""

from flask import Flask

from api.app import create_app as create_api
from pointsbank.database import Database
from pointsbank.settings import Settings, SettingsError


def create_app() -> Flask:
    settings = Settings.from_environment()
    if settings.database_url is None:
        raise SettingsError("DATABASE_URL is not set; `pointsbank serve` sets it to the embedded PostgreSQL")
    return create_api(settings, Database(settings.database_url))
