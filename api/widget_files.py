"""/widgets/: what pages of other origins load, without a key: the custom element that shows a board."""

from hashlib import sha256
from importlib.resources import files

from flask import Blueprint, Response, request

blp = Blueprint("widgets", __name__)

CACHE_SECONDS = 300
"""A page may show an older element for so long; then it asks whether there is another."""

_LEADERBOARD = files("api").joinpath("web/widgets/leaderboard.js").read_bytes()
_ETAG = sha256(_LEADERBOARD).hexdigest()[:32]


@blp.get("/widgets/leaderboard.js")
def leaderboard() -> Response:
    response = Response(_LEADERBOARD, content_type="text/javascript; charset=utf-8")
    response.set_etag(_ETAG)
    response.cache_control.public = True
    response.cache_control.max_age = CACHE_SECONDS
    # A module is always loaded by CORS. It holds nothing of any company.
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.make_conditional(request)
    return response
