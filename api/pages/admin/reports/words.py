"""What is said in reports: names of steps, of types of events, of amounts."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from flask_babel import format_date, format_decimal, format_percent
from flask_babel import gettext as _

from api.language import Language
from api.pages.access import visitor
from pointsbank.database import Session
from pointsbank.directory.programmes import Programme
from pointsbank.errors import NotFound
from pointsbank.leaderboards.boards import Unit
from pointsbank.matches import settling
from pointsbank.reports.over_time import Step
from rules import awards, versions


def kinds(session: Session, programme: Programme, language: Language) -> dict[str, str]:
    """What types of events are called: as the rules that look at them are, where the rulebook in force has such."""
    found = {awards.KIND: _("Given by hand"), settling.PRIZE_KIND: _("Prizes of matches")}
    try:
        rulebook = versions.rulebook_in_force(session, programme.no)[1]
    except NotFound:
        return found
    for rule in rulebook.earning:
        if rule.name is not None and rule.on not in found:
            found[rule.on] = rule.name[language]
    return found


def kind(known: Mapping[str, str], key: str) -> str:
    return known.get(key, key)


def roles() -> dict[str, str]:
    """Of who gives flowers."""
    return {"trainer": _("Trainer"), "mentor": _("Mentor"), "committee": _("Committee")}


def step(start: date, wide: Step) -> str:
    """Of an axis, short."""
    return str(format_date(start, _("MMM yy") if wide == "month" else _("MMM d")))


def step_in_full(start: date, wide: Step) -> str:
    """Of a table."""
    if wide == "month":
        return str(format_date(start, _("MMMM yyyy")))
    text = str(format_date(start, "medium"))
    return _("Week of %(day)s", day=text) if wide == "week" else text


def figure(amount: int | Decimal, unit: Unit) -> float:
    """For a chart: credits in whole ones."""
    return float(Decimal(amount).scaleb(-visitor().credits_scale if unit == "credits" else 0))


def amount(value: int | Decimal, unit: Unit) -> str:
    """With the company's decimals for credits; a mean or a median may have one more."""
    return _decimal(value, unit, 0 if value == int(value) else 1)


def each(value: int, of: int, unit: Unit) -> str:
    """A mean per head, always with one decimal more than the unit, so that a column lines up; a dash for nobody."""
    return "–" if of == 0 else _decimal((Decimal(value) / of).quantize(Decimal("0.1")) + Decimal("0.0"), unit, 1)


def _decimal(value: int | Decimal, unit: Unit, more: int) -> str:
    """With so many decimals more than the unit has."""
    scale = visitor().credits_scale if unit == "credits" else 0
    digits = scale + more
    return str(format_decimal(Decimal(value).scaleb(-scale), format="#,##0" + ("." + "0" * digits if digits else "")))


def percent(part: float) -> str:
    return str(format_percent(part, format="#,##0%"))


def for_spreadsheet(value: int | Decimal, unit: Unit) -> str:
    """A number as spreadsheets read it."""
    return str(Decimal(value).scaleb(-visitor().credits_scale if unit == "credits" else 0))


def unit_name(unit: Unit) -> str:
    return str(_("Credits") if unit == "credits" else _("Red flowers"))
