"""The journal for ledger and for hledger: what both read in the same way.

Account names keep letters and digits of any script; all else in a key, and in a unit's code, is
percent-encoded as in a URL, so nothing can end a name, open a comment or begin another level. Metadata
values are JSON strings in which `[` is escaped too, for in comments it begins a date.
"""

import json
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import quote

from ledger.export.account_path import account_path
from ledger.export.journal import Entry, Journal

_KEPT = frozenset("-_./@")

_json_string = json.JSONEncoder(ensure_ascii=False).encode  # json.dumps would make an encoder for each of millions


def plain_text(journal: Journal) -> Iterator[str]:
    yield f"; title: {_value(journal.name)}\n\n"
    commodities = {unit.no: f'"{_escaped(unit.code, _KEPT | {":"})}"' for unit in journal.units.values()}
    for unit in journal.units.values():
        yield f"commodity {commodities[unit.no]}\n" + (
            "" if unit.name is None else f"    ; name: {_value(unit.name)}\n"
        )
    yield "\n"
    for account in journal.accounts():
        name = "" if account.name is None else f"    ; name: {_value(account.name)}\n"
        yield f"account {_account(account.code, account.unit)}\n{name}"
    for entry in journal.entries():
        yield _transaction(journal, commodities, entry)


def _transaction(journal: Journal, commodities: dict[int, str], entry: Entry) -> str:
    lines = [f"\n{entry.recorded_on} * ({entry.number}) {_escaped(entry.kind, _KEPT)}\n"]
    lines += [f"    ; {name}: {_value(value)}\n" for name, value in entry.facts.items()]
    for t in entry.transfers:
        if t.earning:
            lines.append(f"    ; earning_{t.line}: {t.earning}\n")
        if t.rule is not None:
            lines.append(f"    ; rule_{t.line}: {_value(t.rule)}\n")
    for t in entry.transfers:
        unit = journal.units[t.unit].code
        amount = f"{journal.amount(t.unit, t.amount)} {commodities[t.unit]}"
        lines.append(f"    {_account(t.credit, unit)}  {amount}\n    {_account(t.debit, unit)}  -{amount}\n")
    return "".join(lines)


@lru_cache(maxsize=1 << 14)
def _account(code: str, unit: str) -> str:
    top, levels, owners = account_path(code, unit)
    return ":".join([top, *levels, *(_escaped(owner, _KEPT) for owner in owners)])


@lru_cache(maxsize=1 << 10)
def _escaped(text: str, kept: frozenset[str]) -> str:
    return "".join(c if c in kept or _is_plain(c) else quote(c, safe="") for c in text)


def _is_plain(character: str) -> bool:
    return character.isalnum() if character.isascii() else character.isprintable()


def _value(text: str) -> str:
    value = _json_string(text).replace("[", "\\u005b")
    if value.isprintable():
        return value
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in value)
