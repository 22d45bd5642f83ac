"""The certificates that were issued: one, many by what they are about, and one by its number alone."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

import orjson

from credentials.content import Content, Equal, Result
from pointsbank.database import Database, Session
from pointsbank.errors import NotFound
from rules.certification import contents

Status = Literal["valid", "expired", "revoked"]
STATUSES: tuple[Status, ...] = get_args(Status)

NUMBER_PATTERN = "^PB-[0-9]{4}-[0-9]{6,12}-[0-9A-HJKMNP-TV-Z]{8}$"
_NUMBER = re.compile(NUMBER_PATTERN)
_MISREAD = str.maketrans("OIL", "011")
"""Crockford's base32 has neither of these letters; who writes one has misread a digit."""
_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u30fc"), "-")
"""What phones and Chinese keyboards write for one."""

__all__ = ["STATUSES", "Certificate", "Content", "Equal", "Filters", "Result", "Review", "Status"]


@dataclass(frozen=True, slots=True)
class Review:
    """Something that the certificate rests on was taken back. `explanation` is what its criteria say since then,
    with entries by their numbers."""

    since: datetime
    why: str
    explanation: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Certificate:
    """`no` is its serial, `programme` and `learner` are numbers (HR's ids stand in `content`), `rule` is its key in
    the rulebook. `edition` 2 and above: issued again. `changed_in` grows with each change of any certificate.
    """

    company_id: int
    no: int
    number: str
    programme: int
    learner: int
    rule: str
    edition: int
    kind: Literal["points", "qualification"]
    level: str | None
    names: Mapping[str, str]
    equals: tuple[Equal, ...]
    rulebook_version: int
    run: int
    cut_off: datetime
    issued_at: datetime
    valid_until: datetime | None
    holder: str
    content: Content
    credential: bytes
    status_list: int
    status_index: int
    entry_number: int
    revoked_at: datetime | None
    revoked_reason: str | None
    review: Review | None
    changed_at: datetime
    changed_in: int

    def status_at(self, now: datetime) -> Status:
        if self.revoked_at is not None:
            return "revoked"
        return "valid" if self.valid_until is None or now < self.valid_until else "expired"


@dataclass(frozen=True, slots=True)
class Filters:
    """What certificates are looked for by; None: by anything. Learner and programme are HR's ids, `rule` the key in
    the rulebook; `system` and `equals_level` are of one and the same level of a talent system. `who` is HR's id of the
    learner, or a part of the holder's name.
    """

    learner: str | None = None
    programme: str | None = None
    rule: str | None = None
    status: Status | None = None
    level: str | None = None
    system: str | None = None
    equals_level: str | None = None
    kind: Literal["points", "qualification"] | None = None
    who: str | None = None
    in_review: bool | None = None
    changed_since: datetime | None = None


def normalised(number: str) -> str | None:
    """The number as it stands on the paper, or None for what is none, however it was typed."""
    wide = unicodedata.normalize("NFKC", number).translate(_DASHES)
    text = "".join(wide.split()).upper().translate(_MISREAD)
    return text if _NUMBER.match(text) and text.isascii() else None


def find(session: Session, number: str) -> Certificate | None:
    """The company's certificate with this number."""
    wanted = normalised(number)
    if wanted is None:
        return None
    row = session.sql(
        f"{_SELECT} WHERE company_id = %(company)s AND number = %(number)s", {"number": wanted}
    ).fetchone()
    return None if row is None else _read(row)


def get(session: Session, number: str) -> Certificate:
    """Raises NotFound."""
    found = find(session, number)
    if found is None:
        raise NotFound(f"There is no certificate {number[:64]}.")
    return found


def find_public(database: Database, number: str) -> Certificate | None:
    """The certificate with this number, whosever it is: what anybody may ask who has seen it."""
    wanted = normalised(number)
    if wanted is None:
        return None
    with database.transaction(0) as session:
        # The form of a number leaves nothing to be quoted.
        session.driver.execute(f"SET LOCAL app.certificate_number = '{wanted}'".encode())
        row = session.sql(f"{_SELECT} WHERE number = %(number)s LIMIT 1", {"number": wanted}).fetchone()
    return None if row is None else _read(row)


def page(session: Session, filters: Filters, limit: int, after: int = 0) -> list[Certificate]:
    """At most `limit` certificates, those that changed longest ago first, beginning after that change (`changed_in`).

    Who reads on from the last one he has seen misses no change: what changes meanwhile comes again at the end.
    """
    where, values = _where(filters)
    rows = session.sql(
        f"""{_SELECT} WHERE company_id = %(company)s AND changed_in > %(after)s {where}
             ORDER BY changed_in LIMIT %(limit)s""",
        {**values, "after": after, "limit": limit},
    )
    return [_read(row) for row in rows]


def latest(session: Session, filters: Filters, limit: int, before: int | None = None) -> list[Certificate]:
    """At most `limit` certificates, those that changed last first, beginning before that change (`changed_in`)."""
    where, values = _where(filters)
    rows = session.sql(
        f"""{_SELECT} WHERE company_id = %(company)s
                        AND (%(before)s::bigint IS NULL OR changed_in < %(before)s::bigint) {where}
             ORDER BY changed_in DESC LIMIT %(limit)s""",
        {**values, "before": before, "limit": limit},
    )
    return [_read(row) for row in rows]


