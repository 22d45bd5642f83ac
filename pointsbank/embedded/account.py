"""The user that the servers run as, and what that user must be able to reach.

PostgreSQL refuses to run as root. Started by root, both servers run as the owner of the cluster, else as
the owner of the data folder, else as `nobody`.
"""

import logging
import os
import pwd
import signal
import stat
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Account:
    """The user that the servers run as. `switch` says that this is another one than ours."""

    uid: int
    gid: int
    switch: bool

    def run(self, command: Sequence[str | Path], seconds_max: float) -> subprocess.CompletedProcess[str]:
        """Runs a program to its end as this user, with nothing of the caller's PG* environment."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        with tempfile.TemporaryFile("w+") as output, _signals_wait():
            # Not a pipe: a daemon that keeps it open would hold up the reader for ever.
            process = subprocess.Popen(
                [str(word) for word in command],
                user=self.uid if self.switch else None,
                group=self.gid if self.switch else None,
                extra_groups=[] if self.switch else None,
                env=environment | {"LC_ALL": "C"},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                code = process.wait(seconds_max)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise
            output.seek(0)
            return subprocess.CompletedProcess(process.args, code, output.read().strip(), "")

    def own(self, path: Path, mode: int) -> None:
        if self.switch:
            os.chown(path, self.uid, self.gid)
        path.chmod(mode)

    def let_reach(self, path: Path) -> None:
        """Makes each folder above `path` searchable for this user."""
        if self.switch:
            for folder in path.absolute().parents:
                status = folder.stat()
                if status.st_uid != self.uid and not status.st_mode & stat.S_IXOTH:
                    log.info("making %s searchable (o+x) for user %d", folder, self.uid)
                    folder.chmod(stat.S_IMODE(status.st_mode) | stat.S_IXOTH)

    def let_use(self, tree: Path) -> None:
        """Makes a tree of programs readable for this user where a strict umask has closed it."""
        self.let_reach(tree)
        if self.switch:
            for path in (tree, *tree.rglob("*")):
                mode = stat.S_IMODE(path.stat().st_mode)
                wanted = mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0)
                if mode != wanted:
                    path.chmod(wanted)


def account_for(folder: Path) -> Account:
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), switch=False)
    for path in (folder / "postgres", folder):
        if path.exists() and path.stat().st_uid != 0:
            return Account(path.stat().st_uid, path.stat().st_gid, switch=True)
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid, switch=True)


@contextmanager
def _signals_wait() -> Iterator[None]:
    """SIGINT and SIGTERM are handled at the end of the block: a program that was begun comes to its own end first, so
    that it is known what is to be stopped. A thread that is not the main one is never interrupted by them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[int] = []
    usual = {
        number: signal.signal(number, lambda number, _: arrived.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for each, handler in usual.items():
            signal.signal(each, signal.SIG_DFL if handler is None else handler)
        for number in arrived:
            signal.raise_signal(number)
