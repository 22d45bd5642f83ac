"""What happened to forty-eight graduates in a year, as CloudEvents. The same seed tells the same story."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from pointsbank.demo.people import LEARNERS, TEAMS
from pointsbank.demo.programme import (
    COURSES,
    ENDS_ON,
    MILESTONES,
    PROGRAMME,
    STARTS_ON,
    ZONE,
    Course,
    next_workday,
    workdays,
)

SEED = 2021
SOURCE = "urn:yunqiao:"
WEDNESDAY, SATURDAY = 2, 5

# A debate in each of two courses: how long after the topic is given a learner's preparation is in.
DEBATES = (
    ("service", date(2021, 8, 25), "一线员工应先解决问题还是先安抚情绪"),
    ("complaint", date(2021, 12, 8), "智能客服会不会取代人工客服"),
)
VOLUNTEER_WORK = ("社区银发课堂", "献血车志愿服务", "高校招聘引导", "图书捐赠整理", "城市马拉松补给站")
BREACHES = ("上课使用手机", "未按时提交工单", "迟到未报备")

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Learner:
    """`ability` moves scores, in points; `diligence` is the chance to be there on time."""

    key: str
    ability: float
    diligence: float
    kindness: float


def cast(dice: random.Random) -> list[Learner]:
    """The learners with their dispositions. Teams differ a little as teams."""
    learners = []
    for team in TEAMS:
        spirit = dice.uniform(-2, 3)
        for key in team.members:
            ability = spirit + dice.gauss(0, 6)
            learners.append(Learner(key, ability, min(0.99, dice.gauss(0.94, 0.04)), dice.random()))
    assert {learner.key for learner in learners} == LEARNERS.keys()
    return learners


def events(dice: random.Random, learners: list[Learner]) -> list[Event]:
    """All events in the order in which they happened."""
    told = [
        *_attendance(dice, learners),
        *_tests(dice, learners),
        *_debates(dice, learners),
        *_volunteering(dice, learners),
        *_quality(dice, learners),
        *_milestones(dice, learners),
        *_breaches(dice, learners),
    ]
    return sorted(told, key=lambda event: (event["time"], event["id"]))


def moment(day: date, hour: int, minute: float) -> datetime:
    return datetime.combine(day, time(hour), ZONE) + timedelta(seconds=int(minute * 60))


def _event(system: str, kind: str, learner: Learner, at: datetime, name: str, /, **data: object) -> Event:
    return {
        "specversion": "1.0",
        "id": f"{name}-{learner.key}",
        "source": SOURCE + system,
        "type": kind,
        "subject": learner.key,
        "time": at.isoformat(),
        "data": {"programme": PROGRAMME, **data},
    }


def _sessions() -> Iterator[tuple[date, Course]]:
    """Every working day in the first phase, then each Wednesday, in turn for the courses that are open."""
    for number, day in enumerate(workdays(STARTS_ON, ENDS_ON)):
        if day > date(2021, 8, 31) and day.weekday() != WEDNESDAY:
            continue
        open_courses = [course for course in COURSES if course.opens_on <= day <= course.closes_on]
        if open_courses:
            yield day, open_courses[number % len(open_courses)]


def _attendance(dice: random.Random, learners: list[Learner]) -> Iterator[Event]:
    for day, course in _sessions():
        for learner in learners:
            fate, session = dice.random(), f"{course.key}-{day}"
            if fate < learner.diligence:
                kind, at = "attendance.present", moment(day, 8, dice.uniform(35, 59))
            elif fate < learner.diligence + 0.03:
                kind, at = "attendance.late", moment(day, 9, dice.uniform(1, 30))
            else:
                kind, at = "attendance.absent", moment(day, 9, 45)
            yield _event("attendance", kind, learner, at, session, course=course.key, session=session)


def _score(dice: random.Random, learner: Learner, mean: float) -> int:
    return max(30, min(100, round(dice.gauss(mean + learner.ability, 7))))


def _tests(dice: random.Random, learners: list[Learner]) -> Iterator[Event]:
    """One in the middle of each course and one in its last week, with a retake for who fails that."""
    for course in COURSES:
        days = workdays(course.opens_on, course.closes_on)
        for test, name, day in (
            ("midterm", "阶段测验", days[len(days) // 2]),
            ("final", "结课考核", days[-4]),
        ):
            for learner in learners:
                score = _score(dice, learner, 80)
                about = {"course": course.key, "test": test, "name": f"{course.name}{name}"}
                at = moment(day, 15, dice.uniform(0, 90))
                yield _event(
                    "lms",
                    "lms.test.scored",
                    learner,
                    at,
                    f"{course.key}-{test}-1",
                    **about,
                    attempt=1,
                    score=score,
                )
                if test == "final" and score < 60:
                    again, later = _score(dice, learner, 82), moment(days[-1], 10, dice.uniform(0, 60))
                    yield _event(
                        "lms",
                        "lms.test.scored",
                        learner,
                        later,
                        f"{course.key}-{test}-2",
                        **about,
                        attempt=2,
                        score=again,
                    )


def _debates(dice: random.Random, learners: list[Learner]) -> Iterator[Event]:
    """Judged by speed and quality: `position` counts those in time order whose quality is 4 or better."""
    for course, day, topic in DEBATES:
        ready = sorted((dice.uniform(25, 175) - learner.ability, learner.key, learner) for learner in learners)
        good = 0
        for minutes, _, learner in ready:
            quality = max(1, min(5, round(dice.gauss(3.4 + learner.ability / 10, 0.8))))
            good += quality >= 4
            yield _event(
                "debate",
                "debate.topic.prepared",
                learner,
                moment(day, 14, minutes),
                f"debate-{course}",
                course=course,
                topic=topic,
                quality=quality,
                minutes=round(minutes),
                **({"position": good} if quality >= 4 else {}),
            )


def _volunteering(dice: random.Random, learners: list[Learner]) -> Iterator[Event]:
    """On Saturdays, twice a month or so."""
    days = [STARTS_ON + timedelta(days=count) for count in range((ENDS_ON - STARTS_ON).days)]
    for number, day in enumerate(day for day in days if day.weekday() == SATURDAY):
        if number % 2:
            continue
        work = dice.choice(VOLUNTEER_WORK)
        for learner in learners:
            if dice.random() < 0.3 * learner.kindness:
                hours = dice.choice((1.5, 2.0, 2.5, 3.0, 4.0))
                at = moment(day, 12, dice.uniform(0, 300))
                yield _event("volunteer", "volunteer.served", learner, at, f"volunteer-{day}", work=work, hours=hours)


def _quality(dice: random.Random, learners: list[Learner]) -> Iterator[Event]:
    """The monthly inspection of recorded calls, from October on: half of the learners are drawn."""
    for year, month in ((2021, 10), (2021, 11), (2021, 12), *((2022, month) for month in range(1, 7))):
        day = next_workday(date(year, month, 20))
        for learner in learners:
            if dice.random() < 0.5:
                at = moment(day, 10, dice.uniform(0, 400))
                yield _event(
                    "quality",
                    "service.quality.checked",
                    learner,
                    at,
                    f"quality-{year}-{month:02d}",
                    score=_score(dice, learner, 86),
                    calls=dice.randint(8, 20),
                )


def _milestones(dice: random.Random, learners: list[Learner]) -> Iterator[Event]:
    for number, milestone in enumerate(MILESTONES, 1):
        for learner in learners:
            if dice.random() >= milestone.share:
                continue
            day = milestone.on
            if milestone.share < 1:  # not a ceremony for all: some take a few days longer
                day = next_workday(day + timedelta(days=dice.choice((0, 0, 0, 1, 1, 2, 3))))
            yield _event(
                "hr",
                "milestone.reached",
                learner,
                moment(day, 16, dice.uniform(0, 90)),
                f"milestone-{milestone.key}",
                milestone=milestone.key,
                name=milestone.name,
                number=number,
                phase=milestone.phase,
            )


def _breaches(dice: random.Random, learners: list[Learner]) -> Iterator[Event]:
    """No rule gives anything for these; certificates look at them."""
    for day in sorted(dice.sample(workdays(STARTS_ON, ENDS_ON), 14)):
        learner = dice.choices(learners, [1.02 - each.diligence for each in learners])[0]
        yield _event(
            "hr",
            "discipline.breach",
            learner,
            moment(day, 17, 0),
            f"breach-{day}",
            what=dice.choice(BREACHES),
        )
