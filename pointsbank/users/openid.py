"""OpenID Connect: the authorization code flow with PKCE, state and nonce (OpenID Connect Core 1.0, RFC 7636)."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from pointsbank.errors import Unavailable
from pointsbank.lately import FoundLately
from pointsbank.users.providers import Provider, is_safe
from pointsbank.users.signing_in import NotLetIn

SCOPE = "openid profile email"
ALGORITHMS = ["RS256", "PS256", "ES256"]
TIMEOUT_SECONDS = 5
KEPT_SECONDS = 600.0
"""What a provider publishes about itself."""
LEEWAY_SECONDS = 60


class Flow(NamedTuple):
    """What ties the provider's answer to the browser that asked."""

    state: str
    nonce: str
    verifier: str


def address(provider: Provider, redirect_uri: str, flow: Flow) -> str:
    """Where the browser is sent. Raises Unavailable."""
    with _session(provider, None, redirect_uri) as session:
        made, _ = session.create_authorization_url(
            _about(provider)["authorization_endpoint"], flow.state, code_verifier=flow.verifier, nonce=flow.nonce
        )
    return str(made)


def claims(provider: Provider, secret: str, redirect_uri: str, flow: Flow, code: str) -> Mapping[str, Any]:
    """What the provider says of who signed in, verified. Raises NotLetIn, Unavailable."""
    about = _about(provider)
    with _session(provider, secret, redirect_uri) as session:
        try:
            answer = session.fetch_token(
                about["token_endpoint"], code=code, code_verifier=flow.verifier, timeout=TIMEOUT_SECONDS
            )
        except AuthlibBaseError as error:
            raise NotLetIn(f"The identity provider refused: {error}.") from error
        except (requests.RequestException, ValueError) as error:
            raise Unavailable("The identity provider cannot be reached.") from error
    found = _verified(about, str(answer.get("id_token", "")))
    registry = jwt.JWTClaimsRegistry(
        leeway=LEEWAY_SECONDS,
        iss={"essential": True, "value": provider.issuer},
        aud={"essential": True, "value": provider.client_id},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": flow.nonce},
    )
    try:
        registry.validate(dict(found))
    except JoseError as error:
        raise NotLetIn(f"What the identity provider says does not hold: {error}.") from error
    if found.get("azp", provider.client_id) != provider.client_id:
        raise NotLetIn("What the identity provider says is for another service.")
    return found


def _verified(about: Mapping[str, Any], token: str) -> Mapping[str, Any]:
    """The claims, signed by a key of the provider; keys it made since we asked are asked for."""
    for keys in (_fetched(about["jwks_uri"], "keys"), None):
        try:
            known = KeySet.import_key_set(keys or _fetched(about["jwks_uri"], "keys", anew=True))  # type: ignore[arg-type]  # JSON
            return jwt.decode(token, known, algorithms=ALGORITHMS).claims
        except (JoseError, ValueError) as error:
            fault = error
    raise NotLetIn(f"The identity provider's signature does not hold: {fault}.") from fault


def _about(provider: Provider) -> Mapping[str, Any]:
    found = _fetched(f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration", "issuer")
    endpoints = [str(found.get(name, "")) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
    if found["issuer"] != provider.issuer or not all(is_safe(each.partition("?")[0]) for each in endpoints):
        raise Unavailable("The identity provider describes itself as another one.")
    return found


def _fetched(url: str, member: str, anew: bool = False) -> Mapping[str, Any]:
    """The JSON object there, which has to have the member. Raises Unavailable."""
    at = (url, b"")
    kept = None if anew else _lately.get(at)
    if kept is not None:
        return kept
    try:
        answer = requests.get(url, timeout=TIMEOUT_SECONDS, allow_redirects=False)
        answer.raise_for_status()
        found = answer.json()
    except (requests.RequestException, ValueError) as error:
        raise Unavailable("The identity provider cannot be reached.") from error
    if not isinstance(found, dict) or member not in found:
        raise Unavailable("The identity provider does not say what it should.")
    _lately.put(at, found)
    return found


def _session(provider: Provider, secret: str | None, redirect_uri: str) -> Any:
    return OAuth2Session(
        provider.client_id,
        secret,
        scope=SCOPE,
        redirect_uri=redirect_uri,
        code_challenge_method="S256",
        token_endpoint_auth_method="client_secret_basic",  # noqa: S106 - how, not what
    )


_lately: FoundLately[Mapping[str, Any]] = FoundLately(KEPT_SECONDS, 1_000)
