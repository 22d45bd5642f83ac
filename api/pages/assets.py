"""/assets/: style sheets, scripts and pictures of the pages, all of them the service's own.

Their addresses carry a digest of what they hold, so a browser keeps them for as long as it likes. A script imports
another one as "./name.js"; the digest is put in here.
"""

import re
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import NamedTuple

from flask import Blueprint, Response, request, url_for

from pointsbank.errors import NotFound

blp = Blueprint("assets", __name__)

TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
KEPT_SECONDS = 365 * 86_400
ASKED_AGAIN_SECONDS = 300
"""Without the digest of what there is now in the address."""
_DIGEST_CHARACTERS = 16
_IMPORT = re.compile(rb'(\bfrom |\bimport )"\./([\w-]+\.js)"')


class Asset(NamedTuple):
    content: bytes
    content_type: str
    digest: str


@cache
def assets() -> dict[str, Asset]:
    """By name."""
    folder = files("api").joinpath("web/pages/assets")
    return {each.name: _asset(each.name) for each in folder.iterdir() if each.name.rpartition(".")[2] in TYPES}


@cache
def _asset(name: str) -> Asset:
    """A script's digest is also that of what it imports; scripts that import each other are a mistake."""
    content = files("api").joinpath("web/pages/assets", name).read_bytes()
    if name.endswith(".js"):
        content = _IMPORT.sub(lambda found: b'%s"./%s?v=%s"' % (*found.groups(), _digest_of(found[2])), content)
    return Asset(content, TYPES[name.rpartition(".")[2]], sha256(content).hexdigest()[:_DIGEST_CHARACTERS])


def _digest_of(name: bytes) -> bytes:
    return _asset(name.decode()).digest.encode()


@cache
def version() -> str:
    """Another one whenever any of them has changed."""
    digests = "".join(each.digest for _, each in sorted(assets().items()))
    return sha256(digests.encode()).hexdigest()[:_DIGEST_CHARACTERS]


def address(name: str) -> str:
    """Of an asset, for templates."""
    return url_for("assets.asset", name=name, v=assets()[name].digest)


@blp.get("/assets/<name>")
def asset(name: str) -> Response:
    found = assets().get(name)
    if found is None:
        raise NotFound("There is no such file.")
    response = Response(found.content, content_type=found.content_type)
    response.set_etag(found.digest)
    response.cache_control.public = True
    if request.args.get("v") == found.digest:
        response.cache_control.max_age = KEPT_SECONDS
        response.cache_control.immutable = True
    else:
        response.cache_control.max_age = ASKED_AGAIN_SECONDS
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.make_conditional(request)
    return response
