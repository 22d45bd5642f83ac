"""A certificate's content comes out of the database as it went in; a number is understood however it was typed."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import orjson
import pytest

from credentials.content import Content, Equal, Result
from rules.certification import contents
from rules.certification.register import normalised

CONTENT = Content(
    number="PB-2022-000123-7KQ4MX9T",
    kind="qualification",
    level="初级",
    name={"zh": "任职资格证", "en": "Qualification certificate"},
    criteria={"zh": "至少 60 积分", "en": "at least 60 credits"},
    company="demo",
    company_name="云桥客服",
    programme="2021",
    programme_name="2021届",
    rule="service-1",
    rulebook_version=1,
    learner="20210001",
    learner_name="𠮷田㛃",
    credits="86.50",
    results=(Result("scored", {"zh": "考试", "en": "scored"}, "86.50"),),
    equals=(Equal("talent", "P2"),),
    cut_off=datetime(2022, 6, 30, 16, tzinfo=UTC),
    issued_at=datetime(2022, 7, 1, 3, 4, 5, tzinfo=UTC),
    valid_until=datetime(2024, 7, 1, 15, 59, 59, tzinfo=UTC),
    timezone=ZoneInfo("Asia/Shanghai"),
    base_url="https://points.example.com",
    status_list=1,
    status_index=123,
)


def test_a_content_is_kept_whole() -> None:
    assert contents.read(orjson.loads(contents.written(CONTENT))) == CONTENT


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("PB-2022-000123-7KQ4MX9T", "PB-2022-000123-7KQ4MX9T"),
        (" pb-2022-000123-7kq4mx9t ", "PB-2022-000123-7KQ4MX9T"),
        ("PB-2022-000123-7KQ4MXIO", "PB-2022-000123-7KQ4MX10"),
        ("PB-2022-1234567-00000000", "PB-2022-1234567-00000000"),
        ("PB-2022-000123-7KQ4MX9", None),
        ("PB-2022-000123-7KQ4MX9U", None),
        ("PB-2022-000123-7KQ4MX9T'; SELECT", None),
        ("PB-2022-000123-7KQ4MX9T\n", "PB-2022-000123-7KQ4MX9T"),
        ("PB-２０２２-000123-7KQ4MX9T", "PB-2022-000123-7KQ4MX9T"),
        ("", None),
    ],
)
def test_a_number_however_typed(typed: str, number: str | None) -> None:
    assert normalised(typed) == number
