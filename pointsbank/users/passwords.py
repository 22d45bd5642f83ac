"""Passwords, as argon2id hashes."""

from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from argon2.profiles import RFC_9106_LOW_MEMORY

from pointsbank.errors import Invalid

MIN_CHARACTERS, MAX_CHARACTERS = 10, 200
CHECKED_AT_ONCE = 2
"""By a process: each takes 64 MiB while it lasts."""

_hasher = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
_turns = BoundedSemaphore(CHECKED_AT_ONCE)
_NOBODYS = _hasher.hash("the password of nobody")
"""Checked where there is no hash, so that an answer takes as long."""


def hashed(password: str) -> str:
    """Raises Invalid."""
    if not MIN_CHARACTERS <= len(password) <= MAX_CHARACTERS:
        raise Invalid.field("password", f"must be {MIN_CHARACTERS} to {MAX_CHARACTERS} characters.")
    with _turns:
        return _hasher.hash(password.encode("utf-8", "surrogatepass"))


def fits(hash_or_none: str | None, password: str) -> bool:
    """Takes the same time whether there is a hash or none."""
    with _turns:
        try:
            _hasher.verify(hash_or_none or _NOBODYS, password[:MAX_CHARACTERS].encode("utf-8", "surrogatepass"))
        except (Argon2Error, InvalidHashError):
            return False
    return hash_or_none is not None and len(password) <= MAX_CHARACTERS
