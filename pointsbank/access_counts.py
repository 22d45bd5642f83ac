"""How much there is of what opens the bank."""

from dataclasses import dataclass
from datetime import datetime

from pointsbank.database import Session


@dataclass(frozen=True, slots=True)
class Counts:
    """Of keys, tokens and users those that are good now; `idle_keys` were not used for 30 days."""

    keys: int
    idle_keys: int
    key_used_at: datetime | None
    tokens: int
    ending_tokens: int
    users: int
    admins: int
    signed_in: int


def of(session: Session) -> Counts:
    """`ending_tokens` end within 14 days; `signed_in` are users seen within the last 12 hours."""
    row = session.sql(_COUNTS).fetchone()
    assert row is not None, "aggregates have a row"
    return Counts(*row)


_COUNTS = """
SELECT k.keys, k.idle, k.used_at, t.tokens, t.ending, u.users, u.admins, s.signed_in
  FROM (SELECT count(*) AS keys, max(used_at) AS used_at,
               count(*) FILTER (WHERE coalesce(used_at, created_at) < now() - interval '30 days') AS idle
          FROM api_keys WHERE company_id = %(company)s AND revoked_at IS NULL) AS k,
       (SELECT count(*) AS tokens, count(*) FILTER (WHERE expires_at < now() + interval '14 days') AS ending
          FROM widget_tokens WHERE company_id = %(company)s AND revoked_at IS NULL AND expires_at > now()) AS t,
       (SELECT count(*) AS users, count(*) FILTER (WHERE 'admin' = ANY (roles)) AS admins
          FROM users WHERE company_id = %(company)s AND disabled_at IS NULL) AS u,
       (SELECT count(DISTINCT user_no) AS signed_in
          FROM user_sessions WHERE company_id = %(company)s AND seen_at > now() - interval '12 hours') AS s
"""
