"""The journal for beancount.

A name there begins with a capital or a digit and holds letters, digits and dashes. A key's other characters
become their number in hexadecimal between dashes, a dash two of them; a key that begins otherwise, or with
an X, gets an X ahead of it. The real code stands beside each account and commodity as metadata.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from ledger.export.account_path import account_path
from ledger.export.journal import Entry, Journal, Unit

COMMODITY_LENGTH = 24
"""The longest name of a commodity that beancount takes."""


def beancount(journal: Journal) -> Iterator[str]:
    day = journal.first_day()
    commodities = {unit.no: _commodity(unit) for unit in journal.units.values()}
    yield f'option "title" {_string(journal.name)}\n\n'
    for unit in journal.units.values():
        yield f"{day} commodity {commodities[unit.no]}\n  code: {_string(unit.code)}\n{_name(unit.name)}"
    yield "\n"
    for account in journal.accounts():
        opened = _account(account.code, account.unit)
        yield f"{day} open {opened}\n  code: {_string(account.code)}\n{_name(account.name)}"
    for entry in journal.entries():
        yield _transaction(journal, commodities, entry)


def _transaction(journal: Journal, commodities: dict[int, str], entry: Entry) -> str:
    lines = [f"\n{entry.recorded_on} * {_string(entry.kind)}\n  number: {entry.number}\n"]
    lines += [f"  {name}: {_string(value)}\n" for name, value in entry.facts.items()]
    for t in entry.transfers:
        unit = journal.units[t.unit].code
        amount = journal.amount(t.unit, t.amount)
        commodity = commodities[t.unit]
        lines.append(f"  {_account(t.credit, unit)}  {amount} {commodity}\n    line: {t.line}\n")
        if t.earning:
            lines.append(f"    earning: {t.earning}\n")
        if t.rule is not None:
            lines.append(f"    rule: {_string(t.rule)}\n")
        lines.append(f"  {_account(t.debit, unit)}  -{amount} {commodity}\n    line: {t.line}\n")
    return "".join(lines)


def _name(name: str | None) -> str:
    return "" if name is None else f"  name: {_string(name)}\n"


@lru_cache(maxsize=1 << 14)
def _account(code: str, unit: str) -> str:
    top, levels, owners = account_path(code, unit)
    return ":".join([top, *(level.capitalize() for level in levels), *map(_component, owners)])


def _component(key: str) -> str:
    escaped = "".join(c if _is_plain(c) else "--" if c == "-" else f"-{ord(c):x}-" for c in key)
    return escaped if re.match(r"[A-WYZ0-9]", escaped) else f"X{escaped}"


def _is_plain(character: str) -> bool:
    return character.isalnum() if character.isascii() else character.isalpha()


def _commodity(unit: Unit) -> str:
    """CREDITS, or FLOWERS-SERVICE-1: what there is room for of the course's key, and the unit's number."""
    kind, _, course = unit.code.partition(":")
    if not course:
        return kind.upper()
    number = str(unit.no)
    room = COMMODITY_LENGTH - len(f"{kind}--{number}")
    readable = re.sub(r"[^A-Z0-9]+", "-", course.upper()).strip("-")[:room].strip("-")
    return "-".join(filter(None, (kind.upper(), readable, number)))


def _string(text: str) -> str:
    """Line breaks and tabs have escapes; other control characters, of which texts are free, have none."""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'  # nearly always, in a third of the time
    text = text.translate(_ESCAPES)
    if not text.isprintable():
        text = "".join(c if c.isprintable() or ord(c) > 0x9F else f"\\\\u{ord(c):04x}" for c in text)
    return f'"{text}"'


_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})
