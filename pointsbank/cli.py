"""The command line. What a command needs is imported inside of it, so that `--help` is quick."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pointsbank.opening import companies_of, company_id_of, opened, opened_database
from pointsbank.provider_commands import identity_provider
from pointsbank.settings import Settings, SettingsError
from pointsbank.signing_commands import signing_keys
from pointsbank.user_commands import users

if TYPE_CHECKING:
    from pointsbank.database import Database
    from pointsbank.leaderboards.store import Store

SIGN_IN_AS = "sign in as "
SCREEN = "big screen"
"""How `demo` begins the lines that `start` prints as links."""


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
    POINTSBANK_BASE_URL, POINTSBANK_PROXIES, POINTSBANK_KEY_ENCRYPTION_KEY, POINTSBANK_LOG_LEVEL.
    """


main.add_command(signing_keys)
main.add_command(users)
main.add_command(identity_provider)


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

    settings = Settings.from_environment()
    settings.configure_logging()
    try:
        serving.check_free(host, port)
    except serving.PortTaken as error:
        raise click.ClickException(str(error)) from error
    serving.exit_on_signals()
    with serving.opened_servers(settings) as opened, serving.metrics_folder() as figures:
        assert opened.database_url is not None
        migrate(opened.database_url)
        opened.to_environment()
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = figures  # workers add theirs up (api.metrics)
        demo_opened = _demo_opened() if welcome else None

        def announce(url: str) -> None:
            click.echo(f"listening on {url}")
            if demo_opened is not None:
                click.echo(_welcome(url, *demo_opened))

        serving.serve(host, port, workers, opened.log_level, announce, serving.reviver(settings))


def _demo_opened() -> tuple[str, list[tuple[str, str]], str]:
    """The demo's key, each role with the path that signs in as one who has it, and the path of its big screen.

    Loads the demo in a process of its own, so that this one forks its workers without connections and threads.
    """
    import subprocess

    click.echo("Loading the demo programme …")
    loaded = subprocess.run([sys.executable, "-m", "pointsbank", "demo"], stdout=subprocess.PIPE, text=True)
    if loaded.returncode != 0:
        raise click.ClickException("The demo programme could not be loaded; the reason stands above.")
    said = [line.partition(": ") for line in loaded.stdout.splitlines()]
    (key,) = [what for name, _, what in said if name == "key"]
    (screen,) = [what for name, _, what in said if name == SCREEN]
    paths = [(name.removeprefix(SIGN_IN_AS), what) for name, _, what in said if name.startswith(SIGN_IN_AS)]
    return key, paths, screen


def _welcome(url: str, key: str, paths: list[tuple[str, str]], screen: str) -> str:
    links = "\n".join(f"    {role:<8} {url}{path}" for role, path in paths)
    return f"""
  The points bank is open.

    {url}/docs           the API, to read and to try
    {url}/openapi.json   the same for programs

  Sign in to the pages of the demo, as (each link works once, within an hour; make run prints new ones):

{links}

  The big screen, for any browser, without signing in:

    screen   {url}{screen}

  The demo company's key (it may do everything):

    {key}

  Try:

    curl -H 'Authorization: Bearer {key}' '{url}/v1/leaderboards?scope=programme:2021&members=teams&score=mean'

    curl -H 'Authorization: Bearer {key}' '{url}/v1/learners/20210001/statement?unit=credits&limit=5'

    curl -H 'Authorization: Bearer {key}' '{url}/v1/trial-balance'

  Ctrl-C stops everything; make run starts it again with the same data.
"""


@main.group()
def keys() -> None:
    """API keys."""


@keys.command("create")
@click.option("--company", required=True, metavar="KEY", help="Made if it is new.")
@click.option("--name", default="key", help="What the key is for.")
@click.option("--scope", "scopes", multiple=True, default=("admin",), help="May be given several times.")
def create_key(company: str, name: str, scopes: tuple[str, ...]) -> None:
    """Make an API key and print it, this once."""
    from pointsbank import company as companies
    from pointsbank import keys as api_keys

    with opened_database() as database:
        company_id = companies.find(database, company)
        if company_id is None:
            company_id = companies.create(database, company)
        click.echo(api_keys.create(database, company_id, name, scopes))


@main.command("import")
@click.argument("kind", type=click.Choice(["learners", "events"]))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--company", required=True, metavar="KEY")
@click.option("--programme", metavar="P", help="For events that name none; learners are enrolled in it.")
def import_(kind: Any, file: Path, company: str, programme: str | None) -> None:
    """Import a CSV or NDJSON file of learners or events; bad lines go to FILE.rejected."""
    from pointsbank.importing import import_file

    size = file.stat().st_size
    with (
        opened_database() as database,
        click.progressbar(length=size, label=f"Importing {file.name}", file=sys.stderr) as bar,
    ):
        counts = import_file(database, company_id_of(database, company), kind, file, programme, bar.update)
    for status in sorted(counts):
        click.echo(f"{status}: {counts[status]}")
    if counts["rejected"]:
        click.echo(f"The rejected lines are in {file}.rejected.")


@main.command()
@click.argument("programme")
@click.option("--company", required=True, metavar="KEY")
@click.option("--cut-off", required=True, metavar="TIME", help="What happened before it counts; with its offset.")
@click.option("--issue", is_flag=True, help="Issue the certificates; else it is a preview.")
@click.option("--confirm", is_flag=True, help="Issue in spite of warnings.")
@click.option("--reissue", is_flag=True, help="Issue again what was revoked.")
def certify(programme: str, company: str, cut_off: str, issue: bool, confirm: bool, reissue: bool) -> None:
    """Say who of PROGRAMME qualifies for its certificates, or issue them. Cut off and run again, it goes on."""
    from pointsbank.certifying import certify as certified
    from pointsbank.certifying import time_of
    from rules.certification.run import Wanted

    wanted = Wanted(time_of(cut_off), issue, confirm, reissue)
    with opened() as (database, settings):
        for line in certified(database, settings, company_id_of(database, company), programme, wanted):
            click.echo(line)


