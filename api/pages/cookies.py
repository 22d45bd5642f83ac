"""The cookies of pages, and what follows from them: who may send a form.

`session` is the secret of who is signed in. `visit` is a secret of a browser that is not, out of which come the tokens
of the form to sign in, and what ties an identity provider's answer to the browser that asked. `lang` and `theme` are
what was chosen. `displays` are the display links that were opened in this browser, the newest first.
"""

import hmac
import secrets
from hashlib import sha256
from urllib.parse import urlsplit

from flask import Response, g, request
from werkzeug.wrappers import Response as AnyResponse

from api.app_state import state
from pointsbank.errors import Forbidden
from pointsbank.users.sessions import LONGEST_SECONDS

TOKEN = "csrf"
TOKEN_HEADER = "X-CSRF-Token"
CHOICE_SECONDS = 365 * 86_400
DISPLAY_SECONDS = 400 * 86_400
"""As long as browsers keep any; it begins anew whenever the screen is loaded."""
_BETWEEN_DISPLAYS = "."


class FormOutOfDate(Forbidden):
    """The form comes from no page that this browser was given."""


def is_secure() -> bool:
    return state().settings.base_url.startswith("https:")


def session_name() -> str:
    return "__Host-pb_session" if is_secure() else "pb_session"


def visit_name() -> str:
    return "__Host-pb_visit" if is_secure() else "pb_visit"


def visit() -> str:
    """The secret of this browser, made at need."""
    if "visit" not in g:
        g.visit = request.cookies.get(visit_name()) or secrets.token_urlsafe(32)
    return str(g.visit)


def derived(secret: str, purpose: str) -> str:
    return hmac.new(secret.encode(), purpose.encode(), sha256).hexdigest()


def token() -> str:
    """What a form of this browser has to carry."""
    return derived(request.cookies.get(session_name()) or visit(), "form")


def check_token() -> None:
    """Raises Forbidden for a form that no page of ours gave to this browser."""
    sent = request.headers.get(TOKEN_HEADER) or request.form.get(TOKEN) or ""
    if not hmac.compare_digest(sent.encode("utf-8", "replace"), token().encode()):
        raise FormOutOfDate("This form is out of date. Load the page again, and send it once more.")


def keep(response: Response) -> None:
    """The visit, if this request made one."""
    if "visit" in g and request.cookies.get(visit_name()) != g.visit:
        _set(response, visit_name(), g.visit, None)


def sign_in(response: AnyResponse, text: str) -> None:
    _set(response, session_name(), text, LONGEST_SECONDS)
    response.delete_cookie(visit_name(), secure=is_secure(), httponly=True, samesite="Lax")


def sign_out(response: AnyResponse) -> None:
    response.delete_cookie(session_name(), secure=is_secure(), httponly=True, samesite="Lax")


def displays() -> list[str]:
    kept = request.cookies.get(_displays_name(), "")
    return kept.split(_BETWEEN_DISPLAYS) if kept else []


def keep_displays(response: AnyResponse, texts: list[str]) -> None:
    if texts:
        _set(response, _displays_name(), _BETWEEN_DISPLAYS.join(texts), DISPLAY_SECONDS)


def _displays_name() -> str:
    return "__Host-pb_displays" if is_secure() else "pb_displays"


def choose(response: AnyResponse, name: str, value: str) -> None:
    _set(response, name, value, CHOICE_SECONDS)


def _set(response: AnyResponse, name: str, value: str, seconds: int | None) -> None:
    response.set_cookie(name, value, max_age=seconds, secure=is_secure(), httponly=True, samesite="Lax")


def local(address: str | None) -> str | None:
    """An address within this service as a path, or None: nobody is sent elsewhere from here."""
    if not address or not address.startswith("/") or address[1:2] in ("/", "\\"):
        return None
    if any(character < " " or character == "\\" for character in address):
        return None
    parts = urlsplit(address)
    return None if parts.scheme or parts.netloc else address
