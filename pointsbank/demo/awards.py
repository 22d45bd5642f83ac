"""The flowers that trainers, mentors and elected committees gave in class, each with its reason."""

import random
from datetime import date
from typing import Any

from pointsbank.demo.events import Learner, moment
from pointsbank.demo.people import TEAMS
from pointsbank.demo.programme import AWARDERS, COURSES, PROGRAMME, Awarder, Course, workdays

DAYS_BETWEEN = 5  # about one award a week of each awarder in each course
TEAM_AWARD_CHANCE = 0.08

REASONS = {
    "trainer": (
        "课堂发言精彩，举一反三",
        "案例分析条理清晰",
        "主动帮助同学理解难点",
        "课后作业质量突出",
        "情景演练投入、表达得体",
    ),
    "mentor": (
        "独立处理疑难来电",
        "安抚情绪到位，客户致谢",
        "工单记录规范，可作范例",
        "跟线学习认真，进步明显",
        "主动复盘并分享经验",
    ),
    "committee": (
        "热心班级事务",
        "按时完成值日，带动同组",
        "活动策划有创意",
        "主动补位，团结互助",
        "学习笔记共享给全班",
    ),
}
TEAM_REASONS = ("小组PK获胜", "小组协作展示最佳", "全组零缺勤满一周")

Award = dict[str, Any]


def awards(dice: random.Random, learners: list[Learner]) -> list[Award]:
    """All awards in the order in which they were given; no awarder gives more than the allowance."""
    courses = {course.key: course for course in COURSES}
    given = [
        award
        for awarder in AWARDERS
        for course, allowance in awarder.allowances.items()
        for award in _of(dice, learners, awarder, courses[course], allowance)
    ]
    return sorted(given, key=lambda award: (award["time"], award["awarder"]))


def _of(dice: random.Random, learners: list[Learner], awarder: Awarder, course: Course, allowance: int) -> list[Award]:
    others = [learner for learner in learners if learner.key != awarder.learner]  # nobody praises oneself
    weights = [max(1.0, 10 + learner.ability) for learner in others]
    given: list[Award] = []
    left = allowance
    for day in workdays(course.opens_on, course.closes_on):
        if dice.random() >= 1 / DAYS_BETWEEN:
            continue
        if dice.random() < TEAM_AWARD_CHANCE:
            team = dice.choice(TEAMS)
            receiver, amount, cost = {"team": team.key}, 1, len(team.members)
            reason = dice.choice(TEAM_REASONS)
        else:
            amount = cost = dice.choice((1, 1, 1, 2, 2, 3))
            receiver = {"learner": dice.choices(others, weights)[0].key}
            reason = dice.choice(REASONS[awarder.role])
        if cost > left:
            break
        left -= cost
        given.append(_award(dice, day, awarder, course, amount, reason, receiver))
    return given


def _award(
    dice: random.Random,
    day: date,
    awarder: Awarder,
    course: Course,
    amount: int,
    reason: str,
    receiver: dict[str, str],
) -> Award:
    return {
        "awarder": awarder.key,
        **receiver,
        "programme": PROGRAMME,
        "course": course.key,
        "unit": "flowers",
        "amount": amount,
        "reason": reason,
        "time": moment(day, 9, dice.uniform(30, 500)).isoformat(),
    }
