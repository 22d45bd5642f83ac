"""/sign-in/openid: by way of the company's own identity provider.

State, nonce and PKCE verifier follow from a secret in the browser's cookie, so nothing is kept here meanwhile, and an
answer is good in that browser only, until it has signed in.
"""

import hmac
import logging
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import orjson
from flask import redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from api.app_state import database, state
from api.pages import cookies
from api.pages.access import anybody
from api.pages.frame import Pages, render
from pointsbank import company
from pointsbank.errors import NotFound
from pointsbank.users import openid, providers, sessions
from pointsbank.users.openid import Flow
from pointsbank.users.signing_in import NotLetIn

log = logging.getLogger(__name__)

blp = Pages("openid", __name__)


@blp.get("/sign-in/openid")
@anybody
def begin() -> AnyResponse:
    company_id = company.find(database(), request.args.get("company", ""))
    with database().transaction(company_id or 0) as session:
        provider = providers.find(session)
    if provider is None:
        raise NotFound("This company has no identity provider.")
    asked = [company_id, cookies.local(request.args.get("next")), secrets.token_urlsafe(16)]
    text = urlsafe_b64encode(orjson.dumps(asked)).decode().rstrip("=")
    return redirect(openid.address(provider, _redirect_uri(), _flow(text)), 303)


@blp.get("/sign-in/openid/callback")
@anybody
def back() -> AnyResponse:
    state().sign_ins.spend(request.remote_addr or "")
    text, company_id, there = _asked(request.args.get("state", ""))
    if text is None:
        return _refused(_("This answer is not to a question of this browser. Please begin again."))
    try:
        return _entered(text, company_id, there)
    except NotLetIn as error:
        log.warning("not let in by OpenID Connect, company %d: %s", company_id, error)
        return _refused(_("Your company's sign-in did not open the points bank. If it should, ask HR."))


def _entered(text: str, company_id: int, there: str | None) -> AnyResponse:
    if "code" not in request.args:
        raise NotLetIn(f"The identity provider refused: {request.args.get('error', '')[:100]!r}.")
    with database().transaction(company_id) as session:
        provider = providers.find(session)
        if provider is None:
            raise NotLetIn("The company has no identity provider any more.")
        secret = providers.secret_of(session, state().settings.key_encryption_keys, provider)
    found = openid.claims(provider, secret, _redirect_uri(), _flow(text), request.args["code"])
    with database().transaction(company_id) as session:
        no = providers.user_no(session, provider, found)
        cookie = sessions.begin(session, no, request.cookies.get(cookies.session_name(), ""))
    response = redirect(there or url_for("home.show"), 303)
    cookies.sign_in(response, cookie)
    return response


def _flow(text: str) -> Flow:
    secret = cookies.visit()
    tag = cookies.derived(secret, f"state {text}")
    return Flow(f"{text}.{tag}", cookies.derived(secret, f"nonce {text}"), cookies.derived(secret, f"verifier {text}"))


def _asked(given: str) -> tuple[str | None, int, str | None]:
    """What was asked when this state was made: as text, whose company it is, where to go then. A text of None: another
    browser's, or nobody's."""
    text = given.partition(".")[0]
    if not hmac.compare_digest(given.encode("utf-8", "replace"), _flow(text).state.encode("utf-8", "replace")):
        return None, 0, None
    asked: list[Any] = orjson.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return text, asked[0], asked[1]


def _redirect_uri() -> str:
    return state().settings.base_url + url_for(".back")


def _refused(says: str) -> AnyResponse:
    return render("pages/sign_in_refused.html", 401, says=says)
