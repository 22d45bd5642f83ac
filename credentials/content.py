"""What a certificate says, whatever form it is given: a credential, a badge, a page of paper."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

_MARKS_OF_DIRECTION = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def as_written(text: str) -> str:
    """Without marks of direction, which the letters tell: a mark could let a name read otherwise than it is written."""
    return text.translate(dict.fromkeys(map(ord, _MARKS_OF_DIRECTION)))


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the statement. `amount` and `balance` are as they are shown ("15.48"), with their sign."""

    at: datetime
    what: Mapping[str, str]
    course: str | None
    amount: str
    balance: str


@dataclass(frozen=True, slots=True)
class Result:
    """One sum of the statement: what was earned by one rule, or in one other way. `value` is as it is shown."""

    key: str
    name: Mapping[str, str]
    value: str


@dataclass(frozen=True, slots=True)
class Equal:
    """A level of a talent system that accepts the certificate as its own (对等转化)."""

    system: str
    level: str


@dataclass(frozen=True, slots=True)
class Content:
    """`name`, `criteria` and names within are by language: "zh" and "en".

    `credits` is what was earned, as it is shown. `base_url` is the public one, without a slash at its end.
    `status_index` is the certificate's place in the status list `status_list`.
    """

    number: str
    kind: Literal["points", "qualification"]
    level: str | None
    name: Mapping[str, str]
    criteria: Mapping[str, str]
    company: str
    company_name: str
    programme: str
    programme_name: str
    rule: str
    rulebook_version: int
    learner: str
    learner_name: str
    credits: str
    results: tuple[Result, ...]
    equals: tuple[Equal, ...]
    cut_off: datetime
    issued_at: datetime
    valid_until: datetime | None
    timezone: ZoneInfo
    base_url: str
    status_list: int
    status_index: int

    @property
    def verify_url(self) -> str:
        """The page on which anybody can check it."""
        return f"{self.base_url}/verify/{self.number}"
