"""Settings from the environment and from .env."""

from pathlib import Path

import pytest

from pointsbank.settings import Settings, SettingsError

VARIABLES = (
    "POINTSBANK_DATA_DIR",
    "DATABASE_URL",
    "REDIS_URL",
    "POINTSBANK_BASE_URL",
    "POINTSBANK_LOG_LEVEL",
)


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
    ],
)
def test_an_unusable_value_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        Settings.from_environment()


def test_a_password_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://root:hunter2@localhost/bank")
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment()
    assert "hunter2" not in str(caught.value)
