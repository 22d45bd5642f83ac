"""Widget tokens: with one, a web page reads one board, and nothing else, until it expires or is revoked.

The text of a token is `pbw_<company in base32>_<id>.<signature>`. Its board and its end stand in the company's row of
that id, which is asked for anyway, as the token may be revoked; the signature, with a secret of the company, shows that
the service made the text. So no text of a token is kept, and one that is lost is made again, not looked up.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

from itsdangerous import BadSignature, Signer

from pointsbank import acts
from pointsbank.database import Database, Session
from pointsbank.directory.faults import fault_of_text, refuse
from pointsbank.errors import FieldError, NotFound, TokenExpired, TokenRevoked, TokenUnknown
from pointsbank.keys import company_of, company_text
from pointsbank.lately import FoundLately
from pointsbank.leaderboards import boards
from pointsbank.leaderboards.boards import Board
from pointsbank.leaderboards.frame import of_scope
from pointsbank.saying import say

PREFIX = "pbw_"
DEFAULT_TTL_SECONDS = 365 * 86_400
MAX_TTL_SECONDS = 10 * 365 * 86_400
TOKEN_CACHE_SECONDS = 1.0
"""So long may a revoked token still be taken, and an origin that is listed no more still be served."""
MAX_CACHED_TOKENS = 10_000

_SECRET_BYTES = 32
_ID_BYTES = 8
_FORM = re.compile(r"pbw_([a-z2-7]{12})_([0-9a-f]{16})\.[A-Za-z0-9_-]{43}")
_NOBODYS_SECRET = secrets.token_bytes(_SECRET_BYTES)
_UNKNOWN = "This widget token is unknown."


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of a token."""

    no: int
    id: str
    name: str | None
    board: Board
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


class Grant(NamedTuple):
    """What a token of this service's gives, if it is not over, to pages of the company's `origins`."""

    company_id: int
    board: Board
    origins: frozenset[str]
    expires_at: datetime
    revoked: bool

    def check(self) -> None:
        """Raises TokenRevoked or TokenExpired."""
        if self.revoked:
            raise TokenRevoked("This widget token was revoked.")
        if self.expires_at <= datetime.now(UTC):
            raise TokenExpired("This widget token has expired.")


def create(
    session: Session,
    board: Board,
    name: str | None = None,
    expires_at: datetime | None = None,
    by: int | None = None,
) -> tuple[Token, str]:
    """Makes a token for the board, and returns it with its text, which cannot be had again; `by` is a user.

    Raises Invalid, or NotFound for a board of an unknown programme or course.
    """
    now = datetime.now(UTC)
    until = now + timedelta(seconds=DEFAULT_TTL_SECONDS) if expires_at is None else expires_at
    faults: list[FieldError] = []
    if name is not None and (fault := fault_of_text(name)) is not None:
        faults.append(("name", fault))
    if not now < until <= now + timedelta(seconds=MAX_TTL_SECONDS):
        faults.append(("expires_at", say("must lie ahead, by at most %(most)s seconds.", most=MAX_TTL_SECONDS)))
    refuse(faults)
    check(session, board)
    session.lock_journal()  # the company's one writer: the number is the next one
    row = session.sql(
        """INSERT INTO widget_tokens (company_id, no, id, name, scope, unit, members, period, score, expires_at)
            SELECT %(company)s, coalesce(max(no), 0) + 1, %(id)s, %(name)s, %(scope)s, %(unit)s, %(members)s,
                   %(period)s, %(score)s, %(expires_at)s
              FROM widget_tokens WHERE company_id = %(company)s
            RETURNING *""",
        {**boards.query(board), "id": secrets.token_hex(_ID_BYTES), "name": name, "expires_at": until},
    ).fetchone()
    assert row is not None, "it was inserted"
    acts.note(session, by, "token-made", name or row.id)
    text = f"{PREFIX}{company_text(session.company_id)}_{row.id}"
    return _token(row), _signer(_secret(session)).sign(text).decode()


def check(session: Session, board: Board) -> None:
    """Raises NotFound for a board of an unknown programme or course."""
    of_scope(session, board.scope, board.unit, board.members)


