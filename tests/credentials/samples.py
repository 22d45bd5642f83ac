"""A certificate to try documents on."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from credentials.content import Content, Equal, Line, Result

SHANGHAI = ZoneInfo("Asia/Shanghai")
CREDENTIAL = '{"name":"陈思远 ]]> \\u0001 <&>","proof":[{}]}'.encode()

POINTS = Content(
    number="PB-2022-000017-7K3QXWM9",
    kind="points",
    level=None,
    name={"zh": "积分证", "en": "Points certificate"},
    criteria={"zh": "在培训项目中获得至少 150 积分", "en": "at least 150 credits in the programme"},
    company="demo",
    company_name="云桥客服",
    programme="2021",
    programme_name="2021届大学生客服创客训练营",
    rule="points",
    rulebook_version=3,
    learner="20210001",
    learner_name="陈思远",
    credits="186",
    results=(
        Result("attendance", {"zh": "出勤", "en": "Attendance"}, "60"),
        Result("test", {"zh": "测验", "en": "Tests"}, "126"),
    ),
    equals=(),
    cut_off=datetime(2022, 7, 1, tzinfo=SHANGHAI),
    issued_at=datetime(2022, 7, 5, 9, 30, tzinfo=SHANGHAI),
    valid_until=None,
    timezone=SHANGHAI,
    base_url="https://bank.example.com",
    status_list=1,
    status_index=17,
)
QUALIFICATION = replace(
    POINTS,
    number="PB-2022-000018-0N4T8RZA",
    kind="qualification",
    level="初级",
    name={"zh": "初级客服任职资格证", "en": "Qualification certificate, service, junior"},
    rule="service-1",
    equals=(Equal("talent", "P2"),),
    valid_until=datetime(2024, 7, 5, tzinfo=SHANGHAI),
)
BOTH = (POINTS, QUALIFICATION)


def of_kind(kind: Literal["points", "qualification"], **changes: Any) -> Content:
    return replace(POINTS if kind == "points" else QUALIFICATION, **changes)


def lines(count: int) -> list[Line]:
    what = ({"zh": "出勤", "en": "Attendance"}, {"zh": "测验", "en": "Tests"}, {"zh": "带队复盘", "en": "带队复盘"})
    courses = ("客服沟通与服务礼仪", None)
    first = datetime(2021, 7, 5, 9, tzinfo=SHANGHAI)
    return [
        Line(first + timedelta(days=n), what[n % 3], courses[n % 2], f"+{n}", f"{n * (n + 1) // 2}")
        for n in range(1, count + 1)
    ]
