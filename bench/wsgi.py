"""The service's own application with one route more: the floor of a request that writes a row."""

import sqlalchemy
from flask import Flask, request

from pointsbank.settings import Settings
from pointsbank.wsgi import create_app as create_service


def create_app() -> Flask:
    app = create_service()
    url = Settings.from_environment().database_url
    assert url is not None
    engine = sqlalchemy.create_engine(url.replace("postgresql://", "postgresql+psycopg://"), pool_size=16)
    insert = sqlalchemy.text("INSERT INTO bare (key) VALUES (:key)")

    @app.post("/bare")
    def bare() -> tuple[dict[str, str], int]:
        with engine.begin() as connection:
            connection.execute(insert, {"key": request.get_data(as_text=True)[:100]})
        return {"status": "booked"}, 201

    @app.get("/nothing")
    def nothing() -> dict[str, str]:
        return {"status": "alive"}

    return app
