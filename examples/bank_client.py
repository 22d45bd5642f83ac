"""A client of the points bank in plain standard-library Python: one keep-alive connection, patient."""

from __future__ import annotations

import http.client
import json
import time
import urllib.parse
from typing import Any

ATTEMPTS = 4  # of one request, when the connection breaks or the service asks for patience


class RefusedError(Exception):
    """The service cannot be reached or does not allow this; the text is for the reader of the terminal."""


class Client:
    """One keep-alive connection to the service. Every request that is sent here may be repeated safely."""

    def __init__(self, url: str, key: str) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise RefusedError(f"not an http address: {url}")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname, parts.port, timeout=60)
        self._prefix = parts.path.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}

    def send(
        self, method: str, path: str, body: object = None, content_type: str = "application/json"
    ) -> tuple[int, Any]:
        """The status and the parsed body. Broken connections, 429 and 503 are tried again."""
        payload = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        headers = self._headers | ({} if payload is None else {"Content-Type": content_type})
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._connection.request(method, self._prefix + path, payload, headers)
                response = self._connection.getresponse()
                content = response.read()
            except (OSError, http.client.HTTPException) as fault:
                self._connection.close()
                if attempt == ATTEMPTS:
                    raise RefusedError(f"{method} {path}: the service does not answer: {fault}") from fault
                time.sleep(0.2 * attempt)
                continue
            if response.status not in (429, 503) or attempt == ATTEMPTS:
                return response.status, parsed(content)
            wait = response.headers.get("Retry-After", "")
            time.sleep(min(int(wait), 10) if wait.isdigit() else 0.5 * attempt)
        raise AssertionError("the last attempt returns or raises")

    def ask(self, method: str, path: str, body: object = None, content_type: str = "application/json") -> Any:
        """The parsed body of a success; anything else is a `RefusedError` in the service's own words."""
        status, answer = self.send(method, path, body, content_type)
        if status >= 300:
            raise RefusedError(f"{method} {path}\n{explained(status, answer)}")
        return answer


def parsed(content: bytes) -> Any:
    try:
        return json.loads(content) if content else None
    except ValueError:
        return {"title": content[:200].decode("utf-8", "replace")}


def explained(status: int, problem: Any) -> str:
    """An RFC 9457 problem as lines of text."""
    if not isinstance(problem, dict):
        return f"{status}: {problem}"
    lines = [f"{status} {problem.get('title', '')}: {problem.get('detail', '')}"]
    lines += [f"  {error.get('path')}: {error.get('message')}" for error in problem.get("errors") or []]
    return "\n".join(lines)
