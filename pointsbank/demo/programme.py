"""The demo programme as HR would describe it: dates, phases, milestones, courses, awarders."""

from dataclasses import dataclass
from datetime import date, timedelta, timezone

COMPANY = {"name": "云桥客服", "timezone": "Asia/Shanghai", "credits_scale": 0}
PROGRAMME = "2021"
PROGRAMME_NAME = "2021届大学生客服创客训练营"
ZONE = timezone(timedelta(hours=8))  # Asia/Shanghai, which has had no summer time since 1991
STARTS_ON, ENDS_ON = date(2021, 7, 5), date(2022, 6, 30)
ALLOTMENT = 20_000

# Days off: Mid-Autumn, National Day, New Year, Spring Festival, Qingming, Labour Day, Dragon Boat.
HOLIDAYS = (
    (date(2021, 9, 20), date(2021, 9, 21)),
    (date(2021, 10, 1), date(2021, 10, 7)),
    (date(2022, 1, 1), date(2022, 1, 3)),
    (date(2022, 1, 31), date(2022, 2, 6)),
    (date(2022, 4, 3), date(2022, 4, 5)),
    (date(2022, 4, 30), date(2022, 5, 4)),
    (date(2022, 6, 3), date(2022, 6, 5)),
)


@dataclass(frozen=True, slots=True)
class Phase:
    key: str
    name: str
    starts_on: date
    ends_on: date


@dataclass(frozen=True, slots=True)
class Milestone:
    """`on` is the day on which most learners reach it; `share` of them do."""

    key: str
    name: str
    phase: str
    on: date
    share: float


@dataclass(frozen=True, slots=True)
class Course:
    """`flowers` is the allotment of its pool, out of which come the allowances and what rules give."""

    key: str
    name: str
    kind: str
    flowers: int
    opens_on: date
    closes_on: date


@dataclass(frozen=True, slots=True)
class Awarder:
    """`allowances` in flowers by course. `learner` is the learner whom the others elected, if it is one."""

    key: str
    name: str
    role: str
    allowances: dict[str, int]
    learner: str | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """Of all teams, from the first to the last of these days; the prize in credits is for each member."""

    key: str
    name: str
    first: date
    last: date
    unit: str
    course: str | None
    prize: int


PHASES = (
    Phase("integration", "融入期", date(2021, 7, 5), date(2021, 8, 31)),
    Phase("delivery", "交付期", date(2021, 9, 1), date(2022, 1, 31)),
    Phase("development", "发展期", date(2022, 2, 1), date(2022, 6, 30)),
)

MILESTONES = (
    Milestone("onboarding", "报到启航", "integration", date(2021, 7, 5), 1.0),
    Milestone("outward-bound", "拓展结营", "integration", date(2021, 7, 16), 1.0),
    Milestone("culture", "文化通关", "integration", date(2021, 7, 30), 1.0),
    Milestone("licence", "上岗认证", "integration", date(2021, 8, 27), 0.96),
    Milestone("first-call", "首通独立接线", "delivery", date(2021, 9, 13), 0.96),
    Milestone("hundred-calls", "百通无差错", "delivery", date(2021, 10, 25), 0.85),
    Milestone("satisfaction", "满意度达标", "delivery", date(2021, 12, 13), 0.8),
    Milestone("review", "中期述职", "delivery", date(2022, 1, 24), 0.95),
    Milestone("proposal", "创新提案", "development", date(2022, 3, 28), 0.75),
    Milestone("roadshow", "创客路演", "development", date(2022, 5, 23), 0.6),
    Milestone("defence", "结业答辩", "development", date(2022, 6, 20), 0.92),
)

COURSES = (
    Course("culture", "企业文化与职业素养", "structured", 600, date(2021, 7, 5), date(2021, 8, 6)),
    Course("business", "业务基础知识", "structured", 800, date(2021, 7, 12), date(2021, 8, 31)),
    Course("service", "客服沟通与服务礼仪", "structured", 1000, date(2021, 7, 19), date(2021, 9, 30)),
    Course("hotline", "热线接听实训", "practical", 1000, date(2021, 8, 16), date(2021, 12, 31)),
    Course("digital", "数字化工具实训", "practical", 600, date(2021, 9, 13), date(2022, 1, 28)),
    Course("complaint", "投诉处理实训", "practical", 800, date(2021, 10, 11), date(2022, 3, 31)),
    Course("innovation", "创客创新工作坊", "practical", 800, date(2022, 2, 14), date(2022, 5, 31)),
    Course("leadership", "班组管理基础", "structured", 600, date(2022, 3, 1), date(2022, 6, 17)),
)

OPEN_COURSE = Course("alumni", "结业展示与校友分享", "practical", 600, date(2022, 6, 6), date(2022, 6, 30))
"""Not closed with the others, and nobody was given anything in it yet: here the demo's awarders can give."""
OPEN_ALLOWANCES = {"li-trainer": 160, "he-mentor": 100, "study": 60}

MATCHES = (
    Match("pk-licence", "上岗认证冲刺PK", date(2021, 8, 23), date(2021, 8, 27), "credits", None, 3),
    Match("pk-complaint", "投诉处理实训小红花PK", date(2021, 11, 1), date(2021, 11, 30), "flowers", "complaint", 2),
)

AWARDERS = (
    Awarder("li-trainer", "李静宜", "trainer", {"culture": 120, "service": 160}),
    Awarder("zhou-trainer", "周承泽", "trainer", {"business": 160, "leadership": 120}),
    Awarder("sun-trainer", "孙慕云", "trainer", {"digital": 120, "innovation": 160}),
    Awarder("he-mentor", "何远舟", "mentor", {"hotline": 120, "complaint": 80}),
    Awarder("tang-mentor", "唐若溪", "mentor", {"hotline": 120, "complaint": 80}),
    Awarder("qin-mentor", "秦立群", "mentor", {"hotline": 80, "innovation": 80}),
    Awarder("study", "学习委员", "committee", {"business": 60, "service": 60, "digital": 40}, "20210003"),
    Awarder("discipline", "纪律委员", "committee", {"culture": 60, "hotline": 60}, "20210014"),
    Awarder("welfare", "生活委员", "committee", {"culture": 40, "innovation": 60}, "20210027"),
    Awarder("publicity", "宣传委员", "committee", {"service": 40, "complaint": 60, "leadership": 60}, "20210042"),
)


# What the screen in the classroom shows: who leads, and which team.
BIG_SCREEN = [{"members": "teams", "score": "mean"}, {"members": "learners"}]


def is_workday(day: date) -> bool:
    return day.weekday() < 5 and not any(first <= day <= last for first, last in HOLIDAYS)


def workdays(first: date, last: date) -> list[date]:
    """The working days from `first` to `last`, both included."""
    days = (first + timedelta(days=count) for count in range((last - first).days + 1))
    return [day for day in days if is_workday(day)]


def next_workday(day: date) -> date:
    while not is_workday(day):
        day += timedelta(days=1)
    return day
