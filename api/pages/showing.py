"""How amounts and times stand on a page, in its language and the company's time zone."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from flask_babel import format_date, format_datetime, format_decimal, format_time

from api.pages.access import find_visitor


def credits(amount: int | str) -> str:
    """Credits with the company's decimals."""
    visitor = find_visitor()
    scale = 0 if visitor is None else visitor.credits_scale
    return str(format_decimal(Decimal(amount).scaleb(-scale), format="#,##0" + ("." + "0" * scale if scale else "")))


def whole(amount: int) -> str:
    return str(format_decimal(amount))


def day(at: datetime) -> str:
    return str(format_date(at, "medium"))


def time(at: datetime) -> str:
    return str(format_datetime(at, "medium"))


def clock(at: datetime) -> str:
    """The time of the day."""
    return str(format_time(at, "short"))


FILTERS: dict[str, Callable[..., Any]] = {"credits": credits, "whole": whole, "day": day, "time": time, "clock": clock}
