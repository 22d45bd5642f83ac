"""The service on a PostgreSQL that is not embedded: Debian's, with a plain DATABASE_URL."""

import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pointsbank import key_file
from pointsbank.database import MigrationRefused, migrate
from pointsbank.embedded.account import account_for

SECONDS_MAX = 60


@pytest.fixture(scope="module")
def superuser_url(run_folder: Path, debian_postgres: Path) -> Iterator[str]:
    """A cluster of its own, on a socket in a folder of its own."""
    programs = debian_postgres
    folder = Path(tempfile.mkdtemp(prefix="debian-", dir=run_folder))
    account = account_for(folder)
    account.own(folder, 0o700)
    cluster = folder / "cluster"
    made = account.run([programs / "initdb", "-D", cluster, "-U", "postgres", "-A", "trust", "-E", "UTF8"], SECONDS_MAX)
    assert made.returncode == 0, made.stdout
    options = f"-c listen_addresses='' -k {folder}"
    begin = [programs / "pg_ctl", "start", "-D", cluster, "-w", "-o", options, "-l", folder / "log"]
    assert account.run(begin, SECONDS_MAX).returncode == 0
    yield f"postgresql://postgres@/postgres?host={folder}&port=5432"
    account.run([programs / "pg_ctl", "stop", "-D", cluster, "-w", "-m", "immediate"], SECONDS_MAX)


def make_role_and_database(superuser_url: str, name: str, rights: str) -> str:
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN {rights}".encode())
        connection.execute(f"CREATE DATABASE {name} OWNER {name}".encode())
    return superuser_url.replace("postgres@/postgres", f"{name}@/{name}")


def test_an_owner_that_may_not_make_the_service_role_is_told_what_to_run(superuser_url: str) -> None:
    url = make_role_and_database(superuser_url, "plain", "")
    with pytest.raises(MigrationRefused, match="CREATE ROLE pointsbank_service"):
        migrate(url)


def test_serve(superuser_url: str, tmp_path: Path) -> None:
    url = make_role_and_database(superuser_url, "bank", "CREATEROLE")
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "REDIS_URL": "none",
        "POINTSBANK_DATA_DIR": str(tmp_path / "var"),
    }
    command = [sys.executable, "-m", "pointsbank", "serve", "--port", "0", "--workers", "1"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        base = process.stdout.readline().removeprefix("listening on ").strip()
        with urllib.request.urlopen(f"{base}/readyz", timeout=10) as answer:
            assert answer.status == 200
        process.terminate()
    assert process.returncode == 0
    assert [each.name for each in (tmp_path / "var").iterdir()] == [key_file.NAME]
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM pg_roles WHERE rolname = 'pointsbank_service'").fetchone() == (
            1,
        )
