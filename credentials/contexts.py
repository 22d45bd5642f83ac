"""The JSON-LD contexts that credentials name, out of an installed package: nothing is ever fetched."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

CREDENTIALS = "https://www.w3.org/ns/credentials/v2"
OPEN_BADGES = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"
OPEN_BADGES_EXTENSIONS = "https://purl.imsglobal.org/spec/ob/v3p0/extensions.json"
"""Names the type of `credentialSchema`; without it strict verifiers refuse a badge."""

_FILES = {
    CREDENTIALS: "credentials-v2.json",
    OPEN_BADGES: "ob-v3p0-context-3.0.3.json",
    OPEN_BADGES_EXTENSIONS: "ob-v3p0-extensions.json",
}


class ContextUnknown(Exception):
    """A document names a context that is not one of ours."""


def load(url: str, _options: object = None) -> dict[str, Any]:
    """What PyLD asks of a document loader. Raises ContextUnknown."""
    return {"contentType": "application/ld+json", "contextUrl": None, "documentUrl": url, "document": _document(url)}


@cache
def _document(url: str) -> Any:
    if url not in _FILES:
        raise ContextUnknown(f"There is no context {url} here.")
    return json.loads(files("openbadgeslib").joinpath("ob3", "contexts", _FILES[url]).read_text("utf-8"))
