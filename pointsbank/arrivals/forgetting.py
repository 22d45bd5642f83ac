"""What arrived goes after a while."""

from pointsbank.arrivals.storing import forget_old
from pointsbank.database import Database

INTERVAL_SECONDS = 3_600
"""How often a worker looks."""


def forget(database: Database) -> None:
    """Of every company; in any number of workers at once."""
    for company_id, _key in database.companies():
        database.run(company_id, forget_old)
