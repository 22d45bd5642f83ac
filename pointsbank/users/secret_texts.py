"""Texts that open something to whom they were given: `<prefix>_<company in base32>_<secret>`, kept as a hash."""

import re
import secrets
from hashlib import sha256

from pointsbank.keys import company_of, company_text

_SECRET_BYTES = 32
_FORM = re.compile(r"([a-z]+)_([a-z2-7]{12})_([A-Za-z0-9_-]{43})")


def make(prefix: str, company_id: int) -> tuple[str, bytes]:
    """The text, and the hash to be kept."""
    text = f"{prefix}_{company_text(company_id)}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    return text, hash_of(text)


def company_in(prefix: str, text: str) -> int | None:
    """Whose it says it is; None for what is no such text."""
    form = _FORM.fullmatch(text)
    return company_of(form[2]) if form is not None and form[1] == prefix else None


def hash_of(text: str) -> bytes:
    return sha256(text.encode("utf-8", "replace")).digest()
