"""The whole schema (`FILES`), and row-level security on every table of it."""

from importlib.resources import files

from alembic import op

from ledger.closings import CLOSING_EVERY

revision = "0001"
down_revision = None

FILES = (
    "bank.sql",
    "widgets.sql",
    "matches.sql",
    "pins.sql",
    "certificates.sql",
    "keys.sql",
    "reevaluations.sql",
    "users.sql",
    "displays.sql",
    "rosters.sql",
    "arrivals.sql",
)
TABLES = """
    companies journals api_keys programmes units courses learners enrolments teams memberships awarders allowances
    rulebooks places terms accounts entries transfers closings widget_secrets widget_tokens matches contestants
    pinned_boards certification_runs certification_results certificate_serials certificate_counts certificates
    certificate_relooks issuer_secrets signing_keys re_evaluations
    users user_awarders user_sessions sign_in_links sign_in_attempts identity_providers displays pseudonyms acts
    roster_uploads
    unbooked_numbers unbooked arrivals
""".split()  # noqa: SIM905 - a list of words reads better so


def upgrade() -> None:
    connection = op.get_bind()
    schema = connection.exec_driver_sql("SELECT current_schema()").scalar_one()
    for name in FILES:
        sql = files("pointsbank.migrations").joinpath(name).read_text("utf-8")
        sql = sql.replace("{schema}", f'"{schema}"').replace("{closing_every}", str(CLOSING_EVERY))
        connection.exec_driver_sql(sql.replace("%", "%%"))
    for table in TABLES:
        # As a subselect it is evaluated once a statement, not once a row: a seventh of the time of a booking.
        own = "company_id = (SELECT nullif(current_setting('app.company_id', true), '')::bigint)"
        connection.exec_driver_sql(
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;"
            f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY;"
            f"CREATE POLICY own_company ON {table} USING ({own})"
        )
        # Every statement is of one company. Where few companies are known to the statistics, they say of a new one that
        # it has one row at most, and what has ten thousand is then joined by reading them ten thousand times.
        # Who was in which team when is found by learner, and criteria are judged a third slower without these.
        if table not in ("memberships", "teams"):
            connection.exec_driver_sql(f"ALTER TABLE {table} ALTER COLUMN company_id SET STATISTICS 0")
    # The command line goes over all companies; that is all this setting opens.
    connection.exec_driver_sql(
        "CREATE POLICY every_company ON companies FOR SELECT USING (current_setting('app.every_company', true) = 'on')"
    )
    # Who knows a company's key may ask for what it publishes.
    connection.exec_driver_sql(
        "CREATE POLICY its_key ON companies FOR SELECT USING (key = (SELECT current_setting('app.company_key', true)))"
    )
    # What of any company has become due, and which companies pin boards, is found by one query each; what is done about
    # it, is done company by company.
    due = ("matches", "certification_runs", "certificate_counts", "certificate_relooks", "re_evaluations")
    for table in (*due, "pinned_boards", "roster_uploads"):
        connection.exec_driver_sql(
            f"CREATE POLICY every_company ON {table} FOR SELECT USING "
            "((SELECT current_setting('app.every_company', true) = 'on'))"
        )
    # Who knows a certificate's number may check it, whosever it is.
    connection.exec_driver_sql(
        "CREATE POLICY its_number ON certificates FOR SELECT USING "
        "(number = (SELECT current_setting('app.certificate_number', true)))"
    )
