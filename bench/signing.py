"""Signing certificates in one process, beside the Ed25519 signature alone, which nothing can be quicker than."""

import time
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from credentials import shapes
from credentials.addresses import Issuer
from credentials.content import Content, Equal, Result
from credentials.issuing import Signer
from credentials.signing_keys import Current

RESULTS = (2, 10, 30)
"""Sums of the statement in a certificate."""
CREDENTIALS, BARE = 400, 4_000
ROUNDS = 3
BASE_URL = "https://bank.example"
HASHED = b"x" * 64


class Rates(NamedTuple):
    """Signatures and credentials a second, the best of all rounds; what the first credential of a shape takes."""

    bare: float
    signed: float
    first_seconds: float
    size_bytes: int


def measure(results: int) -> Rates:
    now = datetime(2022, 7, 1, tzinfo=UTC)
    private = Ed25519PrivateKey.generate()
    signer = Signer(1, Issuer(BASE_URL, "bench", "示范公司"), b"s" * 32, Current(1, private, now))
    contents = [_content(number, results, now) for number in range(CREDENTIALS)]
    shapes._translated.cache_clear()
    first = _seconds(lambda: signer.sign(contents[0]))
    bare = signed = 0.0
    for _ in range(ROUNDS):
        bare = max(bare, BARE / _seconds(lambda: [private.sign(HASHED) for _ in range(BARE)]))
        signed = max(signed, CREDENTIALS / _seconds(lambda: [signer.sign(content) for content in contents]))
    return Rates(bare, signed, first, len(signer.sign(contents[0])))


def _seconds(work):  # type: ignore[no-untyped-def]  # a closure for this file alone
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _content(number: int, results: int, now: datetime) -> Content:
    return Content(
        number=f"PB-2022-{number:06d}-7KQ4MX9T",
        kind="points",
        level=None,
        name={"zh": "积分证", "en": "Points certificate"},
        criteria={"zh": "至少 40 积分", "en": "At least 40 credits"},
        company="bench",
        company_name="示范公司",
        programme="2021",
        programme_name="2021届训练营",
        rule="points",
        rulebook_version=1,
        learner=f"2021{number:05d}",
        learner_name=f"学员{number}",
        credits=f"{40 + number}.50",
        results=tuple(Result(f"rule-{n}", {"zh": f"规则{n}", "en": f"Rule {n}"}, f"{n}.50") for n in range(results)),
        equals=(Equal("talent", "P2"),),
        cut_off=now,
        issued_at=now,
        valid_until=now.replace(year=2024),
        timezone=ZoneInfo("Asia/Shanghai"),
        base_url=BASE_URL,
        status_list=1,
        status_index=number,
    )
