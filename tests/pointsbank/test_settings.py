"""Settings from the environment and from .env."""

import os
import threading
from base64 import b64encode, urlsafe_b64encode
from pathlib import Path

import pytest

from pointsbank import key_file
from pointsbank.settings import Settings, SettingsError

VARIABLES = (
    "POINTSBANK_DATA_DIR",
    "DATABASE_URL",
    "REDIS_URL",
    "POINTSBANK_BASE_URL",
    "POINTSBANK_LOG_LEVEL",
    "POINTSBANK_PROXIES",
    "POINTSBANK_KEY_ENCRYPTION_KEY",
)
KEY, OTHER = b"\xfb\xff" * 16, b"k" * 32


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_defaults(tmp_path: Path) -> None:
    assert Settings.from_environment() == Settings(
        data_dir=tmp_path / "var",
        database_url=None,
        redis_url=None,
        without_redis=False,
        base_url="http://127.0.0.1:8000",
        log_level="info",
    )


def test_the_environment_goes_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("POINTSBANK_BASE_URL=https://file.example/\nPOINTSBANK_LOG_LEVEL=debug\n")
    monkeypatch.setenv("POINTSBANK_BASE_URL", "https://environment.example/bank/")
    settings = Settings.from_environment()
    assert settings.base_url == "https://environment.example/bank"
    assert settings.log_level == "debug"


def test_no_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "none")
    settings = Settings.from_environment()
    assert settings.redis_url is None
    assert settings.without_redis


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://root@localhost/bank"),
        ("DATABASE_URL", "localhost"),
        ("DATABASE_URL", "postgresql://[::1/bank"),
        ("REDIS_URL", "http://localhost:6379"),
        ("POINTSBANK_BASE_URL", "bank.example"),
        ("POINTSBANK_BASE_URL", "http://bank.example:99999"),
        ("POINTSBANK_BASE_URL", "http://bank.example/?q"),
        ("POINTSBANK_LOG_LEVEL", "loud"),
        ("POINTSBANK_PROXIES", "-1"),
        ("POINTSBANK_PROXIES", "10"),
        ("POINTSBANK_PROXIES", "many"),
        ("POINTSBANK_KEY_ENCRYPTION_KEY", "secret"),
        ("POINTSBANK_KEY_ENCRYPTION_KEY", "c2hvcnQ="),
        ("POINTSBANK_KEY_ENCRYPTION_KEY", f"{b64encode(KEY).decode()},"),
    ],
)
def test_an_unusable_value_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        Settings.from_environment()


def test_workers_know_of_the_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POINTSBANK_PROXIES", "2")
    settings = Settings.from_environment()
    assert settings.proxies == 2
    monkeypatch.setattr(os, "environ", {})
    settings.to_environment()
    assert Settings.from_environment().proxies == 2


def test_a_password_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://root:hunter2@localhost/bank")
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("", ()),
        (b64encode(KEY).decode(), (KEY,)),
        (urlsafe_b64encode(KEY).decode().rstrip("="), (KEY,)),
        (f" {b64encode(OTHER).decode()} , {b64encode(KEY).decode()}\n", (OTHER, KEY)),
    ],
)
def test_keys_that_seal(monkeypatch: pytest.MonkeyPatch, text: str, keys: tuple[bytes, ...]) -> None:
    monkeypatch.setenv("POINTSBANK_KEY_ENCRYPTION_KEY", text)
    settings = Settings.from_environment()
    assert settings.key_encryption_keys == keys
    assert "key_encryption_keys" not in repr(settings)
    monkeypatch.setattr(os, "environ", {})
    settings.to_environment()
    assert Settings.from_environment().key_encryption_keys == keys


def test_a_key_encryption_key_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POINTSBANK_KEY_ENCRYPTION_KEY", "c2VjcmV0")
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment()
    assert "c2VjcmV0" not in str(caught.value)


def test_the_key_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    made: list[tuple[bytes, ...]] = []
    threads = [threading.Thread(target=lambda: made.append(key_file.keys_in(tmp_path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8
    assert len(set(made)) == 1
    assert [len(key) for key in made[0]] == [32]
    (path,) = tmp_path.iterdir()
    assert (path.name, path.stat().st_mode & 0o777) == (key_file.NAME, 0o600)


def test_a_key_file_that_holds_no_key(tmp_path: Path) -> None:
    (tmp_path / key_file.NAME).write_text("secret")
    with pytest.raises(SettingsError, match=os.path.join(tmp_path, key_file.NAME)):
        key_file.keys_in(tmp_path)
