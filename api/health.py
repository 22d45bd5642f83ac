"""/healthz lives, /readyz can serve."""

from flask import Blueprint

from api.app_state import database
from pointsbank.errors import Unavailable

blp = Blueprint("health", __name__)


@blp.get("/healthz")
def healthz() -> dict[str, str]:
    return {"status": "alive"}


@blp.get("/readyz")
def readyz() -> dict[str, str]:
    if not database().is_ready():
        raise Unavailable("The database cannot be reached, or has no schema yet.")
    return {"status": "ready"}
