"""Origins of web pages: scheme, host and port, as a browser sends them in the header Origin."""

import ipaddress
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from pointsbank.errors import FieldError
from pointsbank.saying import say

MAX_ORIGINS = 50
"""Of a company."""
MAX_ORIGIN_CHARACTERS = 300
PATTERN = r"^[Hh][Tt][Tt][Pp][Ss]?://[^\s/?#@\\]+$"
"""What every origin matches; not all that match are origins."""

FORM = say(
    "must be an origin such as https://intranet.example.com: http or https, host, and the port if it is a special one."
)
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")


class NoOrigin(ValueError):
    """The text is not an origin; the message says what is."""


def normalised(text: str) -> str:
    """As browsers write it: lower case, international names in their ASCII form, without the usual port.

    Raises NoOrigin, also for `*` and `null`: each origin is listed by itself.
    """
    if len(text) > MAX_ORIGIN_CHARACTERS or not re.fullmatch(PATTERN, text):
        raise NoOrigin(FORM)
    try:
        parts = urlsplit(text)
        port = parts.port
        host = _host(parts.hostname or "", bracketed="[" in parts.netloc)
    except ValueError as error:
        raise NoOrigin(FORM) from error
    if port == 0 or parts.netloc.endswith(":"):
        raise NoOrigin(FORM)
    usual = port is None or port == _DEFAULT_PORTS[parts.scheme]
    return f"{parts.scheme}://{host}" + ("" if usual else f":{port}")


def _host(text: str, bracketed: bool) -> str:
    if bracketed:
        return f"[{ipaddress.IPv6Address(text).compressed}]"
    host = text.encode("idna").decode().lower()
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in host.split(".")):
        raise ValueError(host)
    return host


def all_normalised(texts: Sequence[str]) -> tuple[list[str], list[FieldError]]:
    """The origins in their order, each once, and what is wrong with those that are none."""
    found: dict[str, None] = {}
    faults: list[FieldError] = []
    for index, text in enumerate(texts):
        try:
            found[normalised(text)] = None
        except NoOrigin as error:
            faults.append((f"origins[{index}]", error.args[0]))
    if len(texts) > MAX_ORIGINS:
        faults.append(("origins", say("must have at most %(most)s items.", most=MAX_ORIGINS)))
    return list(found), faults
