"""The command line. What a command needs is imported inside of it, so that `--help` is quick."""

import os
import signal
from typing import Any

import click

from pointsbank.settings import Settings, SettingsError


class Commands(click.Group):
    """Errors that an operator can do something about end in one line instead of a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        from pointsbank.embedded.errors import EmbeddedError
        from pointsbank.errors import PointsBankError

        try:
            return super().invoke(ctx)
        except (EmbeddedError, PointsBankError, SettingsError) as error:
            raise click.ClickException(str(error)) from error
        except Exception as error:
            from sqlalchemy.exc import OperationalError

            if isinstance(error, OperationalError):
                raise click.ClickException(f"DATABASE_URL names no usable database: {error.orig}") from error
            raise


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(package_name="pointsbank")
def main() -> None:
    """A points bank for companies that train new graduates.

    Settings come from the environment and from a file .env: POINTSBANK_DATA_DIR, DATABASE_URL, REDIS_URL,
    POINTSBANK_BASE_URL, POINTSBANK_LOG_LEVEL.
    """


def serving_options(command: Any) -> Any:
    """--host, --port and --workers."""
    for option in (
        click.option("--workers", default=os.cpu_count() or 2, type=click.IntRange(1), help="Processes."),
        click.option("--port", default=8000, type=click.IntRange(0, 65535), help="0 takes any free port."),
        click.option("--host", default="127.0.0.1"),
    ):
        command = option(command)
    return command


@main.command()
@serving_options
def serve(host: str, port: int, workers: int) -> None:
    """Migrate, then serve until SIGTERM; stop everything that was started."""
    _serve(host, port, workers, welcome=False)


@main.command()
@serving_options
def start(host: str, port: int, workers: int) -> None:
    """As `serve`, with the demo programme and a welcome: what `make run` does."""
    _serve(host, port, workers, welcome=True)


def _serve(host: str, port: int, workers: int, welcome: bool) -> None:
    from pointsbank import serving
    from pointsbank.database import migrate

    def announce(url: str) -> None:
        click.echo(f"listening on {url}")
        if welcome:
            click.echo(_welcome(url))

    settings = Settings.from_environment()
    settings.configure_logging()
    try:
        serving.check_free(host, port)
    except serving.PortTaken as error:
        raise click.ClickException(str(error)) from error
    serving.exit_on_signals()
    with serving.opened_servers(settings) as opened:
        assert opened.database_url is not None
        migrate(opened.database_url)
        opened.to_environment()
        serving.serve(host, port, workers, opened.log_level, announce)


def _welcome(url: str) -> str:
    return f"""
  The points bank is open.

    {url}/docs           the API, to read and to try
    {url}/openapi.json   the same for programs

  Try:

    curl {url}/healthz
    curl {url}/readyz
    curl {url}/openapi.json

  Ctrl-C stops everything; make run starts it again with the same data.
"""


@main.command()
def sandbox() -> None:
    """The embedded PostgreSQL and Redis alone, until SIGTERM or SIGINT; print their URLs."""
    from pointsbank import embedded, serving

    settings = Settings.from_environment()
    settings.configure_logging()
    serving.exit_on_signals()
    with embedded.use(settings.data_dir, redis=not settings.without_redis) as servers:
        click.echo(f"DATABASE_URL={servers.database_url}")
        click.echo(f"SUPERUSER_URL={servers.superuser_url}")
        click.echo(f"REDIS_URL={servers.redis_url or 'none'}")
        signal.pause()
