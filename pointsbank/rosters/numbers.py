"""Numbers of a worksheet as they are shown: as days where their format is one of days, with the zeros in front that
their format asks for (00123), and without the tail that binary fractions have (20210001.0)."""

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation

from pointsbank.rosters.cells import Cell

EPOCH_1900 = datetime(1899, 12, 30)
"""Day 60 is 29 February 1900, which there never was; from 1 March 1900 on this is right."""
EPOCH_1904 = datetime(1904, 1, 1)
FIRST_SURE_DAY = 61
LAST_DAY = 2_950_000  # in the year 9976, before which both epochs end
MIDNIGHT = time()
MAX_DIGITS = 15
"""That a spreadsheet keeps of a number; later ones are zeros."""

BUILT_IN_DAYS = frozenset((*range(14, 18), 22, *range(27, 32), 36, *range(50, 55), 57, 58))
"""Numbers of formats that every workbook knows: days, also as Chinese versions of Excel write them."""
_LITERALS = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
_ELAPSED = re.compile(r"\[[hms]+\]", re.IGNORECASE)
_DAY_LETTERS = re.compile("[ymd年月日]", re.IGNORECASE)
_TIME_LETTERS = re.compile("[hs时分秒]", re.IGNORECASE)
_ZEROS = re.compile("0{2,64}")


class Format:
    """How a style shows numbers."""

    __slots__ = ("digits", "is_day")

    def __init__(self, number: int, code: str | None) -> None:
        first = (code or "").partition(";")[0]
        bare = _LITERALS.sub("", first)
        self.is_day = number in BUILT_IN_DAYS if code is None else not _ELAPSED.search(first) and _is_day(bare)
        self.digits = len(bare) if _ZEROS.fullmatch(bare) else 0


def _is_day(bare: str) -> bool:
    """Of `m` alone, minutes are meant beside hours or seconds, else months."""
    found = set(_DAY_LETTERS.findall(bare.lower()))
    return bool(found - {"m"}) or ("m" in found and not _TIME_LETTERS.search(bare))


GENERAL = Format(0, None)


def cell(value: str, shown: Format, epoch: datetime) -> Cell:
    """Of the number as the file has it."""
    try:
        number = Decimal(value)
    except InvalidOperation:
        return Cell(value)
    if not number.is_finite() or abs(number.adjusted()) > 300:
        return Cell(value)
    if shown.is_day and (FIRST_SURE_DAY if epoch == EPOCH_1900 else 0) <= number <= LAST_DAY:
        at = epoch + timedelta(days=float(number))
        return Cell(at.date().isoformat() if at.time() == MIDNIGHT else at.isoformat()[:16], "date")
    text = decimal(number)
    return Cell(text.zfill(shown.digits) if text.isdigit() else text, "number")


def decimal(number: Decimal) -> str:
    """As it is shown: 15 digits, no exponent, no zeros behind the point."""
    number = Decimal(format(number, f".{MAX_DIGITS}g")) if len(number.as_tuple().digits) > MAX_DIGITS else number
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def day_of(serial: int, epoch: datetime = EPOCH_1900) -> date | None:
    """The day that a spreadsheet means by the number; None for one that is none, or not for sure."""
    if not FIRST_SURE_DAY <= serial <= LAST_DAY:
        return None
    return (epoch + timedelta(days=serial)).date()
