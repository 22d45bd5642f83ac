"""PostgreSQL: connections, transactions of one company, migrations.

The service logs in with the role of `DATABASE_URL` and at once becomes `pointsbank_service`, which owns
nothing: it reads its company's rows, writes the directory, and books through `book()` only.
"""

import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from importlib.resources import files
from typing import Any, NamedTuple, TypeVar

import psycopg
import sqlalchemy
from psycopg.rows import namedtuple_row
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, make_url

from pointsbank.errors import PointsBankError, Unavailable
from pointsbank.staging import MOVEMENTS, STAGED

log = logging.getLogger(__name__)

SERVICE_ROLE = "pointsbank_service"
MIGRATION_LOCK = 0x706F696E7473  # "points": one migration at a time in a database
LOCK_TIMEOUT_SECONDS = 20  # a batch holds its company's journal for a fraction of a second
STATEMENT_TIMEOUT_SECONDS = 60
IDLE_IN_TRANSACTION_SECONDS = 30  # a frozen worker must not keep a journal locked
CONNECT_TIMEOUT_SECONDS = 5
ATTEMPTS = 6  # of a transaction that failed through no fault of its own; with the pauses about three seconds
POOL_SIZE = 8
POOL_OVERFLOW = 16

_LOCK = "SELECT last_number, directory_version FROM journals WHERE company_id = {} FOR UPDATE"

T = TypeVar("T")


class MigrationRefused(PointsBankError):
    """The database role lacks a right; the detail says what its administrator has to run."""

    slug, status, title = "unavailable", 503, "The database is not ready"


class Journal(NamedTuple):
    """A company's journal under its lock: the last number booked, and the version of the directory."""

    last_number: int
    directory_version: int


