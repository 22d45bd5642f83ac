"""The settings: environment variables, and a file `.env` in the working folder for those not set."""

import binascii
import logging
import os
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import dotenv

DEFAULT_DATA_DIR = "var"
DEFAULT_BASE_URL = "http://127.0.0.1:8000"
DEFAULT_LOG_LEVEL = "info"
LOG_LEVELS = ("debug", "info", "warning", "error", "critical")
NO_REDIS = "none"
MAX_PROXIES = 9
KEY_ENCRYPTION_KEY = "POINTSBANK_KEY_ENCRYPTION_KEY"
KEY_ENCRYPTION_KEY_BYTES = 32
REDIS_SCHEMES = ("redis", "rediss", "unix", "redis+cluster", "redis+sentinel")


class SettingsError(Exception):
    """A setting has a value that cannot be used; the message names the variable and what it may be."""


@dataclass(frozen=True)
class Settings:
    """`database_url` is None where PostgreSQL is to be embedded.

    `redis_url` is None where none is given: embedded beside an embedded PostgreSQL unless `without_redis`
    says that there is to be none. `key_encryption_keys` are those of signing keys: the first one seals, each of
    them opens. `proxies` is how many reverse proxies stand in front of the service.
    """

    data_dir: Path
    database_url: str | None
    redis_url: str | None
    without_redis: bool
    base_url: str
    log_level: str
    key_encryption_keys: tuple[bytes, ...] = field(default=(), repr=False)
    proxies: int = 0

    @classmethod
    def from_environment(cls) -> Self:
        """Raises SettingsError."""
        values: Mapping[str, str | None] = {**dotenv.dotenv_values(".env"), **os.environ}
        redis_url = _url(values, "REDIS_URL", REDIS_SCHEMES, besides=NO_REDIS)
        return cls(
            data_dir=Path(values.get("POINTSBANK_DATA_DIR") or DEFAULT_DATA_DIR).absolute(),
            database_url=_url(values, "DATABASE_URL", ("postgresql", "postgres", "postgresql+psycopg")),
            redis_url=None if redis_url == NO_REDIS else redis_url,
            without_redis=redis_url == NO_REDIS,
            base_url=_base_url(values),
            log_level=_log_level(values),
            key_encryption_keys=parse_keys(KEY_ENCRYPTION_KEY, values.get(KEY_ENCRYPTION_KEY) or ""),
            proxies=_proxies(values),
        )

    def to_environment(self) -> None:
        """Sets the variables so that whatever this process starts or forks reads these same settings."""
        os.environ["POINTSBANK_DATA_DIR"] = str(self.data_dir)
        os.environ["POINTSBANK_BASE_URL"] = self.base_url
        os.environ["POINTSBANK_LOG_LEVEL"] = self.log_level
        os.environ["POINTSBANK_PROXIES"] = str(self.proxies)
        os.environ["REDIS_URL"] = self.redis_url or NO_REDIS
        if self.database_url is not None:
            os.environ["DATABASE_URL"] = self.database_url
        if self.key_encryption_keys:
            os.environ[KEY_ENCRYPTION_KEY] = ",".join(b64encode(key).decode() for key in self.key_encryption_keys)

    def configure_logging(self) -> None:
        logging.basicConfig(level=self.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        logging.getLogger("alembic").setLevel(logging.WARNING)  # it says at each start that nothing is to be done


def _url(
    values: Mapping[str, str | None], name: str, schemes: tuple[str, ...], besides: str | None = None
) -> str | None:
    value = values.get(name) or None
    if value is None or value == besides:
        return value
    try:
        scheme = urlsplit(value).scheme
    except ValueError as error:
        raise SettingsError(f"{name} is not a URL: {error}") from error
    if scheme not in schemes:
        # The value itself is not shown: it may hold a password.
        allowed = ", ".join(f"{scheme}://…" for scheme in schemes) + (f" or {besides}" if besides else "")
        raise SettingsError(f"{name} begins with {scheme or 'no scheme'!r}; it may be {allowed}")
    return value


def _base_url(values: Mapping[str, str | None]) -> str:
    name = "POINTSBANK_BASE_URL"
    value = (values.get(name) or DEFAULT_BASE_URL).rstrip("/")
    try:
        parts = urlsplit(value)
        port_is_right = parts.port is None or parts.port > 0
    except ValueError as error:
        raise SettingsError(f"{name}={value!r} is not a URL: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_right:
        raise SettingsError(f"{name}={value!r} is not a URL such as {DEFAULT_BASE_URL}")
    if parts.query or parts.fragment:
        raise SettingsError(f"{name}={value!r} must end with its path")
    return value


def parse_keys(name: str, text: str) -> tuple[bytes, ...]:
    """Keys in base64, of either alphabet, with commas between them. Raises SettingsError, which shows none of them."""
    return tuple(_key(name, each.strip()) for each in text.split(",")) if text.strip() else ()


def _key(name: str, text: str) -> bytes:
    try:
        key = b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_ENCRYPTION_KEY_BYTES:
        raise SettingsError(
            f"{name} must be {KEY_ENCRYPTION_KEY_BYTES} random bytes in base64, as `openssl rand -base64 32` makes "
            "them, or several of these with commas between them"
        )
    return key


def _proxies(values: Mapping[str, str | None]) -> int:
    name = "POINTSBANK_PROXIES"
    value = values.get(name) or "0"
    if not (value.isascii() and value.isdigit() and int(value) <= MAX_PROXIES):
        raise SettingsError(f"{name}={value!r} is no number from 0 to {MAX_PROXIES}")
    return int(value)


def _log_level(values: Mapping[str, str | None]) -> str:
    name = "POINTSBANK_LOG_LEVEL"
    value = (values.get(name) or DEFAULT_LOG_LEVEL).lower()
    if value not in LOG_LEVELS:
        raise SettingsError(f"{name}={value!r} is none of {', '.join(LOG_LEVELS)}")
    return value