def _where(filters: Filters) -> tuple[str, dict[str, Any]]:
    """Further conditions, each with its AND, and their values."""
    values = {name: getattr(filters, name) for name in _CONDITIONS if getattr(filters, name) is not None}
    where = [_CONDITIONS[name] for name in values]
    if filters.system is not None or filters.equals_level is not None:
        wanted = {"system": filters.system, "level": filters.equals_level}
        values["equals"] = orjson.dumps([{key: value for key, value in wanted.items() if value is not None}]).decode()
        where.append("equals @> %(equals)s::jsonb")
    return "".join(f" AND {condition}" for condition in where), values


@dataclass(frozen=True, slots=True)
class Counts:
    """Of a programme's certificates; those `in_review` are valid or expired."""

    valid: int
    expired: int
    revoked: int
    in_review: int


def counts(session: Session, programme: str) -> Counts:
    """By HR's id of the programme."""
    row = session.sql(
        f"""SELECT count(*) FILTER (WHERE revoked_at IS NULL AND {_VALID}) AS valid,
                   count(*) FILTER (WHERE revoked_at IS NULL AND NOT {_VALID}) AS expired,
                   count(*) FILTER (WHERE revoked_at IS NOT NULL) AS revoked,
                   count(*) FILTER (WHERE review_since IS NOT NULL) AS in_review
              FROM certificates WHERE company_id = %(company)s AND {_CONDITIONS["programme"]}""",  # noqa: S608 - constants
        {"programme": programme},
    ).fetchone()
    assert row is not None, "an aggregate has one row"
    return Counts(*row)


def explanation(session: Session, certificate: Certificate) -> tuple[dict[str, Any], int]:
    """What its criteria said when it was issued, entries by their numbers; and how many entries it rests on."""
    row = session.sql(
        """SELECT explanation, cardinality(entries) AS entries FROM certificates
            WHERE company_id = %(company)s AND no = %(no)s""",
        {"no": certificate.no},
    ).fetchone()
    assert row is not None, "a certificate is never deleted"
    return row.explanation, row.entries


def revoked_in(session: Session, status_list: int) -> dict[int, datetime] | None:
    """The indexes of those of a status list that are revoked, each with when; None if the list has no certificate."""
    rows = session.sql(
        """SELECT status_index, revoked_at FROM certificates
            WHERE company_id = %(company)s AND status_list = %(list)s AND revoked_at IS NOT NULL ORDER BY 1""",
        {"list": status_list},
    ).fetchall()
    if not rows and not _has_list(session, status_list):
        return None
    return {row.status_index: row.revoked_at for row in rows}


def _has_list(session: Session, status_list: int) -> bool:
    row = session.sql(
        "SELECT FROM certificates WHERE company_id = %(company)s AND status_list = %(list)s LIMIT 1",
        {"list": status_list},
    ).fetchone()
    return row is not None


def now() -> datetime:
    return datetime.now(UTC)


_SELECT = """SELECT company_id, no, number, programme, learner, rule, edition, kind, level, names, equals,
                    rulebook_version, run, cut_off, issued_at, valid_until, holder, content, credential, status_list,
                    status_index, entry_number, revoked_at, revoked_reason, review_since, review_why, review,
                    changed_at, changed_in
               FROM certificates"""

_VALID = "(valid_until IS NULL OR valid_until > now())"
_CONDITIONS = {
    "learner": "learner = (SELECT no FROM learners WHERE company_id = %(company)s AND key = %(learner)s)",
    "programme": "programme = (SELECT no FROM programmes WHERE company_id = %(company)s AND key = %(programme)s)",
    "rule": "rule = %(rule)s",
    "status": f"""CASE WHEN revoked_at IS NOT NULL THEN 'revoked' WHEN {_VALID} THEN 'valid' ELSE 'expired' END
                  = %(status)s""",
    "level": "level = %(level)s",
    "kind": "kind = %(kind)s",
    "who": """(position(lower(%(who)s) IN lower(holder)) > 0
               OR learner = (SELECT no FROM learners WHERE company_id = %(company)s AND key = %(who)s))""",
    "in_review": "(review_since IS NOT NULL) = %(in_review)s",
    "changed_since": "changed_at >= %(changed_since)s",
}


def _read(row: Any) -> Certificate:
    review = None if row.review_since is None else Review(row.review_since, row.review_why, row.review)
    return Certificate(
        company_id=row.company_id,
        no=row.no,
        number=row.number,
        programme=row.programme,
        learner=row.learner,
        rule=row.rule,
        edition=row.edition,
        kind=row.kind,
        level=row.level,
        names=row.names,
        equals=tuple(Equal(each["system"], each["level"]) for each in row.equals),
        rulebook_version=row.rulebook_version,
        run=row.run,
        cut_off=row.cut_off,
        issued_at=row.issued_at,
        valid_until=row.valid_until,
        holder=row.holder,
        content=contents.read(row.content),
        credential=bytes(row.credential),
        status_list=row.status_list,
        status_index=row.status_index,
        entry_number=row.entry_number,
        revoked_at=row.revoked_at,
        revoked_reason=row.revoked_reason,
        review=review,
        changed_at=row.changed_at,
        changed_in=row.changed_in,
    )
