"""The folder of the sockets: private, and with a path that is short enough for a socket."""

import os
import re
import shutil
import tempfile
from pathlib import Path

from pointsbank.embedded.account import Account
from pointsbank.embedded.errors import EmbeddedError

# A socket's path holds at most 107 bytes on Linux and 103 on macOS; "/.s.PGSQL.5432" takes 14.
RUN_DIR_BYTES_MAX = 103 - 14
# PostgreSQL splits its list of socket folders at commas, and URLs want no escapes.
RUN_DIR_PLAIN = re.compile(r"[A-Za-z0-9/._-]+")


def make_run_dir(folder: Path, account: Account) -> Path:
    link = folder / "run"
    if not link.is_dir():
        link.unlink(missing_ok=True)
        path = str(folder.resolve() / "run")
        if RUN_DIR_PLAIN.fullmatch(path) and len(path) <= RUN_DIR_BYTES_MAX:
            link.mkdir()
        else:
            parent = tempfile.gettempdir()
            fits = RUN_DIR_PLAIN.fullmatch(parent) and len(parent) <= RUN_DIR_BYTES_MAX - 24
            short = parent if fits else "/tmp"  # noqa: S108 - mkdtemp makes a private folder there
            link.symlink_to(tempfile.mkdtemp(prefix="pointsbank-", dir=short))
    run_dir = link.resolve()
    if run_dir.stat().st_uid not in (os.geteuid(), account.uid):
        raise EmbeddedError(f"{run_dir} belongs to another user")
    account.let_reach(run_dir)
    account.own(run_dir, 0o700)
    return run_dir


def remove_run_dir(folder: Path) -> None:
    link = folder / "run"
    if link.is_symlink():
        shutil.rmtree(link.resolve(), ignore_errors=True)
        link.unlink()
    else:
        shutil.rmtree(link, ignore_errors=True)
