"""/docs: Swagger UI over /openapi.json. All that the page loads comes out of an installed package.

/problems/<slug> is where the `type` of a problem leads: what it means, at which status it comes.
"""

from importlib.resources import files

from flask import Blueprint, Response, abort
from markupsafe import escape

from pointsbank.errors import PointsBankError

blp = Blueprint("documentation", __name__)

_ASSETS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}
_DAY_SECONDS = 86_400

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Points bank: API</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<main id="swagger-ui"></main>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""

_START = """SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true, persistAuthorization: true,
  docExpansion: "list", defaultModelsExpandDepth: 0, tryItOutEnabled: true,
});
"""


@blp.get("/docs")
def page() -> Response:
    response = Response(_PAGE, mimetype="text/html")
    response.headers["Content-Security-Policy"] = (
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"
    )
    return response


@blp.get("/docs/start.js")
def start() -> Response:
    return Response(_START, mimetype="text/javascript")


@blp.get("/docs/<name>")
def asset(name: str) -> Response:
    if name not in _ASSETS:
        abort(404)
    response = Response(files("flask_swagger_ui").joinpath("dist", name).read_bytes(), mimetype=_ASSETS[name])
    response.cache_control.max_age = _DAY_SECONDS
    return response


@blp.get("/problems/<slug>")
def problem(slug: str) -> Response:
    kinds = [kind for kind in _kinds(PointsBankError) if kind.slug == slug]
    if not kinds:
        abort(404)
    meanings = "".join(
        f"<li>{escape(kind.title)} (status {kind.status}). {escape((kind.__doc__ or '').strip())}</li>"
        for kind in kinds
        if kind.__doc__ or kind is kinds[0]
    )
    page = f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(slug)}</title><h1>{escape(slug)}</h1>"
    response = Response(f"{page}<ul>{meanings}</ul><p><a href=/docs>The API</a></p>", mimetype="text/html")
    response.headers["Content-Security-Policy"] = "default-src 'none'"
    return response


def _kinds(kind: type[PointsBankError]) -> list[type[PointsBankError]]:
    return [kind, *(below for child in kind.__subclasses__() for below in _kinds(child))]