class Session:
    """One transaction of one company."""

    def __init__(self, connection: Connection, company_id: int) -> None:
        self.connection = connection
        self.company_id = company_id
        self.journal: Journal | None = None
        """The company's journal as it is since this transaction locked it; None if it has not."""
        self.changed = False
        """Whether it changes the directory."""
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        self.driver: psycopg.Connection[Any] = driver

    def sql(self, statement: str, parameters: Mapping[str, Any] | None = None) -> psycopg.Cursor[Any]:
        """Runs SQL in psycopg's own form (`%(name)s`); `%(company)s` is always there. Rows are named tuples."""
        cursor = self.driver.cursor(row_factory=namedtuple_row)
        return cursor.execute(statement.encode(), {"company": self.company_id, **(parameters or {})})

    def lock_journal(self) -> Journal:
        """Makes this transaction the company's one writer until it ends."""
        if self.journal is None:
            row = self.driver.execute(_LOCK.format(self.company_id).encode()).fetchone()
            assert row is not None, "every company has a journal"
            self.journal = Journal(*row)
        return self.journal

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undoes what the block did, and nothing before it, if it raises."""
        self.driver.execute(b"SAVEPOINT block")
        try:
            yield
        except BaseException:
            if not self.driver.closed:
                self.driver.execute(b"ROLLBACK TO SAVEPOINT block")
            raise


class Database:
    """A pool of connections. Opened lazily, so that an instance made before a fork is safe."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = sqlalchemy.create_engine(
            _sqlalchemy_url(url),
            isolation_level="AUTOCOMMIT",  # BEGIN and COMMIT are ours: BEGIN goes out together with the company
            pool_size=POOL_SIZE,
            max_overflow=POOL_OVERFLOW,
            pool_timeout=LOCK_TIMEOUT_SECONDS,
            connect_args={"connect_timeout": CONNECT_TIMEOUT_SECONDS, "application_name": "pointsbank"},
        )
        event.listen(self.engine, "connect", _become_service)
        self.committed: Callable[[int], None] | None = None
        """Told the company of each commit that may have booked something or changed the directory."""

    @contextmanager
    def transaction(self, company_id: int, begin: str = "BEGIN", writes: bool = False) -> Iterator[Session]:
        """Commits at the end of the block; rolls back on any error. Sees and writes rows of this company only.

        `writes` locks the company's journal at once, without a further round trip.
        """
        with self.engine.connect() as connection:
            session = Session(connection, company_id)
            try:
                opening = f"{begin}; SET LOCAL app.company_id = '{int(company_id)}'"
                if writes:
                    cursor = session.driver.execute(f"{opening}; {_LOCK.format(int(company_id))}".encode())
                    while cursor.nextset():
                        pass
                    row = cursor.fetchone()
                    session.journal = None if row is None else Journal(*row)
                else:
                    session.driver.execute(opening.encode())
                yield session
                session.driver.execute(b"COMMIT")
                if self.committed is not None and (session.journal is not None or session.changed):
                    self.committed(company_id)
            except BaseException:
                if not session.driver.closed:
                    session.driver.rollback()
                if session.driver.closed or session.driver.broken:
                    connection.invalidate()
                raise

    def snapshot(self, company_id: int) -> AbstractContextManager[Session]:
        """A read-only transaction in which all statements see the same state."""
        return self.transaction(company_id, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def run(self, company_id: int, work: Callable[[Session], T], writes: bool = False) -> T:
        """Runs `work` in a transaction, and again if the connection or the serialization failed.

        Only for work that may safely be committed twice (what it books has a key). Raises `Unavailable` once
        it gives up.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self.transaction(company_id, writes=writes) as session:
                    return work(session)
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("transaction failed (attempt %d of %d): %s", attempt, ATTEMPTS, error)
                if attempt == ATTEMPTS:
                    raise unavailable(error) from error
                if _connection_lost(error):
                    self.engine.dispose()
                time.sleep(0.05 * 2**attempt * random.uniform(0.5, 1.0))
        raise AssertionError("unreachable")

    def companies(self) -> list[tuple[int, str]]:
        """(company_id, key) of every company, by key: for the command line."""
        with self.transaction(0) as session:
            session.sql("SET LOCAL app.every_company = 'on'")
            return [
                (row.company_id, row.key) for row in session.sql("SELECT company_id, key FROM companies ORDER BY key")
            ]

    def is_ready(self) -> bool:
        """Whether a connection can be had and the schema is there."""
        try:
            with self.transaction(0) as session:
                session.sql("SELECT FROM journals WHERE company_id = 0")
            return True
        except (psycopg.Error, sqlalchemy.exc.SQLAlchemyError):
            return False

    def close(self) -> None:
        self.engine.dispose()


def is_transient(error: Exception) -> bool:
    """Whether the same transaction may succeed when it is tried again."""
    cause = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) else error
    retryable = (
        psycopg.errors.SerializationFailure,
        psycopg.errors.DeadlockDetected,
        psycopg.errors.LockNotAvailable,
    )
    return isinstance(cause, retryable) or _connection_lost(error)


def _connection_lost(error: Exception) -> bool:
    cause = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) else error
    lost = (psycopg.errors.AdminShutdown, psycopg.errors.CrashShutdown, psycopg.errors.CannotConnectNow)
    if isinstance(cause, lost):
        return True
    return (isinstance(cause, psycopg.OperationalError) and cause.sqlstate is None) or isinstance(
        cause, psycopg.InterfaceError
    )


def unavailable(error: Exception) -> Unavailable:
    """The problem that a client sees when the database cannot be reached."""
    log.warning("database unavailable: %s", error)
    return Unavailable("The database cannot be reached at the moment. Nothing was lost; send the request again.")


def migrate(url: str) -> None:
    """Brings the database to the newest schema and sees to the service role. Safe to run at every start."""
    # Here, and not above: a worker does not migrate, and is 10 MB smaller.
    from alembic import command
    from alembic.config import Config

    engine = sqlalchemy.create_engine(_sqlalchemy_url(url))
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"SELECT pg_advisory_lock({MIGRATION_LOCK})")
            _ensure_service_role(connection)
            connection.commit()
            config = Config()
            config.set_main_option("script_location", str(files("pointsbank.migrations")))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
            connection.exec_driver_sql(f"SELECT pg_advisory_unlock({MIGRATION_LOCK})")
    finally:
        engine.dispose()


def _ensure_service_role(connection: Connection) -> None:
    login = connection.exec_driver_sql("SELECT current_user").scalar_one()
    encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
    if encoding != "UTF8":
        raise MigrationRefused(f"The database's encoding is {encoding}; make one with ENCODING 'UTF8'.")
    have = connection.exec_driver_sql(f"SELECT 1 FROM pg_roles WHERE rolname = '{SERVICE_ROLE}'").scalar()  # noqa: S608 - a constant
    try:
        if not have:
            connection.exec_driver_sql(f"CREATE ROLE {SERVICE_ROLE} NOLOGIN NOSUPERUSER NOBYPASSRLS")
        may_become = connection.exec_driver_sql(
            f"SELECT pg_has_role(current_user, '{SERVICE_ROLE}', 'MEMBER')"
        ).scalar_one()
        if not may_become or not have:
            connection.exec_driver_sql(f'GRANT {SERVICE_ROLE} TO "{login}"')
    except sqlalchemy.exc.ProgrammingError as error:
        raise MigrationRefused(
            f"The role {login} of DATABASE_URL may not make the role {SERVICE_ROLE}, as which the service runs. "
            f"Let an administrator of the database run once: CREATE ROLE {SERVICE_ROLE} NOLOGIN; "
            f'GRANT {SERVICE_ROLE} TO "{login}";  Then start again.'
        ) from error


def _become_service(driver: Any, _record: Any) -> None:
    driver.execute(
        f"SET timezone = 'UTC'; SET lock_timeout = '{LOCK_TIMEOUT_SECONDS}s';"
        f"SET statement_timeout = '{STATEMENT_TIMEOUT_SECONDS}s';"
        f"SET idle_in_transaction_session_timeout = '{IDLE_IN_TRANSACTION_SECONDS}s';"
        f"{STAGED}; {MOVEMENTS}; GRANT SELECT, INSERT, DELETE ON pg_temp.staged TO {SERVICE_ROLE};"
        f"SET ROLE {SERVICE_ROLE}".encode()
    )


def _sqlalchemy_url(url: str) -> URL:
    return make_url(url).set(drivername="postgresql+psycopg")
