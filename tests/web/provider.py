"""A little OpenID Connect provider, as strict as the standard: PKCE, client secret, codes that work once."""

import base64
import hashlib
import http.server
import json
import secrets
import threading
import time
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "points-bank", "s3cret of the client"


class Provider(http.server.ThreadingHTTPServer):
    """`claims` are of who is signed in there; `spoil` changes the claims of the ID token that it signs."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.issuer = f"http://127.0.0.1:{self.server_port}/realm"
        self.claims: dict[str, Any] = {"sub": "u-1"}
        self.spoil: dict[str, Any] = {}
        self.described: dict[str, Any] = {}
        self.key = self.published = new_key()
        self.codes: dict[str, dict[str, str]] = {}
        self.thread = threading.Thread(target=self.serve_forever)
        self.thread.start()

    def stop(self) -> None:
        self.shutdown()
        self.thread.join()
        self.server_close()

    def document(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            **self.described,
        }

    def id_token(self, nonce: str) -> str:
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce, **self.claims}
        claims |= self.spoil
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, kept, self.key)


def new_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": secrets.token_hex(4), "use": "sig"})


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/realm/.well-known/openid-configuration":
            self.answer(200, self.server.document())
        elif parts.path == "/realm/keys":
            self.answer(200, {"keys": [self.server.published.as_dict(private=False)]})
        elif parts.path == "/realm/authorize":
            assert asked["response_type"] == "code"
            assert asked["client_id"] == CLIENT
            assert asked["code_challenge_method"] == "S256"
            assert "openid" in asked["scope"].split()
            code = secrets.token_urlsafe(8)
            self.server.codes[code] = asked
            self.send_response(302)
            query = urlencode({"code": code, "state": asked["state"]})
            self.send_header("Location", f"{asked['redirect_uri']}?{query}")
            self.end_headers()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        sent = {name: values[0] for name, values in parse_qs(body).items()}
        asked = self.server.codes.pop(sent.get("code", ""), None)
        kind, _, given = self.headers.get("Authorization", "").partition(" ")
        if kind != "Basic" or base64.b64decode(given).decode() != f"{CLIENT}:{SECRET}":
            self.answer(401, {"error": "invalid_client"})
            return
        digest = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        right = asked is not None and challenge == asked["code_challenge"]
        if not right or asked is None or sent["redirect_uri"] != asked["redirect_uri"]:
            self.answer(400, {"error": "invalid_grant"})
            return
        token = self.server.id_token(asked["nonce"])
        self.answer(200, {"access_token": "a", "token_type": "Bearer", "expires_in": 300, "id_token": token})

    def answer(self, status: int, document: object) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
