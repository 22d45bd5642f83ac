"""The statement of credits that a certificate rests on, line by line, as its paper shows it.

Made anew from the journal each time, which never changes up to the number that the certificate's run had pinned.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from credentials import paper
from credentials.content import Line
from ledger.accounts import CREDITS
from pointsbank import company
from pointsbank.database import Session
from pointsbank.matches import settling
from rules import closing
from rules.certification.amounts import shown
from rules.certification.register import Certificate
from rules.certification.saying import RULE
from rules.certification.sums import CONVERSION, NAMES, PRIZES
from rules.wording import LANGUAGES

UNSHOWN = "〓"
"""Printers' mark for a character that they have no type for."""

_REVERSED = {"zh": "冲正", "en": "Reversed"}
_OF_KIND = {closing.KIND: CONVERSION, settling.PRIZE_KIND: PRIZES}


def lines(session: Session, certificate: Certificate) -> list[Line]:
    """Those of a points certificate, oldest first; any other has none. Raises paper.PaperNotInstalled."""
    if certificate.kind != "points":
        return []
    scale = company.get(session).credits_scale
    rules = {
        each.key.removeprefix(RULE): each.name for each in certificate.content.results if each.key.startswith(RULE)
    }
    rows = session.sql(_LINES, {"no": certificate.no, "unit": CREDITS}).fetchall()
    unshown = paper.missing_glyphs(
        {text for row in rows for text in (row.reason, row.rule, row.course, row.giver) if text}
        | {text for name in rules.values() for text in name.values()}
    )
    balance = 0
    found = []
    for row in rows:
        balance += row.amount
        what = {language: _shown(text, unshown) for language, text in _what(row, rules).items()}
        course = None if row.course is None else _shown(row.course, unshown)
        found.append(Line(row.occurred_at, what, course, _signed(row.amount, scale), shown(balance, scale)))
    return found


_LINES = """
SELECT t.occurred_at, e.reason, g.name AS giver, c.name AS course, e.reverses IS NOT NULL AS reverses,
       CASE WHEN t.credit >> 32 = 4 THEN t.amount ELSE -t.amount END AS amount,
       (SELECT term FROM terms WHERE company_id = %(company)s AND no = t.rule) AS rule,
       (SELECT term FROM terms WHERE company_id = %(company)s AND no = coalesce(o.kind, e.kind)) AS kind
  FROM certificates AS own
  JOIN certification_runs AS r ON r.company_id = %(company)s AND r.no = own.run
  JOIN transfers AS t ON t.company_id = %(company)s AND t.learner = own.learner AND t.unit = %(unit)s
   AND t.number <= r.number AND t.occurred_at < r.cut_off
  JOIN entries AS e ON e.company_id = %(company)s AND e.number = t.number AND e.programme = own.programme
  LEFT JOIN entries AS o ON o.company_id = %(company)s AND o.number = e.reverses
  LEFT JOIN awarders AS g ON g.company_id = %(company)s AND g.no = e.awarder
  LEFT JOIN courses AS c ON c.company_id = %(company)s AND c.no = e.course
 WHERE own.company_id = %(company)s AND own.no = %(no)s
 ORDER BY t.occurred_at, t.number, t.line
"""


def _what(row: Any, rules: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """What the line is of, by language: a reversal says so, and why."""
    said: Mapping[str, str] = dict.fromkeys(LANGUAGES, row.reason or row.rule or row.kind)
    if row.reverses:
        said = {language: f"{_REVERSED[language]}: {said[language]}" for language in LANGUAGES}
    elif row.kind in _OF_KIND:
        said = NAMES[_OF_KIND[row.kind]]
    elif row.reason is None and row.rule in rules:
        said = rules[row.rule]
    if row.giver is None:
        return dict(said)
    return {"zh": f"{said['zh']}（{row.giver}）", "en": f"{said['en']} ({row.giver})"}


def _signed(amount: int, scale: int) -> str:
    return ("+" if amount > 0 else "") + shown(amount, scale)


def _shown(text: str, unshown: Mapping[str, Sequence[str]]) -> str:
    """What was written by whoever posted an event does not keep anybody from the paper."""
    for part, characters in unshown.items():
        if part in text:
            text = text.replace(part, part.translate({ord(each[-1]): UNSHOWN for each in characters}))
    return text
