"""Numbers of certificates, `PB-<year>-<serial>-<suffix>`: no serial is given twice, and nobody guesses a suffix."""

import secrets

from pointsbank.database import Session

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SUFFIX_DIGITS = 8
"""40 random bits: at the rate that the verification page allows, a guess takes longer than anybody has."""


def take_serials(session: Session, count: int) -> range:
    """The company's next serials. Whoever takes some waits until this transaction has ended."""
    row = session.sql(
        """INSERT INTO certificate_serials AS c (company_id, last) VALUES (%(company)s, %(count)s)
               ON CONFLICT (company_id) DO UPDATE SET last = c.last + excluded.last
           RETURNING last""",
        {"count": count},
    ).fetchone()
    assert row is not None, "it was inserted or updated"
    return range(row.last - count + 1, row.last + 1)


def take_changes(session: Session, count: int) -> range:
    """Places for that many changes in the order of all changes; makes this transaction the company's one writer."""
    session.lock_journal()
    row = session.sql(
        """INSERT INTO certificate_counts AS c (company_id, changes, looked_at)
               SELECT company_id, %(count)s, last_number FROM journals WHERE company_id = %(company)s
               ON CONFLICT (company_id) DO UPDATE SET changes = c.changes + excluded.changes
           RETURNING changes""",
        {"count": count},
    ).fetchone()
    assert row is not None, "it was inserted or updated"
    return range(row.changes - count + 1, row.changes + 1)


def number(year: int, serial: int) -> str:
    """Another one each time."""
    bits = secrets.randbits(5 * SUFFIX_DIGITS)
    suffix = "".join(_CROCKFORD[bits >> shift & 31] for shift in range(5 * (SUFFIX_DIGITS - 1), -1, -5))
    return f"PB-{year:04}-{serial:06}-{suffix}"
