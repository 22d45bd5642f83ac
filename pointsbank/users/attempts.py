"""Guessing passwords becomes slow for who guesses, and for nobody else.

Who has tried a name from an address several times has to wait before the next time, longer each time. From any other
address the name can be tried as ever: so nobody locks another person out. Tries are counted before the password is
looked at, and for names that nobody has just the same.
"""

from hashlib import sha256

from pointsbank.database import Database
from pointsbank.errors import RateLimited

FREE = 5
"""Tries that nobody has to wait for."""
MAX_WAIT_SECONDS = 900
FORGOTTEN_SECONDS = 86_400


def begin(database: Database, company_id: int, name: str, address: str) -> None:
    """Counts a try. Raises RateLimited with `retry_after_seconds`; a try that comes too soon is not counted."""
    values = {"who": _who(name, address), "free": FREE, "longest": MAX_WAIT_SECONDS, "forgotten": FORGOTTEN_SECONDS}
    with database.transaction(company_id) as session:
        session.sql(
            """DELETE FROM sign_in_attempts
                WHERE company_id = %(company)s AND last_at < now() - make_interval(secs => %(forgotten)s)""",
            values,
        )
        if session.sql(_COUNT, values).rowcount:
            return
        row = session.sql(_LEFT, values).fetchone()
    assert row is not None, "it is what was in the way"
    raise RateLimited("This name was tried too often from here.", retry_after_seconds=max(1, row.seconds))


def forget(database: Database, company_id: int, name: str, address: str) -> None:
    """The right password was given."""
    with database.transaction(company_id) as session:
        session.sql(
            "DELETE FROM sign_in_attempts WHERE company_id = %(company)s AND who = %(who)s",
            {"who": _who(name, address)},
        )


def _who(name: str, address: str) -> bytes:
    return sha256(f"{name}\0{address}".encode("utf-8", "replace")).digest()


# 1, 2, 4, … seconds after each try that is not free.
_UNTIL = """a.last_at + make_interval(secs => CASE WHEN a.tried < %(free)s THEN 0
                                                  ELSE least(%(longest)s, 2 ^ least(a.tried - %(free)s, 20)) END)"""
_COUNT = f"""
INSERT INTO sign_in_attempts AS a (company_id, who, tried) VALUES (%(company)s, %(who)s, 1)
ON CONFLICT (company_id, who) DO UPDATE SET tried = a.tried + 1, last_at = clock_timestamp()
 WHERE {_UNTIL} <= clock_timestamp()
"""  # noqa: S608 - a constant
_LEFT = f"""
SELECT ceil(extract(epoch FROM {_UNTIL} - clock_timestamp()))::integer AS seconds
  FROM sign_in_attempts AS a WHERE company_id = %(company)s AND who = %(who)s
"""  # noqa: S608 - a constant
