"""The key-encryption key in the data folder, for the eyes of its owner only, where the environment gives none.

It is not in the database, so that a copy of that is not a copy of the keys.
"""

import os
import secrets
from base64 import b64encode
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp

from pointsbank.settings import KEY_ENCRYPTION_KEY_BYTES, parse_keys

NAME = "key-encryption.key"


def keys_in(folder: Path) -> tuple[bytes, ...]:
    """The keys in the folder's file, which is made if it is not there. Raises SettingsError, or OSError."""
    path = folder / NAME
    if not path.exists():
        _make(path)
    return parse_keys(str(path), path.read_text("ascii"))


def _make(path: Path) -> None:
    """Whole or not at all, and never over one that another process made meanwhile."""
    file, name = mkstemp(dir=path.parent, prefix=f".{NAME}-")  # with mode 0600
    try:
        with open(file, "w", encoding="ascii") as written:
            written.write(b64encode(secrets.token_bytes(KEY_ENCRYPTION_KEY_BYTES)).decode() + "\n")
            written.flush()
            os.fsync(written.fileno())
        with suppress(FileExistsError):
            os.link(name, path)
    finally:
        os.unlink(name)
