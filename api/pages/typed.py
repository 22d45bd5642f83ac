"""What was typed into a form, as the domain takes it: texts, days, numbers, credits, with what is wrong with them."""

import re
import unicodedata
from datetime import date
from decimal import Decimal

from api.pages.access import visitor
from api.pages.forms import Form
from ledger.accounts import MAX_AMOUNT
from pointsbank.directory.faults import FIRST_YEAR, LAST_YEAR, fault_of_key, fault_of_text, refuse
from pointsbank.errors import FieldError
from pointsbank.saying import say

_MISSING_DAY = date.min
"""In place of one that is wrong: `refuse` keeps it from ever being used."""
_NUMBER = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{1,20})?")
_AS_WRITTEN = str.maketrans({" ": None, ",": None, "\u2212": "-"})
"""Spaces and commas between digits, and the minus sign of typesetters."""


class Typed:
    """Reads fields one by one, and gathers what is wrong; `refuse` raises Invalid with all of it.

    A value that is wrong is read as one that passes for the type, so read all fields, refuse, and use them then.
    """

    def __init__(self, form: Form) -> None:
        self.form = form
        self.faults: list[FieldError] = []

    def refuse(self) -> None:
        refuse(self.faults)

    def text(self, field: str) -> str | None:
        """Without spaces around it; None for nothing."""
        return self.form.value(field).strip() or None

    def key(self, field: str) -> str:
        """HR's id of something."""
        value = self.form.value(field).strip()
        self._fault(field, fault_of_key(value))
        return value

    def name(self, field: str) -> str:
        value = self.form.value(field).strip()
        self._fault(field, fault_of_text(value))
        return value

    def day(self, field: str) -> date:
        found = self.day_if_any(field)
        if found is None:
            self._fault(field, say("must not be empty."))
        return found or _MISSING_DAY

    def day_if_any(self, field: str) -> date | None:
        value = self.text(field)
        if value is None:
            return None
        try:
            found = date.fromisoformat(value)
        except ValueError:
            self._fault(field, say("must be a date of the calendar such as 2021-07-01."))
            return _MISSING_DAY
        if not FIRST_YEAR <= found.year <= LAST_YEAR:
            self._fault(field, say("must lie in the years %(first)s to %(last)s.", first=FIRST_YEAR, last=LAST_YEAR))
        return found

    def whole(self, field: str, least: int = 0, most: int = MAX_AMOUNT) -> int:
        found = self.whole_if_any(field, least, most)
        if found is None:
            self._fault(field, say("must not be empty."))
        return found or 0

    def whole_if_any(self, field: str, least: int = 0, most: int = MAX_AMOUNT) -> int | None:
        return self._number(field, 0, least, most)

    def credits_if_any(self, field: str) -> int | None:
        """In their smallest part; typed with the company's decimals."""
        return self._number(field, visitor().credits_scale, 0, MAX_AMOUNT)

    def _number(self, field: str, scale: int, least: int, most: int) -> int | None:
        value = self.text(field)
        if value is None:
            return None
        digits = unicodedata.normalize("NFKC", value).translate(_AS_WRITTEN)
        if not _NUMBER.fullmatch(digits):
            self._fault(field, say("must be a number."))
            return 0
        found = Decimal(digits).scaleb(scale)
        if found != int(found) and scale:
            self._fault(field, say("must have at most %(most)s decimals.", most=scale))
        elif found != int(found):
            self._fault(field, say("must be a whole number."))
        elif not least <= found <= most:
            # Said as it is typed: with the company's decimals.
            limits = {"least": Decimal(least).scaleb(-scale), "most": Decimal(most).scaleb(-scale)}
            self._fault(field, say("must lie between %(least)s and %(most)s.", **limits))
        else:
            return int(found)
        return 0

    def _fault(self, field: str, message: str | None) -> None:
        if message is not None and all(path != field for path, _ in self.faults):
            self.faults.append((field, message))


def shown_credits(amount: int | None) -> str:
    """As a field takes them."""
    return "" if amount is None else str(Decimal(amount).scaleb(-visitor().credits_scale))
