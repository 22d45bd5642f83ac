"""Learners by number, where names are hidden: each has one for as long as the programme is kept."""

import re

from pointsbank.database import Database, Session
from pointsbank.directory.programmes import Programme

MIN_NAME_CHARACTERS = 2
"""A name of one character is not looked for in texts: it is a word."""
MAX_REMEMBERED = 1_000
"""Texts without names, of a programme."""


class Pseudonyms:
    """`numbers` by learner's number; `meant` says whose a name or HR's id is."""

    def __init__(self, numbers: dict[int, int], meant: dict[str, int]) -> None:
        self.numbers = numbers
        self._meant = meant
        self._hidden: dict[str, list[str | int]] = {}

    def hide(self, text: str) -> list[str | int]:
        """The text in parts; a number stands where a learner was named."""
        known = self._hidden.get(text)
        if known is None:
            if len(self._hidden) >= MAX_REMEMBERED:
                self._hidden.clear()
            known = self._hidden[text] = self._parts(text)
        return known

    def _parts(self, text: str) -> list[str | int]:
        """Of the words that are in it at all a pattern is made: of those of a whole programme it would be too large."""
        lower = text.lower()
        there = sorted((word for word in self._meant if word.lower() in lower), key=len, reverse=True)
        parts: list[str | int] = []
        end = 0
        for found in re.finditer("|".join(map(_pattern, there)) or r"(?!)", text, re.IGNORECASE):
            assert found.lastindex is not None, "each pattern is a group"
            parts += [text[end : found.start()], self._meant[there[found.lastindex - 1]]]
            end = found.end()
        return [part for part in (*parts, text[end:]) if part != ""]


def _pattern(word: str) -> str:
    """Of letters and digits only a whole word is meant; Chinese has no such bounds."""
    return rf"(?<![0-9A-Za-z])({re.escape(word)})(?![0-9A-Za-z])" if word.isascii() else f"({re.escape(word)})"


def load(session: Session, programme: Programme) -> Pseudonyms | None:
    """None if somebody has no number yet."""
    rows = session.sql(_EVERYBODY, {"programme": programme.no}).fetchall()
    if any(row.number is None for row in rows):
        return None
    meant: dict[str, int] = {}
    for row in rows:
        for word in (row.key, row.name):
            if len(word) >= MIN_NAME_CHARACTERS:
                meant.setdefault(word, row.number)
    return Pseudonyms({row.no: row.number for row in rows}, meant)


def draw(database: Database, company_id: int, programme: Programme) -> None:
    """Gives a number to everybody who has none."""

    def work(session: Session) -> None:
        session.lock_journal()  # the company's one writer: the numbers are the next ones
        session.sql(_DRAW, {"programme": programme.no})

    database.run(company_id, work)


_EVERYBODY = """
SELECT l.no, l.key, l.name, p.number
  FROM enrolments AS e
  JOIN learners AS l ON l.company_id = %(company)s AND l.no = e.learner
  LEFT JOIN pseudonyms AS p ON p.company_id = %(company)s AND p.programme = e.programme AND p.learner = e.learner
 WHERE e.company_id = %(company)s AND e.programme = %(programme)s
"""

_DRAW = """
INSERT INTO pseudonyms (company_id, programme, learner, number)
SELECT %(company)s, %(programme)s, e.learner,
       row_number() OVER (ORDER BY random())
       + (SELECT coalesce(max(number), 0) FROM pseudonyms
           WHERE company_id = %(company)s AND programme = %(programme)s)
  FROM enrolments AS e
 WHERE e.company_id = %(company)s AND e.programme = %(programme)s
   AND NOT EXISTS (SELECT FROM pseudonyms AS p WHERE p.company_id = %(company)s
                      AND p.programme = %(programme)s AND p.learner = e.learner)
"""