@main.command()
@click.option("--company", metavar="KEY", help="Only this one; else every company.")
def verify(company: str | None) -> None:
    """Recompute every invariant of ledger, matches and certificates, and compare boards in Redis with the ledger.

    Exits with 1 and says each discrepancy if something does not hold.
    """
    from itertools import chain

    from ledger.audit import Extent, audit, extent
    from pointsbank.leaderboards.comparing import differences, frames
    from pointsbank.matches.audit import audit as audit_matches
    from rules.certification.audit import audit as audit_certificates

    found, total, boards = 0, Extent(0, 0, 0, 0), 0
    with _opened_boards() as (database, store):
        companies = companies_of(database, company)
        for company_id, key in companies:
            with database.snapshot(company_id) as session:
                for discrepancy in chain(audit(session), audit_matches(session), audit_certificates(session)):
                    found += 1
                    click.echo(f"{key}: {discrepancy}")
                total = Extent(*map(sum, zip(total, extent(session), strict=True)))
            if store is None:
                continue
            for frame in frames(database, store, company_id):
                boards += 1
                for difference in differences(database, store, company_id, frame):
                    found += 1
                    click.echo(f"{key}: {difference}")
    checked = (
        f"{total.entries} entries, {total.transfers} transfers, {total.accounts} accounts of {len(companies)} companies"
        + (f", {boards} boards in Redis" if store is not None else "")
    )
    if found:
        click.echo(f"{found} discrepancies in {checked}")
        sys.exit(1)
    click.echo(f"verified: {checked}; every invariant holds")


@main.group()
def leaderboards() -> None:
    """Boards in Redis."""


@leaderboards.command()
@click.option("--company", metavar="KEY", help="Only this one; else every company.")
def rebuild(company: str | None) -> None:
    """Make the boards that are looked at or pinned anew from the ledger."""
    from pointsbank.leaderboards.projection import rebuild as rebuilt

    with _opened_boards() as (database, store):
        if store is None:
            raise click.ClickException("There is no Redis (REDIS_URL=none): boards are answered from the ledger.")
        companies = companies_of(database, company)
        with click.progressbar(companies, label="Rebuilding", file=sys.stderr) as bar:
            done = [rebuilt(database, store, company_id) for company_id, _ in bar]
    boards, members = sum(each.boards for each in done), sum(each.members for each in done)
    click.echo(f"rebuilt: {boards} boards with {members} members of {len(companies)} companies")


@contextmanager
def _opened_boards() -> Iterator[tuple["Database", "Store | None"]]:
    """The database and the boards in Redis; None where there is none. One that is away is an error in one line."""
    from redis.exceptions import RedisError

    from pointsbank.leaderboards.connection import WRITE_SECONDS_MAX, connect
    from pointsbank.leaderboards.store import Store

    with opened() as (database, settings):
        try:
            yield (
                database,
                None if settings.redis_url is None else Store(connect(settings.redis_url, WRITE_SECONDS_MAX)),
            )
        except (RedisError, ConnectionError) as error:
            raise click.ClickException(f"REDIS_URL names no usable Redis: {error}") from error


@main.command()
@click.option("--company", required=True, metavar="KEY")
@click.option("--format", "form", required=True, type=click.Choice(["beancount", "ledger", "csv"]))
def export(company: str, form: Any) -> None:
    """Write the whole journal to stdout, for bean-check, ledger or hledger, or a spreadsheet."""
    from ledger.export import export as exported

    with opened_database() as database, database.snapshot(company_id_of(database, company)) as session:
        for text in exported(session, form):
            sys.stdout.write(text)


@main.command()
def demo() -> None:
    """Load the demo programme into the company `demo`; run again, it changes nothing."""
    settings = Settings.from_environment()
    with opened_database() as database:
        key, counts, paths, screen = _load_demo(database, settings)
    for role, path in paths:
        click.echo(f"{SIGN_IN_AS}{role}: {path}")
    click.echo(f"{SCREEN}: {screen}")
    click.echo("demo programme: " + ", ".join(f"{count} {status}" for status, count in counts.items()))
    click.echo(f"key: {key}")


def _load_demo(database: "Database", settings: Settings) -> tuple[str, dict[str, int], list[tuple[str, str]], str]:
    """The demo's key, what became of its events and awards, the paths that sign in, and the path of its big screen.

    Loads it through the code that any client reaches.
    """
    from api.app import create_app
    from pointsbank import company, keys
    from pointsbank.demo.loading import COMPANY_KEY, load, through
    from pointsbank.demo.screen import display_path
    from pointsbank.demo.users import sign_in_paths
    from pointsbank.matches.settling import settle_due

    company_id = company.find(database, COMPANY_KEY)
    if company_id is None:
        company_id = company.create(database, COMPANY_KEY)
    kept = settings.data_dir / "demo.key"
    key = kept.read_text().strip() if kept.exists() else ""
    known = keys.authenticate(database, key)
    if known is None or known.company_id != company_id:
        key = keys.create(database, company_id, "demo", ["admin"])
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        kept.touch(mode=0o600)
        kept.write_text(key)
    app = create_app(settings, database)
    counts = dict(load(through(app, key)))
    app.extensions["pointsbank"].arrivals.write()
    settle_due(database)  # no worker may be running that does
    with database.transaction(company_id) as session:
        paths = sign_in_paths(session)
    return key, counts, paths, display_path(database, company_id, settings.data_dir)


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
