"""Entries of the journal in words: what each was for, what it moved and between whom, why one cannot be reversed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _

from api.pages.frame import language
from api.pages.showing import credits, whole
from ledger import reversals
from ledger.errors import AlreadyReversed, InsufficientFunds, NotReversible
from pointsbank.database import Session
from pointsbank.directory import awarders
from pointsbank.directory import names as directory
from pointsbank.directory.names import Names, Wanted
from pointsbank.errors import PointsBankError
from pointsbank.matches import settling
from rules import awards, closing
from rules.certification import entries as certificates

CREDITS = "credits"
_HOLDING, _ALLOWANCE = "holding:", "allowance:"


@dataclass(frozen=True, slots=True)
class Moved:
    """What an entry moved, as it is shown; `people` if it was the same for several."""

    amount: str
    unit: str
    people: int


def names_of(session: Session, entries: Iterable[Mapping[str, Any]]) -> Names:
    wanted = Wanted()
    for entry in entries:
        if entry["learner"] is not None:
            wanted.learners.add(entry["learner"])
        if entry["programme"] is not None:
            wanted.programmes.add(entry["programme"])
            for name in ("course", "team", "awarder"):
                if entry[name] is not None:
                    getattr(wanted, f"{name}s").add((entry["programme"], entry[name]))
        for transfer in entry["transfers"]:
            _add_accounts(wanted, transfer, entry["programme"])
    return directory.find(session, wanted)


def _add_accounts(wanted: Wanted, transfer: Mapping[str, Any], programme: str | None) -> None:
    if transfer["unit"] != CREDITS:
        wanted.units.add(transfer["unit"])
    for code in (transfer["debit"], transfer["credit"]):
        if code.startswith(_HOLDING):
            wanted.learners.add(code.removeprefix(_HOLDING))
        elif code.startswith(_ALLOWANCE) and programme is not None:
            wanted.awarders.add((programme, _awarder_in(code, transfer["unit"])))


def kinds() -> dict[str, str]:
    """Those that the service books itself; any other is the type of an event."""
    return {
        awards.KIND: _("Award by hand"),
        reversals.KIND: _("Reversal"),
        closing.KIND: _("Flowers into credits"),
        settling.PRIZE_KIND: _("Prize of a match"),
        settling.RESULT_KIND: _("Result of a match"),
        certificates.ISSUED: _("Certificate issued"),
        certificates.REVOKED: _("Certificate revoked"),
        certificates.REVIEWED: _("Review ended"),
        awarders.KIND: _("Allowance"),
        "programme.allotted": _("Allotment of the programme"),
        "course.allotted": _("Flowers of the course"),
    }


def what_of(entry: Mapping[str, Any], rules: Mapping[str, Mapping[str, str]]) -> str:
    """What the entry is of: a kind of the service's own, else the rules that gave something, else the event's type."""
    kind: str = entry["kind"]
    given = dict.fromkeys(each["rule"] for each in entry["transfers"] if each["rule"] in rules)
    if kind in kinds() or not given:
        return kinds().get(kind, kind)
    return " · ".join(rule_of(rule, rules) for rule in given)


def rule_of(rule: str, rules: Mapping[str, Mapping[str, str]]) -> str:
    return rules[rule][language()] if rule in rules else rule


def moved(entry: Mapping[str, Any], names: Names) -> list[Moved]:
    """Signed by what it does to holdings; the same for several people once."""
    found: dict[tuple[str, str], int] = {}
    for transfer in entry["transfers"]:
        sign = "+" if transfer["credit"].startswith(_HOLDING) else ""
        sign = "−" if transfer["debit"].startswith(_HOLDING) else sign
        shown = sign + amount(transfer)
        found[shown, transfer["unit"]] = found.get((shown, transfer["unit"]), 0) + 1
    return [Moved(shown, unit_of(unit, names), people) for (shown, unit), people in found.items()]


def amount(transfer: Mapping[str, Any]) -> str:
    return credits(transfer["amount"]) if transfer["unit"] == CREDITS else whole(transfer["amount"])


def unit_of(unit: str, names: Names) -> str:
    return str(_("credits") if unit == CREDITS else _("flowers: %(course)s", course=names.of("unit", unit)))


def account_of(code: str, unit: str, names: Names, programme: str | None) -> str:
    """What the account is called, with its owner."""
    if code == "issuance":
        return str(_("Issuance"))
    if code.startswith(_HOLDING):
        return str(_("Holding of %(name)s", name=names.of("learner", code.removeprefix(_HOLDING))))
    if code.startswith("pool:programme:"):
        return str(_("Pool of the programme"))
    if code.startswith("pool:course:"):
        return str(_("Pool of the course %(course)s", course=names.of("unit", unit)))
    if code.startswith(_ALLOWANCE):
        return str(_("Allowance of %(name)s", name=names.of("awarder", _awarder_in(code, unit), programme)))
    if code.startswith("escrow:"):
        return str(_("Escrow"))
    return str({"retired:converted": _("Converted"), "retired:expired": _("Expired")}.get(code, code))


def _awarder_in(code: str, unit: str) -> str:
    """An allowance's code ends in the unit's; both may have colons in them."""
    return code.removeprefix(_ALLOWANCE).removesuffix(unit.removeprefix("flowers"))


def why_not(error: PointsBankError, account: str = "", is_closed: bool = False) -> str | None:
    """Why it cannot be reversed, and what to do instead. `account` is what `InsufficientFunds` calls its account by;
    `is_closed`: the entry's course is. None for an error that says nothing about the entry."""
    if isinstance(error, AlreadyReversed):
        return str(_("It is reversed already. What is to count is booked as a new event."))
    if isinstance(error, NotReversible) and error.because == "reversal":
        return str(_("It is a reversal itself. What is to count after all is booked as a new event, under a new id."))
    if isinstance(error, NotReversible) and error.because == "certificate":
        return str(_("It is of a certificate, and a certificate is not reversed but revoked."))
    if isinstance(error, NotReversible):
        return str(
            _("It follows from an allotment, from flowers or an allowance: put them right where they were entered.")
        )
    if not isinstance(error, InsufficientFunds):
        return None
    shown = {
        name: credits(error.extra[name]) if error.extra["unit"] == CREDITS else whole(error.extra[name])
        for name in ("available", "required")
    }
    said = _(
        "What is to go back is no longer there: “%(account)s” has %(available)s left, and %(required)s are needed.",
        account=account,
        **shown,
    )
    if is_closed:
        closed = _("The course is closed, and its flowers became credits: reverse the entry of that conversion first.")
        return f"{said} {closed}"
    return str(said)
