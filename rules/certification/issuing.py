"""The second half of a run: certificates for those who qualify and have none, each numbered, signed and booked once.

A chunk is one transaction, and its entries stand in the journal with the certificates or not at all. Signing takes
longest and comes before the journal is locked: whoever posts events waits for the booking alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from credentials import issuing
from credentials.content import Content
from ledger import journal, terms
from ledger.errors import LedgerError
from ledger.journal import Draft
from pointsbank import company
from pointsbank.database import Session
from pointsbank.directory import courses
from pointsbank.directory.pools import fingerprint
from pointsbank.settings import Settings
from rules.as_of import AsOf
from rules.certification import contents, entries, numbers, reviewing, sums
from rules.certification.evaluating import judged_by
from rules.certification.run import Run
from rules.certification.saying import Saying
from rules.criteria import facts_in
from rules.eligibility import names_in
from rules.parts import CertificateRule

CHUNK_CERTIFICATES = 100
"""Issued in one transaction: so many are signed again after a kill, and so many a post of events waits for at most."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A result that is to become a certificate; `learner` is a number, `key` and `name` are the learner's."""

    learner: int
    key: str
    name: str
    rule: CertificateRule


@dataclass(frozen=True, slots=True)
class Signed:
    pending: Pending
    serial: int
    content: Content
    credential: bytes


def issue_some(session: Session, run: Run, settings: Settings) -> bool:
    """Issues the next certificates of the run, which the session holds; False if there is nothing left to issue."""
    programme, rulebook = judged_by(session, run.programme_key, run.rulebook_version)
    rules = {rule.key: rule for rule in rulebook.certificates}
    pending = _next(session, run, rules)
    if not pending:
        return False
    names = names_in(session, programme, rulebook, courses.find_all(session, programme))
    named = {rule.key: rule.name for rule in rulebook.earning if rule.name is not None}
    saying = Saying(company.get(session), programme, names, named, run, settings.base_url)
    learners = sorted({each.learner for each in pending})
    earned = sums.of(session, programme.no, learners, AsOf(run.cut_off, run.number))
    signer = issuing.signer(session, settings)
    issued_at = _now(session)
    serials = numbers.take_serials(session, len(pending))
    signed = []
    for serial, each in zip(serials, pending, strict=True):
        number = numbers.number(issued_at.astimezone(programme.zone).year, serial)
        content = saying.content(
            number, each.rule, (each.key, each.name), earned[each.learner], issued_at, signer.place(serial)
        )
        signed.append(Signed(each, serial, content, signer.sign(content)))
    _book(session, run, signed)
    return True


def _next(session: Session, run: Run, rules: Mapping[str, CertificateRule]) -> list[Pending]:
    rows = session.sql(
        """SELECT r.learner, l.key, l.name, r.rule
             FROM certification_results AS r
             JOIN learners AS l ON l.company_id = %(company)s AND l.no = r.learner
            WHERE r.company_id = %(company)s AND r.run = %(run)s AND r.standing = 'new'
            ORDER BY r.learner, r.place LIMIT %(limit)s""",
        {"run": run.no, "limit": CHUNK_CERTIFICATES},
    )
    return [Pending(row.learner, row.key, row.name, rules[row.rule]) for row in rows]


def _now(session: Session) -> datetime:
    """By the database's clock, in whole seconds: that is how a credential says it."""
    row = session.sql("SELECT clock_timestamp() AS at").fetchone()
    assert row is not None
    at: datetime = row.at
    return at - timedelta(microseconds=at.microsecond)


def _book(session: Session, run: Run, signed: Sequence[Signed]) -> None:
    session.lock_journal()
    latest = _latest(session, run, [each.pending for each in signed])
    held, new = [], []
    for each in signed:
        edition, valid_as = latest.get((each.pending.learner, each.pending.rule.key), (0, None))
        if valid_as is None:
            new.append((each, edition + 1))
        else:
            held.append((each, valid_as))
    if new:
        _write(session, run, new, _post(session, run, new))
    _settle(session, run, "held", [(each.pending, no) for each, no in held])
    _settle(session, run, "issued", [(each.pending, each.serial) for each, _ in new])
    if new:
        reviewing.look_at_new(session, run, [each.serial for each, _ in new])


def _latest(session: Session, run: Run, pending: Sequence[Pending]) -> dict[tuple[int, str], tuple[int, int | None]]:
    """The latest edition of each learner and rule, and its serial if it is valid: another run was quicker."""
    rows = session.sql(
        """SELECT DISTINCT ON (learner, rule) learner, rule, edition,
                  CASE WHEN revoked_at IS NULL AND (valid_until IS NULL OR valid_until > now()) THEN no END AS valid_as
             FROM certificates
            WHERE company_id = %(company)s AND programme = %(programme)s AND learner = ANY (%(learners)s::integer[])
            ORDER BY learner, rule, edition DESC""",
        {"programme": run.programme, "learners": sorted({each.learner for each in pending})},
    )
    return {(row.learner, row.rule): (row.edition, row.valid_as) for row in rows}


