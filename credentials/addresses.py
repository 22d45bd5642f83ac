"""Where an issuer is found: its did:web, its page under the public URL, and what else is named below that.

did:web puts the host and the path into the identifier, segment by segment, and allows letters, digits, `.`, `-` and `_`
only; the rest is percent-encoded, the colon of a port too. So `did:web:bank.example%3A8000:v1:issuers:demo` is at
`https://bank.example:8000/v1/issuers/demo/did.json`.
"""

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, urlsplit


@dataclass(frozen=True, slots=True)
class Issuer:
    """A company as a verifier sees it. `base_url` is the public one, without a slash at its end."""

    base_url: str
    company: str
    name: str

    @property
    def url(self) -> str:
        return f"{self.base_url}/v1/issuers/{_segment(self.company)}"

    @property
    def did(self) -> str:
        parts = urlsplit(self.base_url)
        path = [part for part in parts.path.split("/") if part]
        return ":".join(["did:web", _segment(parts.netloc), *path, "v1", "issuers", _segment(self.company)])

    def key(self, no: int) -> str:
        """The verification method that signs with the company's key of this number."""
        return f"{self.did}#{key_name(no)}"

    def achievement(self, programme: str, rule: str, version: int) -> str:
        """What a certificate of this rule attests, in this version of the rulebook."""
        return f"{self.url}#{_segment(programme)}/{_segment(rule)}/{version}"

    def level(self, system: str, level: str) -> str:
        """A level of a talent system that the company calls equal."""
        return f"{self.url}#levels/{_segment(system)}/{_segment(level)}"


def key_name(no: int) -> str:
    """A key's name within its company: the fragment of its verification method."""
    return f"key-{no}"


def result(achievement: str, key: str) -> str:
    """What one sum of the statement counts."""
    return f"{achievement}/results/{_segment(key)}"


def status_list(base_url: str, name: str) -> str:
    return f"{base_url}/v1/status-lists/{name}"


@lru_cache(maxsize=4096)  # the same few keys stand in all certificates of a run
def _segment(text: str) -> str:
    return quote(text, safe="").replace("~", "%7E")
