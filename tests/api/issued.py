"""Certificates in the database, signed as a run signs them, without a run."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from credentials.content import Content
from credentials.issuing import signer
from pointsbank.database import Database
from pointsbank.settings import Settings
from rules.certification import contents
from tests.api.conftest import Caller
from tests.credentials.samples import POINTS, QUALIFICATION

BASE = "http://127.0.0.1:8000"
SETTINGS = Settings(Path("var"), None, None, True, BASE, "warning", (bytes(32),))
_SUFFIX = "7K3QXWM9"

_serials = itertools.count(1)


@dataclass
class Issuer:
    """`programme` is a company with a programme `2021` and learner `20210001`, as the fixture makes it."""

    programme: Caller
    database: Database

    def __post_init__(self) -> None:
        self.programme.put("/v1/company", {"name": "云桥客服"})
        self.programme.put("/v1/programmes/2021/rulebook/draft", {"earning": []})
        self.programme.post("/v1/programmes/2021/rulebook/draft/activate")
        with self.database.transaction(self.programme.company_id) as session:
            session.sql(
                """INSERT INTO certification_runs (company_id, no, programme, rulebook_version, cut_off, number, issues,
                                                   confirmed, reissues, stage, learners, finished_at)
                   SELECT %(company)s, 1, no, 1, now(), 1, true, false, false, 'finished', 1, now()
                     FROM programmes WHERE company_id = %(company)s"""
            )

    def content(self, kind: str = "qualification", **changes: Any) -> Content:
        """A certificate of this company's; its number is its own."""
        serial = next(_serials)
        now = datetime.now(UTC)
        given = {
            "number": f"PB-{now.year}-{serial:06}-{_SUFFIX}",
            "company": self.programme.company_key,
            "learner": "20210001",
            "rulebook_version": 1,
            "base_url": BASE,
            "issued_at": now - timedelta(days=1),
            "valid_until": now + timedelta(days=700),
            "status_index": serial,
        }
        return replace(POINTS if kind == "points" else QUALIFICATION, **(given | changes))

    def issue(
        self,
        content: Content,
        revoked: tuple[datetime, str] | None = None,
        changed: Callable[[bytes], bytes] = lambda credential: credential,
        kept: Content | None = None,
    ) -> str:
        """Returns the number. `changed` is done to what was signed, `kept` is in the database instead of it."""
        content, kept = content, kept or content
        at, reason = revoked or (None, None)
        with self.database.transaction(self.programme.company_id) as session:
            credential = changed(signer(session, SETTINGS).sign(content))
            values = {
                "no": content.status_index,
                "number": content.number,
                "rule": f"{content.rule}-{content.status_index}",
                "kind": content.kind,
                "level": content.level,
                "names": orjson.dumps(dict(content.name)).decode(),
                "issued_at": content.issued_at,
                "valid_until": content.valid_until,
                "holder": kept.learner_name,
                "content": contents.written(kept).decode(),
                "credential": credential,
                "status_index": content.status_index,
                "revoked_at": at,
                "revoked_reason": reason,
                "revoked_number": None if at is None else 2,
            }
            session.sql(_INSERT, values)
        return content.number


_INSERT = """
INSERT INTO certificates (company_id, no, number, programme, learner, rule, edition, kind, level, names, equals,
                          rulebook_version, run, cut_off, issued_at, valid_until, holder, explanation, entries, content,
                          credential, status_list, status_index, entry_number, revoked_at, revoked_reason,
                          revoked_number, changed_at, changed_in)
SELECT %(company)s, %(no)s, %(number)s, programmes.no, learners.no, %(rule)s, 1, %(kind)s, %(level)s,
       %(names)s::jsonb, '[]', 1, 1, now(), %(issued_at)s, %(valid_until)s, %(holder)s, '{}', '{}', %(content)s::jsonb,
       %(credential)s, 1, %(status_index)s, 1, %(revoked_at)s, %(revoked_reason)s, %(revoked_number)s, now(), %(no)s
  FROM programmes, learners
 WHERE programmes.company_id = %(company)s AND learners.company_id = %(company)s AND learners.key = '20210001'
"""