def _post(session: Session, run: Run, new: Sequence[tuple[Signed, int]]) -> list[int]:
    """Books each as an entry without transfers, which names the certificate and its digest; the entries' numbers."""
    names = terms.intern(session, [entries.SOURCE, entries.ISSUED])
    drafts = []
    for each, edition in new:
        key = entries.key_of(run.programme_key, each.pending.key, each.pending.rule.key, edition)
        drafts.append(
            Draft(
                source=names[entries.SOURCE],
                key=key,
                kind=names[entries.ISSUED],
                fingerprint=fingerprint(key, each.content.number),
                occurred_at=each.content.issued_at,
                programme=run.programme,
                learner=each.pending.learner,
                rulebook_version=run.rulebook_version,
                data=entries.issued(each.content, edition, run, each.credential),
            )
        )
    booked = []
    for outcome in journal.post(session, drafts):
        if isinstance(outcome, LedgerError):
            raise outcome
        booked.append(outcome.number)
    return booked


def _write(session: Session, run: Run, new: Sequence[tuple[Signed, int]], booked: Sequence[int]) -> None:
    changes = numbers.take_changes(session, len(new))
    rows = [
        {
            "no": each.serial,
            "number": each.content.number,
            "learner": each.pending.learner,
            "rule": each.pending.rule.key,
            "edition": edition,
            "kind": each.content.kind,
            "level": each.content.level,
            "names": dict(each.content.name),
            "equals": [{"system": equal.system, "level": equal.level} for equal in each.content.equals],
            "issued_at": each.content.issued_at,
            "valid_until": each.content.valid_until,
            "holder": each.content.learner_name,
            "on_others": _depends_on_others(each.pending.rule),
            "content": orjson.Fragment(contents.written(each.content)),
            "credential": each.credential.decode(),
            "status_list": each.content.status_list,
            "status_index": each.content.status_index,
            "entry_number": number,
            "changed_in": change,
        }
        for (each, edition), number, change in zip(new, booked, changes, strict=True)
    ]
    session.sql(_INSERT, {**_pinned(run), "rows": orjson.dumps(rows).decode()})


def _depends_on_others(rule: CertificateRule) -> bool:
    return any(fact.fact == "team_rank" for fact in facts_in(rule.criteria))


def _pinned(run: Run) -> dict[str, Any]:
    return {"run": run.no, "programme": run.programme, "version": run.rulebook_version, "cut_off": run.cut_off}


_INSERT = """
INSERT INTO certificates (company_id, no, number, programme, learner, rule, edition, kind, level, names, equals,
                          rulebook_version, run, cut_off, issued_at, valid_until, holder, explanation, entries,
                          on_others, content, credential, status_list, status_index, entry_number,
                          changed_at, changed_in)
SELECT %(company)s, new.no, new.number, %(programme)s, new.learner, new.rule, new.edition, new.kind, new.level,
       new.names, new.equals, %(version)s, %(run)s, %(cut_off)s, new.issued_at, new.valid_until, new.holder,
       r.explanation, r.entries, new.on_others, new.content, convert_to(new.credential, 'UTF8'), new.status_list,
       new.status_index, new.entry_number, clock_timestamp(), new.changed_in
  FROM json_to_recordset(%(rows)s::json)
       AS new (no bigint, number text, learner integer, rule text, edition integer, kind text, level text, names jsonb,
               equals jsonb, issued_at timestamptz, valid_until timestamptz, holder text, on_others boolean,
               content jsonb, credential text, status_list integer, status_index integer, entry_number bigint,
               changed_in bigint)
  JOIN certification_results AS r
    ON r.company_id = %(company)s AND r.run = %(run)s AND r.learner = new.learner AND r.rule = new.rule
"""


def _settle(session: Session, run: Run, standing: str, found: Sequence[tuple[Pending, int]]) -> None:
    """Writes what became of the results, and counts them."""
    if not found:
        return
    rows = [{"learner": each.learner, "rule": each.rule.key, "certificate": no} for each, no in found]
    session.sql(
        """UPDATE certification_results AS r SET standing = %(standing)s, certificate = s.certificate
             FROM json_to_recordset(%(rows)s::json) AS s (learner integer, rule text, certificate bigint)
            WHERE r.company_id = %(company)s AND r.run = %(run)s AND r.learner = s.learner AND r.rule = s.rule""",
        {"run": run.no, "standing": standing, "rows": orjson.dumps(rows).decode()},
    )
    session.sql(
        f"""UPDATE certification_runs SET {standing} = {standing} + %(count)s, attempts = 0
             WHERE company_id = %(company)s AND no = %(run)s""",  # noqa: S608 - held or issued
        {"run": run.no, "count": len(found)},
    )