def page(session: Session, limit: int, after: int = 0) -> list[Token]:
    """Tokens in the order of their making, also those that are over."""
    rows = session.sql(
        """SELECT * FROM widget_tokens
             WHERE company_id = %(company)s AND no > %(after)s ORDER BY no LIMIT %(limit)s""",
        {"after": after, "limit": limit},
    )
    return [_token(row) for row in rows]


def newest(session: Session, limit: int, before: int | None = None) -> list[Token]:
    """As `page`, the other way round: those numbered below `before`."""
    rows = session.sql(
        """SELECT * FROM widget_tokens
            WHERE company_id = %(company)s AND no < coalesce(%(before)s::bigint, 9223372036854775807)
            ORDER BY no DESC LIMIT %(limit)s""",
        {"before": before, "limit": limit},
    )
    return [_token(row) for row in rows]


def revoke(session: Session, token: str, by: int | None = None) -> None:
    """Once and for all; again changes nothing. Raises NotFound."""
    row = session.sql(
        "SELECT name, revoked_at FROM widget_tokens WHERE company_id = %(company)s AND id = %(id)s FOR UPDATE",
        {"id": token},
    ).fetchone()
    if row is None:
        raise NotFound(f"There is no widget token {token}.")
    if row.revoked_at is None:
        session.sql(
            "UPDATE widget_tokens SET revoked_at = now() WHERE company_id = %(company)s AND id = %(id)s", {"id": token}
        )
        acts.note(session, by, "token-revoked", row.name or token)


def authenticate(database: Database, text: str) -> Grant:
    """What the token with this text gives; the caller checks that it is not over.

    Raises TokenUnknown, in the same words and after the same steps whatever is wrong: text, company, id, signature.
    """
    at = (database.url, sha256(text.encode("utf-8", "replace")).digest())
    found = _lately.get(at)
    if found is not None:
        return found
    form = _FORM.fullmatch(text)
    company_id, token = (company_of(form[1]), form[2]) if form else (0, "")
    secret, grant = _look_up(database, company_id, token)
    try:
        _signer(secret).unsign(text.encode("utf-8", "replace"))
    except BadSignature:
        raise TokenUnknown(_UNKNOWN) from None
    if grant is None:
        raise TokenUnknown(_UNKNOWN)
    _lately.put(at, grant)
    return grant


def _look_up(database: Database, company_id: int, token: str) -> tuple[bytes, Grant | None]:
    with database.transaction(company_id) as session:
        row = session.sql(
            """SELECT t.*, s.secret, c.origins
                  FROM companies AS c
                  JOIN widget_secrets AS s ON s.company_id = c.company_id
                  JOIN widget_tokens AS t ON t.company_id = c.company_id AND t.id = %(id)s
                 WHERE c.company_id = %(company)s""",
            {"id": token},
        ).fetchone()
    if row is None:
        return _NOBODYS_SECRET, None
    found = _token(row)
    grant = Grant(company_id, found.board, frozenset(row.origins), found.expires_at, found.revoked_at is not None)
    return bytes(row.secret), grant


def _secret(session: Session) -> bytes:
    """The company's, made if it is not there yet."""
    session.sql(
        "INSERT INTO widget_secrets VALUES (%(company)s, %(secret)s) ON CONFLICT DO NOTHING",
        {"secret": secrets.token_bytes(_SECRET_BYTES)},
    )
    row = session.sql("SELECT secret FROM widget_secrets WHERE company_id = %(company)s").fetchone()
    assert row is not None, "it was inserted"
    return bytes(row.secret)


def _signer(secret: bytes) -> Signer:
    return Signer(secret, salt=b"pointsbank.widget-token", key_derivation="hmac", digest_method=sha256)


def _token(row: Any) -> Token:
    board = boards.parse({name: getattr(row, name) for name in boards.DEFAULTS})
    return Token(row.no, row.id, row.name, board, row.created_at, row.expires_at, row.revoked_at)


_lately: FoundLately[Grant] = FoundLately(TOKEN_CACHE_SECONDS, MAX_CACHED_TOKENS)
